//! `cargo +nightly fuzz run --fuzz-dir tools/fuzz --features libfuzzer message`
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hust_fuzz::message(data));

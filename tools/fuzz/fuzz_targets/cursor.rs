//! `cargo +nightly fuzz run --fuzz-dir tools/fuzz --features libfuzzer cursor`
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hust_fuzz::cursor(data));

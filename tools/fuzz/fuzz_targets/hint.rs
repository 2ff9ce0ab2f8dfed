//! `cargo +nightly fuzz run --fuzz-dir tools/fuzz --features libfuzzer hint`
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hust_fuzz::hint(data));

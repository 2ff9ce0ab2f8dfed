//! Fuzz targets: each is one function that takes bytes from outside and must not panic, hang or answer wrongly.
//!
//! The first byte of an input is its *mode*, the rest the hostile file (a request target has no mode). Mode bit 0 set =
//! the checksums are mended first, so that what lies behind them is reached; clear = they are left as they are, and
//! then whatever is answered must be what the undamaged file says: **an error or the right answer**. Real files made by
//! the engine are the seeds. The same functions are run by libFuzzer (`fuzz_targets/`) and, on any compiler, by the
//! `smoke` program with the mutations of `mutate.rs`.

mod cursor;
mod frame;
mod hint;
mod layout;
mod manifest;
mod message;
mod mutate;
mod random;
mod request;
mod segment;
mod table;
mod world;

pub use cursor::cursor;
pub use frame::frame;
pub use hint::hint;
pub use layout::layout;
pub use manifest::manifest;
pub use message::message;
pub use mutate::mutate;
pub use random::Random;
pub use request::request;
pub use segment::segment;
pub use table::table;

/// Mode bit 0: mend the checksums of the input first.
const MEND: u8 = 1;

/// A fuzz target.
#[derive(Clone, Copy)]
pub struct Target {
    /// Its name, also of the libFuzzer program.
    pub name: &'static str,
    /// What is fuzzed.
    pub run: fn(&[u8]),
    /// Real inputs to begin with.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

/// All targets.
pub const TARGETS: [Target; 9] = [
    Target { name: "segment", run: segment::segment, seeds: segment::seeds },
    Target { name: "table", run: table::table, seeds: table::seeds },
    Target { name: "manifest", run: manifest::manifest, seeds: manifest::seeds },
    Target { name: "request", run: request::request, seeds: request::seeds },
    Target { name: "frame", run: frame::frame, seeds: frame::seeds },
    Target { name: "hint", run: hint::hint, seeds: hint::seeds },
    Target { name: "layout", run: layout::layout, seeds: layout::seeds },
    Target { name: "message", run: message::message, seeds: message::seeds },
    Target { name: "cursor", run: cursor::cursor, seeds: cursor::seeds },
];

/// Four bytes at `at` as a number.
fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().copied().map(u32::from_le_bytes)
}

/// Eight bytes at `at` as a number.
fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..)?.first_chunk().copied().map(u64::from_le_bytes)
}

/// Writes a checksum to `at`, if there is room.
fn set_u32(bytes: &mut [u8], at: usize, number: u32) {
    if let Some(place) = bytes.get_mut(at..).and_then(|rest| rest.first_chunk_mut()) {
        *place = number.to_le_bytes();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_seed_passes_every_target_in_every_mode() {
        for target in TARGETS {
            let seeds = (target.seeds)();
            assert!(!seeds.is_empty());
            for seed in seeds {
                (target.run)(&seed);
                (target.run)(&seed[..seed.len() / 2]);
            }
            (target.run)(&[]);
        }
    }

    #[test]
    fn a_case_repeats() {
        let seeds = (TARGETS[0].seeds)();
        for case in 0..50 {
            assert_eq!(mutate(&seeds, &mut Random::new(case)), mutate(&seeds, &mut Random::new(case)));
        }
    }
}

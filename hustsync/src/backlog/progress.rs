//! `<segment>.pos`: how far a segment has been replayed.
//!
//! | part | bytes |
//! |---|---|
//! | magic | `HUSTPOS1` |
//! | offset | u64: every hint before it is settled |
//! | damaged | u64: damaged places found before it |
//! | checksum | u32, CRC-32 of the 24 bytes before |
//!
//! It is replaced whole and never synced: one that is lost, old or damaged repeats a part, which changes nothing.

use std::{
    io,
    path::{Path, PathBuf},
};

use crate::disk;

/// What names of these files end with.
pub const SUFFIX: &str = ".pos";

const MAGIC: [u8; 8] = *b"HUSTPOS1";
const BYTES: usize = 28;

/// How far a segment has been replayed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// Every hint before this offset is settled.
    pub at: u64,
    /// Damaged places before it.
    pub damaged: u64,
}

impl Progress {
    /// The progress in a segment; the beginning if none is kept.
    pub fn load(segment: &Path) -> Progress {
        disk::read_small(&path(segment), BYTES).ok().and_then(|bytes| decode(&bytes)).unwrap_or_default()
    }

    /// Keeps it.
    pub fn store(self, segment: &Path) -> io::Result<()> {
        disk::replace(&path(segment), &encode(self))
    }
}

/// The file for a segment.
pub fn path(segment: &Path) -> PathBuf {
    let mut name = segment.as_os_str().to_owned();
    name.push(SUFFIX);
    name.into()
}

fn encode(progress: Progress) -> [u8; BYTES] {
    let mut bytes = [0; BYTES];
    bytes[..8].copy_from_slice(&MAGIC);
    bytes[8..16].copy_from_slice(&progress.at.to_le_bytes());
    bytes[16..24].copy_from_slice(&progress.damaged.to_le_bytes());
    let checksum = crc32fast::hash(&bytes[..24]);
    bytes[24..].copy_from_slice(&checksum.to_le_bytes());
    bytes
}

fn decode(bytes: &[u8]) -> Option<Progress> {
    let bytes: &[u8; BYTES] = bytes.try_into().ok()?;
    let (fields, checksum) = bytes.split_last_chunk::<4>()?;
    if !fields.starts_with(&MAGIC) || crc32fast::hash(fields) != u32::from_le_bytes(*checksum) {
        return None;
    }
    let number = |at: usize| fields.get(at..)?.first_chunk().map(|bytes| u64::from_le_bytes(*bytes));
    Some(Progress { at: number(8)?, damaged: number(16)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes_and_nothing_else() {
        let progress = Progress { at: 1 << 40, damaged: 3 };
        let bytes = encode(progress);
        assert_eq!(decode(&bytes), Some(progress));
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes;
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(decode(&flipped), None, "bit {bit}");
        }
        for cut in 0..bytes.len() {
            assert_eq!(decode(&bytes[..cut]), None);
        }
        assert_eq!(decode(&[&bytes[..], b"x"].concat()), None);
    }

    #[test]
    fn what_is_not_there_is_the_beginning() {
        let folder = tempfile::tempdir().unwrap();
        let segment = folder.path().join("1.hint");
        assert_eq!(Progress::load(&segment), Progress::default());
        let progress = Progress { at: 99, damaged: 0 };
        progress.store(&segment).unwrap();
        assert_eq!(Progress::load(&segment), progress);
    }
}

//! Checksums of any piece of some bytes without reading it all: of what lies before its ends, from marks that one pass
//! over the bytes has left. So a search among many frames that overlap costs the same for each, however long they are.

use std::ops::Range;

use crc32fast::Hasher;

/// Bytes between two marks: at most so many are read for an end.
const MARK_BYTES: usize = 4096;

/// The checksums of what lies before each mark.
#[derive(Debug, Clone)]
pub struct Sums(Vec<u32>);

impl Sums {
    /// The marks of some bytes.
    pub fn new(bytes: &[u8]) -> Sums {
        let mut hasher = Hasher::new();
        let mut marks = vec![0];
        for part in bytes.chunks(MARK_BYTES) {
            hasher.update(part);
            marks.push(hasher.clone().finalize());
        }
        Sums(marks)
    }

    /// Whether a piece of these bytes, the same as before, has this checksum.
    pub fn fits(&self, bytes: &[u8], piece: Range<usize>, checksum: u32) -> bool {
        let (Some(start), Some(end)) = (self.before(bytes, piece.start), self.before(bytes, piece.end))
        else {
            return false;
        };
        let mut sum = Hasher::new_with_initial_len(start, piece.start as u64);
        sum.combine(&Hasher::new_with_initial_len(checksum, piece.len() as u64));
        sum.finalize() == end
    }

    /// The checksum of what lies before an offset.
    fn before(&self, bytes: &[u8], at: usize) -> Option<u32> {
        let mark = at / MARK_BYTES;
        let mut hasher = Hasher::new_with_initial(*self.0.get(mark)?);
        hasher.update(bytes.get(mark * MARK_BYTES..at)?);
        Some(hasher.finalize())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_of_every_kind() {
        let bytes: Vec<u8> = (0..3 * MARK_BYTES as u64 + 100).map(|at| (at * at / 7) as u8).collect();
        let sums = Sums::new(&bytes);
        let edges = [0, 1, 100, MARK_BYTES - 1, MARK_BYTES, MARK_BYTES + 1, 2 * MARK_BYTES, bytes.len()];
        for start in edges {
            for end in edges.into_iter().filter(|end| *end >= start) {
                let right = crc32fast::hash(&bytes[start..end]);
                assert!(sums.fits(&bytes, start..end, right), "{start}..{end}");
                assert!(start == end || !sums.fits(&bytes, start..end, right ^ 1), "{start}..{end}");
            }
        }
        assert!(!sums.fits(&bytes, 0..bytes.len() + 1, 0));
    }
}

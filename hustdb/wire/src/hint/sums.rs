//! Checksums of any piece of some bytes without reading it all: of what lies before its ends, from marks that one pass
//! over the bytes has left. So a search among many frames that overlap costs the same for each, however long they are.
//!
//! The bytes themselves stay where they are, in memory or in a file: who has them reads the few between a mark and an
//! end. Marks lie further apart the more bytes there are, so they take a bounded part of memory.

use std::{io, ops::Range};

use crc32fast::Hasher;

/// Bytes between two marks at least: about so many are read for an end.
const SPACING_BYTES: u64 = 1024;
/// Most marks.
const MARKS_MAX: u64 = 1 << 20;

/// The checksums of what lies before each mark.
#[derive(Debug, Clone)]
pub struct Sums {
    spacing_bytes: u64,
    marks: Vec<u32>,
    hasher: Hasher,
    seen_bytes: u64,
}

impl Sums {
    /// For so many bytes, which are still to come.
    pub fn new(length_bytes: u64) -> Sums {
        let spacing_bytes = SPACING_BYTES.max(length_bytes.div_ceil(MARKS_MAX));
        Sums { spacing_bytes, marks: vec![0], hasher: Hasher::new(), seen_bytes: 0 }
    }

    /// Takes in the bytes that come next.
    pub fn push(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let left = self.spacing_bytes - self.seen_bytes % self.spacing_bytes;
            let (now, rest) = bytes.split_at(bytes.len().min(usize::try_from(left).unwrap_or(usize::MAX)));
            self.hasher.update(now);
            self.seen_bytes += now.len() as u64;
            if now.len() as u64 == left {
                self.marks.push(self.hasher.clone().finalize());
            }
            bytes = rest;
        }
    }

    /// Whether a piece of these bytes has this checksum. `read` puts some of them, few, through a hasher.
    pub fn fits(
        &self,
        piece: Range<u64>,
        checksum: u32,
        mut read: impl FnMut(Range<u64>, &mut Hasher) -> io::Result<()>,
    ) -> io::Result<bool> {
        let mut before = |at: u64| {
            let number = usize::try_from(at / self.spacing_bytes).ok();
            let Some(mark) = number.and_then(|number| self.marks.get(number)) else { return Ok(0) };
            let mut hasher = Hasher::new_with_initial(*mark);
            read(at - at % self.spacing_bytes..at, &mut hasher)?;
            Ok::<u32, io::Error>(hasher.finalize())
        };
        if piece.start > piece.end || piece.end > self.seen_bytes {
            return Ok(false);
        }
        let (start, end) = (before(piece.start)?, before(piece.end)?);
        let mut sum = Hasher::new_with_initial_len(start, piece.start);
        sum.combine(&Hasher::new_with_initial_len(checksum, piece.end - piece.start));
        Ok(sum.finalize() == end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_of_every_kind() {
        let bytes: Vec<u8> = (0..3 * SPACING_BYTES + 100).map(|at| (at * at / 7) as u8).collect();
        // All at once, in pieces, and with marks further apart.
        for (length_bytes, part_bytes) in [(0, usize::MAX), (0, 100), (MARKS_MAX * 1500, 700)] {
            let mut sums = Sums::new(length_bytes);
            bytes.chunks(part_bytes.min(bytes.len())).for_each(|part| sums.push(part));
            let mut most = 0;
            let mut fits = |piece: Range<usize>, checksum| {
                let piece = piece.start as u64..piece.end as u64;
                let read = |range: Range<u64>, hasher: &mut Hasher| {
                    most = most.max(range.end - range.start);
                    hasher.update(&bytes[range.start as usize..range.end as usize]);
                    Ok(())
                };
                sums.fits(piece, checksum, read).unwrap()
            };
            let edges = [0, 1, 100, 1023, 1024, 1025, 1500, 2048, bytes.len()];
            for start in edges {
                for end in edges.into_iter().filter(|end| *end >= start) {
                    let right = crc32fast::hash(&bytes[start..end]);
                    assert!(fits(start..end, right), "{start}..{end}");
                    assert!(start == end || !fits(start..end, right ^ 1), "{start}..{end}");
                }
            }
            assert!(!fits(0..bytes.len() + 1, 0), "beyond the end");
            assert!(most < 1500, "{most} bytes read for an end");
        }
        assert!(Sums::new(u64::MAX).spacing_bytes > 1 << 40, "memory does not follow the length");
    }
}

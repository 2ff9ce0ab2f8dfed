//! What is in a segment, hint by hint, and where it is damaged.
//!
//! After bytes that are no frame, reading goes on at the next frame whose checksum fits. If there is none, what is left
//! is [`Found::Torn`]: the end of a write that was cut off, or of a segment that is still being written.
//!
//! A value may be full of what looks like the heads of long frames. From the first damage on, checksums are therefore
//! told from marks (`sums.rs`) and not by reading each of those frames, and bytes that somebody has put a fitting
//! checksum before are not searched again if they are no hint. So a scan takes time in proportion to the segment.

use std::{io::ErrorKind, ops::Range};

use crc32fast::Hasher;

use super::{
    format::{FRAME_HEADER_BYTES, FRAME_MAGIC, HEADER_BYTES, Header, Hint, HintError, envelope, open},
    sums::Sums,
};

/// A piece of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found<'a> {
    /// A whole hint.
    Hint {
        /// The offset of the byte after it: where to go on when it is done.
        end: usize,
        /// The hint.
        hint: Hint<'a>,
    },
    /// Bytes that are no frame, with a whole one after them.
    Damage {
        /// The offset of the first of them.
        start: usize,
        /// The offset of the frame after them.
        end: usize,
    },
    /// From here on there is no whole frame.
    Torn {
        /// The offset of the first byte that belongs to none.
        start: usize,
    },
}

/// Reads a segment.
#[derive(Debug, Clone)]
pub struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
    payload_max_bytes: usize,
    /// Made at the first damage.
    sums: Option<Sums>,
}

/// What lies at an offset.
enum At<'a> {
    /// A hint, up to this offset.
    Hint(Hint<'a>, usize),
    /// A frame that is whole up to this offset, and no hint.
    Illegal(usize),
    /// No whole frame.
    Nothing,
}

impl<'a> Scan<'a> {
    /// A scan of a whole segment, and its header.
    pub fn new(bytes: &'a [u8], payload_max_bytes: usize) -> Result<(Header, Scan<'a>), HintError> {
        let header = Header::decode(bytes)?;
        Ok((header, Scan::from(bytes, HEADER_BYTES, payload_max_bytes)))
    }

    /// A scan of a segment from an offset that an earlier scan gave.
    pub fn from(bytes: &'a [u8], at: usize, payload_max_bytes: usize) -> Scan<'a> {
        Scan {
            bytes,
            at: at.clamp(HEADER_BYTES.min(bytes.len()), bytes.len()),
            payload_max_bytes,
            sums: None,
        }
    }

    fn look(&self, at: usize) -> At<'a> {
        let rest = self.bytes.get(at..).unwrap_or_default();
        let Ok((payload, checksum)) = envelope(rest, self.payload_max_bytes) else { return At::Nothing };
        let start = at + FRAME_HEADER_BYTES;
        let end = start + payload.len();
        let fits = match &self.sums {
            Some(sums) => self.sums_fit(sums, start..end, checksum),
            None => crc32fast::hash(payload) == checksum,
        };
        if !fits {
            return At::Nothing;
        }
        match open(payload) {
            Ok(hint) => At::Hint(hint, end),
            Err(_) => At::Illegal(end),
        }
    }

    fn sums_fit(&self, sums: &Sums, piece: Range<usize>, checksum: u32) -> bool {
        let read = |range: Range<u64>, hasher: &mut Hasher| {
            let place = usize::try_from(range.start).ok().zip(usize::try_from(range.end).ok());
            let part = place.and_then(|(start, end)| self.bytes.get(start..end));
            hasher.update(part.ok_or(ErrorKind::UnexpectedEof)?);
            Ok(())
        };
        // Bytes in memory are always there.
        sums.fits(piece.start as u64..piece.end as u64, checksum, read).unwrap_or(false)
    }

    /// The next offset, `at` or later, at which a hint begins.
    fn resume(&self, mut at: usize) -> Option<usize> {
        loop {
            let rest = self.bytes.get(at..)?;
            at += rest.windows(FRAME_MAGIC.len()).position(|bytes| bytes == FRAME_MAGIC)?;
            match self.look(at) {
                At::Hint(..) => return Some(at),
                At::Illegal(end) => at = end,
                At::Nothing => at += 1,
            }
        }
    }
}

impl<'a> Iterator for Scan<'a> {
    type Item = Found<'a>;

    fn next(&mut self) -> Option<Found<'a>> {
        let start = self.at;
        if start >= self.bytes.len() {
            return None;
        }
        let next = match self.look(start) {
            At::Hint(hint, end) => {
                self.at = end;
                return Some(Found::Hint { end, hint });
            }
            At::Illegal(end) => end,
            At::Nothing => start + 1,
        };
        self.sums.get_or_insert_with(|| {
            let mut sums = Sums::new(self.bytes.len() as u64);
            sums.push(self.bytes);
            sums
        });
        match self.resume(next) {
            Some(end) => {
                self.at = end;
                Some(Found::Damage { start, end })
            }
            None => {
                self.at = self.bytes.len();
                Some(Found::Torn { start })
            }
        }
    }
}

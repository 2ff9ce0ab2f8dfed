//! What is in a segment, hint by hint, and where it is damaged.
//!
//! After bytes that are no frame, reading goes on at the next frame whose checksum fits. If there is none, what is left
//! is [`Found::Torn`]: the end of a write that was cut off, or of a segment that is still being written.

use super::format::{FRAME_MAGIC, HEADER_BYTES, Header, Hint, HintError, decode};

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
}

impl<'a> Scan<'a> {
    /// A scan of a whole segment, and its header.
    pub fn new(bytes: &'a [u8], payload_max_bytes: usize) -> Result<(Header, Scan<'a>), HintError> {
        let header = Header::decode(bytes)?;
        Ok((header, Scan::from(bytes, HEADER_BYTES, payload_max_bytes)))
    }

    /// A scan of a segment from an offset that an earlier scan gave.
    pub fn from(bytes: &'a [u8], at: usize, payload_max_bytes: usize) -> Scan<'a> {
        Scan { bytes, at: at.clamp(HEADER_BYTES.min(bytes.len()), bytes.len()), payload_max_bytes }
    }

    /// The next offset at which a whole frame begins.
    fn resume(&self) -> Option<usize> {
        let mut at = self.at + 1;
        loop {
            let rest = self.bytes.get(at..)?;
            at += rest.windows(FRAME_MAGIC.len()).position(|bytes| bytes == FRAME_MAGIC)?;
            if decode(self.bytes.get(at..)?, self.payload_max_bytes).is_ok() {
                return Some(at);
            }
            at += 1;
        }
    }
}

impl<'a> Iterator for Scan<'a> {
    type Item = Found<'a>;

    fn next(&mut self) -> Option<Found<'a>> {
        let start = self.at;
        let rest = self.bytes.get(start..).filter(|rest| !rest.is_empty())?;
        if let Ok((hint, length)) = decode(rest, self.payload_max_bytes) {
            self.at += length;
            return Some(Found::Hint { end: self.at, hint });
        }
        match self.resume() {
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

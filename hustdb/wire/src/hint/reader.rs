//! Reads a segment piece by piece through a window, so that memory does not follow the size of the file.
//!
//! The window holds one frame and a little more: at most the longest legal frame. After bytes that are no frame,
//! reading goes on at the next frame whose checksum fits. Where there is none to the end, what is left is either torn
//! (a write that was cut off, or zeros that a power loss left) or, if it looks like a frame that was whole once,
//! damage; of a segment that is still being written it is torn, and will be whole.
//!
//! A value may be full of what looks like long frames. So from the first damage on checksums are told from marks that
//! one pass over the rest has left, and bytes with a fitting checksum that are no hint are not searched again: a segment
//! is read in time in proportion to its length, whatever is in it.

use std::{io, ops::Range};

use super::{
    format::{self, FRAME_HEADER_BYTES, FRAME_MAGIC, HintError, NOTED_BYTES},
    source::{CHUNK_BYTES, Source, is_zero, read_all},
    sums::Sums,
};
use crate::frame;

/// Where the merge frame in a frame begins.
const INNER: usize = FRAME_HEADER_BYTES + NOTED_BYTES;
/// Bytes of a frame up to the length of the merge frame in it.
const PLAUSIBLE_BYTES: usize = INNER + 12;

/// A piece of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece {
    /// A whole hint, which [`Reader::frame`] now has.
    Hint {
        /// The offset after it: where to go on when it is done.
        end: u64,
        /// When it was noted, unix ms.
        noted_ms: u64,
    },
    /// Bytes that are no hint.
    Damage {
        /// The offset after them: of a hint, or the end.
        end: u64,
    },
    /// From here to the end there is no whole frame, which is no damage.
    Torn {
        /// The offset of the first byte that belongs to none.
        start: u64,
    },
    /// The end.
    End,
}

/// Whether a segment may still grow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Growth {
    /// Its writer has it open.
    Open,
    /// Nobody writes it any more.
    Closed,
}

/// Reads a segment from some offset to some end.
#[derive(Debug)]
pub struct Reader<S> {
    source: S,
    growth: Growth,
    payload_max_bytes: usize,
    /// The offset of the first byte in the window.
    base: u64,
    window: Vec<u8>,
    /// What of the window has been read.
    done: usize,
    end: u64,
    /// The merge frame of the last hint, in the window.
    frame: Range<usize>,
    /// Of the bytes from this offset to the end. Made at the first damage.
    sums: Option<(u64, Sums)>,
}

impl<S: Source> Reader<S> {
    /// A reader of the bytes `from..end`.
    pub fn new(source: S, from: u64, end: u64, growth: Growth, payload_max_bytes: usize) -> Reader<S> {
        let from = from.min(end);
        Reader {
            source,
            growth,
            payload_max_bytes,
            base: from,
            window: Vec::new(),
            done: 0,
            end,
            frame: 0..0,
            sums: None,
        }
    }

    /// The merge frame of the hint that was read last.
    pub fn frame(&self) -> &[u8] {
        self.window.get(self.frame.clone()).unwrap_or_default()
    }

    /// Reads the next piece.
    pub fn read(&mut self) -> io::Result<Piece> {
        let start = self.at();
        if start >= self.end {
            return Ok(Piece::End);
        }
        let wrong = match self.here()? {
            Ok(noted_ms) => return Ok(Piece::Hint { end: self.at(), noted_ms }),
            Err(wrong) => wrong,
        };
        if wrong == HintError::CutOff && self.growth == Growth::Open {
            return Ok(Piece::Torn { start });
        }
        let zeros = is_zero(&self.source, start..self.end)?;
        if !zeros {
            self.sum_up(start)?;
            self.pass(&wrong);
            if self.find_frame()? {
                return Ok(Piece::Damage { end: self.at() });
            }
        }
        self.move_to(self.end);
        if zeros || wrong == HintError::CutOff || self.growth == Growth::Open {
            return Ok(Piece::Torn { start });
        }
        Ok(Piece::Damage { end: self.end })
    }

    fn at(&self) -> u64 {
        self.base + self.done as u64
    }

    /// Goes to an offset that is not before the present one.
    fn move_to(&mut self, offset: u64) {
        let forward = offset.saturating_sub(self.at());
        match usize::try_from(forward).ok().filter(|forward| self.done + forward <= self.window.len()) {
            Some(forward) => self.done += forward,
            None => {
                self.window.clear();
                (self.base, self.done) = (offset, 0);
            }
        }
        self.frame = 0..0;
    }

    /// Whether the window has so many bytes from the present offset on, after reading what is missing.
    fn want(&mut self, bytes: usize) -> io::Result<bool> {
        while self.window.len() - self.done < bytes {
            self.window.drain(..self.done);
            self.base += self.done as u64;
            self.done = 0;
            let filled = self.window.len();
            let left = self.end.saturating_sub(self.base + filled as u64);
            let room = (bytes.saturating_sub(filled)).max(CHUNK_BYTES);
            let room = usize::try_from(left).unwrap_or(usize::MAX).min(room);
            self.window.resize(filled + room, 0);
            let into = self.window.get_mut(filled..).unwrap_or_default();
            let read = if room == 0 { Ok(0) } else { self.source.read_at(into, self.base + filled as u64) };
            self.window.truncate(filled + *read.as_ref().unwrap_or(&0));
            if read? == 0 {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn rest(&self) -> &[u8] {
        self.window.get(self.done..).unwrap_or_default()
    }

    /// Reads the hint at the present offset and goes behind it.
    fn here(&mut self) -> io::Result<Result<u64, HintError>> {
        self.frame = 0..0;
        let has_header = self.want(FRAME_HEADER_BYTES)?;
        if !self.rest().starts_with(&FRAME_MAGIC) {
            let is_cut = FRAME_MAGIC.starts_with(self.rest());
            return Ok(Err(if is_cut { HintError::CutOff } else { HintError::Magic }));
        }
        if !has_header {
            return Ok(Err(HintError::CutOff));
        }
        let length = length(self.rest());
        if !(NOTED_BYTES..=self.payload_max_bytes).contains(&length) {
            return Ok(Err(HintError::Length));
        }
        if self.end - self.at() < (FRAME_HEADER_BYTES + length) as u64 {
            return Ok(Err(HintError::CutOff));
        }
        if !self.may_fit(length)? {
            return Ok(Err(HintError::Checksum));
        }
        if !self.want(FRAME_HEADER_BYTES + length)? {
            return Ok(Err(HintError::CutOff));
        }
        match format::decode(self.rest(), self.payload_max_bytes) {
            Ok((noted_ms, length)) => {
                let start = self.done + FRAME_HEADER_BYTES + NOTED_BYTES;
                self.done += length;
                self.frame = start..self.done;
                Ok(Ok(noted_ms))
            }
            Err(wrong) => Ok(Err(wrong)),
        }
    }

    /// Whether the checksum of the frame at the present offset fits, as far as that can be told without reading it.
    fn may_fit(&self, length: usize) -> io::Result<bool> {
        let Some((origin, sums)) = &self.sums else { return Ok(true) };
        let checksum = self.rest().get(8..).map_or(0, u32_at) as u32;
        let Some(start) = (self.at() + FRAME_HEADER_BYTES as u64).checked_sub(*origin) else {
            return Ok(true);
        };
        sums.fits(start..start + length as u64, checksum, |range, hasher| {
            read_all(&self.source, origin + range.start..origin + range.end, |bytes| hasher.update(bytes))
        })
    }

    /// Reads all from an offset on for checksums, if that has not been done.
    fn sum_up(&mut self, from: u64) -> io::Result<()> {
        if self.sums.is_none() {
            let mut sums = Sums::new(self.end - from);
            read_all(&self.source, from..self.end, |bytes| sums.push(bytes))?;
            self.sums = Some((from, sums));
        }
        Ok(())
    }

    /// Goes behind what is wrong at the present offset: a byte, or a whole frame that is no hint.
    fn pass(&mut self, wrong: &HintError) {
        let bytes = match wrong {
            HintError::Record(_) => FRAME_HEADER_BYTES + length(self.rest()),
            _ => 1,
        };
        self.move_to(self.at() + bytes as u64);
    }

    /// Goes to the next offset at which a hint begins; to the end if there is none.
    fn find_frame(&mut self) -> io::Result<bool> {
        loop {
            if !self.want(FRAME_HEADER_BYTES)? {
                return Ok(false);
            }
            let rest = self.rest();
            match rest.windows(FRAME_MAGIC.len()).position(|bytes| bytes == FRAME_MAGIC) {
                None => self.done += rest.len() - (FRAME_MAGIC.len() - 1),
                Some(forward) => {
                    self.done += forward;
                    let at = self.at();
                    let wrong =
                        if self.is_plausible()? { self.here()?.err() } else { Some(HintError::Length) };
                    match wrong {
                        None => {
                            self.step_back(at);
                            return Ok(true);
                        }
                        Some(wrong) => self.pass(&wrong),
                    }
                }
            }
        }
    }

    /// Whether there is a merge frame in the frame, of the length that the frame says: cheaper than a checksum.
    fn is_plausible(&mut self) -> io::Result<bool> {
        if !self.want(PLAUSIBLE_BYTES)? {
            return Ok(false);
        }
        let inner = self.rest().get(INNER..).unwrap_or_default();
        let inner_bytes = inner.get(8..).map_or(0, u32_at);
        let told = inner_bytes.saturating_add(frame::HEADER_BYTES + NOTED_BYTES);
        Ok(inner.starts_with(&frame::MAGIC) && length(self.rest()) == told)
    }

    /// Back to an offset that is still in the window.
    fn step_back(&mut self, to: u64) {
        self.done = usize::try_from(to.saturating_sub(self.base)).unwrap_or(self.done);
        self.frame = 0..0;
    }
}

fn length(frame: &[u8]) -> usize {
    frame.get(4..).map_or(0, u32_at)
}

fn u32_at(bytes: &[u8]) -> usize {
    bytes.first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes) as usize)
}

#[cfg(test)]
#[path = "reader_tests.rs"]
pub(super) mod tests;

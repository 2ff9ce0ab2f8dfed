//! Reads a segment piece by piece through a window, so that memory does not follow the size of the file.
//!
//! The window holds one frame and a little more: at most the longest legal frame. After bytes that are no frame,
//! reading goes on at the next frame whose checksum fits. Where there is none to the end, what is left is either torn
//! (a write that was cut off, or zeros that a power loss left) or, if it looks like a frame that was whole once,
//! damage; of a segment that is still being written it is torn, and will be whole.

use std::{fs::File, io, os::unix::fs::FileExt};

use hust_wire::hint::{self, FRAME_HEADER_BYTES, FRAME_MAGIC, HEADER_BYTES, Header, HintError, NOTED_BYTES};

/// Read at a time.
const CHUNK_BYTES: usize = 256 << 10;
/// Bytes of a frame before its record: header, time, and the head of a merge frame up to its lengths.
const PLAUSIBLE_BYTES: usize = FRAME_HEADER_BYTES + NOTED_BYTES + 12;

/// Where the bytes of a segment come from.
pub trait Source {
    /// Reads at most `into` at an offset; 0 at the end.
    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<usize>;
}

impl Source for File {
    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<usize> {
        FileExt::read_at(self, into, offset)
    }
}

/// A piece of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece {
    /// A whole hint, which [`Reader::frame`] now has; the offset after it, and when it was noted.
    Hint { end: u64, noted_ms: u64 },
    /// Bytes that are no hint, up to this offset.
    Damage { end: u64 },
    /// From here to the end there is no whole frame, which is no damage.
    Torn { start: u64 },
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
    frame: std::ops::Range<usize>,
}

/// The header of a segment; `None` if it is not all there.
pub fn header(source: &impl Source) -> io::Result<Option<Result<Header, HintError>>> {
    let mut bytes = [0; HEADER_BYTES];
    let mut filled = 0;
    while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match source.read_at(rest, filled as u64)? {
            0 => return Ok(None),
            read => filled += read,
        }
    }
    Ok(Some(Header::decode(&bytes)))
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
        }
    }

    /// The merge frame of the hint that was read last.
    pub fn frame(&self) -> &[u8] {
        self.window.get(self.frame.clone()).unwrap_or_default()
    }

    /// The next piece.
    pub fn next(&mut self) -> io::Result<Piece> {
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
        let zeros = self.is_zero_to_the_end(start)?;
        if !zeros && self.find_frame(start + 1)? {
            return Ok(Piece::Damage { end: self.at() });
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
        if self.end - self.at() < (FRAME_HEADER_BYTES + length) as u64
            || !self.want(FRAME_HEADER_BYTES + length)?
        {
            return Ok(Err(HintError::CutOff));
        }
        match hint::decode(self.rest(), self.payload_max_bytes) {
            Ok((hint, length)) => {
                let noted_ms = hint.noted_ms;
                let start = self.done + FRAME_HEADER_BYTES + NOTED_BYTES;
                self.done += length;
                self.frame = start..self.done;
                Ok(Ok(noted_ms))
            }
            Err(wrong) => Ok(Err(wrong)),
        }
    }

    /// Goes to the next offset, `from` or later, at which a whole frame begins; to the end if there is none.
    fn find_frame(&mut self, from: u64) -> io::Result<bool> {
        self.move_to(from);
        loop {
            if !self.want(FRAME_HEADER_BYTES)? {
                return Ok(false);
            }
            let rest = self.rest();
            match rest.windows(FRAME_MAGIC.len()).position(|bytes| bytes == FRAME_MAGIC) {
                None => {
                    let forward = rest.len() - (FRAME_MAGIC.len() - 1);
                    self.done += forward;
                }
                Some(forward) => {
                    self.done += forward;
                    let at = self.at();
                    if self.is_plausible()? && self.here()?.is_ok() {
                        self.step_back(at);
                        return Ok(true);
                    }
                    self.done += 1;
                }
            }
        }
    }

    /// Whether the lengths of the frame and of the record in it agree: cheaper than a checksum.
    fn is_plausible(&mut self) -> io::Result<bool> {
        if !self.want(PLAUSIBLE_BYTES)? {
            return Ok(false);
        }
        let rest = self.rest();
        let inner = rest.get(FRAME_HEADER_BYTES + NOTED_BYTES + 8..).map_or(0, u32_at);
        let inner = inner.saturating_add(hust_wire::frame::HEADER_BYTES + NOTED_BYTES);
        Ok(length(rest) == inner)
    }

    /// Back to an offset that is still in the window.
    fn step_back(&mut self, to: u64) {
        self.done = usize::try_from(to.saturating_sub(self.base)).unwrap_or(self.done);
        self.frame = 0..0;
    }

    fn is_zero_to_the_end(&self, from: u64) -> io::Result<bool> {
        let mut chunk = vec![0; CHUNK_BYTES];
        let mut at = from;
        while at < self.end {
            let room = usize::try_from(self.end - at).unwrap_or(CHUNK_BYTES).min(CHUNK_BYTES);
            let into = chunk.get_mut(..room).unwrap_or_default();
            let read = self.source.read_at(into, at)?;
            if into.iter().take(read).any(|byte| *byte != 0) {
                return Ok(false);
            }
            if read == 0 {
                break;
            }
            at += read as u64;
        }
        Ok(true)
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
mod tests;

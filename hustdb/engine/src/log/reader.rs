//! A segment file read from front to back through a bounded window, for recovery and collection.

use std::{path::PathBuf, sync::Arc};

use super::{
    body::Body,
    header::SEGMENT_HEADER_BYTES,
    position::position,
    record::{COLD_HEADER_BYTES, COLD_MAGIC, ColdHeader, RECORD_HEADER_BYTES, RECORD_MAGIC, RecordHeader},
};
use crate::{Error, Result, vfs::VfsFile};

/// Bytes read at once.
const WINDOW_BYTES: usize = 256 << 10;
/// A piece is no shorter than this unless the segment ends, bytes.
const PIECE_BYTES: u64 = 4 << 10;

/// Reads one segment.
pub struct SegmentReader {
    file: Arc<dyn VfsFile>,
    path: PathBuf,
    segment: u32,
    salt: u64,
    len: u64,
    window: Vec<u8>,
    window_start: u64,
}

/// A header that was found, with its offset.
pub type At<T> = (u64, T);

impl SegmentReader {
    /// Reads the first `len` bytes of `file`, which is segment `segment` of the log with this salt.
    pub fn new(
        (file, path): (Arc<dyn VfsFile>, PathBuf),
        (segment, salt): (u32, u64),
        len: u64,
    ) -> SegmentReader {
        SegmentReader { file, path, segment, salt, len, window: Vec::new(), window_start: 0 }
    }

    /// `len` bytes at `offset`; `None` if there are fewer.
    pub fn get(&mut self, offset: u64, len: usize) -> Result<Option<&[u8]>> {
        let end = offset.saturating_add(len as u64);
        if end > self.len {
            return Ok(None);
        }
        let held = self.window_start..=self.window_start + self.window.len() as u64;
        if !held.contains(&offset) || !held.contains(&end) {
            self.fill(offset, len)?;
        }
        let start = (offset - self.window_start) as usize;
        Ok(self.window.get(start..start + len))
    }

    fn fill(&mut self, offset: u64, len: usize) -> Result<()> {
        // At most the length of the file, whatever a header says.
        let want = (len.max(WINDOW_BYTES) as u64).min(self.len - offset) as usize;
        self.window.clear();
        self.window.resize(want, 0);
        self.window_start = offset;
        let read = self.file.read_at(&mut self.window, offset);
        let read = read.map_err(|cause| Error::io(format!("read {}", self.path.display()), cause))?;
        self.window.truncate(read);
        Ok(())
    }

    /// What the window holds from `offset` on, newly filled if that is little; empty at the end.
    fn piece(&mut self, offset: u64) -> Result<&[u8]> {
        let left = self.len.saturating_sub(offset);
        let start = offset.checked_sub(self.window_start).unwrap_or(u64::MAX);
        let held = (self.window.len() as u64).saturating_sub(start);
        let len = if held >= left.min(PIECE_BYTES) { held } else { left.min(WINDOW_BYTES as u64) };
        Ok(self.get(offset, len as usize)?.unwrap_or_default())
    }

    /// The record at `offset` and its body, if there is a whole one; its large values are not looked at.
    pub fn record(&mut self, offset: u64) -> Result<Option<(RecordHeader, &[u8])>> {
        let at = position(self.segment, offset as u32);
        let Some(header) = self.record_header(offset)? else { return Ok(None) };
        if offset + header.record_bytes() > self.len {
            return Ok(None);
        }
        let body = self.get(offset + RECORD_HEADER_BYTES as u64, header.body_len as usize)?;
        Ok(body.filter(|body| Body::new(&header, at, body).is_some()).map(|body| (header, body)))
    }

    fn record_header(&mut self, offset: u64) -> Result<Option<RecordHeader>> {
        let (at, salt) = (position(self.segment, offset as u32), self.salt);
        let bytes = self.get(offset, RECORD_HEADER_BYTES)?;
        Ok(bytes.and_then(|bytes| RecordHeader::decode(bytes, salt, at)))
    }

    /// The header of the cold value at `offset`, if there is one and the value is not cut off.
    pub fn cold_header(&mut self, offset: u64) -> Result<Option<ColdHeader>> {
        let (at, salt) = (position(self.segment, offset as u32), self.salt);
        let bytes = self.get(offset, COLD_HEADER_BYTES)?;
        let header = bytes.and_then(|bytes| ColdHeader::decode(bytes, salt, at));
        Ok(header.filter(|header| offset + COLD_HEADER_BYTES as u64 + u64::from(header.len) <= self.len))
    }

    /// The first header of a record at `from` or later.
    pub fn find_record(&mut self, from: u64) -> Result<Option<At<RecordHeader>>> {
        self.find(from, RECORD_MAGIC, SegmentReader::record_header)
    }

    /// The first header of a cold value at `from` or later.
    pub fn find_cold(&mut self, from: u64) -> Result<Option<At<ColdHeader>>> {
        self.find(from, COLD_MAGIC, SegmentReader::cold_header)
    }

    fn find<T>(
        &mut self,
        from: u64,
        magic: u32,
        mut decode: impl FnMut(&mut SegmentReader, u64) -> Result<Option<T>>,
    ) -> Result<Option<At<T>>> {
        let magic = magic.to_le_bytes();
        let mut offset = from.max(u64::from(SEGMENT_HEADER_BYTES));
        loop {
            let piece = self.piece(offset)?;
            if piece.len() < magic.len() {
                return Ok(None);
            }
            let Some(hit) = piece.windows(magic.len()).position(|bytes| bytes == magic) else {
                offset += (piece.len() - magic.len() + 1) as u64;
                continue;
            };
            offset += hit as u64;
            if let Some(found) = decode(self, offset)? {
                return Ok(Some((offset, found)));
            }
            offset += 1;
        }
    }

    /// Whether there are only zeros from `offset` to the end.
    pub fn is_blank(&mut self, mut offset: u64) -> Result<bool> {
        loop {
            let piece = self.piece(offset)?;
            if piece.is_empty() {
                return Ok(true);
            }
            if piece.iter().any(|byte| *byte != 0) {
                return Ok(false);
            }
            offset += piece.len() as u64;
        }
    }

    /// The CRC of `len` bytes at `offset`; `None` if there are fewer.
    pub fn crc(&mut self, mut offset: u64, len: u32) -> Result<Option<u32>> {
        let end = offset + u64::from(len);
        let mut hasher = crc32fast::Hasher::new();
        while offset < end {
            let step = (end - offset).min(WINDOW_BYTES as u64) as usize;
            let Some(bytes) = self.get(offset, step)? else { return Ok(None) };
            hasher.update(bytes);
            offset += step as u64;
        }
        Ok(Some(hasher.finalize()))
    }
}

//! The large values in a segment, for collection and repair.
//!
//! Damage does not end a scan: it is reported once, and the scan goes on at the next header that is whole. The caller
//! forgets a segment only when its accounts say that nothing in it is live, not because a scan came to an end.

use std::{collections::VecDeque, sync::Arc};

use super::{
    body::Body,
    header::{SEGMENT_HEADER_BYTES, SegmentKind},
    position::position,
    reader::SegmentReader,
    record::COLD_HEADER_BYTES,
    segment::Segment,
};
use crate::{Error, Key, Pointer, Result, Value, vfs::VfsFile};

/// Iterates over the keys and pointers of the values in a segment, in the order in which they lie.
pub struct ValueScan {
    segment: Arc<Segment>,
    reader: SegmentReader,
    offset: u64,
    len: u64,
    ready: VecDeque<(Key, Pointer)>,
}

impl ValueScan {
    /// Scans what is in the file now.
    pub(super) fn new(segment: Arc<Segment>, file: Arc<dyn VfsFile>) -> ValueScan {
        let len = segment.written_bytes();
        let file = (file, segment.path.clone());
        let reader = SegmentReader::new(file, (segment.id, segment.salt), len);
        ValueScan { segment, reader, offset: u64::from(SEGMENT_HEADER_BYTES), len, ready: VecDeque::new() }
    }

    fn step(&mut self) -> Result<()> {
        match self.segment.kind {
            SegmentKind::Hot => self.hot_step(),
            SegmentKind::Cold => self.cold_step(),
        }
    }

    fn hot_step(&mut self) -> Result<()> {
        let start = position(self.segment.id, self.offset as u32);
        let Some((header, body)) = self.reader.record(self.offset)? else {
            let next = self.reader.find_record(self.offset + 1)?.map(|(offset, _)| offset);
            return self.skip_to(next);
        };
        let mut tallies = Vec::new();
        let mut entries = Body::new(&header, start, body);
        while let Some(entry) = entries.as_mut().and_then(|entries| entries.next(&mut tallies).ok().flatten())
        {
            if let Value::Stored(pointer) = entry.value
                && pointer.segment == self.segment.id
            {
                self.ready.push_back((entry.key, pointer));
            }
        }
        self.offset += header.record_bytes();
        Ok(())
    }

    fn cold_step(&mut self) -> Result<()> {
        let Some(header) = self.reader.cold_header(self.offset)? else {
            let next = self.reader.find_cold(self.offset + 1)?.map(|(offset, _)| offset);
            if next.is_none() {
                // What a crash left unsynced; no row points there.
                self.offset = self.len;
                return Ok(());
            }
            return self.skip_to(next);
        };
        let offset = self.offset + COLD_HEADER_BYTES as u64;
        let (segment, offset_u32) = (self.segment.id, offset as u32);
        let (len, raw_len, crc) = (header.len, header.raw_len, header.crc);
        self.ready.push_back((header.key, Pointer { segment, offset: offset_u32, len, raw_len, crc }));
        self.offset = offset + u64::from(len);
        Ok(())
    }

    /// Goes on at `next`, or ends; reports what is skipped unless it is the blank end of the segment.
    fn skip_to(&mut self, next: Option<u64>) -> Result<()> {
        let from = std::mem::replace(&mut self.offset, next.unwrap_or(self.len));
        if next.is_none() && self.reader.is_blank(from)? {
            return Ok(());
        }
        let what = format!("{} bytes are no records", self.offset - from);
        Err(Error::damaged(&self.segment.path, from, what))
    }
}

impl Iterator for ValueScan {
    type Item = Result<(Key, Pointer)>;

    fn next(&mut self) -> Option<Result<(Key, Pointer)>> {
        loop {
            if let Some(found) = self.ready.pop_front() {
                return Some(Ok(found));
            }
            if self.offset >= self.len {
                return None;
            }
            if let Err(error) = self.step() {
                if matches!(error, Error::Io { .. }) {
                    self.offset = self.len;
                }
                return Some(Err(error));
            }
        }
    }
}

//! Writing cold segments: values that collection moves out of segments in which most is dead.
//!
//! A moved value is durable before the row that points to it is appended: append values, [`ColdWriter::sync`], then
//! append `Stored` entries to the log. What a crash cuts off was never pointed to.

use std::sync::Arc;

use super::{
    core::Core,
    header::{SEGMENT_HEADER_BYTES, SegmentKind},
    position::position,
    record::{COLD_HEADER_BYTES, ColdHeader, MAX_VALUE_BYTES},
    segment::Segment,
};
use crate::{Error, Key, Pointer, Result};

/// Values are written in pieces of about this size, bytes.
const BUFFER_BYTES: usize = 1 << 20;

/// Appends values to cold segments of its own, one after the other.
#[derive(Debug)]
pub struct ColdWriter {
    core: Arc<Core>,
    current: Option<Open>,
    failed: bool,
}

#[derive(Debug)]
struct Open {
    segment: Arc<Segment>,
    reserved: u64,
    /// Offset of the first byte of the buffer.
    start: u64,
    buffer: Vec<u8>,
    values: Vec<(u32, u32)>,
}

impl Open {
    fn end(&self) -> u64 {
        self.start + self.buffer.len() as u64
    }
}

impl ColdWriter {
    pub(super) fn new(core: Arc<Core>) -> ColdWriter {
        ColdWriter { core, current: None, failed: false }
    }

    /// Appends the stored `bytes` of the value of `key`, `raw_len` long when not compressed. After [`Error::Full`] the
    /// values before it can still be synced.
    pub fn append(&mut self, key: Key, bytes: &[u8], raw_len: u32) -> Result<Pointer> {
        self.check()?;
        if bytes.is_empty() || (raw_len as usize) < bytes.len() || raw_len > MAX_VALUE_BYTES {
            return Err(Error::Invalid(format!("a value of {raw_len} bytes stored in {}", bytes.len())));
        }
        let need = (COLD_HEADER_BYTES + bytes.len()) as u64;
        let full = |open: &Open| open.end() + need > open.segment.capacity_bytes();
        if self.current.as_ref().is_some_and(full) {
            self.finish_segment()?;
        }
        if self.current.is_none() {
            self.begin(need)?;
        }
        let Some(open) = &mut self.current else { return Err(Error::Invalid("no cold segment".into())) };
        if open.end() + need > open.reserved {
            open.reserved = self.core.folder.extend(&open.segment, open.reserved, open.end() + need)?;
        }
        let len = bytes.len() as u32;
        let header = ColdHeader { key, len, raw_len, crc: crc32fast::hash(bytes) };
        let start = position(open.segment.id, open.end() as u32);
        open.buffer.extend_from_slice(&header.encode(open.segment.salt, start));
        let pointer =
            Pointer { segment: open.segment.id, offset: open.end() as u32, len, raw_len, crc: header.crc };
        open.buffer.extend_from_slice(bytes);
        open.values.push((pointer.offset, len));
        if open.buffer.len() >= BUFFER_BYTES {
            self.write()?;
        }
        Ok(pointer)
    }

    /// Makes all values appended so far durable and readable.
    pub fn sync(&mut self) -> Result<()> {
        self.check()?;
        self.write()?;
        let Some(open) = &self.current else { return Ok(()) };
        let synced = open.segment.file().and_then(|file| file.sync_data());
        let synced =
            synced.map_err(|cause| Error::io(format!("sync {}", open.segment.path.display()), cause));
        self.note(synced)
    }

    /// Makes all values durable and ends the segment.
    pub fn finish(mut self) -> Result<()> {
        self.check()?;
        self.finish_segment()
    }

    fn finish_segment(&mut self) -> Result<()> {
        self.write()?;
        if let Some(open) = &self.current {
            open.segment.seal(open.end());
            self.core.cut(&open.segment);
        }
        self.sync()?;
        if let Some(finished) = self.current.take() {
            finished.segment.release();
        }
        Ok(())
    }

    /// Begins a segment with a durable header and name, so that one without a header never held a value that counts.
    fn begin(&mut self, need: u64) -> Result<()> {
        let folder = &self.core.folder;
        let start = u64::from(SEGMENT_HEADER_BYTES);
        let new = folder.create(SegmentKind::Cold, start + need)?;
        let segment = new.segment;
        let header = folder.header(&segment, 0, 0).encode();
        let written =
            segment.file().and_then(|file| file.write_all_at(&header, 0).and_then(|()| file.sync_data()));
        let written = written.map_err(|cause| Error::io(format!("write {}", segment.path.display()), cause));
        self.note(written)?;
        let named = self.core.sync_names();
        self.note(named)?;
        segment.set_written(start);
        self.core.registry.change(|map| map.insert(segment.id, segment.clone()));
        let (buffer, values) = (Vec::new(), Vec::new());
        self.current = Some(Open { segment, reserved: new.reserved, start, buffer, values });
        Ok(())
    }

    fn write(&mut self) -> Result<()> {
        let Some(open) = &mut self.current else { return Ok(()) };
        if open.buffer.is_empty() {
            return Ok(());
        }
        let written = open.segment.file().and_then(|file| file.write_all_at(&open.buffer, open.start));
        let written =
            written.map_err(|cause| Error::io(format!("write {}", open.segment.path.display()), cause));
        if written.is_ok() {
            for (offset, len) in open.values.drain(..) {
                open.segment.verified.mark(offset, len);
            }
            open.start = open.end();
            open.segment.set_written(open.start);
            self.core.counters.cold(open.buffer.len());
            open.buffer.clear();
        }
        self.note(written)
    }

    fn check(&self) -> Result<()> {
        if self.failed {
            return Err(Error::Invalid("an earlier write of this cold segment failed".into()));
        }
        Ok(())
    }

    /// Remembers a failure: nobody knows what the file holds then.
    fn note(&mut self, result: Result<()>) -> Result<()> {
        self.failed |= result.is_err();
        result
    }
}

impl Drop for ColdWriter {
    fn drop(&mut self) {
        // What is in the buffer was never synced, so nothing points to it.
        if let Some(open) = &self.current {
            open.segment.seal(open.start);
        }
    }
}

//! Where records wait to be written: the state behind the log's short lock.
//!
//! The pending chunks are what appends add to. The leader of a write-out takes them as the chunks in flight, which stay
//! readable here until the file has them. Order of chunks is order of positions.

use std::{collections::VecDeque, sync::Arc};

use super::{
    body::Encoded,
    entry::{Entry, EntryValue},
    position::position,
    record::RecordHeader,
    segment::Segment,
};
use crate::Slice;

/// Bytes that are one piece of one segment.
#[derive(Debug)]
pub struct Chunk {
    pub segment: Arc<Segment>,
    pub start: u32,
    pub bytes: Vec<u8>,
    pub records: u64,
    /// Offset and length of the large values in it.
    pub values: Vec<(u32, u32)>,
}

impl Chunk {
    /// Offset behind the last byte.
    pub fn end(&self) -> u64 {
        u64::from(self.start) + self.bytes.len() as u64
    }

    fn get(&self, segment: u32, offset: u32, len: u32) -> Option<&[u8]> {
        let from = offset.checked_sub(self.start)? as usize;
        let bytes = self.bytes.get(from..)?.get(..len as usize)?;
        (self.segment.id == segment).then_some(bytes)
    }
}

/// The memory of a chunk that was written.
#[derive(Debug, Default)]
struct Spare {
    bytes: Vec<u8>,
    values: Vec<(u32, u32)>,
}

/// One to append to while another is being written. Who keeps fewer grows a buffer anew, from nothing and in fresh pages,
/// each time two have been in use at once.
const SPARES_MAX: usize = 2;

/// What an append finds.
#[derive(Debug, PartialEq, Eq)]
pub enum Room {
    /// It can be done.
    Enough,
    /// Records must be written first.
    BufferFull,
    /// Space in the file must be reserved first.
    Unreserved,
}

/// The active segment and what is not in the file yet.
#[derive(Debug)]
pub struct State {
    /// The segment that is appended to.
    pub active: Arc<Segment>,
    /// Offset of the next record.
    pub end: u64,
    /// The file has room up to here.
    pub reserved: u64,
    /// No more appends.
    pub closed: bool,
    pending: VecDeque<Chunk>,
    pending_bytes: usize,
    in_flight: Vec<Arc<Chunk>>,
    spares: Vec<Spare>,
}

impl State {
    /// Nothing pending; `active` holds `end` bytes.
    pub fn new(active: Arc<Segment>, end: u64, reserved: u64) -> State {
        State {
            active,
            end,
            reserved,
            closed: false,
            pending: VecDeque::new(),
            pending_bytes: 0,
            in_flight: Vec::new(),
            spares: Vec::with_capacity(SPARES_MAX),
        }
    }

    /// Position of the next record.
    pub fn end_position(&self) -> u64 {
        // `end` never passes the capacity of a segment, which is less than 4 GiB.
        position(self.active.id, self.end as u32)
    }

    /// Whether a record of `bytes` can be taken while at most `limit` bytes may wait.
    pub fn room(&self, bytes: usize, limit: usize) -> Room {
        if self.pending_bytes != 0 && self.pending_bytes.saturating_add(bytes) > limit {
            Room::BufferFull
        } else if self.end + bytes as u64 > self.reserved {
            Room::Unreserved
        } else {
            Room::Enough
        }
    }

    /// The chunk that the next bytes go to.
    fn tail(&mut self) -> &mut Chunk {
        let joins = self.pending.back().is_some_and(|chunk| chunk.segment.id == self.active.id);
        if !joins {
            let Spare { bytes, values } = self.spares.pop().unwrap_or_default();
            let (segment, start) = (self.active.clone(), self.end as u32);
            self.pending.push_back(Chunk { segment, start, bytes, records: 0, values });
        }
        let last = self.pending.len() - 1;
        &mut self.pending[last]
    }

    /// Appends the header of a segment that has just become active.
    pub fn push_header(&mut self, header: &[u8]) {
        self.tail().bytes.extend_from_slice(header);
        self.end += header.len() as u64;
        self.pending_bytes += header.len();
    }

    /// Appends a record, for which there must be room. Answers its position.
    pub fn push(&mut self, encoded: &Encoded, entries: &[Entry<'_>], synced: u64) -> u64 {
        let start = self.end_position();
        let header = RecordHeader {
            body_len: encoded.body.len() as u32,
            values_len: encoded.values_len,
            body_crc: encoded.body_crc,
            synced,
        };
        let head = header.encode(self.active.salt, start);
        let chunk = self.tail();
        chunk.bytes.reserve(encoded.record_bytes());
        chunk.bytes.extend_from_slice(&head);
        chunk.bytes.extend_from_slice(&encoded.body);
        if encoded.values_len != 0 {
            for entry in entries {
                if let EntryValue::Large { bytes, .. } = entry.value {
                    chunk.values.push((chunk.end() as u32, bytes.len() as u32));
                    chunk.bytes.extend_from_slice(bytes);
                }
            }
        }
        chunk.records += 1;
        self.end += encoded.record_bytes() as u64;
        self.pending_bytes += encoded.record_bytes();
        start
    }

    /// Makes what is pending the chunks in flight.
    pub fn take(&mut self) -> Vec<Arc<Chunk>> {
        self.pending_bytes = 0;
        self.in_flight = self.pending.drain(..).map(Arc::new).collect();
        self.in_flight.clone()
    }

    /// The chunks in flight are in the file. Keeps the memory of some for the next, of at most `keep` bytes each.
    pub fn landed(&mut self, chunks: Vec<Arc<Chunk>>, keep: usize) {
        self.in_flight.clear();
        for chunk in chunks.into_iter().filter_map(Arc::into_inner) {
            let Chunk { mut bytes, mut values, .. } = chunk;
            if bytes.capacity() <= keep && self.spares.len() < SPARES_MAX {
                bytes.clear();
                values.clear();
                self.spares.push(Spare { bytes, values });
            }
        }
    }

    /// A copy of bytes that are not in the file yet.
    pub fn copy(&self, segment: u32, offset: u32, len: u32) -> Option<Slice> {
        let flying = self.in_flight.iter().map(Arc::as_ref);
        flying.chain(&self.pending).find_map(|chunk| chunk.get(segment, offset, len)).map(Slice::from)
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::{
        log::header::SegmentKind,
        vfs::{SimVfs, Vfs},
    };

    fn state() -> State {
        let vfs = SimVfs::new(1);
        vfs.create_dir_all(&PathBuf::from("/log")).unwrap();
        let path = PathBuf::from("/log/00000001.log");
        let file = vfs.create(&path).unwrap();
        let segment = Segment::new((1, SegmentKind::Hot, 7), path, file, 1 << 20).unwrap();
        State::new(Arc::new(segment), 0, 1 << 20)
    }

    #[test]
    fn memory_is_used_again_whether_or_not_writes_overlap() {
        let mut state = state();
        let mut places = Vec::new();
        for turn in 0..40 {
            // They have grown to their size by then.
            if turn == 10 {
                places.clear();
            }
            state.push_header(&[7; 5000]);
            places.push(state.tail().bytes.as_ptr());
            let flying = state.take();
            // Others append while some of the chunks are being written, and none while others are.
            if turn % 3 == 0 {
                state.push_header(&[8; 5000]);
                places.push(state.tail().bytes.as_ptr());
            }
            state.landed(flying, 1 << 20);
        }
        places.sort_unstable();
        places.dedup();
        assert!(places.len() <= SPARES_MAX, "{} buffers", places.len());
    }

    #[test]
    fn memory_beyond_the_limit_is_given_back() {
        let mut state = state();
        state.push_header(&[7; 5000]);
        let flying = state.take();
        state.landed(flying, 4999);
        assert!(state.spares.is_empty());
    }
}

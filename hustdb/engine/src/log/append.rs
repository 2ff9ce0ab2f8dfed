//! Appending: encode and checksum without a lock, then take a position and copy under a short one.
//!
//! Nothing is accepted that the file has no reserved room for, so a full disk is noticed while it can still be refused.
//! Extending the active segment and beginning the next one happen under a lock of their own, beside appends that fit.

use std::{cell::Cell, sync::atomic::Ordering};

use smallvec::SmallVec;

use super::{
    body::Encoded,
    buffer::Room,
    core::Core,
    entry::{Entry, EntryValue},
    header::{SEGMENT_HEADER_BYTES, SegmentKind},
    position::{offset_of, segment_of},
};
use crate::options::SyncMode;
use crate::{Error, Pointer, Result};

/// The scratch memory a thread keeps between appends, at most.
const SCRATCH_BYTES: usize = 1 << 20;

thread_local! {
    static SCRATCH: Cell<Encoded> = Cell::default();
}

/// The pointers of a record's values, in order; `None` for inline ones.
pub type Pointers = SmallVec<[Option<Pointer>; 2]>;

/// Where a record lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// Position of its first byte.
    pub start: u64,
    /// Position behind its last byte; what its ticket waits for.
    pub end: u64,
}

impl Core {
    /// Appends one record with `entries`; `pointers` become their pointers, in order.
    pub fn append(&self, entries: &[Entry<'_>], pointers: &mut Pointers) -> Result<Appended> {
        let mut encoded = SCRATCH.take();
        let done = self.append_encoded(&mut encoded, entries, pointers);
        if encoded.body.capacity() <= SCRATCH_BYTES {
            SCRATCH.set(encoded);
        }
        done
    }

    fn append_encoded(
        &self,
        encoded: &mut Encoded,
        entries: &[Entry<'_>],
        pointers: &mut Pointers,
    ) -> Result<Appended> {
        encoded.fill(entries)?;
        let appended = self.accept(encoded, entries)?;
        point(encoded, entries, appended.start, pointers);
        self.gather.arrived(self.counters.appended(encoded.record_bytes()));
        Ok(appended)
    }

    fn accept(&self, encoded: &Encoded, entries: &[Entry<'_>]) -> Result<Appended> {
        let bytes = encoded.record_bytes();
        loop {
            let mut state = self.state.lock();
            self.poison.check()?;
            if state.closed {
                return Err(closed());
            }
            match state.room(bytes, self.options().buffer_bytes) {
                Room::Enough => {
                    let start = state.push(encoded, entries, self.synced());
                    let end = state.end_position();
                    self.marks.end.store(end, Ordering::Release);
                    return Ok(Appended { start, end });
                }
                Room::BufferFull => {
                    let pending = state.end_position();
                    drop(state);
                    self.write_out(pending)?;
                }
                Room::Unreserved => {
                    drop(state);
                    self.make_room(bytes as u64)?;
                }
            }
        }
    }

    /// Reserves room for a record of `bytes`, in the active segment or in a new one.
    fn make_room(&self, bytes: u64) -> Result<()> {
        let _one_at_a_time = self.reserve.lock();
        let (active, end, reserved) = {
            let state = self.state.lock();
            (state.active.clone(), state.end, state.reserved)
        };
        if end + bytes <= reserved {
            return Ok(());
        }
        // Appends may go on meanwhile, but only within what is reserved.
        if end + bytes > active.capacity_bytes() {
            return self.begin_segment(bytes);
        }
        let target = self.folder.extend(&active, reserved, end + bytes)?;
        self.state.lock().reserved = target;
        Ok(())
    }

    /// Seals the active segment and begins one with room for a record of `bytes`. The caller holds `reserve`.
    fn begin_segment(&self, bytes: u64) -> Result<()> {
        self.poison.check()?;
        if self.state.lock().closed {
            return Err(closed());
        }
        // The names of hot segments become durable in order, so that a missing one is always damage.
        self.sync_names()?;
        let new = self.folder.create(SegmentKind::Hot, u64::from(SEGMENT_HEADER_BYTES) + bytes)?;
        self.registry.change(|map| map.insert(new.segment.id, new.segment.clone()));
        {
            let mut state = self.state.lock();
            let prev_end = state.end_position();
            state.active.seal(state.end);
            state.active = new.segment.clone();
            state.end = 0;
            state.reserved = new.reserved;
            state.push_header(&self.folder.header(&new.segment, prev_end, self.synced()).encode());
            self.unsynced.lock().push(new.segment);
            self.marks.end.store(state.end_position(), Ordering::Release);
        }
        if self.has_thread() && self.options().sync != SyncMode::Always {
            self.signal.finish_segments();
        }
        Ok(())
    }

    /// Seals the active segment and begins another, unless the active one is empty.
    pub fn rotate(&self) -> Result<()> {
        let _one_at_a_time = self.reserve.lock();
        if self.state.lock().end == u64::from(SEGMENT_HEADER_BYTES) {
            return Ok(());
        }
        self.begin_segment(0)
    }
}

fn closed() -> Error {
    Error::Invalid("the log is closed".into())
}

/// The pointers of a record at `start`.
fn point(encoded: &Encoded, entries: &[Entry<'_>], start: u64, pointers: &mut Pointers) {
    let segment = segment_of(start);
    let mut offset = offset_of(start) + (encoded.record_bytes() as u32 - encoded.values_len);
    let mut crcs = encoded.value_crcs.iter();
    pointers.clear();
    for entry in entries {
        pointers.push(match entry.value {
            EntryValue::Inline(_) => None,
            EntryValue::Stored(pointer) => Some(pointer),
            EntryValue::Large { bytes, raw_len } => {
                let crc = crcs.next().copied().unwrap_or_default();
                let pointer = Pointer { segment, offset, len: bytes.len() as u32, raw_len, crc };
                offset += pointer.len;
                Some(pointer)
            }
        });
    }
}

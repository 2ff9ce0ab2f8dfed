//! Reading values by their pointers.
//!
//! Bytes that are not in the file yet are copied from the buffer; all others are slices of the segment's map. A value is
//! checked when it is first read and then marked, so that a hit costs a look at one bit.

use super::{
    core::Core,
    record::MAX_VALUE_BYTES,
    segment::{Segment, SegmentsMap},
    verified::REGION_BYTES,
};
use crate::{Error, Pointer, Result, Slice, fetch::Cold};
use std::sync::Arc;

/// What a read found.
#[derive(Clone, Debug)]
pub enum ValueRead<T> {
    /// The value.
    Ready(T),
    /// It is not in memory, and was not to be read from the disk.
    Cold,
    /// The segment was forgotten meanwhile: look the row up again.
    Gone,
}

impl Core {
    /// Reads the value at `pointer` in one of `segments`.
    pub fn read_in(&self, segments: &SegmentsMap, pointer: Pointer, cold: Cold) -> Result<ValueRead<Slice>> {
        let Some(segment) = segments.get(&pointer.segment) else { return Ok(ValueRead::Gone) };
        if pointer.raw_len < pointer.len || pointer.raw_len > MAX_VALUE_BYTES {
            return Err(damaged(segment, pointer, "a pointer with impossible lengths"));
        }
        let end = u64::from(pointer.offset) + u64::from(pointer.len);
        if end > segment.written_bytes() {
            let copy = self.state.lock().copy(pointer.segment, pointer.offset, pointer.len);
            if let Some(bytes) = copy {
                return expand(segment, pointer, bytes).map(ValueRead::Ready);
            }
            // It may have been written between the two looks.
            if end > segment.written_bytes() {
                return Err(damaged(segment, pointer, "a pointer past the end"));
            }
        }
        let bytes = Slice::mapped(&segment.map, pointer.offset, pointer.len);
        let bytes = bytes.ok_or_else(|| damaged(segment, pointer, "a pointer past the end"))?;
        if !checked(segment, pointer, &bytes, cold)? {
            return Ok(ValueRead::Cold);
        }
        expand(segment, pointer, bytes).map(ValueRead::Ready)
    }
}

/// Whether the mapped `bytes` may be handed out: in memory or allowed not to be, and whole.
fn checked(segment: &Arc<Segment>, pointer: Pointer, bytes: &[u8], cold: Cold) -> Result<bool> {
    let Pointer { offset, len, .. } = pointer;
    let marked = segment.verified.has(offset, len);
    // A mark is taken back when its region leaves memory; of the regions that follow it knows nothing.
    let one_region = offset % REGION_BYTES + len <= REGION_BYTES;
    if marked && one_region {
        return Ok(true);
    }
    if cold == Cold::Refuse && !segment.map.resident(offset as usize, len as usize) {
        return Ok(false);
    }
    if !marked {
        if crc32fast::hash(bytes) != pointer.crc {
            return Err(damaged(segment, pointer, "a value's checksum does not fit"));
        }
        segment.verified.mark(offset, len);
    }
    Ok(true)
}

/// The value itself of the stored `bytes`.
fn expand(segment: &Segment, pointer: Pointer, bytes: Slice) -> Result<Slice> {
    if pointer.raw_len == pointer.len {
        return Ok(bytes);
    }
    if snap::raw::decompress_len(&bytes).ok() != Some(pointer.raw_len as usize) {
        return Err(damaged(segment, pointer, "a compressed value of another length"));
    }
    let raw = snap::raw::Decoder::new().decompress_vec(&bytes);
    raw.map(Slice::from).map_err(|_| damaged(segment, pointer, "a value that cannot be decompressed"))
}

fn damaged(segment: &Segment, pointer: Pointer, what: &str) -> Error {
    Error::damaged(&segment.path, u64::from(pointer.offset), what)
}

//! The bytes of rows, appended to chunks.
//!
//! A row is a fixed header, then the pointer if there is one, then user key and inline value without a gap, so that a
//! reader copies them in one piece. An overwrite reuses the place of the old row if it fits; else the old bytes stay
//! behind until the memtable goes, and are counted as wasted. These bytes never leave the process: no checksum, native
//! byte order.

use crate::{
    Meta, Pointer, RowRef, Slice, Value,
    head::Head,
    sight::{Payload, Sight},
};

const FIRST_CHUNK_BYTES: usize = 4 << 10;
const CHUNK_BYTES: usize = 256 << 10;
/// A row of at least this gets a chunk of its own, so that no chunk is left less than three quarters full.
const LARGE_BYTES: usize = CHUNK_BYTES / 4;

const HEADER_BYTES: usize = 40;
const POINTER_BYTES: usize = 20;

/// Append-only row storage. An address is `chunk << 32 | offset`.
pub(super) struct Rows {
    chunks: Vec<Box<[u8]>>,
    /// The chunk that small rows are appended to, and where.
    current: usize,
    used: usize,
    next_chunk_bytes: usize,
    chunk_bytes: usize,
    wasted_bytes: usize,
}

/// The parts of a stored row.
pub(super) struct Stored<'a> {
    pub(super) meta: Meta,
    pub(super) pointer: Option<Pointer>,
    /// User key and inline value.
    pub(super) payload: &'a [u8],
    pub(super) key_len: u32,
}

impl From<Stored<'_>> for Head {
    fn from(row: Stored<'_>) -> Head {
        Head { meta: row.meta, payload: Slice::from(row.payload), key_len: row.key_len, pointer: row.pointer }
    }
}

impl<'a> From<Stored<'a>> for Sight<'a> {
    #[inline]
    fn from(row: Stored<'a>) -> Sight<'a> {
        Sight {
            meta: row.meta,
            key_len: row.key_len,
            pointer: row.pointer,
            payload: Payload::Lent(row.payload),
        }
    }
}

impl<'a> Stored<'a> {
    pub(super) fn row(&self) -> RowRef<'a> {
        let (user_key, value) = self.payload.split_at(self.key_len as usize);
        let value = self.pointer.map_or(Value::Inline(value), Value::Stored);
        RowRef { meta: self.meta, user_key, value }
    }
}

impl Rows {
    pub(super) fn new() -> Rows {
        Rows {
            chunks: Vec::new(),
            current: 0,
            used: 0,
            next_chunk_bytes: FIRST_CHUNK_BYTES,
            chunk_bytes: 0,
            wasted_bytes: 0,
        }
    }

    /// Bytes allocated, used or not.
    pub(super) fn memory_bytes(&self) -> usize {
        self.chunk_bytes + self.chunks.capacity() * size_of::<Box<[u8]>>()
    }

    /// Bytes of rows that were overwritten elsewhere.
    pub(super) fn wasted_bytes(&self) -> usize {
        self.wasted_bytes
    }

    /// Stores a row and returns its address.
    pub(super) fn push(&mut self, row: &RowRef<'_>) -> u64 {
        let len = stored_len(row);
        let (chunk, offset) = self.place(len);
        encode(&mut self.chunks[chunk][offset..offset + len], row);
        (chunk as u64) << 32 | offset as u64
    }

    /// Stores a row in place of the one at `old`; returns its address, which is `old` if it fits there.
    pub(super) fn replace(&mut self, old: u64, row: &RowRef<'_>) -> u64 {
        let len = stored_len(row);
        let place = &mut self.chunks[(old >> 32) as usize][old as u32 as usize..];
        let room = u32_at(header(place), 32) as usize;
        if len <= room {
            encode(&mut place[..room], row);
            return old;
        }
        self.wasted_bytes += room;
        self.push(row)
    }

    /// The row at an address that `push` or `replace` returned.
    #[inline]
    pub(super) fn get(&self, at: u64) -> Stored<'_> {
        let place = &self.chunks[(at >> 32) as usize][at as u32 as usize..];
        let header = header(place);
        let meta = Meta {
            stamp: u64_at(header, 0),
            version: u64_at(header, 8),
            expire_ms: u64_at(header, 16),
            flags: header[36],
        };
        let mut start = HEADER_BYTES;
        let pointer = (header[37] != 0).then(|| {
            let word =
                |i: usize| place[HEADER_BYTES + 4 * i..].first_chunk().map_or(0, |w| u32::from_ne_bytes(*w));
            start += POINTER_BYTES;
            Pointer { segment: word(0), offset: word(1), len: word(2), raw_len: word(3), crc: word(4) }
        });
        let payload = &place[start..start + u32_at(header, 24) as usize];
        Stored { meta, pointer, payload, key_len: u32_at(header, 28) }
    }

    /// Room for a row of `len` bytes: chunk and offset.
    fn place(&mut self, len: usize) -> (usize, usize) {
        if self.chunks.get(self.current).is_some_and(|chunk| chunk.len() - self.used >= len) {
            self.used += len;
            return (self.current, self.used - len);
        }
        if len >= LARGE_BYTES {
            let own = self.grow(len);
            if own == 0 {
                // There is no chunk for small rows yet; this one is full, so the next small row makes one.
                self.used = len;
            }
            return (own, 0);
        }
        while self.next_chunk_bytes < len {
            self.next_chunk_bytes *= 2;
        }
        self.current = self.grow(self.next_chunk_bytes);
        self.next_chunk_bytes = (self.next_chunk_bytes * 2).min(CHUNK_BYTES);
        self.used = len;
        (self.current, 0)
    }

    fn grow(&mut self, bytes: usize) -> usize {
        self.chunks.push(vec![0; bytes].into_boxed_slice());
        self.chunk_bytes += bytes;
        self.chunks.len() - 1
    }
}

/// Bytes that a row takes, a multiple of 8.
pub(super) fn stored_len(row: &RowRef<'_>) -> usize {
    let pointer = if row.pointer().is_some() { POINTER_BYTES } else { 0 };
    (HEADER_BYTES + pointer + row.inline_bytes()).next_multiple_of(8)
}

/// Writes a row over `place`, all of which is its room from now on.
fn encode(place: &mut [u8], row: &RowRef<'_>) {
    let payload_len = row.inline_bytes();
    assert!(
        u32::try_from(place.len()).is_ok() && place.len() >= stored_len(row),
        "a row of {payload_len} bytes"
    );
    let room = place.len() as u32;
    let (header, mut rest) = place.split_at_mut(HEADER_BYTES);
    header[0..8].copy_from_slice(&row.meta.stamp.to_ne_bytes());
    header[8..16].copy_from_slice(&row.meta.version.to_ne_bytes());
    header[16..24].copy_from_slice(&row.meta.expire_ms.to_ne_bytes());
    header[24..28].copy_from_slice(&(payload_len as u32).to_ne_bytes());
    header[28..32].copy_from_slice(&(row.user_key.len() as u32).to_ne_bytes());
    header[32..36].copy_from_slice(&room.to_ne_bytes());
    header[36] = row.meta.flags;
    header[37] = u8::from(row.pointer().is_some());
    if let Some(pointer) = row.pointer() {
        let (place, after) = rest.split_at_mut(POINTER_BYTES);
        let words = [pointer.segment, pointer.offset, pointer.len, pointer.raw_len, pointer.crc];
        for (bytes, word) in place.as_chunks_mut::<4>().0.iter_mut().zip(words) {
            *bytes = word.to_ne_bytes();
        }
        rest = after;
    }
    let (user_key, rest) = rest.split_at_mut(row.user_key.len());
    user_key.copy_from_slice(row.user_key);
    if let Value::Inline(value) = row.value {
        rest[..value.len()].copy_from_slice(value);
    }
}

fn header(place: &[u8]) -> &[u8; HEADER_BYTES] {
    const NOTHING: &[u8; HEADER_BYTES] = &[0; HEADER_BYTES];
    // Every address has a whole header behind it.
    place.first_chunk().unwrap_or(NOTHING)
}

fn u64_at(header: &[u8; HEADER_BYTES], at: usize) -> u64 {
    header[at..].first_chunk().map_or(0, |bytes| u64::from_ne_bytes(*bytes))
}

fn u32_at(header: &[u8; HEADER_BYTES], at: usize) -> u32 {
    header[at..].first_chunk().map_or(0, |bytes| u32::from_ne_bytes(*bytes))
}

//! A block as it lies in the map: checked once as a whole, then read in place.
//!
//! [`Block::check`] is run on a block's first use; it proves the checksum, that the head agrees with the index and
//! with the block's length, and that keys, payload starts and key lengths are in order. The read paths do not rely on
//! it for safety (all slicing is checked), only for right answers.

use super::{
    columns::{Columns, Record, WIDTHS_AT},
    keys::{KeyShape, Keys},
    layout::{BLOCK_COMPRESSED, BLOCK_HEAD_BYTES, RECORD_PAD_BYTES, crc_leads, key_at, u8_at, u32_at},
    prefetch::prefetch,
};
use crate::{Key, RowRef, Value};

/// Snappy's densest element turns 3 bytes into 64; whatever claims more than this is not Snappy.
const MAX_EXPANSION: usize = 32;

/// A cache line.
const LINE_BYTES: usize = 64;

/// What the index knows of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BlockEntry {
    pub offset: u32,
    pub len: u32,
    pub rows: u32,
    pub shape: KeyShape,
    /// Length of a record.
    pub stride: u8,
    pub flags: u8,
}

impl BlockEntry {
    /// Where the records start in the block.
    #[inline(always)]
    fn records_at(&self) -> usize {
        BLOCK_HEAD_BYTES + self.rows as usize * usize::from(self.shape.width)
    }

    /// Where the payload starts in the block.
    #[inline(always)]
    pub fn payload_at(&self) -> usize {
        self.records_at() + self.rows as usize * usize::from(self.stride) + RECORD_PAD_BYTES
    }

    /// Fetches what a read of a row near `guess` will touch of the block `bytes`.
    #[inline(always)]
    pub fn prefetch(&self, bytes: &[u8], guess: usize) {
        prefetch(bytes, WIDTHS_AT);
        prefetch(bytes, BLOCK_HEAD_BYTES - 1);
        // A guess among evenly spread keys is off by a few: half the square root of the rows, in the middle.
        let key = BLOCK_HEAD_BYTES + guess * usize::from(self.shape.width);
        prefetch(bytes, key - LINE_BYTES);
        prefetch(bytes, key);
        prefetch(bytes, key + LINE_BYTES);
        prefetch(bytes, self.records_at() + guess * usize::from(self.stride));
        let payload_at = self.payload_at();
        let payload = u64::from(self.len).saturating_sub(payload_at as u64);
        prefetch(bytes, payload_at + (payload * guess as u64 / u64::from(self.rows.max(1))) as usize);
    }

    /// Whether the payload must be decompressed before it is read.
    #[inline(always)]
    pub fn is_compressed(&self) -> bool {
        self.flags & BLOCK_COMPRESSED != 0
    }
}

/// One block: its bytes and what is needed to find its parts.
#[derive(Clone, Copy)]
pub(super) struct Block<'a> {
    pub keys: Keys<'a>,
    columns: Columns<'a>,
    head: &'a [u8],
    /// The stored payload, maybe compressed.
    stored: &'a [u8],
    compressed: bool,
}

impl<'a> Block<'a> {
    /// The parts of the block `bytes` that `entry` describes; `None` where they do not fit.
    #[inline(always)]
    pub fn of(bytes: &'a [u8], entry: &BlockEntry) -> Option<Block<'a>> {
        let head = bytes.get(..BLOCK_HEAD_BYTES)?;
        let records_at = entry.records_at();
        let stored_at = entry.payload_at();
        let stride = usize::from(entry.stride);
        Some(Block {
            keys: Keys {
                bytes: bytes.get(BLOCK_HEAD_BYTES..records_at)?,
                shape: entry.shape,
                first: key_at(head, 24),
            },
            columns: Columns { head, records: bytes.get(records_at..stored_at)?, stride },
            head,
            stored: bytes.get(stored_at..)?,
            compressed: entry.is_compressed(),
        })
    }

    /// Whether all of the block of file `id` is as it was written: nothing, or what is wrong.
    pub fn check(
        bytes: &'a [u8],
        entry: &BlockEntry,
        first: Key,
        id: u64,
    ) -> Result<Block<'a>, &'static str> {
        if !crc_leads(bytes) {
            return Err("checksum of a block");
        }
        let block = Block::of(bytes, entry).ok_or("a block shorter than its rows")?;
        let head = block.head;
        let agrees = u32_at(head, 4) == entry.len
            && u32_at(head, 8) == id as u32
            && u32_at(head, 12) == entry.rows
            && u8_at(head, 20) == entry.shape.skip
            && u8_at(head, 21) == entry.shape.width
            && u8_at(head, 22) == entry.stride
            && u8_at(head, 23) == entry.flags
            && block.keys.first == first;
        if !agrees || bytes.len() != entry.len as usize || entry.rows == 0 {
            return Err("a block that differs from the index");
        }
        if !block.columns.are_sound() {
            return Err("columns of a block");
        }
        let (raw, stored) = (block.payload_bytes(), block.stored.len());
        let fits = if block.is_compressed() {
            raw > stored && raw <= stored.saturating_mul(MAX_EXPANSION)
        } else {
            raw == stored
        };
        if !fits {
            return Err("length of a block's payload");
        }
        block.check_rows()?;
        Ok(block)
    }

    fn check_rows(&self) -> Result<(), &'static str> {
        let mut before = self.keys.key(0);
        if before != self.keys.first {
            return Err("first key of a block");
        }
        for row in 0..self.keys.len() {
            let key = self.keys.key(row);
            if row > 0 && key <= before {
                return Err("order of keys in a block");
            }
            before = key;
            let record = self.columns.record(row);
            if u64::from(record.start) + u64::from(record.key_len) > self.end(row) {
                return Err("extent of a row");
            }
        }
        Ok(())
    }

    /// Whether the payload must be decompressed before it is read.
    #[inline(always)]
    pub fn is_compressed(&self) -> bool {
        self.compressed
    }

    /// Length of the payload before compression.
    pub fn payload_bytes(&self) -> usize {
        u32_at(self.head, 16) as usize
    }

    /// The payload as it lies in the file.
    pub fn stored_payload(&self) -> &'a [u8] {
        self.stored
    }

    /// The payload, decompressed; `None` if it is not what it says.
    pub fn decompress(&self) -> Option<Vec<u8>> {
        let raw = self.payload_bytes();
        if raw > self.stored.len().saturating_mul(MAX_EXPANSION) {
            return None;
        }
        let mut payload = vec![0; raw];
        let len = snap::raw::Decoder::new().decompress(self.stored, &mut payload).ok()?;
        (len == raw).then_some(payload)
    }

    /// Where the payload of `row` ends.
    #[inline(always)]
    fn end(&self, row: usize) -> u64 {
        if row + 1 < self.keys.len() { self.columns.start(row + 1) } else { self.payload_bytes() as u64 }
    }

    /// The fixed part of `row` and where its payload ends in the block's payload.
    #[inline(always)]
    pub fn record(&self, row: usize) -> (Record, usize) {
        (self.columns.record(row), self.end(row) as usize)
    }

    /// `row`, cut out of the block's decompressed payload.
    pub fn row<'p>(&self, row: usize, payload: &'p [u8]) -> Option<RowRef<'p>> {
        let (record, end) = self.record(row);
        let bytes = payload.get(record.start as usize..end)?;
        let (user_key, value) = bytes.split_at_checked(record.key_len as usize)?;
        let value = match record.pointer {
            None => Value::Inline(value),
            Some(pointer) => Value::Stored(pointer),
        };
        Some(RowRef { meta: record.meta, user_key, value })
    }
}

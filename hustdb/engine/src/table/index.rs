//! The block index, in memory: which block may hold a key.
//!
//! The first key of every block is kept in full, and beside it the 64 bits that follow the bits all keys of the table
//! share. The latter decide nearly all comparisons, and interpolation works on them whether the table holds one hashed
//! table number or many.

use super::{
    block::BlockEntry,
    keys::{KeyShape, common_bits, shifted},
    layout::{HEADER_BYTES, INDEX_ENTRY_BYTES, crc_leads, key_at, lead_with_crc, u8_at, u32_at},
    search::{interpolate, search},
};
use crate::Key;

/// The blocks of a table.
#[derive(Debug)]
pub(super) struct Index {
    min: Key,
    max: Key,
    /// Leading bits that all keys of the table share.
    shared_bits: u32,
    words: Box<[u64]>,
    blocks: Box<[BlockEntry]>,
}

impl Index {
    /// An index of `blocks`, which are those of a table with keys from `min` to `max`.
    fn new(blocks: Vec<BlockEntry>, min: Key, max: Key) -> Index {
        let shared_bits = common_bits(min, max).min(191) as u32;
        let words = blocks.iter().map(|block| shifted(block.first.0, shared_bits)[0]).collect();
        Index { min, max, shared_bits, words, blocks: blocks.into() }
    }

    /// The index section.
    pub fn encode(blocks: &[BlockEntry]) -> Vec<u8> {
        let mut out = Vec::with_capacity(8 + blocks.len() * INDEX_ENTRY_BYTES);
        out.extend_from_slice(&[0; 4]);
        out.extend_from_slice(&(blocks.len() as u32).to_le_bytes());
        for block in blocks {
            out.extend_from_slice(&block.first.to_bytes());
            out.extend_from_slice(&block.len.to_le_bytes());
            out.extend_from_slice(&block.rows.to_le_bytes());
            out.extend_from_slice(&[block.shape.skip, block.shape.width, block.stride, block.flags]);
        }
        lead_with_crc(&mut out);
        out
    }

    /// Reads what [`Index::encode`] wrote for a table with `rows` keys from `min` to `max` whose blocks end at byte
    /// `end`; `None` if it is not whole or does not fit.
    pub fn decode(section: &[u8], min: Key, max: Key, rows: u64, end: u64) -> Option<Index> {
        if !crc_leads(section) {
            return None;
        }
        let (entries, rest) = section.get(8..)?.as_chunks::<INDEX_ENTRY_BYTES>();
        if !rest.is_empty() || entries.is_empty() || u32_at(section, 4) as usize != entries.len() {
            return None;
        }
        let mut offset = HEADER_BYTES as u32;
        let mut left = rows;
        let mut blocks: Vec<BlockEntry> = Vec::with_capacity(entries.len());
        for entry in entries {
            let shape = KeyShape { skip: u8_at(entry, 32), width: u8_at(entry, 33) };
            let block = BlockEntry {
                first: key_at(entry, 0),
                offset,
                len: u32_at(entry, 24),
                rows: u32_at(entry, 28),
                shape,
                stride: u8_at(entry, 34),
                flags: u8_at(entry, 35),
            };
            let ascends = blocks.last().map_or(block.first == min, |before| before.first < block.first);
            if !ascends || !shape.is_sound() || block.rows == 0 {
                return None;
            }
            offset = offset.checked_add(block.len)?;
            left = left.checked_sub(u64::from(block.rows))?;
            blocks.push(block);
        }
        let fits = left == 0 && u64::from(offset) == end && blocks.last()?.first <= max;
        fits.then(|| Index::new(blocks, min, max))
    }

    /// The blocks in key order.
    pub fn blocks(&self) -> &[BlockEntry] {
        &self.blocks
    }

    /// Bytes on the heap.
    pub fn memory_bytes(&self) -> usize {
        self.blocks.len() * (size_of::<BlockEntry>() + size_of::<u64>())
    }

    /// The last block whose first key is not behind `key`; `None` if `key` is before all.
    #[inline]
    pub fn locate(&self, key: Key) -> Option<usize> {
        if key < self.min {
            return None;
        }
        if key > self.max {
            return self.blocks.len().checked_sub(1);
        }
        let target = self.word(key);
        let (low, high) = (self.words.first().copied()?, self.word(self.max));
        let guess = interpolate(self.words.len(), target, low, high);
        let word = |block: usize| self.words.get(block).copied().unwrap_or(0);
        let found = search(self.words.len(), guess, target, (low, high), word, |block| {
            word(block).cmp(&target).then_with(|| match self.blocks.get(block) {
                Some(entry) => entry.first.cmp(&key),
                None => std::cmp::Ordering::Greater,
            })
        });
        match found {
            Ok(block) => Some(block),
            Err(behind) => behind.checked_sub(1),
        }
    }

    /// About where in `block` the key should be, and a key at or behind the block's last.
    #[inline]
    pub fn guess(&self, key: Key, block: usize) -> (usize, Key) {
        let (Some(entry), Some(&low)) = (self.blocks.get(block), self.words.get(block)) else {
            return (0, self.max);
        };
        let behind = self.blocks.get(block + 1).map_or(self.max, |next| next.first);
        (interpolate(entry.rows as usize, self.word(key), low, self.word(behind)), behind)
    }

    /// The bits of `key` that follow those all keys of the table share.
    #[inline(always)]
    fn word(&self, key: Key) -> u64 {
        shifted(key.0, self.shared_bits)[0]
    }

    /// Whether `key` lies between the table's first and last.
    #[inline]
    pub fn covers(&self, key: Key) -> bool {
        self.min <= key && key <= self.max
    }
}

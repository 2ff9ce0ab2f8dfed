//! The block index, in memory: which block may hold a key.
//!
//! The first key of every block is kept in full, and beside it the 64 bits that follow the bits all keys of the table
//! share. The latter decide nearly all comparisons, and interpolation works on them whether the table holds one hashed
//! table number or many.

use super::{
    block::BlockEntry,
    keys::{Guess, KeyShape, common_bits, shifted},
    layout::{
        BLOCK_COMPRESSED, HEADER_BYTES, INDEX_ENTRY_BYTES, crc_leads, key_at, lead_with_crc, u8_at, u32_at,
    },
    prefetch::prefetch,
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
    /// The bits after those, of each first key and at the end of the greatest key.
    words: Box<[u64]>,
    firsts: Box<[Key]>,
    blocks: Box<[BlockEntry]>,
}

impl Index {
    /// An index of `blocks`, which are those of a table with keys from `min` to `max`.
    fn new(blocks: Vec<(Key, BlockEntry)>, min: Key, max: Key) -> Index {
        let shared_bits = common_bits(min, max).min(191) as u32;
        let (firsts, blocks): (Vec<Key>, Vec<BlockEntry>) = blocks.into_iter().unzip();
        let words = firsts.iter().chain([&max]).map(|key| shifted(key.0, shared_bits)[0]).collect();
        Index { min, max, shared_bits, words, firsts: firsts.into(), blocks: blocks.into() }
    }

    /// The index section.
    pub fn encode(blocks: &[(Key, BlockEntry)]) -> Vec<u8> {
        let mut out = Vec::with_capacity(8 + blocks.len() * INDEX_ENTRY_BYTES);
        out.extend_from_slice(&[0; 4]);
        out.extend_from_slice(&(blocks.len() as u32).to_le_bytes());
        for (first, block) in blocks {
            out.extend_from_slice(&first.to_bytes());
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
        let mut blocks: Vec<(Key, BlockEntry)> = Vec::with_capacity(entries.len());
        for entry in entries {
            let shape = KeyShape { skip: u8_at(entry, 32), width: u8_at(entry, 33) };
            let block = BlockEntry {
                offset,
                len: u32_at(entry, 24),
                rows: u32_at(entry, 28),
                shape,
                stride: u8_at(entry, 34),
                flags: u8_at(entry, 35),
            };
            let first = key_at(entry, 0);
            let ascends = blocks.last().map_or(first == min, |(before, _)| *before < first);
            if !ascends || !shape.is_sound() || block.rows == 0 || block.flags & !BLOCK_COMPRESSED != 0 {
                return None;
            }
            offset = offset.checked_add(block.len)?;
            left = left.checked_sub(u64::from(block.rows))?;
            blocks.push((first, block));
        }
        let fits = left == 0 && u64::from(offset) == end && blocks.last()?.0 <= max;
        fits.then(|| Index::new(blocks, min, max))
    }

    /// The blocks in key order.
    pub fn blocks(&self) -> &[BlockEntry] {
        &self.blocks
    }

    /// The first key of a block.
    pub fn first(&self, block: usize) -> Key {
        self.firsts.get(block).copied().unwrap_or(Key::MAX)
    }

    /// Bytes on the heap.
    pub fn memory_bytes(&self) -> usize {
        size_of_val(&*self.words) + size_of_val(&*self.firsts) + size_of_val(&*self.blocks)
    }

    /// Fetches what [`Index::locate`] and a look at the block it finds will touch of this index.
    #[inline(always)]
    pub fn prefetch(&self, key: Key) {
        if let [first, .., last] = *self.words {
            let guess = interpolate(self.blocks.len(), self.word(key), first, last);
            prefetch(&self.words, guess);
            prefetch(&self.blocks, guess);
        }
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
        let span = (self.words.first().copied()?, self.words.last().copied()?);
        let guess = interpolate(self.blocks.len(), target, span.0, span.1);
        let word = |block: usize| self.words.get(block).copied().unwrap_or(u64::MAX);
        let found = search(self.blocks.len(), guess, target, span, word, |block| {
            word(block).cmp(&target).then_with(|| self.first(block).cmp(&key))
        });
        match found {
            Ok(block) => Some(block),
            Err(behind) => behind.checked_sub(1),
        }
    }

    /// About where in block `number` the key should be.
    #[inline(always)]
    pub fn guess(&self, key: Key, number: usize, entry: &BlockEntry) -> Guess {
        let word = |block: usize| self.words.get(block).copied().unwrap_or(u64::MAX);
        let (low, at, high) = (word(number), self.word(key), word(number + 1));
        let skipped_bits = entry.shape.skipped_bits();
        Guess {
            row: interpolate((entry.rows as usize).max(1), at, low, high),
            below: self.rescale(at.saturating_sub(low), skipped_bits),
            above: self.rescale(high.saturating_sub(at), skipped_bits),
        }
    }

    /// A distance between words of this index as a distance between words of keys without `skipped_bits`.
    #[inline(always)]
    fn rescale(&self, distance: u64, skipped_bits: u32) -> u64 {
        match skipped_bits.checked_sub(self.shared_bits) {
            Some(more) if more < 64 && more <= distance.leading_zeros() => distance << more,
            Some(_) => u64::MAX,
            None => distance.checked_shr(self.shared_bits - skipped_bits).unwrap_or(0),
        }
    }

    /// The bits of `key` that follow those all keys of the table share.
    #[inline(always)]
    fn word(&self, key: Key) -> u64 {
        shifted(key.0, self.shared_bits)[0]
    }
}

//! Which blocks are known to be in memory with their checksum verified: one bit each.
//!
//! A bit is set after the check and cleared by the sweep that finds the block gone from memory. Reading a block whose
//! bit is stale costs a page fault, never a wrong answer that the checked slicing does not bound.

use std::sync::atomic::{AtomicU64, Ordering};

/// A set of block numbers that many threads read and change.
#[derive(Debug)]
pub(super) struct WarmBlocks(Box<[AtomicU64]>);

impl WarmBlocks {
    pub fn new(blocks: usize) -> WarmBlocks {
        WarmBlocks((0..blocks.div_ceil(64)).map(|_| AtomicU64::new(0)).collect())
    }

    #[inline]
    pub fn contains(&self, block: usize) -> bool {
        // Relaxed: the bit says that immutable bytes are good; it publishes nothing that was written here.
        self.0.get(block / 64).is_some_and(|word| word.load(Ordering::Relaxed) >> (block % 64) & 1 != 0)
    }

    pub fn insert(&self, block: usize) {
        if let Some(word) = self.0.get(block / 64) {
            word.fetch_or(1 << (block % 64), Ordering::Relaxed);
        }
    }

    pub fn remove(&self, block: usize) {
        if let Some(word) = self.0.get(block / 64) {
            word.fetch_and(!(1 << (block % 64)), Ordering::Relaxed);
        }
    }

    pub fn memory_bytes(&self) -> usize {
        self.0.len() * 8
    }
}

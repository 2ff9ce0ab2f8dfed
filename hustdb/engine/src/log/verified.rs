//! Which values of a segment were read and found whole, so that a hit need not check them again.
//!
//! One bit for each 256-byte unit of the segment, set at the unit in which a value starts. Values shorter than a unit
//! are never marked, so that two marked values never share a bit. Bits are kept in pages of one mebibyte of segment,
//! allocated when the first value there is marked: cold data costs nothing. A set bit also says that the value was in
//! memory; [`Verified::clear`] takes that back.

use std::sync::{
    OnceLock,
    atomic::{AtomicU64, Ordering},
};

const UNIT_BYTES: u32 = 256;
/// Bytes of segment that one page of bits stands for.
pub const REGION_BYTES: u32 = 1 << 20;
const WORDS: usize = (REGION_BYTES / UNIT_BYTES / u64::BITS) as usize;

type Page = Box<[AtomicU64; WORDS]>;

/// The marks of one segment.
#[derive(Debug)]
pub struct Verified(Box<[OnceLock<Page>]>);

impl Verified {
    /// No marks, for a segment of up to `capacity` bytes.
    pub fn new(capacity: u64) -> Verified {
        let regions = capacity.div_ceil(u64::from(REGION_BYTES));
        Verified((0..regions).map(|_| OnceLock::new()).collect())
    }

    fn place(offset: u32) -> (usize, usize, u64) {
        let unit = offset % REGION_BYTES / UNIT_BYTES;
        ((offset / REGION_BYTES) as usize, (unit / u64::BITS) as usize, 1 << (unit % u64::BITS))
    }

    /// Whether the value of `len` bytes at `offset` is marked.
    pub fn has(&self, offset: u32, len: u32) -> bool {
        let (region, word, bit) = Verified::place(offset);
        let page = self.0.get(region).and_then(OnceLock::get);
        let word = page.and_then(|page| page.get(word));
        // Acquire pairs with `mark`: whoever sees the bit sees the bytes that it speaks of.
        len >= UNIT_BYTES && word.is_some_and(|word| word.load(Ordering::Acquire) & bit != 0)
    }

    /// Marks the value of `len` bytes at `offset`.
    pub fn mark(&self, offset: u32, len: u32) {
        let (region, word, bit) = Verified::place(offset);
        if len < UNIT_BYTES {
            return;
        }
        if let Some(page) = self.0.get(region) {
            let page = page.get_or_init(|| Box::new([const { AtomicU64::new(0) }; WORDS]));
            if let Some(word) = page.get(word) {
                word.fetch_or(bit, Ordering::Release);
            }
        }
    }

    /// Takes back all marks of the regions for which `keep(first byte)` is false. A region without marks is not asked about.
    pub fn clear(&self, mut keep: impl FnMut(u32) -> bool) {
        for (region, page) in self.0.iter().enumerate() {
            let Some(page) = page.get() else { continue };
            let marked = page.iter().any(|word| word.load(Ordering::Relaxed) != 0);
            if marked && !keep(region as u32 * REGION_BYTES) {
                page.iter().for_each(|word| word.store(0, Ordering::Relaxed));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_per_value_and_cleared_by_region() {
        let verified = Verified::new(3 << 20);
        verified.mark(300, 256);
        verified.mark((1 << 20) + 5, 1000);
        assert!(verified.has(300, 256) && !verified.has(600, 256) && !verified.has(0, 256));
        assert!(!verified.has(300, 255), "short values are never marked");
        verified.mark(2 << 20, 10);
        assert!(!verified.has(2 << 20, 256));
        verified.clear(|start| start == 1 << 20);
        assert!(!verified.has(300, 256) && verified.has((1 << 20) + 5, 1000));
        verified.mark(9 << 20, 256);
        assert!(!verified.has(9 << 20, 256), "beyond the segment");
    }
}

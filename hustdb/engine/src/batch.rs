//! What one atomic write consists of.

use crate::{key::Key, row::Meta};

/// Number of tallies kept for each slot.
pub const LANES: usize = 8;
/// Number of slots that tallies are kept for.
pub const SLOTS: usize = 1024;

/// Longest user key, bytes.
pub const USER_KEY_BYTES_MAX: usize = 1 << 16;

/// Rows to write together, whole or not at all. Values are borrowed until the call returns.
#[derive(Debug, Default)]
pub struct Batch<'v> {
    pub(crate) puts: Vec<Put<'v>>,
    pub(crate) tallies: Vec<Tally>,
}

/// One row of a batch. A key may be there once only.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Put<'v> {
    pub key: Key,
    pub meta: Meta,
    pub user_key: &'v [u8],
    pub value: &'v [u8],
}

/// A change of one of the per-slot sums, in the same batch as the row that causes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tally {
    pub key: Key,
    pub slot: u16,
    pub lane: u8,
    pub delta: i64,
}

impl<'v> Batch<'v> {
    /// Writes this row.
    pub fn put(&mut self, key: Key, meta: Meta, user_key: &'v [u8], value: &'v [u8]) {
        self.puts.push(Put { key, meta, user_key, value });
    }

    /// Adds `delta` (wrapping) to a sum, on account of the row that this batch puts at `key`. Zero is not recorded.
    ///
    /// Slots are 0..[`SLOTS`], lanes 0..[`LANES`]; others, and a tally without its row, make the batch invalid.
    pub fn tally(&mut self, key: &Key, slot: u16, lane: u8, delta: i64) {
        if delta != 0 {
            self.tallies.push(Tally { key: *key, slot, lane, delta });
        }
    }

    /// Whether nothing would be written.
    pub fn is_empty(&self) -> bool {
        self.puts.is_empty()
    }

    pub(crate) fn clear(&mut self) {
        self.puts.clear();
        self.tallies.clear();
    }

    /// What is wrong with it, if anything.
    pub(crate) fn fault(&self) -> Option<&'static str> {
        let mut keys: Vec<Key> = self.puts.iter().map(|put| put.key).collect();
        keys.sort_unstable();
        if keys.windows(2).any(|pair| pair[0] == pair[1]) {
            return Some("a key twice in one batch");
        }
        let strays = self.tallies.iter().any(|tally| {
            let known = keys.binary_search(&tally.key).is_ok();
            !known || usize::from(tally.slot) >= SLOTS || usize::from(tally.lane) >= LANES
        });
        if strays {
            return Some("a tally without its row, or out of range");
        }
        if self.puts.iter().any(|put| put.user_key.len() > USER_KEY_BYTES_MAX) {
            return Some("a user key over 65536 bytes");
        }
        let lying = self.puts.iter().any(|put| put.meta.is_tombstone() && !put.value.is_empty());
        lying.then_some("a tombstone with a value")
    }
}

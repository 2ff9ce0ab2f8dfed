//! What one atomic write consists of.
//!
//! A batch is small as a rule - a row, its index row, their sums - so nothing here allocates for up to a few rows.

use smallvec::SmallVec;

use crate::{key::Key, log::Tally, row::Meta};

/// Number of tallies kept for each slot.
pub const LANES: usize = 8;
/// Number of slots that tallies are kept for.
pub const SLOTS: usize = 1024;
/// Longest user key, bytes.
pub const USER_KEY_BYTES_MAX: usize = 1 << 16;

/// Rows to write together, whole or not at all. Values are borrowed until the call returns.
#[derive(Debug, Default)]
pub struct Batch<'v> {
    pub(crate) puts: SmallVec<[Put<'v>; 2]>,
    tallies: SmallVec<[Tally; 8]>,
    /// The row each tally belongs to.
    tally_keys: SmallVec<[Key; 8]>,
}

/// One row of a batch. A key may be there once only.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Put<'v> {
    pub key: Key,
    pub meta: Meta,
    pub user_key: &'v [u8],
    pub value: &'v [u8],
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
            self.tallies.push(Tally { slot, lane, delta });
            self.tally_keys.push(*key);
        }
    }

    /// Whether nothing would be written.
    pub fn is_empty(&self) -> bool {
        self.puts.is_empty()
    }

    pub(crate) fn clear(&mut self) {
        self.puts.clear();
        self.tallies.clear();
        self.tally_keys.clear();
    }

    /// The rows, and the tallies of each.
    pub(crate) fn parts(&mut self) -> (&[Put<'v>], SmallVec<[&[Tally]; 2]>) {
        let mut groups = SmallVec::new();
        if self.puts.len() == 1 {
            groups.push(&self.tallies[..]);
            return (&self.puts, groups);
        }
        let place = |key: &Key| self.puts.iter().position(|put| put.key == *key).unwrap_or(usize::MAX);
        let mut placed: Vec<(usize, Tally)> =
            self.tally_keys.iter().map(place).zip(self.tallies.iter().copied()).collect();
        placed.sort_by_key(|(at, _)| *at);
        self.tallies = placed.iter().map(|(_, tally)| *tally).collect();
        let bound = |at: usize| placed.partition_point(|(other, _)| *other < at);
        groups.extend((0..self.puts.len()).map(|at| &self.tallies[bound(at)..bound(at + 1)]));
        (&self.puts, groups)
    }

    /// What is wrong with it, if anything.
    pub(crate) fn fault(&self) -> Option<&'static str> {
        let mut keys: SmallVec<[Key; 4]> = SmallVec::new();
        for put in &self.puts {
            keys.push(put.key);
        }
        keys.sort_unstable();
        if keys.windows(2).any(|pair| pair[0] == pair[1]) {
            return Some("a key twice in one batch");
        }
        let out_of_range = |t: &Tally| usize::from(t.slot) >= SLOTS || usize::from(t.lane) >= LANES;
        let stray = |key: &Key| keys.binary_search(key).is_err();
        if self.tallies.iter().any(out_of_range) || self.tally_keys.iter().any(stray) {
            return Some("a tally without its row, or out of range");
        }
        if self.puts.iter().any(|put| put.user_key.len() > USER_KEY_BYTES_MAX) {
            return Some("a user key over 65536 bytes");
        }
        let lying = self.puts.iter().any(|put| put.meta.is_tombstone() && !put.value.is_empty());
        lying.then_some("a tombstone with a value")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: u64) -> Key {
        Key([0, 0, number])
    }

    #[test]
    fn tallies_follow_their_rows() {
        let mut batch = Batch::default();
        batch.tally(&key(2), 5, 1, -3);
        batch.tally(&key(1), 6, 0, 7);
        batch.tally(&key(1), 6, 2, 0);
        batch.tally(&key(2), 9, 0, 4);
        for number in [1, 2, 3] {
            batch.put(key(number), Meta::default(), b"", b"");
        }
        assert_eq!(batch.fault(), None);
        let first = Tally { slot: 6, lane: 0, delta: 7 };
        let second = [Tally { slot: 5, lane: 1, delta: -3 }, Tally { slot: 9, lane: 0, delta: 4 }];
        let groups: Vec<Vec<Tally>> = batch.parts().1.iter().map(|group| group.to_vec()).collect();
        assert_eq!(groups, [vec![first], second.to_vec(), vec![]]);
    }

    #[test]
    fn impossible_batches_are_refused() {
        let put = |numbers: &[u64]| {
            let mut batch = Batch::default();
            numbers.iter().for_each(|number| batch.put(key(*number), Meta::default(), b"", b""));
            batch
        };
        assert_eq!(put(&[4, 3]).fault(), None);
        assert!(put(&[4, 3, 4]).fault().is_some_and(|what| what.contains("twice")));
        for (row, slot, lane) in [(9, 0, 0), (4, 1024, 0), (4, 0, 8)] {
            let mut batch = put(&[4]);
            batch.tally(&key(row), slot, lane, 1);
            assert!(batch.fault().is_some(), "{row} {slot} {lane}");
        }
        let mut batch = put(&[]);
        batch.put(key(1), Meta { flags: crate::row::TOMBSTONE, ..Meta::default() }, b"k", b"v");
        assert!(batch.fault().is_some());
    }
}

//! The bytes the cache may hold, and the room that one writer has claimed of them.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// A counter that never passes its limit. It orders nothing, the locks of the shards do.
#[derive(Debug)]
pub(super) struct Budget {
    limit: u64,
    used: AtomicU64,
}

impl Budget {
    pub(super) fn new(limit: u64) -> Budget {
        Budget { limit, used: AtomicU64::new(0) }
    }

    pub(super) fn limit(&self) -> u64 {
        self.limit
    }

    pub(super) fn used(&self) -> u64 {
        self.used.load(Relaxed)
    }

    /// All of `bytes` or nothing.
    fn take(&self, bytes: u64) -> bool {
        let within = |used: u64| used.checked_add(bytes).filter(|sum| *sum <= self.limit);
        self.used.fetch_update(Relaxed, Relaxed, within).is_ok()
    }

    fn give(&self, bytes: u64) {
        let before = self.used.fetch_sub(bytes, Relaxed);
        debug_assert!(before >= bytes, "gave {bytes} of {before}");
    }
}

/// Bytes of the budget that belong to no entry: claimed before an entry grows, or left over by one that went. What is
/// not spent goes back.
#[derive(Debug)]
pub(super) struct Room<'a> {
    budget: &'a Budget,
    bytes: u64,
}

impl<'a> Room<'a> {
    pub(super) fn of(budget: &'a Budget) -> Room<'a> {
        Room { budget, bytes: 0 }
    }

    /// Makes it at least `bytes`, unless the budget has not so much left.
    pub(super) fn reach(&mut self, bytes: u64) -> bool {
        let missing = bytes.saturating_sub(self.bytes);
        let reached = missing == 0 || self.budget.take(missing);
        if reached {
            self.bytes += missing;
        }
        reached
    }

    /// An entry has shrunk or gone by so much.
    pub(super) fn keep(&mut self, bytes: u64) {
        self.bytes += bytes;
    }

    /// An entry grows by so much, which was reached before.
    pub(super) fn spend(&mut self, bytes: u64) {
        debug_assert!(self.bytes >= bytes, "spent {bytes} of {}", self.bytes);
        self.bytes -= bytes;
    }

    /// Gives all of it back.
    pub(super) fn release(&mut self) {
        self.budget.give(std::mem::take(&mut self.bytes));
    }
}

impl Drop for Room<'_> {
    fn drop(&mut self) {
        self.release();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_taken_whole_and_what_is_left_goes_back() {
        let budget = Budget::new(100);
        let mut room = Room::of(&budget);
        assert!(room.reach(60) && room.reach(40), "40 are there");
        assert_eq!(budget.used(), 60);
        let mut other = Room::of(&budget);
        assert!(!other.reach(41) && other.reach(40));
        assert!(!room.reach(61) && !room.reach(u64::MAX));
        room.spend(50);
        drop((room, other));
        assert_eq!(budget.used(), 50, "an entry's");
        let mut room = Room::of(&budget);
        room.keep(50);
        assert!(room.reach(100));
        room.release();
        assert_eq!(budget.used(), 0);
    }
}

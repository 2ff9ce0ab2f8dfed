//! The counters of a queue: where each priority begins and ends, and what it holds.
//!
//! They are one row, written with every change, so a start-up reads them and walks nothing. Of a priority:
//!
//! ```text
//! indices  1 ......... purged ........ cursor ............ last
//!          gone for good | gone, or in a slot | plain: ready, never delivered (holes where some expired or are in a slot)
//! ```
//!
//! Push queues use the first lane alone: `last` is the last index, `plain` the number of live messages.

use serde::{Deserialize, Serialize};

/// Number of priorities.
pub const PRIORITIES: usize = 3;

/// What the capacity limit adds for each message, bytes.
const MESSAGE_OVERHEAD_BYTES: u64 = 64;

/// One priority.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Lane {
    /// The last index given.
    pub(crate) last: u64,
    /// No plain message has a smaller index. `last + 1` if there is none.
    pub(crate) cursor: u64,
    /// Plain messages.
    pub(crate) plain: u64,
    /// Messages that are counted as stored, in any state.
    pub(crate) held: u64,
    /// Their item bytes.
    pub(crate) bytes: u64,
    /// Messages up to this index were purged and are not counted any more.
    pub(crate) purged: u64,
    /// Rows up to this index have been deleted.
    pub(crate) reclaimed: u64,
}

impl Lane {
    /// Counts a plain message in at the end.
    pub(crate) fn push_plain(&mut self, index: u64, bytes: u64) {
        self.push(index, bytes);
        if self.plain == 0 {
            self.cursor = index;
        }
        self.plain += 1;
    }

    /// Counts a message in at the end that is in a slot from the beginning.
    pub(crate) fn push_slotted(&mut self, index: u64, bytes: u64) {
        self.push(index, bytes);
        self.settle_cursor();
    }

    fn push(&mut self, index: u64, bytes: u64) {
        self.last = self.last.max(index);
        self.held = self.held.saturating_add(1);
        self.bytes = self.bytes.saturating_add(bytes);
    }

    /// Moves the cursor behind the plain message `index`, the first one.
    pub(crate) fn pass(&mut self, index: u64) {
        self.plain = self.plain.saturating_sub(1);
        self.cursor = index.saturating_add(1);
        self.settle_cursor();
    }

    /// Takes a plain message out that is not the one at the cursor.
    pub(crate) fn drop_plain(&mut self, index: u64) {
        if index == self.cursor {
            return self.pass(index);
        }
        self.plain = self.plain.saturating_sub(1);
        self.settle_cursor();
    }

    fn settle_cursor(&mut self) {
        if self.plain == 0 {
            self.cursor = self.last.saturating_add(1);
        }
    }

    /// Takes a message out for good.
    pub(crate) fn release(&mut self, bytes: u64) {
        self.held = self.held.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(bytes);
    }

    /// Takes everything out for good; indices go on.
    pub(crate) fn purge(&mut self) {
        (self.plain, self.held, self.bytes) = (0, 0, 0);
        self.purged = self.last;
        self.settle_cursor();
    }
}

/// All counters of a queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Counters {
    pub(crate) lanes: [Lane; PRIORITIES],
    /// No row of the expiry table is before this time.
    pub(crate) expiries_from_ms: u64,
    /// No row of the table of id times is before this time.
    pub(crate) ids_from_ms: u64,
    /// Push: everything up to this index was dropped on purpose.
    pub(crate) floor: u64,
    /// Push: time of the last publication, unix s.
    pub(crate) published_s: u64,
}

impl Counters {
    /// Of a new queue.
    pub(crate) fn new() -> Counters {
        let lanes = [Lane { cursor: 1, ..Lane::default() }; PRIORITIES];
        Counters { lanes, expiries_from_ms: u64::MAX, ids_from_ms: u64::MAX, ..Counters::default() }
    }

    /// The lane of a priority; of one that does not exist, the first.
    pub(crate) fn lane(&mut self, priority: u8) -> &mut Lane {
        let at = usize::from(priority).min(PRIORITIES - 1);
        &mut self.lanes[at]
    }

    /// What the capacity limit counts.
    pub(crate) fn guarded_bytes(&self) -> u64 {
        self.lanes.iter().fold(0, |sum, lane| {
            sum.saturating_add(lane.bytes).saturating_add(lane.held.saturating_mul(MESSAGE_OVERHEAD_BYTES))
        })
    }

    /// Messages counted as stored.
    #[cfg(test)]
    pub(crate) fn held(&self) -> u64 {
        self.lanes.iter().map(|lane| lane.held).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cursor_is_behind_the_last_index_where_nothing_is_plain() {
        let mut lane = Lane { cursor: 1, ..Lane::default() };
        lane.push_slotted(1, 10);
        assert_eq!((lane.cursor, lane.plain, lane.held, lane.bytes), (2, 0, 1, 10));
        lane.push_plain(2, 5);
        lane.push_slotted(3, 5);
        lane.push_plain(4, 5);
        assert_eq!((lane.cursor, lane.plain, lane.last), (2, 2, 4));
        lane.drop_plain(4);
        assert_eq!((lane.cursor, lane.plain), (2, 1));
        lane.pass(2);
        assert_eq!((lane.cursor, lane.plain, lane.held), (5, 0, 4));
        lane.push_plain(5, 1);
        lane.purge();
        assert_eq!(
            (lane.cursor, lane.plain, lane.held, lane.bytes, lane.purged, lane.last),
            (6, 0, 0, 0, 5, 5)
        );
    }

    #[test]
    fn guarded_bytes_are_item_and_overhead() {
        let mut counters = Counters::default();
        counters.lane(0).push_plain(1, 100);
        counters.lane(2).push_slotted(1, 50);
        assert_eq!(counters.guarded_bytes(), 100 + 50 + 128);
        counters.lane(2).release(50);
        assert_eq!(counters.guarded_bytes(), 164);
    }
}

//! The state of a push queue: its window `(si, ci]`, its floor, its live messages.

use super::runs::{Journal, Runs};
use crate::{
    error::Error,
    queue::{counters::Counters, error::QueueResult, publish::INDEX_MAX, settings::Settings},
};

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct Push {
    pub(crate) settings: Settings,
    pub(crate) counters: Counters,
    pub(crate) runs: Runs,
    /// Messages that expired since the node started.
    pub(crate) expired: u64,
    /// Merged messages whose bytes differed from those here, since the node started.
    pub(crate) conflicts: u64,
}

/// The window of a push queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// The index before the oldest live message.
    pub si: u64,
    /// The last index.
    pub ci: u64,
}

/// What a publication does to the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Publication {
    /// The index it gets.
    pub(crate) index: u64,
    /// Everything up to here goes; `None`: nothing.
    pub(crate) floor: Option<u64>,
}

/// Decides a publication with the `idx` and `base` asked for.
pub(crate) fn publish(window: Window, idx: Option<u64>, base: u64) -> QueueResult<Publication> {
    let Window { si, ci } = window;
    let next = |after: u64| {
        let next = after.checked_add(1).filter(|next| *next <= INDEX_MAX);
        next.ok_or(Error::Invalid { subject: "queue", reason: "no index is left".into() })
    };
    match idx {
        None => Ok(Publication { index: next(ci.max(base))?, floor: None }),
        Some(idx) if idx <= si => Err(Error::invalid("idx", format!("not over {si}")).into()),
        Some(idx) if idx <= ci => Ok(Publication { index: next(ci)?, floor: Some(idx - 1) }),
        Some(idx) => Ok(Publication { index: idx, floor: Some(idx - 1) }),
    }
}

impl Push {
    /// A queue as it was left, or an empty one.
    pub(crate) fn new(settings: Settings, counters: Counters, runs: Runs) -> Push {
        Push { settings, counters, runs, expired: 0, conflicts: 0 }
    }

    /// The window.
    pub(crate) fn window(&self) -> Window {
        let ci = self.counters.lanes[0].last;
        Window { si: self.runs.first_index().map_or(ci, |first| first.saturating_sub(1)), ci }
    }

    /// Stores a message in the counters and runs; `false` if there is one.
    pub(crate) fn store(&mut self, index: u64, bytes: u64, journal: &mut Journal) -> bool {
        if !self.runs.insert(index, journal) {
            return false;
        }
        let lane = self.counters.lane(0);
        lane.last = lane.last.max(index);
        lane.held += 1;
        lane.bytes = lane.bytes.saturating_add(bytes);
        true
    }

    /// An index was published, here or elsewhere: none up to it is given again.
    pub(crate) fn note_published(&mut self, index: u64) {
        let lane = self.counters.lane(0);
        lane.last = lane.last.max(index);
    }

    /// Drops everything up to `floor`. Its bytes are counted until its rows are deleted.
    pub(crate) fn raise_floor(&mut self, floor: u64, journal: &mut Journal) {
        self.counters.floor = self.counters.floor.max(floor);
        self.runs.drop_to(floor, journal);
        let lane = self.counters.lane(0);
        lane.last = lane.last.max(floor);
    }

    /// Empties the window. Nothing of it is counted any more.
    pub(crate) fn purge(&mut self, journal: &mut Journal) {
        let last = self.counters.lanes[0].last;
        self.raise_floor(last, journal);
        self.counters.lane(0).purge();
    }

    /// Takes an expired message out; `false` if it is not there any more.
    pub(crate) fn expire(&mut self, index: u64, bytes: u64, journal: &mut Journal) -> bool {
        let there = self.runs.remove(index, journal);
        if there {
            self.counters.lane(0).release(bytes);
            self.expired += 1;
        }
        there
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn publications_by_the_table_of_the_contract() {
        let window = Window { si: 10, ci: 20 };
        let empty = Window { si: 0, ci: 0 };
        let table = [
            (window, None, 0, Some((21, None))),
            (window, None, 20, Some((21, None))),
            (window, None, 30, Some((31, None))),
            (window, Some(10), 0, None),
            (window, Some(0), 0, None),
            (window, Some(11), 0, Some((21, Some(10)))),
            (window, Some(20), 99, Some((21, Some(19)))),
            (window, Some(21), 0, Some((21, Some(20)))),
            (window, Some(50), 99, Some((50, Some(49)))),
            (empty, None, 0, Some((1, None))),
            (empty, Some(0), 0, None),
            (empty, Some(1), 0, Some((1, Some(0)))),
            (window, None, u64::MAX, None),
        ];
        for (window, idx, base, expected) in table {
            let done = publish(window, idx, base).ok().map(|done| (done.index, done.floor));
            assert_eq!(done, expected, "{window:?} {idx:?} {base}");
        }
    }

    #[test]
    fn the_window_follows_what_lives() {
        let mut push = Push::new(Settings::new(300), Counters::default(), Runs::default());
        let mut journal = Journal::default();
        for index in 1..=5 {
            assert!(push.store(index, 10, &mut journal));
        }
        assert!(!push.store(3, 10, &mut journal));
        assert_eq!(push.window(), Window { si: 0, ci: 5 });
        assert!(push.expire(2, 10, &mut journal) && !push.expire(2, 10, &mut journal));
        assert_eq!((push.window(), push.runs.count()), (Window { si: 0, ci: 5 }, 4));
        assert!(push.expire(1, 10, &mut journal));
        assert_eq!(push.window(), Window { si: 2, ci: 5 });
        push.raise_floor(4, &mut journal);
        assert_eq!((push.window(), push.counters.lanes[0].held), (Window { si: 4, ci: 5 }, 3));
        push.purge(&mut journal);
        let lane = push.counters.lanes[0];
        assert_eq!((push.window(), push.counters.floor), (Window { si: 5, ci: 5 }, 5));
        assert_eq!((lane.held, lane.bytes, lane.purged), (0, 0, 5));
    }
}

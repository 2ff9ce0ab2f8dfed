//! What is known of the segments of one folder: how far each is read and how far it is settled.
//!
//! Two parties change it. The survey adds segments, reads on in those that grow, and ends those that are done; the
//! replay only settles hints, and never any that the survey has not read. So `pending` is exact at every moment.

use std::collections::{BTreeMap, BTreeSet};

use hust_wire::{Host, hint::Growth};
use parking_lot::Mutex;
use tokio::sync::Notify;

use super::progress::Progress;

/// The folder itself, among the names of what could not be read.
pub const FOLDER: &str = ".";

/// The hints for one host.
#[derive(Debug)]
pub struct Queue {
    /// The host, as its folder spells it.
    pub host: Host,
    /// Told when there is something to replay.
    pub wake: Notify,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// By name, which is by age.
    segments: BTreeMap<Box<str>, Segment>,
    counts: Counts,
    /// What could not be read when it was last looked at, by name.
    unreadable: BTreeSet<Box<str>>,
}

/// What there is of the hints for a host. All but `pending` and `oldest_ms` since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Hints read.
    pub processed: u64,
    /// Hints merged.
    pub synced: u64,
    /// Hints that are still to be settled.
    pub pending: u64,
    /// When the oldest of these was noted, unix ms.
    pub oldest_ms: Option<u64>,
    /// Damaged places, and segments of an unknown version.
    pub damaged: u64,
    /// Hints that were refused alone.
    pub refused: u64,
    /// Hints that were too old.
    pub expired: u64,
    /// Attempts that ended because a node did not take part.
    pub failures: u64,
}

impl Counts {
    /// How old the oldest pending hint is; 0 if there is none.
    pub fn age_s(&self, now_ms: u64) -> u64 {
        self.oldest_ms.map_or(0, |oldest_ms| now_ms.saturating_sub(oldest_ms) / 1000)
    }
}

/// A segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    /// Every hint before it is settled.
    pub at: u64,
    /// It has been read up to here.
    pub read_to: u64,
    /// Hints between the two.
    pub pending: u64,
    /// When the first of these was noted.
    pub oldest_ms: Option<u64>,
    /// Damaged places before `read_to`.
    pub damaged: u64,
    /// Whether it may grow.
    pub growth: Growth,
    /// Whether it is of a version that nobody here can read.
    pub is_foreign: bool,
}

impl Segment {
    /// A segment that is still to be read from where it was settled before.
    pub fn new(progress: Progress) -> Segment {
        Segment {
            at: progress.at,
            read_to: progress.at,
            pending: 0,
            oldest_ms: None,
            damaged: progress.damaged,
            growth: Growth::Open,
            is_foreign: false,
        }
    }

    /// Whether all of it is done.
    pub fn is_done(&self) -> bool {
        self.growth == Growth::Closed && self.pending == 0 && !self.is_foreign
    }
}

/// What reading on in a segment found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// Where it ended.
    pub read_to: u64,
    /// Whole hints.
    pub hints: u64,
    /// When the first of them was noted.
    pub first_ms: Option<u64>,
    /// Damaged places.
    pub damaged: u64,
    /// Whether the segment may grow.
    pub growth: Growth,
    /// Whether its version is unknown.
    pub is_foreign: bool,
}

/// A part of a segment that is to be replayed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// The name of the segment.
    pub name: Box<str>,
    /// Where it begins.
    pub from: u64,
    /// Where it ends.
    pub to: u64,
    /// Whether the segment may grow.
    pub growth: Growth,
}

/// What became of some hints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Settled {
    /// Where the next hint begins.
    pub end: u64,
    /// Merged.
    pub merged: u64,
    /// Refused alone.
    pub refused: u64,
    /// Too old.
    pub expired: u64,
    /// When the last of them was noted.
    pub last_ms: Option<u64>,
}

impl Settled {
    fn hints(&self) -> u64 {
        self.merged + self.refused + self.expired
    }
}

impl Queue {
    /// A queue of which nothing is known yet.
    pub fn new(host: Host) -> Queue {
        Queue { host, wake: Notify::new(), state: Mutex::default() }
    }

    /// What there is of a segment.
    pub fn segment(&self, name: &str) -> Option<Segment> {
        self.state.lock().segments.get(name).copied()
    }

    /// Takes in what was read of a segment.
    pub fn read(&self, name: &str, before: Segment, reading: &Reading) {
        let mut state = self.state.lock();
        let segment = state.segments.entry(name.into()).or_insert(before);
        let is_newly_foreign = reading.is_foreign && !segment.is_foreign;
        segment.read_to = reading.read_to;
        segment.growth = reading.growth;
        segment.is_foreign = reading.is_foreign;
        segment.damaged += reading.damaged;
        segment.pending += reading.hints;
        if segment.oldest_ms.is_none() {
            segment.oldest_ms = reading.first_ms;
        }
        let counts = &mut state.counts;
        counts.processed += reading.hints;
        counts.pending += reading.hints;
        counts.damaged += reading.damaged + u64::from(is_newly_foreign);
    }

    /// Notes whether something could be looked at; `true` if that it could not is news.
    pub fn looked(&self, name: &str, is_readable: bool) -> bool {
        let unreadable = &mut self.state.lock().unreadable;
        if is_readable {
            unreadable.remove(name);
            return false;
        }
        unreadable.insert(name.into())
    }

    /// Forgets the segments that `is_there` does not know. Returns how many of their hints were not settled.
    pub fn retain(&self, is_there: impl Fn(&str) -> bool) -> u64 {
        let mut state = self.state.lock();
        let mut lost = 0;
        state.segments.retain(|name, segment| {
            let keep = is_there(name);
            lost += if keep { 0 } else { segment.pending };
            keep
        });
        state.counts.pending -= lost;
        state.unreadable.retain(|name| &**name == FOLDER || is_there(name));
        lost
    }

    /// The first part to be replayed, of the segments that are not to be left out.
    pub fn next(&self, left_out: &[Box<str>]) -> Option<Task> {
        let state = self.state.lock();
        let mut ready = state.segments.iter().filter(|(_, segment)| segment.pending > 0);
        let (name, segment) = ready.find(|(name, _)| !left_out.contains(name))?;
        Some(Task { name: name.clone(), from: segment.at, to: segment.read_to, growth: segment.growth })
    }

    /// Notes what became of hints of a segment.
    pub fn settle(&self, name: &str, settled: &Settled) {
        let mut state = self.state.lock();
        // One that has vanished meanwhile was taken off already.
        let Some(segment) = state.segments.get_mut(name) else { return };
        segment.at = settled.end;
        segment.pending -= settled.hints().min(segment.pending);
        segment.oldest_ms = settled.last_ms.filter(|_| segment.pending > 0);
        let counts = &mut state.counts;
        counts.pending -= settled.hints().min(counts.pending);
        counts.synced += settled.merged;
        counts.refused += settled.refused;
        counts.expired += settled.expired;
    }

    /// Counts an attempt that a node was in the way of.
    pub fn failed(&self) {
        self.state.lock().counts.failures += 1;
    }

    /// What there is.
    pub fn counts(&self) -> Counts {
        let state = self.state.lock();
        let oldest_ms = state.segments.values().find(|segment| segment.pending > 0);
        Counts { oldest_ms: oldest_ms.and_then(|segment| segment.oldest_ms), ..state.counts }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(read_to: u64, hints: u64, first_ms: u64) -> Reading {
        let first_ms = (hints > 0).then_some(first_ms);
        Reading { read_to, hints, first_ms, damaged: 0, growth: Growth::Open, is_foreign: false }
    }

    fn fresh() -> Segment {
        Segment::new(Progress::default())
    }

    #[test]
    fn what_is_pending_is_exact_while_both_go_on() {
        let queue = Queue::new("a:1".parse().unwrap());
        assert_eq!(queue.next(&[]), None);
        queue.read("1.hint", fresh(), &reading(100, 4, 10));
        queue.read("2.hint", fresh(), &reading(50, 1, 20));
        let task = queue.next(&[]).unwrap();
        assert_eq!((&*task.name, task.from, task.to), ("1.hint", 0, 100));
        assert_eq!(&*queue.next(&["1.hint".into()]).unwrap().name, "2.hint");
        queue.read("1.hint", fresh(), &reading(150, 2, 30));
        let settled = Settled { end: 100, merged: 3, expired: 1, refused: 0, last_ms: Some(12) };
        queue.settle("1.hint", &settled);
        let counts = queue.counts();
        assert_eq!((counts.processed, counts.synced, counts.pending, counts.expired), (7, 3, 3, 1));
        assert_eq!(counts.oldest_ms, Some(12), "no later than what is left");
        assert_eq!(queue.next(&[]).map(|task| (task.from, task.to)), Some((100, 150)));
        queue.settle("1.hint", &Settled { end: 150, merged: 1, refused: 1, ..Settled::default() });
        assert_eq!(queue.counts().oldest_ms, Some(20));
        queue.settle("2.hint", &Settled { end: 50, merged: 1, ..Settled::default() });
        let counts = queue.counts();
        assert_eq!((counts.pending, counts.synced, counts.refused, counts.oldest_ms), (0, 5, 1, None));
    }

    #[test]
    fn what_vanishes_is_no_longer_pending() {
        let queue = Queue::new("a:1".parse().unwrap());
        queue.read("1.hint", fresh(), &reading(100, 4, 10));
        queue.read("2.hint", fresh(), &reading(100, 2, 10));
        assert_eq!(queue.retain(|name| name == "2.hint"), 4);
        queue.settle("1.hint", &Settled { end: 100, merged: 4, ..Settled::default() });
        assert_eq!(queue.counts().pending, 2);
        assert_eq!(queue.retain(|_| true), 0);
    }

    #[test]
    fn a_segment_is_done_when_it_is_closed_and_settled() {
        let mut segment = fresh();
        assert!(!segment.is_done(), "open");
        segment.growth = Growth::Closed;
        assert!(segment.is_done());
        assert!(!Segment { pending: 1, ..segment }.is_done());
        assert!(!Segment { is_foreign: true, ..segment }.is_done(), "left alone");
    }
}

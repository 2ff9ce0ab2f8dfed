//! One node: its state, what is owed to it, what has been counted of it.
//!
//! Behind is: debts or hints are known, or a debt or hint was recorded since the last finished poll began, or the node
//! came up and no poll has finished that began since. The marks of a poll are taken when it begins, so that what happens
//! meanwhile counts for the next one.

use std::{
    collections::HashMap,
    sync::atomic::{AtomicU8, AtomicU64, Ordering::Relaxed},
};

use hust_wire::{
    Host,
    client::{Failure, Outcome},
    health::{Event, Limits, State, Track},
    log::Failing,
};
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::plan::View;

const BEHIND: u8 = 4;
/// Numbers the times at which nodes come up again. All that were up when first seen, or have caught up, have the same.
static RISES: AtomicU64 = AtomicU64::new(2);
const RISE_AT_START: u64 = 1;
/// Numbers the times at which nodes fall behind. All that are when first seen have the same.
static FALLS: AtomicU64 = AtomicU64::new(1);
const FALL_AT_START: u64 = 0;

/// A node.
#[derive(Debug)]
pub struct Node {
    /// Where it is.
    pub host: Host,
    limits: Limits,
    /// State and behind, for those who only look.
    face: AtomicU8,
    up_since: AtomicU64,
    behind_since: AtomicU64,
    inner: Mutex<Inner>,
    /// Wakes whoever checks it.
    pub alarm: Notify,
    /// What has been counted of it.
    pub counts: Counts,
}

/// Counters of a node.
#[derive(Debug, Default)]
pub struct Counts {
    /// Answers that named it in `Sync`.
    pub sync_answers: AtomicU64,
    /// Hints written for it.
    pub hints: AtomicU64,
    /// Requests that were not done.
    pub refused_legs: AtomicU64,
    /// Requests of which nothing is known.
    pub unknown_legs: AtomicU64,
    /// Whether the last hint for it could not be written.
    pub hints_fail: Failing,
    /// Records it refused because their stamp is ahead of its clock.
    pub clock_skew: AtomicU64,
}

/// How a request to a node failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leg {
    /// Not done.
    Refused,
    /// Done or not.
    Unknown,
}

#[derive(Debug, Default)]
struct Inner {
    track: Track,
    marks: Mark,
    polled: Mark,
    debts: u64,
    hints: u64,
    /// What it owes to others, as it said last.
    owes: HashMap<Host, u64>,
    /// Debts it took from this proxy so far.
    noted: u64,
    /// Hosts it took one for since it said so, by the number of the last.
    noted_for: HashMap<Host, u64>,
}

/// What a poll that begins now will have seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    recorded: u64,
    risen: u64,
    noted: u64,
}

impl Node {
    pub fn new(host: Host, limits: Limits) -> Node {
        let node = Node {
            host,
            limits,
            face: AtomicU8::new(0),
            up_since: AtomicU64::new(RISE_AT_START),
            behind_since: AtomicU64::new(FALL_AT_START),
            inner: Mutex::default(),
            alarm: Notify::new(),
            counts: Counts::default(),
        };
        node.publish(&node.inner.lock());
        node
    }

    /// Its state, and whether it is behind.
    pub fn view(&self) -> View {
        let face = self.face.load(Relaxed);
        let state = match face & !BEHIND {
            0 => State::Up,
            1 => State::Suspect,
            _ => State::Down,
        };
        View {
            state,
            behind: face & BEHIND != 0,
            up_since: self.up_since.load(Relaxed),
            behind_since: self.behind_since.load(Relaxed),
        }
    }

    /// Whether it is up.
    pub fn is_up(&self) -> bool {
        self.view().state == State::Up
    }

    /// Takes the result of a check in. Whether it has just come up.
    pub fn observe(&self, event: Event) -> bool {
        let mut inner = self.inner.lock();
        let before = inner.track.state();
        let first = inner.track == Track::default();
        inner.track.observe(event, self.limits);
        let now = inner.track.state();
        let risen = now == State::Up && before != State::Up;
        if risen {
            inner.marks.risen += 1;
            let number = if first { RISE_AT_START } else { RISES.fetch_add(1, Relaxed) };
            self.up_since.store(number, Relaxed);
        }
        self.publish(&inner);
        if first {
            self.behind_since.store(FALL_AT_START, Relaxed);
        }
        if now != before {
            tracing::info!("{} is {now:?}", self.host);
        }
        risen
    }

    /// Takes in that a request failed.
    pub fn failed(&self, failure: &Failure) {
        match failure.outcome() {
            Outcome::Unknown => {
                self.count(Leg::Unknown);
                self.observe(Event::RequestLost);
                self.alarm.notify_one();
            }
            Outcome::Refused => {
                self.count(Leg::Refused);
                if failure.is_unreachable() {
                    self.observe(Event::RequestUnreachable);
                    self.alarm.notify_one();
                }
            }
        }
    }

    /// Counts a failed request.
    pub fn count(&self, leg: Leg) {
        match leg {
            Leg::Refused => self.counts.refused_legs.fetch_add(1, Relaxed),
            Leg::Unknown => self.counts.unknown_legs.fetch_add(1, Relaxed),
        };
    }

    /// A record is owed to it from now on.
    pub fn note_owed(&self) {
        let mut inner = self.inner.lock();
        inner.marks.recorded += 1;
        self.publish(&inner);
    }

    /// What a poll that begins now will have seen.
    pub fn mark(&self) -> Mark {
        let inner = self.inner.lock();
        Mark { noted: inner.noted, ..inner.marks }
    }

    /// Takes the result of a poll in that began at `mark`.
    pub fn polled(&self, mark: Mark, debts: u64, hints: u64) {
        let mut inner = self.inner.lock();
        (inner.polled, inner.debts, inner.hints) = (Mark { noted: 0, ..mark }, debts, hints);
        self.publish(&inner);
    }

    /// It took a debt to a host. Should it not be heard of again, that is still known.
    pub fn note_owes(&self, host: &Host) {
        let mut inner = self.inner.lock();
        inner.noted += 1;
        let number = inner.noted;
        inner.noted_for.insert(host.clone(), number);
    }

    /// What it says it owes, asked at `mark`.
    pub fn set_owes(&self, mark: Mark, owes: HashMap<Host, u64>) {
        let mut inner = self.inner.lock();
        inner.owes = owes;
        inner.noted_for.retain(|_, number| *number > mark.noted);
    }

    /// What it owes to a host, as far as is known.
    pub fn owes(&self, host: &Host) -> u64 {
        let inner = self.inner.lock();
        inner.owes.get(host).copied().unwrap_or(0).max(inner.noted_for.contains_key(host).into())
    }

    /// Records others owe to it, and segments of hints for it.
    pub fn owed(&self) -> (u64, u64) {
        let inner = self.inner.lock();
        (inner.debts, inner.hints)
    }

    fn publish(&self, inner: &Inner) {
        let state = match inner.track.state() {
            State::Up => 0,
            State::Suspect => 1,
            State::Down => 2,
        };
        let behind = inner.debts > 0 || inner.hints > 0 || inner.marks != inner.polled;
        let was_behind = self.face.load(Relaxed) & BEHIND != 0;
        // Before the face: who sees that it is behind sees since when.
        if behind && !was_behind {
            self.behind_since.store(FALLS.fetch_add(1, Relaxed), Relaxed);
        }
        if !behind && inner.track.state() == State::Up {
            self.up_since.store(RISE_AT_START, Relaxed);
        }
        self.face.store(state | if behind { BEHIND } else { 0 }, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_debt_is_known_until_the_debtor_says_otherwise() {
        let node = Node::new("a:1".parse().unwrap(), Limits { rise: 1, fall: 3 });
        let host: Host = "b:1".parse().unwrap();
        let before = node.mark();
        node.note_owes(&host);
        assert_eq!(node.owes(&host), 1);
        node.set_owes(before, HashMap::new());
        assert_eq!(node.owes(&host), 1, "it was asked before");
        node.set_owes(node.mark(), HashMap::from([(host.clone(), 5)]));
        assert_eq!(node.owes(&host), 5);
        node.set_owes(node.mark(), HashMap::new());
        assert_eq!(node.owes(&host), 0);
    }

    #[test]
    fn behind_until_a_poll_says_otherwise() {
        let node = Node::new("a:1".parse().unwrap(), Limits { rise: 1, fall: 3 });
        let (up_since, behind_since) = (RISE_AT_START, FALL_AT_START);
        assert_eq!(node.view(), View { state: State::Down, behind: false, up_since, behind_since });
        assert!(node.observe(Event::Good), "it came up");
        assert_eq!(node.view(), View { state: State::Up, behind: true, up_since, behind_since });
        node.polled(node.mark(), 0, 0);
        assert!(!node.view().behind);

        let mark = node.mark();
        node.note_owed();
        assert!(node.view().behind);
        node.polled(mark, 0, 0);
        assert!(node.view().behind, "that poll began before the debt");
        node.polled(node.mark(), 3, 0);
        assert!(node.view().behind);
        assert_eq!(node.owed(), (3, 0));
        node.polled(node.mark(), 0, 1);
        assert!(node.view().behind);
        node.polled(node.mark(), 0, 0);
        assert!(!node.view().behind);

        node.observe(Event::RequestUnreachable);
        assert_eq!(node.view().state, State::Suspect);
        let mark = node.mark();
        node.observe(Event::Good);
        node.polled(mark, 0, 0);
        assert!(node.view().behind, "it came up during the poll");
        assert!(node.view().up_since > RISE_AT_START);
        node.polled(node.mark(), 1, 0);
        let fallen = node.view();
        assert!(fallen.up_since > RISE_AT_START, "it has not caught up");
        node.note_owed();
        assert_eq!(node.view(), fallen, "behind all the time");
        node.polled(node.mark(), 0, 0);
        assert_eq!(node.view().up_since, RISE_AT_START, "it has caught up");
        node.note_owed();
        assert!(node.view().behind_since > fallen.behind_since);
    }
}

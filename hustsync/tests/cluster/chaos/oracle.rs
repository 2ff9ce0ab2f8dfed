//! What records may be, by the answers that their writers got. Pure.
//!
//! A [`Belief`] is of a record that one client writes, one write after another: the last acknowledged state, and each
//! later one of which nobody knows whether it was taken. A [`Contest`] is of a record that many write: the
//! acknowledged write with the greatest stamp wins, unless one in doubt does. A [`Count`] is of a counter.

/// A state of a record, and until when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// `None`: absent.
    pub value: Option<String>,
    /// It expires not before the first and not after the second, unix ms.
    pub expires_ms: Option<(u64, u64)>,
}

impl State {
    pub fn absent() -> State {
        State { value: None, expires_ms: None }
    }

    pub fn lasting(value: &str) -> State {
        State { value: Some(value.to_owned()), expires_ms: None }
    }

    /// Whether a read that lasted from `asked_ms` to `answered_ms` may find this.
    fn allows(&self, found: Option<&str>, asked_ms: u64, answered_ms: u64) -> bool {
        match (found, self.expires_ms) {
            (found, None) => found == self.value.as_deref(),
            (None, Some((from, _))) => answered_ms >= from,
            (found, Some((_, until))) => found == self.value.as_deref() && asked_ms < until,
        }
    }
}

/// What a record of one writer may be.
#[derive(Clone, Debug)]
pub struct Belief {
    /// With the time until which a write may still take effect if its answer was lost; 0: it has, or never will.
    possible: Vec<(State, u64)>,
}

impl Belief {
    pub fn absent() -> Belief {
        Belief { possible: vec![(State::absent(), 0)] }
    }

    /// A write that began then was answered 200. One whose deadline had not passed may still come after it.
    pub fn acknowledge(&mut self, state: State, begun_ms: u64) {
        self.possible.retain(|(_, late_until_ms)| *late_until_ms > begun_ms);
        self.possible.push((state, 0));
    }

    /// A write may have been done, or may be done until then.
    pub fn doubt(&mut self, state: State, late_until_ms: u64) {
        self.possible.push((state, late_until_ms));
    }

    /// Whether a read may find this.
    pub fn allows(&self, found: Option<&str>, asked_ms: u64, answered_ms: u64) -> bool {
        self.possible.iter().any(|(state, _)| state.allows(found, asked_ms, answered_ms))
    }

    /// Both masters have this, and nothing is under way: the doubt is over.
    pub fn settle(&mut self, found: Option<&str>) {
        self.possible.retain(|(state, _)| found.is_some() && state.value.as_deref() == found);
        if found.is_none() {
            self.possible.push((State::absent(), 0));
        }
        self.possible.iter_mut().for_each(|(_, late_until_ms)| *late_until_ms = 0);
    }
}

/// What a record of many writers may be.
#[derive(Clone, Debug, Default)]
pub struct Contest {
    stamp: u64,
    value: Option<String>,
    doubtful: Vec<Option<String>>,
}

impl Contest {
    /// A write was answered 200 with this stamp.
    pub fn acknowledge(&mut self, stamp: u64, value: Option<String>) {
        if stamp > self.stamp {
            (self.stamp, self.value) = (stamp, value);
        }
    }

    /// A write may have been done.
    pub fn doubt(&mut self, value: Option<String>) {
        self.doubtful.push(value);
    }

    /// Takes in what another client knows.
    pub fn join(&mut self, other: Contest) {
        self.acknowledge(other.stamp, other.value);
        self.doubtful.extend(other.doubtful);
    }

    /// Whether the record may be this when nothing is under way.
    pub fn allows(&self, found: Option<&str>) -> bool {
        found == self.value.as_deref() || self.doubtful.iter().any(|value| value.as_deref() == found)
    }

    /// Both masters have this: the doubt is over.
    pub fn settle(&mut self, stamp: Option<u64>, found: Option<String>) {
        self.stamp = stamp.unwrap_or(self.stamp).max(self.stamp);
        self.value = found;
        self.doubtful.clear();
    }
}

/// What a counter may be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    pub acknowledged: u64,
    pub doubtful: u64,
}

impl Count {
    /// Takes in what another client knows.
    pub fn join(&mut self, other: Count) {
        self.acknowledged += other.acknowledged;
        self.doubtful += other.doubtful;
    }

    /// Whether it may show this.
    pub fn allows(&self, found: u64) -> bool {
        (self.acknowledged..=self.acknowledged + self.doubtful).contains(&found)
    }

    /// Both masters have this: the doubt is over.
    pub fn settle(&mut self, found: u64) {
        *self = Count { acknowledged: found, doubtful: 0 };
    }
}

#[test]
fn one_writer() {
    let mut belief = Belief::absent();
    assert!(belief.allows(None, 1, 2) && !belief.allows(Some("a"), 1, 2));
    belief.doubt(State::lasting("a"), 50);
    assert!(belief.allows(None, 1, 2) && belief.allows(Some("a"), 1, 2));
    belief.acknowledge(State::lasting("b"), 10);
    assert!(belief.allows(Some("b"), 1, 2) && belief.allows(Some("a"), 1, 2), "the first may be late");
    assert!(!belief.allows(None, 1, 2), "a wrong miss");
    belief.acknowledge(State::lasting("c"), 51);
    assert!(
        belief.allows(Some("c"), 1, 2) && !belief.allows(Some("a"), 1, 2) && !belief.allows(Some("b"), 1, 2)
    );
    belief.doubt(State::absent(), 0);
    belief.settle(Some("c"));
    assert!(!belief.allows(None, 1, 2));
    belief.acknowledge(State { value: Some("d".into()), expires_ms: Some((100, 120)) }, 60);
    assert!(belief.allows(Some("d"), 90, 99) && !belief.allows(None, 90, 99), "too early");
    assert!(belief.allows(Some("d"), 110, 111) && belief.allows(None, 110, 111));
    assert!(!belief.allows(Some("d"), 120, 121), "too late");
}

#[test]
fn many_writers() {
    let mut contest = Contest::default();
    contest.acknowledge(5, Some("five".into()));
    contest.acknowledge(3, Some("three".into()));
    assert!(contest.allows(Some("five")) && !contest.allows(Some("three")) && !contest.allows(None));
    let mut other = Contest::default();
    other.acknowledge(7, None);
    other.doubt(Some("doubt".into()));
    contest.join(other);
    assert!(
        contest.allows(None) && contest.allows(Some("doubt")) && !contest.allows(Some("five")),
        "it came back"
    );
    contest.settle(Some(9), Some("doubt".into()));
    assert!(!contest.allows(None));
    contest.acknowledge(8, None);
    assert!(!contest.allows(None));
}

#[test]
fn counters() {
    let mut count = Count { acknowledged: 3, doubtful: 1 };
    count.join(Count { acknowledged: 2, doubtful: 0 });
    assert_eq!([4, 5, 6, 7].map(|found| count.allows(found)), [false, true, true, false]);
    count.settle(6);
    assert_eq!(count, Count { acknowledged: 6, doubtful: 0 });
}

//! What a write does to a record: pure decisions, the same for every kind.
//!
//! A record is the newest row of its key. It is *live* unless it is a tombstone, the remains of an expired record, or
//! past its expiry; all of these are absent to every command, but their stamps still count: whatever replaces them is
//! newer. [`decide`] turns (existing row, time, command) into an answer and the meta to store, if any.

use std::cmp::Ordering;

use hust_engine::{
    Meta, Slice,
    row::{EXPIRED, TOMBSTONE},
};

use crate::merge;

/// Greatest version.
pub const MAX_VERSION: u64 = (1 << 63) - 1;

/// Where a write comes from, and what it must find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A client. `ver` is the version it expects, 0 = any.
    Local {
        /// Expected version.
        ver: u64,
    },
    /// A replica of an accepted write: merged, the greater record wins.
    Replica {
        /// Version of the record.
        ver: u64,
        /// Stamp of the record.
        stamp: u64,
    },
    /// A replica from a peer without stamps: accepted unless the version here is greater.
    Unstamped {
        /// Version of the record.
        ver: u64,
    },
}

/// What to do with a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Store a value.
    Put {
        /// When it expires, unix ms; 0 = never.
        expire_ms: u64,
    },
    /// Leave a tombstone.
    Delete,
    /// Leave what is left of an expired record. Only replicas do.
    Remains {
        /// When it expired, unix ms.
        expire_ms: u64,
    },
}

/// What a record shows beside its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Version.
    pub version: u64,
    /// Stamp.
    pub stamp: u64,
    /// When it expires, unix ms; 0 = never.
    pub expire_ms: u64,
}

impl From<&Meta> for Shown {
    fn from(meta: &Meta) -> Shown {
        Shown { version: meta.version, stamp: meta.stamp, expire_ms: meta.expire_ms }
    }
}

/// A live record.
#[derive(Clone, Debug)]
pub struct Record {
    /// Version, stamp and expiry.
    pub shown: Shown,
    /// The value: bytes of its own or of a mapped file, to send without a copy.
    pub value: Slice,
}

/// What the writer is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Done; the record as it is now, of a delete the tombstone with the version it deleted.
    Applied(Shown),
    /// The record is as the write would make it; nothing changed.
    Unchanged(Shown),
    /// The expected version does not fit; nothing changed.
    Conflict {
        /// Current version, 0 if absent.
        current: u64,
    },
    /// There was nothing to delete.
    Absent,
    /// A replica changed nothing.
    Ignored {
        /// The record here.
        winner: Shown,
        /// Whether it is greater than the replica, not the same.
        greater: bool,
    },
}

/// An answer, and the meta of the row to store if anything changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// What the writer is told.
    pub answer: Answer,
    /// Meta of the new row.
    pub change: Option<Meta>,
}

impl Outcome {
    fn apply(meta: Meta) -> Outcome {
        Outcome { answer: Answer::Applied(Shown::from(&meta)), change: Some(meta) }
    }

    fn refuse(answer: Answer) -> Outcome {
        Outcome { answer, change: None }
    }
}

/// Whether commands see a row at this time.
pub fn is_live(meta: &Meta, now_ms: u64) -> bool {
    !meta.is_tombstone() && (meta.expire_ms == 0 || now_ms < meta.expire_ms)
}

/// Decides a write. `fresh(replaced)` gives a stamp greater than `replaced` and everything before; `values` gives the
/// order of the incoming value and the stored one, and is asked only when all before is equal.
pub fn decide<E>(
    existing: Option<&Meta>,
    now_ms: u64,
    origin: Origin,
    action: Action,
    fresh: impl FnOnce(u64) -> u64,
    values: impl FnOnce() -> Result<Ordering, E>,
) -> Result<Outcome, E> {
    let live = existing.filter(|meta| is_live(meta, now_ms));
    let current = live.map_or(0, |meta| meta.version);
    let stamp = || fresh(existing.map_or(0, |meta| meta.stamp));
    let accept = |version| Outcome::apply(row(action, stamp(), version));
    Ok(match (origin, action, live) {
        (Origin::Replica { ver, stamp }, ..) => merge(existing, row(action, stamp, ver), values)?,
        (_, Action::Delete | Action::Remains { .. }, None) => Outcome::refuse(Answer::Absent),
        (Origin::Local { ver }, ..) if ver != 0 && ver != current => {
            Outcome::refuse(Answer::Conflict { current })
        }
        (Origin::Unstamped { ver }, _, Some(meta)) if ver < current => {
            Outcome::refuse(Answer::Ignored { winner: Shown::from(meta), greater: true })
        }
        // The version of a tombstone is the one it deleted.
        (_, Action::Delete | Action::Remains { .. }, Some(_)) => accept(current),
        (Origin::Local { .. }, Action::Put { .. }, _) => accept(current.saturating_add(1).min(MAX_VERSION)),
        (Origin::Unstamped { ver }, Action::Put { .. }, _) => accept(ver),
    })
}

fn row(action: Action, stamp: u64, version: u64) -> Meta {
    match action {
        Action::Put { expire_ms } => Meta { stamp, version, expire_ms, flags: 0 },
        Action::Delete => Meta { stamp, version, expire_ms: 0, flags: TOMBSTONE },
        Action::Remains { expire_ms } => Meta { stamp, version, expire_ms, flags: TOMBSTONE | EXPIRED },
    }
}

fn merge<E>(
    existing: Option<&Meta>,
    incoming: Meta,
    values: impl FnOnce() -> Result<Ordering, E>,
) -> Result<Outcome, E> {
    let Some(existing) = existing else { return Ok(Outcome::apply(incoming)) };
    let order = match merge::by_meta(&incoming, existing) {
        Some(order) => order,
        None => merge::by_value(values()?, &incoming, existing),
    };
    let same = order.is_eq() || merge::is_remains_of(existing, &incoming);
    Ok(match order {
        Ordering::Greater => Outcome::apply(incoming),
        _ => Outcome::refuse(Answer::Ignored { winner: Shown::from(existing), greater: !same }),
    })
}

#[cfg(test)]
#[path = "record_tests.rs"]
mod tests;

//! Merging many records: each is one write of its own, all are waited for once.
//!
//! What stands in the way of one record only - no capacity for it, its md5 belongs to another key - does not keep the
//! others out: deletions come through whatever is refused beside them. The caller is told the first such refusal, and
//! repeats; what was merged already is then ignored.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use hust_engine::Ticket;

use super::{Form, Replica};
use crate::{
    error::{Error, Result},
    kind::Kind,
    kv::Kv,
    members::{Member, Members},
    record::{Answer, Origin},
    store::Shared,
    write::{Change, Lifetime, ScoreOperation, Terms, Written, score_of},
};

/// What a merge did.
#[derive(Debug, Default)]
pub struct Merged {
    /// Records that won.
    pub applied: u64,
    /// Records that were here already, or are older than what is here.
    pub ignored: u64,
    /// Resolves when all of that is durable; `None` if there was nothing to merge.
    pub ticket: Option<Ticket>,
}

impl Merged {
    /// Adds what the next merge did.
    pub fn and(self, next: Merged) -> Merged {
        Merged {
            applied: self.applied + next.applied,
            ignored: self.ignored + next.ignored,
            ticket: later(self.ticket, next.ticket),
        }
    }
}

/// Records merged since the store was opened.
#[derive(Debug, Default)]
pub(crate) struct MergeCounters {
    pub applied: AtomicU64,
    pub ignored: AtomicU64,
}

/// Merges records. If one has a stamp that is refused, none is merged. May block on the disk.
pub(crate) fn merge<'r>(
    shared: &Shared,
    replicas: impl Iterator<Item = Replica<'r>> + Clone,
) -> Result<Merged> {
    let now_ms = shared.clock.now_ms();
    if replicas.clone().any(|replica| shared.stamps.is_beyond_skew(now_ms, replica.shown.stamp)) {
        return Err(Error::invalid("stamp", "too far ahead of this node's clock"));
    }
    let mut merged = Merged::default();
    let mut refused = None;
    for replica in replicas {
        match apply(shared, &replica) {
            Ok(Written { answer, ticket, .. }) => {
                let applied = matches!(answer, Answer::Applied(_));
                merged.applied += u64::from(applied);
                merged.ignored += u64::from(!applied);
                merged.ticket = later(merged.ticket, Some(ticket));
            }
            Err(error @ (Error::Capacity(_) | Error::Collision | Error::Damaged(_))) => {
                refused.get_or_insert(error);
            }
            Err(error) => return Err(error),
        }
    }
    shared.merges.applied.fetch_add(merged.applied, Relaxed);
    shared.merges.ignored.fetch_add(merged.ignored, Relaxed);
    match refused {
        None => Ok(merged),
        Some(error) => Err(error),
    }
}

fn apply(shared: &Shared, replica: &Replica<'_>) -> Result<Written> {
    let origin = Origin::Replica { ver: replica.shown.version, stamp: replica.shown.stamp };
    let terms = Terms::new(origin, Lifetime::Until(replica.shown.expire_ms));
    let change = match (replica.form, replica.kind) {
        (Form::Tombstone, _) => Change::Delete,
        (Form::Remains, _) => Change::Remains,
        (Form::Live, Kind::Zset) => {
            let score = score_of(replica.value).ok_or_else(|| Error::invalid("score", "not 8 bytes"))?;
            Change::Score { score, operation: ScoreOperation::Set }
        }
        (Form::Live, _) => Change::Put(replica.value),
    };
    if replica.kind == Kind::Kv {
        return Kv::new(shared).write(replica.key, change, terms);
    }
    let member = Member { kind: replica.kind, table: replica.table, key: replica.key };
    Members::new(shared).write(&member, change, terms)
}

/// The ticket that resolves last.
fn later(one: Option<Ticket>, other: Option<Ticket>) -> Option<Ticket> {
    match (one, other) {
        (Some(one), Some(other)) => Some(if one.end() > other.end() { one } else { other }),
        (one, other) => one.or(other),
    }
}

//! One record write against the engine, the same for every kind.
//!
//! [`RecordWrite`] is a request made ready: address, expiry as a time, index row. Its `step` runs under the record's
//! lock, asks [`record::decide`] and puts the rows and the differences of the tallies into one batch. The blocking
//! and the non-blocking form differ only in the engine call around it.

use std::cmp::Ordering;

use hust_engine::{Batch, Fetch, Head, Key, Ticket};

use crate::{
    address::{Address, MAX_KEY_BYTES},
    error::{Error, Result},
    expiry::Entry,
    record::{self, Action, Answer, MAX_VERSION, Origin},
    store::Shared,
    tally::Delta,
};

/// Until when a record lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lifetime {
    /// Seconds from now; 0 = for ever.
    Ttl(u64),
    /// Unix ms; 0 = for ever.
    Until(u64),
}

/// What a write did, and the ticket to wait for before saying so.
#[derive(Debug)]
pub struct Written {
    /// What the writer is told once the ticket is in.
    pub answer: Answer,
    /// Resolves when the write is durable; ready at once if nothing changed.
    pub ticket: Ticket,
}

/// How often a blocking write brings the stored value to memory for a comparison.
const VALUE_READS_MAX: usize = 4;

/// A write made ready. It has one time, `now_ms`, for liveness, expiry and stamp.
pub(crate) struct RecordWrite<'a> {
    shared: &'a Shared,
    address: Address,
    user_key: &'a [u8],
    value: &'a [u8],
    origin: Origin,
    action: Action,
    now_ms: u64,
    index: Option<Entry>,
}

/// Why a step has no answer.
enum Halt {
    /// A value must be read from disk first.
    Cold,
    Refused(Error),
}

type Step<T> = std::result::Result<T, Halt>;

impl From<hust_engine::Error> for Halt {
    fn from(cause: hust_engine::Error) -> Halt {
        Halt::Refused(cause.into())
    }
}

/// Refuses keys of an illegal length.
pub(crate) fn check_key(user_key: &[u8]) -> Result<()> {
    match user_key.len() {
        1..=MAX_KEY_BYTES => Ok(()),
        0 => Err(Error::invalid("key", "empty")),
        _ => Err(Error::invalid("key", format!("over {MAX_KEY_BYTES} bytes"))),
    }
}

impl<'a> RecordWrite<'a> {
    /// Checks a put and makes it ready.
    pub(crate) fn put(
        shared: &'a Shared,
        address: Address,
        (user_key, value): (&'a [u8], &'a [u8]),
        origin: Origin,
        lifetime: Lifetime,
    ) -> Result<RecordWrite<'a>> {
        let now_ms = shared.clock.now_ms();
        let expire_ms = match lifetime {
            Lifetime::Ttl(0) => 0,
            Lifetime::Ttl(ttl_s) if ttl_s > shared.ttl_maximum_s => {
                return Err(Error::invalid("ttl", format!("over {}", shared.ttl_maximum_s)));
            }
            Lifetime::Ttl(ttl_s) => now_ms.saturating_add(ttl_s.saturating_mul(1000)),
            Lifetime::Until(expire_ms) => expire_ms,
        };
        check(shared, now_ms, user_key, origin, 1)?;
        shared.capacity.check(&shared.engine, now_ms)?;
        let action = Action::Put { expire_ms };
        let index = shared.expiry.entry(address.key, expire_ms);
        Ok(RecordWrite { shared, address, user_key, value, origin, action, now_ms, index })
    }

    /// Checks a delete and makes it ready.
    pub(crate) fn delete(
        shared: &'a Shared,
        address: Address,
        user_key: &'a [u8],
        origin: Origin,
    ) -> Result<RecordWrite<'a>> {
        let (now_ms, action) = (shared.clock.now_ms(), Action::Delete);
        check(shared, now_ms, user_key, origin, 0)?;
        Ok(RecordWrite { shared, address, user_key, value: &[], origin, action, now_ms, index: None })
    }

    /// Runs it; may block on the disk.
    pub(crate) fn run(&self) -> Result<Written> {
        let (keys, len) = self.keys();
        for _ in 0..VALUE_READS_MAX {
            match self.shared.engine.update(&keys[..len], |heads, batch| Ok(self.step(heads, batch)))? {
                (Ok(answer), ticket) => return Ok(self.written(answer, ticket)),
                (Err(Halt::Refused(error)), _) => return Err(error),
                (Err(Halt::Cold), _) => self.warm_value()?,
            }
        }
        Err(Error::Busy("the stored value does not stay in memory"))
    }

    /// Brings the stored value to memory, outside of the record's lock.
    fn warm_value(&self) -> Result<()> {
        if let Some(row) = self.shared.engine.get(&self.address.key)? {
            // The engine may hand out a value without a look at all of its pages; a checksum looks at every byte.
            std::hint::black_box(crc32fast::hash(row.value()));
        }
        Ok(())
    }

    /// Runs it unless that means reading from the disk.
    pub(crate) fn try_run(&self) -> Result<Fetch<Written>> {
        let (keys, len) = self.keys();
        match self.shared.engine.try_update(&keys[..len], |heads, batch| Ok(self.step(heads, batch)))? {
            Fetch::Cold => Ok(Fetch::Cold),
            Fetch::Ready((Ok(answer), ticket)) => Ok(Fetch::Ready(self.written(answer, ticket))),
            Fetch::Ready((Err(Halt::Cold), _)) => Ok(Fetch::Cold),
            Fetch::Ready((Err(Halt::Refused(error)), _)) => Err(error),
        }
    }

    /// The rows this write may change: the record, then its index row if it has one.
    fn keys(&self) -> ([Key; 2], usize) {
        match &self.index {
            Some(index) => ([self.address.key, index.key], 2),
            None => ([self.address.key; 2], 1),
        }
    }

    fn written(&self, answer: Answer, ticket: Ticket) -> Written {
        if let Some(index) = &self.index {
            self.shared.expiry.note(index.key);
        }
        Written { answer, ticket }
    }

    /// Decides under the record's lock and fills the batch.
    fn step<'v>(&'v self, heads: &[Option<Head>], batch: &mut Batch<'v>) -> Step<Answer> {
        let head = heads.first().and_then(Option::as_ref);
        if let Some(head) = head
            && head.user_key() != self.user_key
        {
            return self.collide();
        }
        let outcome = record::decide(
            head.map(Head::meta),
            self.now_ms,
            self.origin,
            self.action,
            |replaced| self.shared.stamps.fresh(self.now_ms, replaced),
            || self.compare_value(head),
        )?;
        let Some(meta) = outcome.change else { return Ok(outcome.answer) };
        if let Some(index) = &self.index {
            match heads.get(1).and_then(Option::as_ref).filter(|head| !head.meta().is_tombstone()) {
                Some(there) if there.user_key() == index.owner => {}
                Some(_) => return Err(Halt::Refused(Error::Collision)),
                None => batch.put(index.key, Entry::meta(meta.stamp), &index.owner, &[]),
            }
        }
        let mut delta = Delta::default();
        if let Some(head) = head {
            delta.subtract(&self.address, head.meta(), head.user_key().len(), head.value_len() as usize);
        }
        delta.add(&self.address, &meta, self.user_key.len(), self.value.len());
        delta.apply(&self.address, batch);
        batch.put(self.address.key, meta, self.user_key, self.value);
        Ok(outcome.answer)
    }

    /// The row belongs to another key. This key has no record, so deleting it finds nothing; anything that would
    /// store a row is refused.
    fn collide(&self) -> Step<Answer> {
        match (self.action, self.origin) {
            (Action::Delete, Origin::Local { .. } | Origin::Unstamped { .. }) => Ok(Answer::Absent),
            _ => Err(Halt::Refused(Error::Collision)),
        }
    }

    fn compare_value(&self, head: Option<&Head>) -> Step<Ordering> {
        let Some(head) = head else { return Ok(Ordering::Greater) };
        if let Some(stored) = head.inline_value() {
            return Ok(self.value.cmp(stored));
        }
        match self.shared.engine.value_of(head)? {
            Fetch::Ready(stored) => Ok(self.value.cmp(&*stored)),
            Fetch::Cold => Err(Halt::Cold),
        }
    }
}

/// What is checked of every write before it looks at the record.
fn check(
    shared: &Shared,
    now_ms: u64,
    user_key: &[u8],
    origin: Origin,
    least_replica_ver: u64,
) -> Result<()> {
    check_key(user_key)?;
    let (ver, least) = match origin {
        Origin::Local { ver } => (ver, 0),
        Origin::Replica { ver, .. } => (ver, least_replica_ver),
        Origin::Unstamped { ver } => (ver, 1),
    };
    if !(least..=MAX_VERSION).contains(&ver) {
        return Err(Error::invalid("ver", format!("not in {least}..{MAX_VERSION}")));
    }
    if let Origin::Replica { stamp, .. } = origin {
        if stamp == 0 {
            return Err(Error::invalid("stamp", "0"));
        }
        if shared.stamps.is_beyond_skew(now_ms, stamp) {
            return Err(Error::invalid("stamp", "too far ahead of this node's clock"));
        }
        shared.stamps.see(stamp);
    }
    Ok(())
}

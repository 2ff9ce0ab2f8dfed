//! The rows of one change, and their way into the engine.

use std::borrow::Cow;

use hust_engine::{
    Batch, Engine, Fetch, Key, Meta,
    row::{PURGE, TOMBSTONE},
};
use serde::{Deserialize, Serialize};

use super::{
    counters::Counters,
    error::QueueResult,
    layout::QueueKeys,
    normal::Plan,
    settings::{Identity, encode},
};
use crate::tally::GUARDED_BYTES;

/// Flag of the row of a message that was in a slot from the beginning: the cursor passes over it.
pub(crate) const SLOTTED: u8 = 1 << 4;

/// What the row of an id says of the first put with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FirstPut {
    pub(crate) put_ms: u64,
    pub(crate) priority: u8,
    pub(crate) index: u64,
}

/// Whether a command may wait for the disk while it holds its queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// No: it answers what it needs instead.
    Try,
    /// Yes, as the last resort.
    Block,
}

struct Row<'a> {
    key: Key,
    meta: Meta,
    user_key: Cow<'a, [u8]>,
    value: Cow<'a, [u8]>,
}

/// Rows to write in one batch, with what they change in the guarded sum.
#[derive(Default)]
pub(crate) struct Rows<'a> {
    rows: Vec<Row<'a>>,
    guarded: Vec<(Key, u16, i64)>,
}

impl<'a> Rows<'a> {
    fn push(&mut self, key: Key, meta: Meta, user_key: Cow<'a, [u8]>, value: Cow<'a, [u8]>) {
        self.rows.push(Row { key, meta, user_key, value });
    }

    /// A row of its own.
    pub(crate) fn put(&mut self, key: Key, user_key: impl Into<Cow<'a, [u8]>>, value: Vec<u8>) {
        self.push(key, Meta::default(), user_key.into(), value.into());
    }

    /// A message.
    pub(crate) fn item(
        &mut self,
        key: Key,
        (now_ms, expire_ms): (u64, u64),
        slotted: bool,
        origin: impl Into<Cow<'a, [u8]>>,
        value: impl Into<Cow<'a, [u8]>>,
    ) {
        let flags = if slotted { SLOTTED } else { 0 };
        let meta = Meta { stamp: now_ms.min((1 << 48) - 1) << 16, version: 0, expire_ms, flags };
        self.push(key, meta, origin.into(), value.into());
    }

    /// The row that says when a message expires.
    pub(crate) fn expiry(
        &mut self,
        keys: &QueueKeys,
        expire_ms: u64,
        (priority, index): (u8, u64),
        bytes: u32,
    ) {
        let mut owner = vec![priority];
        owner.extend(index.to_be_bytes());
        self.put(keys.expiry(expire_ms, priority, index), owner, bytes.to_be_bytes().to_vec());
    }

    /// Deletes a row; nobody outside needs to hear of it.
    pub(crate) fn purge(&mut self, key: Key) {
        let meta = Meta { flags: TOMBSTONE | PURGE, ..Meta::default() };
        self.push(key, meta, Cow::Borrowed(&[]), Cow::Borrowed(&[]));
    }

    /// The settings of a queue.
    pub(crate) fn identity(
        &mut self,
        keys: &QueueKeys,
        name: &'a str,
        identity: &Identity,
    ) -> QueueResult<()> {
        self.put(keys.settings(), name.as_bytes(), encode(identity)?);
        Ok(())
    }

    /// The counters of a queue, and the difference they make to the guarded sum.
    pub(crate) fn counters(
        &mut self,
        keys: &QueueKeys,
        name: &'a str,
        before: &Counters,
        after: &Counters,
    ) -> QueueResult<()> {
        self.put(keys.counters(), name.as_bytes(), encode(after)?);
        self.guard(keys, after.guarded_bytes() as i64 - before.guarded_bytes() as i64);
        Ok(())
    }

    /// Changes the guarded sum, on account of the row of the counters.
    pub(crate) fn guard(&mut self, keys: &QueueKeys, delta: i64) {
        self.guarded.push((keys.counters(), keys.tally_slot(), delta));
    }

    /// What a plan changes in the counters and slots, and the messages that are gone.
    pub(crate) fn plan(
        &mut self,
        keys: &QueueKeys,
        name: &'a str,
        before: &Counters,
        plan: &Plan,
    ) -> QueueResult<()> {
        self.counters(keys, name, before, &plan.counters)?;
        for ((priority, slot), entry) in &plan.slots {
            let key = keys.slot(*priority, *slot);
            match entry {
                Some(entry) => self.put(key, Cow::Borrowed(&[][..]), encode(entry)?),
                None => self.purge(key),
            }
        }
        for (priority, index) in &plan.gone {
            self.purge(keys.item(*priority, *index));
        }
        Ok(())
    }

    /// Whether there is nothing to write.
    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The keys it writes.
    pub(crate) fn keys(&self) -> Vec<Key> {
        self.rows.iter().map(|row| row.key).collect()
    }

    /// Writes all rows or none. Answers the log position they end at.
    pub(crate) fn commit(&self, engine: &Engine, access: Access) -> QueueResult<Fetch<u64>> {
        let anchors: Vec<Key> = self.guarded.iter().map(|(key, ..)| *key).collect();
        let done = match access {
            Access::Try => engine.try_update(&anchors, |_, batch| self.fill(batch))?,
            Access::Block => Fetch::Ready(engine.update(&anchors, |_, batch| self.fill(batch))?),
        };
        Ok(done.map(|((), ticket)| ticket.end()))
    }

    fn fill<'v>(&'v self, batch: &mut Batch<'v>) -> hust_engine::Result<()> {
        for row in &self.rows {
            batch.put(row.key, row.meta, &row.user_key, &row.value);
        }
        for (key, slot, delta) in &self.guarded {
            batch.tally(key, *slot, GUARDED_BYTES, *delta);
        }
        Ok(())
    }
}

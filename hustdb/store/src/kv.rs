//! kv pairs: put, get, delete.
//!
//! Each command has a blocking form and a `try_` form that answers [`Fetch::Cold`] where it would have to read from
//! the disk; the caller then runs the blocking form where blocking is allowed. Both share one decision.

use hust_engine::{Fetch, Head, Meta, Row, Slice};

use crate::{
    address::Address,
    error::Result,
    record::{Origin, Shown, is_live},
    store::Shared,
    write::{Lifetime, RecordWrite, Written, check_key},
};

/// The kv pairs of a store.
#[derive(Clone, Copy, Debug)]
pub struct Kv<'a> {
    shared: &'a Shared,
}

/// A put.
#[derive(Clone, Copy, Debug)]
pub struct Put<'a> {
    /// 1 to 65,536 bytes.
    pub key: &'a [u8],
    /// Any bytes.
    pub value: &'a [u8],
    /// Who writes, expecting which version.
    pub origin: Origin,
    /// Until when.
    pub lifetime: Lifetime,
}

/// A delete.
#[derive(Clone, Copy, Debug)]
pub struct Delete<'a> {
    /// 1 to 65,536 bytes.
    pub key: &'a [u8],
    /// Who deletes, expecting which version.
    pub origin: Origin,
}

/// A live record.
#[derive(Clone, Debug)]
pub struct Record {
    /// Version, stamp and expiry.
    pub shown: Shown,
    /// The value: bytes of its own or of a mapped file, to send without a copy.
    pub value: Slice,
}

impl<'a> Kv<'a> {
    pub(crate) fn new(shared: &'a Shared) -> Kv<'a> {
        Kv { shared }
    }

    /// The live record of `key`. May block on the disk.
    pub fn get(&self, key: &[u8]) -> Result<Option<Record>> {
        check_key(key)?;
        let row = self.shared.engine.get(&Address::kv(key).key)?;
        Ok(self.show(key, row))
    }

    /// The live record of `key`, without blocking.
    pub fn try_get(&self, key: &[u8]) -> Result<Fetch<Option<Record>>> {
        check_key(key)?;
        Ok(self.shared.engine.try_get(&Address::kv(key).key)?.map(|row| self.show(key, row)))
    }

    /// What the live record of `key` shows beside its value, which is not read. May block on the disk.
    pub fn exist(&self, key: &[u8]) -> Result<Option<Shown>> {
        check_key(key)?;
        let head = self.shared.engine.head(&Address::kv(key).key)?;
        Ok(self.show_head(key, head))
    }

    /// What the live record of `key` shows beside its value, without blocking.
    pub fn try_exist(&self, key: &[u8]) -> Result<Fetch<Option<Shown>>> {
        check_key(key)?;
        Ok(self.shared.engine.try_head(&Address::kv(key).key)?.map(|head| self.show_head(key, head)))
    }

    /// Stores a value. May block on the disk.
    pub fn put(&self, put: &Put<'_>) -> Result<Written> {
        self.ready_put(put)?.run()
    }

    /// Stores a value, without blocking.
    pub fn try_put(&self, put: &Put<'_>) -> Result<Fetch<Written>> {
        self.ready_put(put)?.try_run()
    }

    /// Leaves a tombstone. May block on the disk.
    pub fn delete(&self, delete: &Delete<'_>) -> Result<Written> {
        self.ready_delete(delete)?.run()
    }

    /// Leaves a tombstone, without blocking.
    pub fn try_delete(&self, delete: &Delete<'_>) -> Result<Fetch<Written>> {
        self.ready_delete(delete)?.try_run()
    }

    fn ready_put<'b>(&'b self, put: &Put<'b>) -> Result<RecordWrite<'b>> {
        let pair = (put.key, put.value);
        RecordWrite::put(self.shared, Address::kv(put.key), pair, put.origin, put.lifetime)
    }

    fn ready_delete<'b>(&'b self, delete: &Delete<'b>) -> Result<RecordWrite<'b>> {
        RecordWrite::delete(self.shared, Address::kv(delete.key), delete.key, delete.origin)
    }

    /// What a row shows to a reader of `key`. A row of another key with this md5 is not this key's.
    fn show(&self, key: &[u8], row: Option<Row>) -> Option<Record> {
        let row = row.filter(|row| row.user_key() == key && self.is_live_now(&row.meta))?;
        Some(Record { shown: Shown::from(&row.meta), value: row.into_value() })
    }

    fn show_head(&self, key: &[u8], head: Option<Head>) -> Option<Shown> {
        let head = head.filter(|head| head.user_key() == key && self.is_live_now(head.meta()))?;
        Some(Shown::from(head.meta()))
    }

    /// Most records never expire: only the others need to know the time.
    fn is_live_now(&self, meta: &Meta) -> bool {
        let now_ms = if meta.expire_ms == 0 { 0 } else { self.shared.clock.now_ms() };
        is_live(meta, now_ms)
    }
}

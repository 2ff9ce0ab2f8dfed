//! kv pairs: put, get, delete.
//!
//! Each command has a blocking form and a `try_` form that answers [`Fetch::Cold`] where it would have to read from
//! the disk; the caller then runs the blocking form where blocking is allowed. Both share one decision.

use hust_engine::{Fetch, Seen};

use crate::{
    address::Address,
    error::{Error, Result},
    read::{show, show_head, try_show},
    record::{Record, Shown},
    store::Shared,
    write::{Change, RecordWrite, Terms, Written, check_key},
};

/// The kv pairs of a store.
#[derive(Clone, Copy, Debug)]
pub struct Kv<'a> {
    shared: &'a Shared,
}

impl<'a> Kv<'a> {
    pub(crate) fn new(shared: &'a Shared) -> Kv<'a> {
        Kv { shared }
    }

    /// The live record of `key`. May block on the disk.
    pub fn get(&self, key: &[u8]) -> Result<Option<Record>> {
        check_key(key)?;
        let row = self.shared.engine.get(&Address::kv(key).key)?;
        Ok(show(self.shared, key, row))
    }

    /// The live record of `key`, without blocking.
    pub fn try_get(&self, key: &[u8]) -> Result<Fetch<Option<Record>>> {
        check_key(key)?;
        Ok(self.shared.engine.try_get(&Address::kv(key).key)?.map(|row| show(self.shared, key, row)))
    }

    /// Shows the live record of `key` to `look` where it lies, without blocking. `look` must be short and ask nothing
    /// of the store; it is run once.
    pub fn try_show<R>(
        &self,
        key: &[u8],
        look: impl FnMut(&Shown, Seen<'_>) -> R,
    ) -> Result<Fetch<Option<R>>> {
        check_key(key)?;
        try_show(self.shared, &Address::kv(key).key, key, look)
    }

    /// What the live record of `key` shows beside its value, which is not read. May block on the disk.
    pub fn exist(&self, key: &[u8]) -> Result<Option<Shown>> {
        check_key(key)?;
        let head = self.shared.engine.head(&Address::kv(key).key)?;
        Ok(show_head(self.shared, key, head))
    }

    /// What the live record of `key` shows beside its value, without blocking.
    pub fn try_exist(&self, key: &[u8]) -> Result<Fetch<Option<Shown>>> {
        check_key(key)?;
        Ok(self.shared.engine.try_head(&Address::kv(key).key)?.map(|head| show_head(self.shared, key, head)))
    }

    /// Changes a pair. May block on the disk.
    pub fn write(&self, key: &[u8], change: Change<'_>, terms: Terms) -> Result<Written> {
        self.ready(key, change, terms)?.run()?.map_err(|_| Error::Damaged("a kv pair in a table"))
    }

    /// Changes a pair, without blocking.
    pub fn try_write(&self, key: &[u8], change: Change<'_>, terms: Terms) -> Result<Fetch<Written>> {
        match self.ready(key, change, terms)?.try_run()? {
            Fetch::Cold => Ok(Fetch::Cold),
            Fetch::Ready(Ok(written)) => Ok(Fetch::Ready(written)),
            Fetch::Ready(Err(_)) => Err(Error::Damaged("a kv pair in a table")),
        }
    }

    fn ready<'b>(&'b self, key: &'b [u8], change: Change<'b>, terms: Terms) -> Result<RecordWrite<'b>> {
        if !matches!(change, Change::Put(_) | Change::Delete | Change::Remains) {
            return Err(Error::invalid("key", "kv pairs have no numbers"));
        }
        RecordWrite::new(self.shared, Address::kv(key), key, None, change, terms)
    }
}

//! Rows of tables: hash fields, members of sets and of sorted sets.
//!
//! Each command has a blocking form and a `try_` form, as those of kv pairs. A table comes with its first row and goes
//! with its last; whoever finds no such table, or one of another type, is told so.

use hust_engine::{Fetch, Seen};

use crate::{
    address::Address,
    error::{Error, Result},
    kind::Kind,
    read::{show, show_head, try_show},
    record::{Record, Shown},
    store::Shared,
    tables::{Located, Pin, check_name, locate},
    write::{Change, Place, RecordWrite, Terms, Written, check_key},
};

/// The rows of a store's tables.
#[derive(Clone, Copy, Debug)]
pub struct Members<'a> {
    shared: &'a Shared,
}

/// Which row.
#[derive(Clone, Copy, Debug)]
pub struct Member<'a> {
    /// Type of the table: hash, set or sorted set.
    pub kind: Kind,
    /// Name of the table, 1 to 64 of `0-9 A-Z a-z _ : .`
    pub table: &'a [u8],
    /// Field or member, 1 to 65,536 bytes.
    pub key: &'a [u8],
}

/// How often a write begins again because its table's number is another than it thought.
const MOVES_MAX: usize = 64;

impl<'a> Members<'a> {
    pub(crate) fn new(shared: &'a Shared) -> Members<'a> {
        Members { shared }
    }

    /// The live record. May block on the disk.
    pub fn get(&self, member: &Member<'_>) -> Result<Option<Record>> {
        let Some(address) = self.address(member)? else { return Ok(None) };
        Ok(show(self.shared, member.key, self.shared.engine.get(&address.key)?))
    }

    /// The live record, without blocking.
    pub fn try_get(&self, member: &Member<'_>) -> Result<Fetch<Option<Record>>> {
        let Some(address) = self.address(member)? else { return Ok(Fetch::Ready(None)) };
        Ok(self.shared.engine.try_get(&address.key)?.map(|row| show(self.shared, member.key, row)))
    }

    /// Shows the live record to `look` where it lies, without blocking. `look` must be short and ask nothing of the
    /// store; it is run once.
    pub fn try_show<R>(
        &self,
        member: &Member<'_>,
        look: impl FnMut(&Shown, Seen<'_>) -> R,
    ) -> Result<Fetch<Option<R>>> {
        let Some(address) = self.address(member)? else { return Ok(Fetch::Ready(None)) };
        try_show(self.shared, &address.key, member.key, look)
    }

    /// What the live record shows beside its value, which is not read. May block on the disk.
    pub fn exist(&self, member: &Member<'_>) -> Result<Option<Shown>> {
        let Some(address) = self.address(member)? else { return Ok(None) };
        Ok(show_head(self.shared, member.key, self.shared.engine.head(&address.key)?))
    }

    /// What the live record shows beside its value, without blocking.
    pub fn try_exist(&self, member: &Member<'_>) -> Result<Fetch<Option<Shown>>> {
        let Some(address) = self.address(member)? else { return Ok(Fetch::Ready(None)) };
        Ok(self.shared.engine.try_head(&address.key)?.map(|head| show_head(self.shared, member.key, head)))
    }

    /// Changes a row. May block on the disk.
    pub fn write(&self, member: &Member<'_>, change: Change<'_>, terms: Terms) -> Result<Written> {
        let pin = self.pin(member, change)?;
        let Fetch::Ready(mut located) = locate(self.shared, &pin, false)? else {
            return Err(Error::Busy("a cold read did not block"));
        };
        for _ in 0..MOVES_MAX {
            match self.ready(&pin, located, member, change, terms)?.run()? {
                Ok(written) => return Ok(written),
                Err(moved) => located = moved,
            }
        }
        Err(Error::Busy("the table comes and goes"))
    }

    /// Changes a row, without blocking.
    pub fn try_write(&self, member: &Member<'_>, change: Change<'_>, terms: Terms) -> Result<Fetch<Written>> {
        let pin = self.pin(member, change)?;
        let Fetch::Ready(mut located) = locate(self.shared, &pin, true)? else { return Ok(Fetch::Cold) };
        for _ in 0..MOVES_MAX {
            match self.ready(&pin, located, member, change, terms)?.try_run()? {
                Fetch::Cold => return Ok(Fetch::Cold),
                Fetch::Ready(Ok(written)) => return Ok(Fetch::Ready(written)),
                Fetch::Ready(Err(moved)) => located = moved,
            }
        }
        Err(Error::Busy("the table comes and goes"))
    }

    fn ready<'b>(
        &'b self,
        pin: &'b Pin<'b>,
        located: Located,
        member: &Member<'b>,
        change: Change<'b>,
        terms: Terms,
    ) -> Result<RecordWrite<'b>> {
        let id = pin.id(located.number(&pin.md5));
        let address = Address::member(member.kind, &id, member.key);
        RecordWrite::new(self.shared, address, member.key, Some(Place { pin, located }), change, terms)
    }

    fn pin(&self, member: &Member<'_>, change: Change<'_>) -> Result<Pin<'a>> {
        check_member(member)?;
        let fits = match change {
            Change::Delete | Change::Remains => true,
            Change::Put(value) => member.kind == Kind::Hash || member.kind == Kind::Set && value.is_empty(),
            Change::Add(_) => member.kind == Kind::Hash,
            Change::Score { .. } => member.kind == Kind::Zset,
        };
        if !fits {
            return Err(Error::invalid("tb", "another type of table has such rows"));
        }
        Ok(self.shared.tables.pin(member.table))
    }

    /// Where the row lies if it is there; the table must be, and of this type.
    fn address(&self, member: &Member<'_>) -> Result<Option<Address>> {
        check_member(member)?;
        let absent = Error::Table("no such table");
        let Some(table) = self.shared.tables.find(member.table) else { return Err(absent) };
        match table.counts.shown() {
            None => return Err(absent),
            Some(shown) if shown != member.kind => return Err(Error::of_other_type(shown)),
            Some(_) => {}
        }
        Ok(table.number().map(|number| Address::member(member.kind, &table.id(number), member.key)))
    }
}

fn check_member(member: &Member<'_>) -> Result<()> {
    check_name(member.table)?;
    check_key(member.key)?;
    match member.kind {
        Kind::Hash | Kind::Set | Kind::Zset => Ok(()),
        _ => Err(Error::invalid("tb", "no type of table")),
    }
}

//! From a name to its number and back, through rows of the engine.
//!
//! The number of a new name is the first free one from a place that its md5 gives, so nothing but the two rows
//! remembers what is taken, and a number can be used again when they are gone. Names and numbers are read without
//! locks here; a write that relies on them looks again under the locks of both rows.

use hust_engine::{Fetch, Key, row::PURGE};

use super::{NameRow, Table};
use crate::{
    address::md5,
    error::{Error, Result},
    kind::{Kind, NUMBERS},
    store::Shared,
};

/// What is said of a name row that cannot be read.
pub(crate) const DAMAGED_NAME_ROW: &str = "the row of a table's name";

/// The number a write works with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Located {
    /// The rows of the engine have it.
    Known(u32),
    /// The name is new; this is the n-th number to try.
    Fresh(u32),
}

impl Located {
    /// The number for the name with this md5.
    pub(crate) fn number(self, md5: &[u8; 16]) -> u32 {
        match self {
            Located::Known(number) => number,
            Located::Fresh(probe) => candidate(md5, probe),
        }
    }
}

/// The `probe`-th number that a name with this md5 may get.
pub(crate) fn candidate(md5: &[u8; 16], probe: u32) -> u32 {
    let start = md5.first_chunk().map_or(0, |first| u32::from_be_bytes(*first));
    start.wrapping_add(probe) % NUMBERS
}

/// Where the row of a name lies.
pub(crate) fn name_key(md5: [u8; 16]) -> Key {
    Key::hashed(Kind::Meta.table(0), md5)
}

/// Where the row of a number lies.
pub(crate) fn number_key(number: u32) -> Key {
    Key::hashed(Kind::Meta.table(1), md5(&number.to_be_bytes()))
}

/// The name that has this number. May block on the disk.
pub(crate) fn name_of(shared: &Shared, number: u32) -> Result<Option<Box<[u8]>>> {
    let head = shared.engine.head(&number_key(number))?;
    Ok(head.filter(|head| !head.meta().is_tombstone()).map(|head| head.user_key().into()))
}

/// The name of the table that a row belongs to; `None`: the row is gone, and its table with it. May block on the disk.
///
/// The rows of one write become visible one after another, so a row without a name is looked at again under the locks
/// of both.
pub(crate) fn name_of_row(shared: &Shared, key: Key) -> Result<Option<Box<[u8]>>> {
    let Some((_, number)) = Kind::of_record(key.table()) else { return Ok(None) };
    if let Some(name) = name_of(shared, number)? {
        return Ok(Some(name));
    }
    let (looked, _) = shared.engine.update(&[key, number_key(number)], |heads, _| {
        let [row, name] = heads else { return Ok((false, None)) };
        let is_there = row.as_ref().is_some_and(|row| row.meta().flags & PURGE == 0);
        let name = name.as_ref().filter(|name| !name.meta().is_tombstone());
        Ok((is_there, name.map(|name| name.user_key().into())))
    })?;
    match looked {
        (true, None) => Err(Error::Damaged("a row of a table without a name")),
        (_, name) => Ok(name),
    }
}

/// The number of a table, without blocking if `try_only`.
pub(crate) fn locate(shared: &Shared, table: &Table, try_only: bool) -> Result<Fetch<Located>> {
    if let Some(number) = table.number() {
        return Ok(Fetch::Ready(Located::Known(number)));
    }
    let key = name_key(table.md5);
    let row = match try_only {
        true => match shared.engine.try_get(&key)? {
            Fetch::Ready(row) => row,
            Fetch::Cold => return Ok(Fetch::Cold),
        },
        false => shared.engine.get(&key)?,
    };
    let Some(row) = row.filter(|row| !row.meta.is_tombstone()) else {
        return Ok(Fetch::Ready(Located::Fresh(0)));
    };
    if *row.user_key() != *table.name {
        return Err(Error::Collision);
    }
    let row = NameRow::decode(row.value()).ok_or(Error::Damaged(DAMAGED_NAME_ROW))?;
    Ok(Fetch::Ready(Located::Known(row.number)))
}

//! What a record consists of: entries, one a row, as they are appended and as replay hands them back.

use crate::{Key, Meta, Pointer, Value};

/// One row of a batch.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// The row's key.
    pub key: Key,
    /// Fixed-width part of the row.
    pub meta: Meta,
    /// The full user key.
    pub user_key: &'a [u8],
    /// The value, in the form it is logged in.
    pub value: EntryValue<'a>,
    /// The stored value that this row replaces.
    pub kill: Option<Kill>,
    /// What this row adds to the caller's sums.
    pub tallies: &'a [Tally],
}

/// How the value of an entry is logged.
#[derive(Clone, Copy, Debug)]
pub enum EntryValue<'a> {
    /// In the entry; the row carries the bytes itself.
    Inline(&'a [u8]),
    /// Behind the record's body; the row will point to the bytes there.
    Large {
        /// The bytes to store.
        bytes: &'a [u8],
        /// Length of the value itself; greater than that of `bytes` iff they are Snappy-compressed.
        raw_len: u32,
    },
    /// Already stored, in a cold segment that is synced.
    Stored(Pointer),
}

/// A stored value that is dead from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kill {
    /// The segment the value lies in.
    pub segment: u32,
    /// Its stored length, bytes.
    pub len: u32,
}

/// An addition to one of the caller's sums.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tally {
    /// Which slot.
    pub slot: u16,
    /// Which sum of the slot.
    pub lane: u8,
    /// What to add.
    pub delta: i64,
}

/// An entry as replay hands it back. Large values have become pointers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodedEntry<'a> {
    /// The row's key.
    pub key: Key,
    /// Fixed-width part of the row.
    pub meta: Meta,
    /// The full user key.
    pub user_key: &'a [u8],
    /// The value: inline, or where it lies.
    pub value: Value<'a>,
    /// The stored value that this row replaces.
    pub kill: Option<Kill>,
    /// What this row adds to the caller's sums.
    pub tallies: &'a [Tally],
}

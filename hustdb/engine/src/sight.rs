//! A row where it lies, shown for a moment.
//!
//! Most reads want a few bytes once. To own them they would pay for an allocation, or for a count that all threads
//! share; shown in place they are copied straight to where they are needed. What keeps the bytes in place (a view, a
//! memtable's lock) is held by whoever shows a [`Sight`] and ends with the look at it.

use std::{ops::Deref, sync::Arc};

use crate::{
    head::Head,
    row::{Meta, Pointer},
    slice::Slice,
    vfs::Map,
};

/// A row of a layer, without the value if that lies in the content log.
#[derive(Clone, Debug)]
pub struct Sight<'a> {
    pub(crate) meta: Meta,
    pub(crate) key_len: u32,
    pub(crate) pointer: Option<Pointer>,
    /// User key, then the inline value.
    pub(crate) payload: Payload<'a>,
}

/// Where a payload lies.
#[derive(Clone, Debug)]
pub(crate) enum Payload<'a> {
    /// In a file, from byte `start` of its map on.
    Mapped { map: &'a Arc<Map>, start: u32, bytes: &'a [u8] },
    /// In a memtable.
    Lent(&'a [u8]),
    /// In memory of its own.
    Owned(Slice),
}

impl Payload<'_> {
    fn bytes(&self) -> &[u8] {
        match self {
            Payload::Mapped { bytes, .. } | Payload::Lent(bytes) => bytes,
            Payload::Owned(slice) => slice,
        }
    }

    fn into_slice(self) -> Slice {
        match self {
            Payload::Mapped { map, start, bytes } => {
                Slice::mapped(map, start, bytes.len() as u32).unwrap_or_else(|| Slice::from(bytes))
            }
            Payload::Lent(bytes) => Slice::from(bytes),
            Payload::Owned(slice) => slice,
        }
    }
}

impl Sight<'_> {
    /// The full user key.
    pub fn user_key(&self) -> &[u8] {
        self.payload.bytes().get(..self.key_len as usize).unwrap_or_default()
    }

    /// What follows the user key: the value, unless it lies in the content log.
    pub(crate) fn after_key(&self) -> &[u8] {
        self.payload.bytes().get(self.key_len as usize..).unwrap_or_default()
    }
}

impl From<Sight<'_>> for Head {
    fn from(row: Sight<'_>) -> Head {
        Head { meta: row.meta, payload: row.payload.into_slice(), key_len: row.key_len, pointer: row.pointer }
    }
}

/// A value that is shown: look at it, copy of it what is needed, or keep it.
#[derive(Debug)]
pub struct Seen<'a>(Value<'a>);

#[derive(Debug)]
enum Value<'a> {
    Inline(Sight<'a>),
    Stored(Slice),
}

impl<'a> Seen<'a> {
    /// The inline value of a row.
    pub(crate) fn inline(row: Sight<'a>) -> Seen<'a> {
        Seen(Value::Inline(row))
    }

    /// A value from the content log.
    pub(crate) fn stored(value: Slice) -> Seen<'a> {
        Seen(Value::Stored(value))
    }

    /// The value, to keep as long as one likes; of a file's bytes without a copy.
    pub fn into_slice(self) -> Slice {
        match self.0 {
            Value::Inline(row) => row.payload.into_slice().skip(row.key_len),
            Value::Stored(value) => value,
        }
    }
}

impl Deref for Seen<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.0 {
            Value::Inline(row) => row.after_key(),
            Value::Stored(value) => value,
        }
    }
}

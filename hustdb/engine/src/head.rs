//! What readers get: a row's head (everything but a value in the content log), and the whole row.

use crate::{
    row::{Meta, Pointer, RowRef, Value},
    slice::Slice,
};

/// A row without the value, if that lies in the content log.
#[derive(Clone, Debug)]
pub struct Head {
    pub(crate) meta: Meta,
    /// User key, then the inline value.
    pub(crate) payload: Slice,
    pub(crate) key_len: u32,
    pub(crate) pointer: Option<Pointer>,
}

impl Head {
    /// Stamp, version, expiry, flags.
    pub fn meta(&self) -> &Meta {
        &self.meta
    }

    /// The full user key.
    pub fn user_key(&self) -> &[u8] {
        self.payload.get(..self.key_len as usize).unwrap_or_default()
    }

    /// Length of the value, bytes.
    pub fn value_len(&self) -> u32 {
        self.pointer.map_or_else(|| self.after_key().len() as u32, |pointer| pointer.raw_len)
    }

    /// The value, unless it lies in the content log.
    pub fn inline_value(&self) -> Option<&[u8]> {
        self.pointer.is_none().then(|| self.after_key())
    }

    /// The row as the layers pass it on.
    pub(crate) fn as_row_ref(&self) -> RowRef<'_> {
        let value = self.pointer.map_or_else(|| Value::Inline(self.after_key()), Value::Stored);
        RowRef { meta: self.meta, user_key: self.user_key(), value }
    }

    fn after_key(&self) -> &[u8] {
        self.payload.get(self.key_len as usize..).unwrap_or_default()
    }
}

impl From<&RowRef<'_>> for Head {
    /// Copies a row out of its layer.
    fn from(row: &RowRef<'_>) -> Head {
        let mut payload = Vec::with_capacity(row.inline_bytes());
        payload.extend_from_slice(row.user_key);
        if let Value::Inline(bytes) = row.value {
            payload.extend_from_slice(bytes);
        }
        Head {
            meta: row.meta,
            payload: payload.into(),
            key_len: row.user_key.len() as u32,
            pointer: row.pointer(),
        }
    }
}

/// A whole row. Tombstones are rows too: see [`Meta::is_tombstone`].
#[derive(Clone, Debug)]
pub struct Row {
    /// Stamp, version, expiry, flags.
    pub meta: Meta,
    payload: Slice,
    key_len: u32,
    /// The value, if it came from the content log.
    stored: Option<Slice>,
}

impl Row {
    /// A row of a head and the value it points to, if it does.
    pub(crate) fn new(head: Head, stored: Option<Slice>) -> Row {
        Row { meta: head.meta, payload: head.payload, key_len: head.key_len, stored }
    }

    /// The full user key.
    pub fn user_key(&self) -> &[u8] {
        self.payload.get(..self.key_len as usize).unwrap_or_default()
    }

    /// The value.
    pub fn value(&self) -> &[u8] {
        match &self.stored {
            Some(value) => value,
            None => self.payload.get(self.key_len as usize..).unwrap_or_default(),
        }
    }

    /// The value, to keep without a copy.
    pub fn into_value(self) -> Slice {
        self.stored.unwrap_or_else(|| self.payload.skip(self.key_len))
    }
}

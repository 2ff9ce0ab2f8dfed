//! One record as it travels: its identity, its form, and what orders it against another of the same identity.
//!
//! [`RecordRef`] borrows everything; [`RecordRef::check`] holds every rule of a record, for both ends.

use super::{Content, SCORE_BYTES, score_of_bytes};
use crate::{
    param::{KEY_MAX_BYTES, check_table},
    slot,
};

/// Greatest version of a record.
pub const VERSION_MAX: u64 = (1 << 63) - 1;

/// What a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Kind {
    /// A kv pair.
    Kv = 0,
    /// A field of a hash.
    Hash = 1,
    /// A member of a set.
    Set = 2,
    /// A member of a sorted set; its value is its score.
    SortedSet = 3,
}

impl Kind {
    pub(super) fn of(byte: u8) -> Option<Kind> {
        Some(match byte {
            0 => Kind::Kv,
            1 => Kind::Hash,
            2 => Kind::Set,
            3 => Kind::SortedSet,
            _ => return None,
        })
    }
}

/// What there is of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Form {
    /// A live record (its expiry may have passed since).
    Live = 0,
    /// A tombstone: it was deleted.
    Tombstone = 1,
    /// What is left of an expired record: everything but its value.
    Remains = 2,
}

impl Form {
    pub(super) fn of(byte: u8) -> Option<Form> {
        Some(match byte {
            0 => Form::Live,
            1 => Form::Tombstone,
            2 => Form::Remains,
            _ => return None,
        })
    }
}

/// A record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordRef<'a> {
    /// What it is.
    pub kind: Kind,
    /// What there is of it.
    pub form: Form,
    /// When it was written, on the cluster's hybrid clock; at least 1.
    pub stamp: u64,
    /// Its version, at most [`VERSION_MAX`]; at least 1 unless it is a tombstone, whose version is the one it deleted.
    pub version: u64,
    /// When it expires, unix ms; 0 = never.
    pub expire_ms: u64,
    /// Its table; empty for a kv pair.
    pub table: &'a str,
    /// Its key, field or member.
    pub key: &'a [u8],
    /// Its value; the score of a sorted-set member; empty for a set member and whatever is not live.
    pub value: &'a [u8],
}

impl<'a> RecordRef<'a> {
    /// What the slot of the record is taken from: the table of a sorted set, else the key.
    pub fn routing_bytes(&self) -> &'a [u8] {
        match self.kind {
            Kind::SortedSet => self.table.as_bytes(),
            _ => self.key,
        }
    }

    /// The slot of the record.
    pub fn slot(&self) -> u16 {
        slot::slot(self.routing_bytes())
    }

    /// The score of a live sorted-set member that has its value.
    pub fn score(&self) -> Option<i64> {
        let bytes: [u8; SCORE_BYTES] = self.value.try_into().ok()?;
        (self.kind == Kind::SortedSet).then(|| score_of_bytes(bytes))
    }

    /// Whether every field is legal; else what is wrong.
    pub fn check(&self, content: Content) -> Result<(), &'static str> {
        if self.stamp == 0 {
            return Err("stamp is 0");
        }
        if self.version > VERSION_MAX {
            return Err("version over 2^63-1");
        }
        if self.version == 0 && self.form != Form::Tombstone {
            return Err("version is 0");
        }
        if self.form == Form::Remains && self.expire_ms == 0 {
            return Err("expired without an expiry");
        }
        match self.kind {
            Kind::Kv if !self.table.is_empty() => return Err("kv pair with a table"),
            Kind::Kv => {}
            _ if check_table("tb", self.table.as_bytes()).is_err() => return Err("illegal table name"),
            _ => {}
        }
        if self.key.is_empty() {
            return Err("empty key");
        }
        if self.key.len() > KEY_MAX_BYTES {
            return Err("key over 65536 bytes");
        }
        self.check_value(content)
    }

    fn check_value(&self, content: Content) -> Result<(), &'static str> {
        if u32::try_from(self.value.len()).is_err() {
            return Err("value over 4 GiB");
        }
        match (content, self.form, self.kind) {
            (Content::Whole, Form::Live, Kind::Kv | Kind::Hash) => Ok(()),
            (Content::Whole, Form::Live, Kind::SortedSet) if self.value.len() == SCORE_BYTES => Ok(()),
            (Content::Whole, Form::Live, Kind::SortedSet) => Err("score is not 8 bytes"),
            _ if self.value.is_empty() => Ok(()),
            (Content::Digest, ..) => Err("value in a digest"),
            (_, Form::Live, _) => Err("set member with a value"),
            _ => Err("value of what is not live"),
        }
    }
}

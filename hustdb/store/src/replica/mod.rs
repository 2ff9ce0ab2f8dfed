//! Records as they travel between nodes: read by a walk over slots, merged into what is here, forgotten.
//!
//! A [`Replica`] is all there is of one record: identity, form, version, stamp, expiry, value. What a scan reads on one
//! node, a merge takes on another; both ends keep whatever is greater, so order and repetition do not matter. The
//! bytes on the wire are not known here.

mod cursor;
mod forget;
mod merge;
mod scan;
mod walk;

use std::sync::Arc;

use hust_engine::{
    Meta, Row,
    row::{EXPIRED, PURGE},
};

pub use cursor::{cursor_of, is_cursor};
pub use forget::Forgetting;
pub(crate) use forget::forget;
pub use merge::Merged;
pub(crate) use merge::{MergeCounters, merge};
pub(crate) use scan::scan;
pub use scan::{ScanPage, ScanRequest};

use crate::{kind::Kind, record::Shown};

/// What there is of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Form {
    /// A live record; its expiry may have passed since.
    Live,
    /// A tombstone.
    Tombstone,
    /// What is left of an expired record: everything but its value.
    Remains,
}

impl Form {
    /// The form of a row; `None`: nobody outside may hear of it.
    pub(crate) fn of(meta: &Meta) -> Option<Form> {
        match (meta.is_tombstone(), meta.flags & PURGE != 0, meta.flags & EXPIRED != 0) {
            (false, ..) => Some(Form::Live),
            (true, true, _) => None,
            (true, false, true) => Some(Form::Remains),
            (true, false, false) => Some(Form::Tombstone),
        }
    }
}

/// One record as it travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Replica<'a> {
    /// What kind of record.
    pub kind: Kind,
    /// Name of its table; empty for a kv pair.
    pub table: &'a [u8],
    /// Key, field or member.
    pub key: &'a [u8],
    /// What there is of it.
    pub form: Form,
    /// Version, stamp and expiry.
    pub shown: Shown,
    /// The value of a live record; of a sorted set's member the score as it is stored. Empty if values were not read.
    pub value: &'a [u8],
}

/// A record read from the store.
#[derive(Clone, Debug)]
pub struct StoredReplica {
    kind: Kind,
    form: Form,
    table: Option<Arc<[u8]>>,
    row: Row,
}

impl StoredReplica {
    /// The record of a row; `None`: there is none to tell about.
    pub(crate) fn new(kind: Kind, table: Option<Arc<[u8]>>, row: Row) -> Option<StoredReplica> {
        Some(StoredReplica { kind, form: Form::of(&row.meta)?, table, row })
    }

    /// The record.
    pub fn replica(&self) -> Replica<'_> {
        Replica {
            kind: self.kind,
            table: self.table.as_deref().unwrap_or_default(),
            key: self.row.user_key(),
            form: self.form,
            shown: Shown::from(&self.row.meta),
            value: self.row.value(),
        }
    }

    /// Bytes of its table name, key and value.
    pub fn size_bytes(&self) -> usize {
        let replica = self.replica();
        replica.table.len() + replica.key.len() + replica.value.len()
    }
}

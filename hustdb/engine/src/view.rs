//! What a reader of one partition sees: its layers, newest first.
//!
//! A view is immutable but for the active memtable it names; a change of the layers installs another view, so a
//! reader that holds one never waits and never sees a layer twice or not at all.

use std::sync::Arc;

use crate::{
    Result,
    accounts::AccountsImage,
    fetch::{Cold, Fetch},
    head::Head,
    key::Key,
    memtable::{self, Memtable},
    table::{Find, Table},
};

/// The layers of a partition.
#[derive(Clone, Debug)]
pub(crate) struct View {
    pub active: Arc<Memtable>,
    /// Newest first.
    pub frozen: Vec<Arc<Frozen>>,
    pub levels: Levels,
}

/// A memtable that is no longer written, on its way to a table.
#[derive(Debug)]
pub(crate) struct Frozen {
    pub rows: memtable::Frozen,
    /// It holds the partition's rows below this log position.
    pub end: u64,
    /// Log bytes appended in all when it was frozen, to bound what a restart must replay.
    pub appended_bytes: u64,
    pub accounts: AccountsImage,
}

/// Level 0 newest first; further levels in key order without overlap.
pub(crate) type Levels = Vec<Vec<Arc<Table>>>;

impl View {
    /// The newest row of a key.
    pub fn find(&self, key: &Key, cold: Cold) -> Result<Fetch<Option<Head>>> {
        let in_memory =
            self.active.get(key).or_else(|| self.frozen.iter().find_map(|frozen| frozen.rows.get(key)));
        if in_memory.is_some() {
            return Ok(Fetch::Ready(in_memory));
        }
        let hash = key.filter_hash();
        for table in tables_of(&self.levels, key) {
            match table.get(key, hash, cold)? {
                Find::Absent => {}
                Find::Row(row) => return Ok(Fetch::Ready(Some(row))),
                Find::Cold => return Ok(Fetch::Cold),
            }
        }
        Ok(Fetch::Ready(None))
    }
}

/// The tables that may hold a key, newest first.
pub(crate) fn tables_of<'a>(levels: &'a Levels, key: &Key) -> impl Iterator<Item = &'a Arc<Table>> {
    let key = *key;
    levels.iter().enumerate().flat_map(move |(level, tables)| {
        let candidates = if level == 0 {
            &tables[..]
        } else {
            let at = tables.partition_point(|table| table.meta().max < key);
            tables.get(at..at + 1).unwrap_or_default()
        };
        candidates.iter().filter(move |table| table.meta().min <= key && key <= table.meta().max)
    })
}

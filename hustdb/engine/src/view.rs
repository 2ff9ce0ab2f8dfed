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
    sight::Sight,
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
        self.look(key, cold, |row| row.map(Head::from))
    }

    /// Shows the newest row of a key to `look`, which must be short and touch no memtable: a lock may be held.
    #[inline]
    pub fn look<R>(
        &self,
        key: &Key,
        cold: Cold,
        look: impl FnOnce(Option<Sight<'_>>) -> R,
    ) -> Result<Fetch<R>> {
        let active = self.active.read();
        if let Some(row) = active.as_ref().and_then(|rows| rows.get(key)) {
            return Ok(Fetch::Ready(look(Some(row))));
        }
        drop(active);
        if let Some(row) = self.frozen.iter().find_map(|frozen| frozen.rows.sight(key)) {
            return Ok(Fetch::Ready(look(Some(row))));
        }
        let hash = key.filter_hash();
        for table in tables_of(&self.levels, key) {
            match table.get(key, hash, cold)? {
                Find::Absent => {}
                Find::Row(row) => return Ok(Fetch::Ready(look(Some(row)))),
                Find::Cold => return Ok(Fetch::Cold),
            }
        }
        Ok(Fetch::Ready(look(None)))
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

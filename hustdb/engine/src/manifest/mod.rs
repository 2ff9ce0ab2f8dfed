//! The manifest: which files make up the database, and up to which position each partition is in tables.
//!
//! One file of checksummed frames: the first holds the whole state, each further one an [`Edit`]. An edit counts once
//! it is synced. When edits outgrow the state, a new file is written beside it and renamed over it (`file.rs`).
//! Owned by the engine under one lock; an edit is applied to the state in memory only after it is durable.

mod file;

pub(crate) use file::Manifest;
use serde::{Deserialize, Serialize};

use crate::{accounts::AccountsImage, table::TableMeta};

/// Most levels of a partition.
const LEVELS_MAX: usize = 16;

/// Everything that is needed to open a database, besides the files it names.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct State {
    /// Partitions are `1 << partition_bits`; fixed at creation.
    pub partition_bits: u32,
    pub partitions: Vec<PartitionState>,
    /// Segments that are no longer part of the database; their files may still be there after a crash.
    pub forgotten: Vec<u32>,
    /// Greatest stamp of all rows below the flushed positions, also of rows dropped since.
    pub max_stamp: u64,
    /// Set by a clean close: where the log ended, all of it durable. Cleared by the next open.
    pub clean_end: Option<u64>,
}

/// What the manifest knows of one partition.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct PartitionState {
    /// Rows below this log position are in the tables.
    pub flushed: u64,
    pub accounts: AccountsImage,
    /// Level 0 newest first, further levels in key order.
    pub levels: Vec<Vec<TableMeta>>,
}

/// A change of the state, durable as a whole or not at all.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Edit {
    pub removed: Vec<(u16, u64)>,
    pub added: Vec<(u16, u8, TableMeta)>,
    pub flushed: Vec<(u16, u64, AccountsImage)>,
    pub forgotten: Vec<u32>,
    /// Segments whose files are known to be gone.
    pub unlinked: Vec<u32>,
    pub clean_end: Option<Option<u64>>,
}

impl State {
    /// The state of an empty database.
    pub fn new(partition_bits: u32) -> State {
        State {
            partition_bits,
            partitions: vec![PartitionState::default(); 1 << partition_bits],
            ..State::default()
        }
    }

    /// Whether there are as many partitions as it says, and no more levels than edits can make.
    fn is_sound(&self) -> bool {
        let count = 1usize.checked_shl(self.partition_bits);
        let levels = self.partitions.iter().map(|partition| partition.levels.len()).max();
        count == Some(self.partitions.len()) && levels.unwrap_or(0) <= LEVELS_MAX
    }

    /// Applies an edit. `Err` says what does not fit; the state is then unusable.
    pub fn apply(&mut self, edit: &Edit) -> Result<(), String> {
        for (index, id) in &edit.removed {
            let partition = self.partition(*index)?;
            let before = partition.tables().count();
            partition.levels.iter_mut().for_each(|level| level.retain(|table| table.id != *id));
            if partition.tables().count() + 1 != before {
                return Err(format!("edit removes table {id}, which partition {index} does not have"));
            }
        }
        for (index, level, table) in &edit.added {
            self.max_stamp = self.max_stamp.max(table.max_stamp);
            self.partition(*index)?.insert(usize::from(*level), table.clone())?;
        }
        for (index, position, accounts) in &edit.flushed {
            let partition = self.partition(*index)?;
            if *position < partition.flushed {
                return Err(format!("edit moves partition {index} back to position {position}"));
            }
            partition.flushed = *position;
            partition.accounts = accounts.clone();
        }
        self.forgotten.extend(&edit.forgotten);
        self.forgotten.retain(|segment| !edit.unlinked.contains(segment));
        if let Some(clean_end) = edit.clean_end {
            self.clean_end = clean_end;
        }
        Ok(())
    }

    fn partition(&mut self, index: u16) -> Result<&mut PartitionState, String> {
        self.partitions.get_mut(usize::from(index)).ok_or_else(|| format!("no partition {index}"))
    }
}

impl PartitionState {
    /// All tables, newest level first.
    pub fn tables(&self) -> impl Iterator<Item = &TableMeta> {
        self.levels.iter().flatten()
    }

    fn insert(&mut self, level: usize, table: TableMeta) -> Result<(), String> {
        if level >= LEVELS_MAX {
            return Err(format!("table {} is in level {level}", table.id));
        }
        if self.levels.len() <= level {
            self.levels.resize(level + 1, Vec::new());
        }
        if let Some(tables) = self.levels.get_mut(level) {
            let at = match level {
                0 => tables.partition_point(|other| other.id > table.id),
                _ => tables.partition_point(|other| other.min < table.min),
            };
            tables.insert(at, table);
        }
        Ok(())
    }
}

//! The memtable: the newest rows of one partition, sorted, one row a key.
//!
//! Rows are overwritten in place and never removed. One writer at a time (who holds the partition's writer lock), any
//! number of readers. Readers hold a lock only while they search and copy; the writer holds it only around the insert.
//! Memory is counted exactly: all that was allocated for nodes and rows, so the count falls to nothing only when the
//! memtable is dropped.
//!
//! When the partition switches to a new memtable, the old one is [frozen](Memtable::freeze): a [`Frozen`] is read and
//! iterated without any lock. The invariant that allows this: once frozen, no insert succeeds.

mod arena;
mod frozen;
mod node;
mod rows;
mod tree;

#[cfg(test)]
mod tests;

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use parking_lot::{RwLock, RwLockReadGuard};

use crate::{Key, RowRef, compaction::Direction, head::Head, sight::Sight};

pub use frozen::{Frozen, MemCursor};
use tree::Tree;

/// The newest rows of a partition.
pub struct Memtable {
    tree: RwLock<Tree>,
    // Copies of the tree's counts, so that nobody takes the lock for a metric or a limit.
    memory_bytes: AtomicUsize,
    len: AtomicUsize,
}

impl Memtable {
    /// An empty memtable; it allocates with the first row.
    pub fn new() -> Memtable {
        Memtable {
            tree: RwLock::new(Tree::new()),
            memory_bytes: AtomicUsize::new(0),
            len: AtomicUsize::new(0),
        }
    }

    /// Puts a row in, replacing the one of the same key. The caller holds the partition's writer lock.
    ///
    /// # Panics
    ///
    /// If the memtable is frozen: the row would be lost.
    pub fn insert(&self, key: Key, row: &RowRef<'_>) {
        let mut tree = self.tree.write();
        // Checked on the shared borrow: `Frozen` relies on there being no exclusive one any more.
        assert!(!tree.frozen, "insert into a frozen memtable");
        tree.insert(key, row);
        self.memory_bytes.store(tree.memory_bytes(), Ordering::Relaxed);
        self.len.store(tree.len(), Ordering::Relaxed);
    }

    /// A copy of the row at `key`.
    pub fn get(&self, key: &Key) -> Option<Head> {
        self.read()?.get(key).map(Head::from)
    }

    /// Its rows as they are now, unless there are none. Nobody can insert as long as they are held.
    #[inline]
    pub(crate) fn read(&self) -> Option<Reading<'_>> {
        // At rest the active memtable is empty, and readers of tables need no lock for it.
        if self.is_empty() {
            return None;
        }
        Some(Reading(self.tree.read()))
    }

    /// Shows the row at `key` to `look` without copying it. The read lock is held meanwhile: `look` must be short and
    /// must not touch this memtable.
    pub fn with<R>(&self, key: &Key, look: impl FnOnce(RowRef<'_>) -> R) -> Option<R> {
        self.tree.read().get(key).map(|row| look(row.row()))
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.len.load(Ordering::Relaxed)
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes allocated for nodes and rows.
    pub fn memory_bytes(&self) -> usize {
        self.memory_bytes.load(Ordering::Relaxed)
    }

    /// The part of [`Memtable::memory_bytes`] that holds overwritten rows.
    pub fn wasted_bytes(&self) -> usize {
        self.tree.read().wasted_bytes()
    }

    /// The smallest key.
    pub fn first_key(&self) -> Option<Key> {
        self.end_key(Direction::Forward)
    }

    /// The greatest key.
    pub fn last_key(&self) -> Option<Key> {
        self.end_key(Direction::Backward)
    }

    fn end_key(&self, direction: Direction) -> Option<Key> {
        let tree = self.tree.read();
        tree.first(direction).map(|place| tree.key(place))
    }

    /// Copies up to `limit` rows with `low <= key <= high`, in the given direction, under one read lock. The next
    /// page begins beyond the last key of this one.
    pub fn page(&self, low: Key, high: Key, direction: Direction, limit: usize) -> Vec<(Key, Head)> {
        let mut page = Vec::new();
        let tree = self.tree.read();
        let start = if direction == Direction::Forward { low } else { high };
        let mut at = tree.seek(&start, direction);
        while let Some(place) = at
            && page.len() < limit
        {
            let key = tree.key(place);
            if key < low || key > high {
                break;
            }
            page.push((key, tree.row(place).into()));
            at = tree.next(place, direction);
        }
        page
    }

    /// Ends writing for good. The caller holds the partition's writer lock.
    pub fn freeze(self: &Arc<Memtable>) -> Frozen {
        let mut tree = self.tree.write();
        if !tree.frozen {
            tree.frozen = true;
        }
        Frozen::new(self.clone())
    }
}

/// A memtable under its read lock.
pub(crate) struct Reading<'a>(RwLockReadGuard<'a, Tree>);

impl Reading<'_> {
    /// The row at `key`.
    #[inline]
    pub fn get(&self, key: &Key) -> Option<Sight<'_>> {
        self.0.get(key).map(Sight::from)
    }
}

impl Default for Memtable {
    fn default() -> Memtable {
        Memtable::new()
    }
}

impl std::fmt::Debug for Memtable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Memtable({} rows, {} bytes)", self.len(), self.memory_bytes())
    }
}

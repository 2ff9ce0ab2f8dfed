//! A memtable that is no longer written: read and iterated without a lock.

use std::{fmt, sync::Arc};

use crate::{
    Key, Result, RowRef,
    compaction::{Direction, RowCursor},
    sight::Sight,
};

use super::{
    Memtable,
    tree::{Place, Tree},
};

/// A frozen memtable. Made by [`Memtable::freeze`] only.
#[derive(Clone)]
pub struct Frozen(Arc<Memtable>);

impl Frozen {
    /// `memtable.tree.frozen` must have been set under its write lock.
    pub(super) fn new(memtable: Arc<Memtable>) -> Frozen {
        Frozen(memtable)
    }

    fn tree(&self) -> &Tree {
        // SAFETY: `freeze` took the write lock and found or set `frozen` before it made this value, so every insert
        // that succeeded happened before. Later inserts panic on a shared borrow, and a second `freeze` writes
        // nothing: no `&mut Tree` is made again.
        unsafe { &*self.0.tree.data_ptr() }
    }

    /// The memtable itself.
    pub fn memtable(&self) -> &Arc<Memtable> {
        &self.0
    }

    /// The row at `key`.
    #[inline]
    pub(crate) fn sight(&self, key: &Key) -> Option<Sight<'_>> {
        self.tree().get(key).map(Sight::from)
    }

    /// The row at `key`, borrowed.
    pub fn peek(&self, key: &Key) -> Option<RowRef<'_>> {
        self.tree().get(key).map(|row| row.row())
    }

    /// A cursor on the first row in the given direction.
    pub fn cursor(&self, direction: Direction) -> MemCursor {
        let at = self.tree().first(direction);
        MemCursor::new(self.clone(), at, direction)
    }

    /// A cursor on the first row at or after `key` in the given direction.
    pub fn seek(&self, key: &Key, direction: Direction) -> MemCursor {
        let at = self.tree().seek(key, direction);
        MemCursor::new(self.clone(), at, direction)
    }
}

impl fmt::Debug for Frozen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Frozen({:?})", self.0)
    }
}

/// Walks over a frozen memtable, which it keeps alive.
#[derive(Debug)]
pub struct MemCursor {
    memtable: Frozen,
    at: Option<(Place, Key)>,
    direction: Direction,
}

impl MemCursor {
    fn new(memtable: Frozen, at: Option<Place>, direction: Direction) -> MemCursor {
        let at = at.map(|place| (place, memtable.tree().key(place)));
        MemCursor { memtable, at, direction }
    }

    /// Goes to the first row at or after `key` in this cursor's direction.
    pub fn seek(&mut self, key: &Key) {
        let tree = self.memtable.tree();
        self.at = tree.seek(key, self.direction).map(|place| (place, tree.key(place)));
    }
}

impl RowCursor for MemCursor {
    #[inline]
    fn key(&self) -> Option<Key> {
        self.at.map(|(_, key)| key)
    }

    fn row(&self) -> Result<RowRef<'_>> {
        match self.at {
            Some((place, _)) => Ok(self.memtable.tree().row(place).row()),
            None => Err(crate::compaction::past_the_end()),
        }
    }

    #[inline]
    fn advance(&mut self) -> Result<()> {
        let tree = self.memtable.tree();
        self.at = self
            .at
            .and_then(|(place, _)| tree.next(place, self.direction))
            .map(|place| (place, tree.key(place)));
        Ok(())
    }
}

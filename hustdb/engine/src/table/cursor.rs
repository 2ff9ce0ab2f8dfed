//! Walks a table's rows in key order, both ways.
//!
//! A cursor stands on a row or on none (before the first and behind the last are the same). It waits for the disk, and
//! decompresses blocks for itself, so that long runs leave the shared cache alone.

use std::{fmt, sync::Arc};

use super::reader::Table;
use crate::{Key, Result, RowRef};

/// A place in a table.
pub struct Cursor {
    table: Arc<Table>,
    at: Option<Place>,
}

struct Place {
    block: usize,
    row: usize,
    rows: usize,
    key: Key,
    /// The block's payload if it is compressed in the file.
    payload: Option<Arc<[u8]>>,
}

impl Table {
    /// A cursor that stands on no row yet.
    pub fn cursor(self: &Arc<Table>) -> Cursor {
        Cursor { table: self.clone(), at: None }
    }
}

impl Cursor {
    /// Goes to the first row.
    pub fn seek_first(&mut self) -> Result<()> {
        self.enter(0, |_| 0)
    }

    /// Goes to the last row.
    pub fn seek_last(&mut self) -> Result<()> {
        match self.table.index.blocks().len().checked_sub(1) {
            Some(last) => self.enter(last, |rows| rows - 1),
            None => Ok(()),
        }
    }

    /// Goes to the first row whose key is `key` or greater.
    pub fn seek(&mut self, key: &Key) -> Result<()> {
        let Some(block) = self.table.index.locate(*key) else { return self.seek_first() };
        let row = self.search(block, key)?.unwrap_or_else(|row| row);
        match self.rows(block) {
            rows if row < rows => self.enter(block, |_| row),
            _ => self.enter(block + 1, |_| 0),
        }
    }

    /// Goes to the last row whose key is `key` or smaller.
    pub fn seek_for_prev(&mut self, key: &Key) -> Result<()> {
        let Some(block) = self.table.index.locate(*key) else {
            self.at = None;
            return Ok(());
        };
        // The block's first key is not greater, so an insertion point is at least 1.
        let row = self.search(block, key)?.unwrap_or_else(|row| row.saturating_sub(1));
        self.enter(block, |_| row)
    }

    #[expect(clippy::should_implement_trait, reason = "rows borrow from the cursor, and a step can fail")]
    /// Goes one row on; off the end, the cursor stands on none.
    pub fn next(&mut self) -> Result<()> {
        match &self.at {
            Some(at) if at.row + 1 < at.rows => self.step(at.row + 1),
            Some(at) => self.enter(at.block + 1, |_| 0),
            None => Ok(()),
        }
    }

    /// Goes one row back; before the first, the cursor stands on none.
    pub fn prev(&mut self) -> Result<()> {
        match &self.at {
            Some(at) if at.row > 0 => self.step(at.row - 1),
            Some(Place { block: 0, .. }) => {
                self.at = None;
                Ok(())
            }
            Some(at) => self.enter(at.block - 1, |rows| rows - 1),
            None => Ok(()),
        }
    }

    /// Whether the cursor stands on a row.
    pub fn valid(&self) -> bool {
        self.at.is_some()
    }

    /// The key of the row the cursor stands on; [`Key::MAX`] if on none.
    pub fn key(&self) -> Key {
        self.at.as_ref().map_or(Key::MAX, |at| at.key)
    }

    /// The row the cursor stands on; `None` if on none.
    pub fn row(&self) -> Result<Option<RowRef<'_>>> {
        let Some(at) = &self.at else { return Ok(None) };
        let block = self.table.view(at.block)?;
        let payload = at.payload.as_deref().unwrap_or_else(|| block.stored_payload());
        match block.row(at.row, payload) {
            Some(row) => Ok(Some(row)),
            None => Err(self.table.damaged(at.block, "extent of a row")),
        }
    }

    fn rows(&self, block: usize) -> usize {
        self.table.index.blocks().get(block).map_or(0, |entry| entry.rows as usize)
    }

    fn search(&self, number: usize, key: &Key) -> Result<std::result::Result<usize, usize>> {
        let block = self.table.load(number)?;
        let (entry, _) = self.table.place(number)?;
        Ok(block.keys.search(*key, self.table.index.guess(*key, number, entry)))
    }

    /// Stands on another row of the same block.
    fn step(&mut self, row: usize) -> Result<()> {
        if let Some(at) = &mut self.at {
            at.row = row;
            at.key = self.table.view(at.block)?.keys.key(row);
        }
        Ok(())
    }

    /// Stands on the row that `pick` chooses of block `number`, or on none if there is no such block. On an error the
    /// cursor stands on none.
    fn enter(&mut self, number: usize, pick: impl FnOnce(usize) -> usize) -> Result<()> {
        let before = self.at.take();
        if number >= self.table.index.blocks().len() {
            return Ok(());
        }
        let block = self.table.load(number)?;
        let payload = match before {
            _ if !block.is_compressed() => None,
            Some(before) if before.block == number => before.payload,
            _ => Some(self.table.payload_once(number, &block)?),
        };
        let rows = block.keys.len();
        let row = pick(rows);
        self.at = Some(Place { block: number, row, rows, key: block.keys.key(row), payload });
        Ok(())
    }
}

impl fmt::Debug for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cursor({:?}, {:?})", self.table, self.at.as_ref().map(|at| at.key))
    }
}

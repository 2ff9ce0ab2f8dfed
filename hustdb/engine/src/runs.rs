//! Tables in a row as one merge source, in either direction.

use std::sync::Arc;

use crate::{
    Result,
    compaction::{Direction, RowCursor, past_the_end},
    key::Key,
    row::RowRef,
    table::{Cursor, Table},
};

/// Tables that do not overlap, in key order, read one after another. Opens one cursor at a time.
pub(crate) struct TableRun {
    tables: Vec<Arc<Table>>,
    direction: Direction,
    /// Index of the table read now; past either end when done.
    at: usize,
    cursor: Option<Cursor>,
}

impl TableRun {
    /// Stands on the first row at or after `start` in the direction.
    pub fn seek(tables: Vec<Arc<Table>>, start: Key, direction: Direction) -> Result<TableRun> {
        let at = match direction {
            Direction::Forward => tables.partition_point(|table| table.meta().max < start),
            Direction::Backward => tables.partition_point(|table| table.meta().min <= start).wrapping_sub(1),
        };
        let mut run = TableRun { tables, direction, at, cursor: None };
        if let Some(table) = run.tables.get(at) {
            let mut cursor = table.cursor();
            match direction {
                Direction::Forward => cursor.seek(&start)?,
                Direction::Backward => cursor.seek_for_prev(&start)?,
            }
            run.cursor = Some(cursor);
            run.skip_ended()?;
        }
        Ok(run)
    }

    fn skip_ended(&mut self) -> Result<()> {
        while self.cursor.as_ref().is_some_and(|cursor| !cursor.valid()) {
            self.at = match self.direction {
                Direction::Forward => self.at + 1,
                Direction::Backward => self.at.wrapping_sub(1),
            };
            self.cursor = self.tables.get(self.at).map(|table| table.cursor());
            if let Some(cursor) = &mut self.cursor {
                match self.direction {
                    Direction::Forward => cursor.seek_first()?,
                    Direction::Backward => cursor.seek_last()?,
                }
            }
        }
        Ok(())
    }
}

impl RowCursor for TableRun {
    fn key(&self) -> Option<Key> {
        self.cursor.as_ref().map(Cursor::key)
    }

    fn row(&self) -> Result<RowRef<'_>> {
        let row = self.cursor.as_ref().map_or(Ok(None), Cursor::row)?;
        row.ok_or_else(past_the_end)
    }

    fn advance(&mut self) -> Result<()> {
        if let Some(cursor) = &mut self.cursor {
            match self.direction {
                Direction::Forward => cursor.next()?,
                Direction::Backward => cursor.prev()?,
            }
        }
        self.skip_ended()
    }
}

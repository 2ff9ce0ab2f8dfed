//! Which rows of a section count, and how they are shown.
//!
//! [`One`] is for rows of one table, or kv pairs; [`Many`] for all tables of a type in a file: it finds out the name at
//! the first live row of each table, and passes over tables whose name shows another type and rows outside the window by
//! seeking.

use hust_engine::{Key, Lent};

use super::{
    page::{Flow, Page, Style},
    reader::Reader,
    window::{Window, Within},
};
use crate::{
    error::Result,
    kind::{Kind, NUMBERS},
};

/// Rows outside the window that are passed over one by one before it pays to seek.
const STEPS_MAX: usize = 32;

/// Decides about rows, one by one.
pub(super) trait Judge {
    /// How many rows that are not in tables to look at at a time.
    fn copied(&self) -> usize;
    /// What to do with a row and after it.
    fn judge(&mut self, lent: &Lent<'_>) -> Result<Flow>;
}

/// Rows that are all shown alike.
pub(super) struct One<'a, 'p, 's> {
    pub page: &'a mut Page<'p>,
    pub style: Style<'s>,
}

impl Judge for One<'_, '_, '_> {
    fn copied(&self) -> usize {
        self.page.copied()
    }

    fn judge(&mut self, lent: &Lent<'_>) -> Result<Flow> {
        if !self.page.counts(lent.meta())? {
            return Ok(Flow::Next);
        }
        self.page.take(lent, &self.style)
    }
}

/// Rows of all tables of one type in a file.
pub(super) struct Many<'a, 'p> {
    page: &'a mut Page<'p>,
    reader: Reader<'a>,
    files: usize,
    window: Window,
    kind: Kind,
    /// The table that rows were last seen of; its name, if it shows this type.
    table: Option<(u32, Option<Box<[u8]>>)>,
    steps: usize,
}

impl<'a, 'p> Many<'a, 'p> {
    pub(super) fn new(
        page: &'a mut Page<'p>,
        reader: Reader<'a>,
        files: usize,
        window: Window,
        kind: Kind,
    ) -> Many<'a, 'p> {
        Many { page, reader, files, window, kind, table: None, steps: 0 }
    }

    /// Past a row outside the window: step by step, unless `to` is likely to be far.
    fn pass(&mut self, to: Option<Key>) -> Flow {
        self.steps += 1;
        match to {
            Some(to) if self.steps > STEPS_MAX => {
                self.steps = 0;
                Flow::Seek(to)
            }
            _ => Flow::Next,
        }
    }

    fn next_table(&self, number: u32) -> Option<Key> {
        (number + 1 < NUMBERS).then(|| self.window.first(self.kind.table(number + 1)))
    }
}

impl Judge for Many<'_, '_> {
    fn copied(&self) -> usize {
        self.page.copied()
    }

    fn judge(&mut self, lent: &Lent<'_>) -> Result<Flow> {
        let key = lent.key();
        let number = key.table() & (NUMBERS - 1);
        match self.window.holds(key) {
            Within::Before => return Ok(self.pass(Some(self.window.first(key.table())))),
            Within::Behind => return Ok(self.pass(self.next_table(number))),
            Within::Inside => self.steps = 0,
        }
        if !self.page.counts(lent.meta())? {
            return Ok(Flow::Next);
        }
        if self.table.as_ref().is_none_or(|(known, _)| *known != number) {
            let table = self.reader.table_of_number(number, self.files)?;
            let shown = table.filter(|table| table.row.figures.shown() == Some(self.kind));
            self.table = Some((number, shown.map(|table| table.name)));
        }
        match &self.table {
            Some((_, Some(name))) => {
                self.page.take(lent, &Style { kind: self.kind, table: Some(name), name_md5: None })
            }
            _ => Ok(self.next_table(number).map_or(Flow::Next, Flow::Seek)),
        }
    }
}

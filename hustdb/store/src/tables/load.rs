//! Filling the directory when the store is opened: one walk over the rows of all names.

use hust_engine::{Direction, Engine, Key};

use super::{Directory, Figures, NameRow, locate::DAMAGED_NAME_ROW, name_key};
use crate::error::{Error, Result};

/// Name rows read at a time.
const PAGE_ROWS: usize = 4096;

/// The directory of the tables with live rows.
pub(crate) fn load(engine: &Engine, maximum: usize) -> Result<Directory> {
    let directory = Directory::new(maximum);
    let mut from = name_key([0; 16]);
    let to = Key::new(from.table(), [0xff; 20]);
    loop {
        let page = engine.page(from, to, Direction::Forward, PAGE_ROWS, usize::MAX)?;
        for (_, row) in page.rows.iter().filter(|(_, row)| !row.meta.is_tombstone()) {
            let NameRow { number, figures } =
                NameRow::decode(row.value()).ok_or(Error::Damaged(DAMAGED_NAME_ROW))?;
            if figures != Figures::default() {
                directory.load(row.user_key(), number, &figures);
            }
        }
        match page.next {
            Some(next) => from = next,
            None => return Ok(directory),
        }
    }
}

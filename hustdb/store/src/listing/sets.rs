//! The sorted sets of a file: a walk over rows of names.

use hust_engine::{Key, Lent, LentValue};

use super::{judge::Judge, page::Flow, reader::NamedTable};
use crate::{
    error::{Error, Result},
    kind::Kind,
    tables::{DAMAGED_NAME_ROW, NameRow},
};

/// Sorted sets looked up at a time.
const NAMES_MAX: usize = 64;

/// Collects the names that show sorted sets.
#[derive(Default)]
pub(super) struct SortedSets {
    /// md5 of the name, and the table.
    pub found: Vec<([u8; 16], NamedTable)>,
    /// Where to go on, if there may be more.
    pub next: Option<Key>,
}

impl Judge for SortedSets {
    fn copied(&self) -> usize {
        NAMES_MAX
    }

    fn judge(&mut self, lent: &Lent<'_>) -> Result<Flow> {
        if lent.meta().is_tombstone() {
            return Ok(Flow::Next);
        }
        if self.found.len() >= NAMES_MAX {
            self.next = Some(lent.key());
            return Ok(Flow::Full);
        }
        let row = match lent.value()? {
            LentValue::Inline(bytes) => NameRow::decode(bytes),
            LentValue::Stored(slice) => NameRow::decode(&slice),
            LentValue::Moved(Some(row)) if !row.meta.is_tombstone() => NameRow::decode(row.value()),
            LentValue::Moved(_) => return Ok(Flow::Next),
        };
        let row = row.ok_or(Error::Damaged(DAMAGED_NAME_ROW))?;
        if row.figures.shown() == Some(Kind::Zset)
            && let Some(md5) = lent.key().tail().first_chunk::<16>()
        {
            self.found.push((*md5, NamedTable { name: lent.user_key().into(), row }));
        }
        Ok(Flow::Next)
    }
}

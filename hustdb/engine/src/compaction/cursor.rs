//! How rows are walked in order, whatever they are stored in.

use crate::{Error, Key, Result, RowRef};

/// Order of a walk over keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From small keys to great ones.
    Forward,
    /// From great keys to small ones.
    Backward,
}

/// A place in a sorted sequence of rows with distinct keys.
pub trait RowCursor {
    /// The key here; `None` past the end. Costs nothing.
    fn key(&self) -> Option<Key>;
    /// The row here; an error past the end.
    fn row(&self) -> Result<RowRef<'_>>;
    /// Goes to the next row; nothing happens past the end. After an error the cursor must not be used.
    fn advance(&mut self) -> Result<()>;
}

impl<C: RowCursor + ?Sized> RowCursor for Box<C> {
    fn key(&self) -> Option<Key> {
        (**self).key()
    }

    fn row(&self) -> Result<RowRef<'_>> {
        (**self).row()
    }

    fn advance(&mut self) -> Result<()> {
        (**self).advance()
    }
}

/// What [`RowCursor::row`] answers where there is no row.
pub fn past_the_end() -> Error {
    Error::Invalid("a row was asked for past the end of a cursor".to_owned())
}

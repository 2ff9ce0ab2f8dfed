//! Listings: the live rows of a file or of a table in order, a page at a time.
//!
//! A listing is a sequence of *sections*, each a range of keys in one partition of the engine:
//!
//! | of | sections |
//! |---|---|
//! | a file | its kv pairs; its hash fields, table after table; its set members alike; the sorted sets whose names lie in it |
//! | a hash or set | its rows of each partition |
//! | a sorted set | its rows by score |
//!
//! `walk.rs` goes over sections, `judge.rs` decides which rows count, `page.rs` counts and shows them. A page begins at
//! an offset or where a token says. With a token the cost is that of the page; an offset walks over the rows before,
//! without their values. One row more than asked is looked for, so the end is known when it is reached. Nothing is kept
//! between pages, so a token lives as long as its table.

mod judge;
mod page;
mod place;
mod reader;
mod row;
mod sets;
mod walk;
mod window;

use std::ops::Range;

pub(crate) use page::{Page, PageLimits};
pub(crate) use reader::Reader;
pub use row::{ListedRow, ListedValue};
pub(crate) use walk::{Target, Walk};

use crate::{
    error::{Error, Result},
    kind::Kind,
    store::Shared,
    tables::check_name,
};
use place::Place;

/// A page ends when its JSON would pass this, bytes.
pub(crate) const MAX_BODY_BYTES: usize = 32 << 20;

/// What to list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListOf<'a> {
    /// kv pairs and rows of tables in this file, below [`Store::file_count`](crate::Store::file_count).
    File(usize),
    /// All rows of a table.
    Table {
        /// Its type: hash, set or sorted set.
        kind: Kind,
        /// Its name.
        name: &'a [u8],
    },
    /// The members of a sorted set with `min <= score <= max`.
    Scores {
        /// Its name.
        name: &'a [u8],
        /// Least score.
        min: i64,
        /// Greatest score.
        max: i64,
    },
}

/// Where a page begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start<'a> {
    /// After this many shown rows.
    Offset(usize),
    /// Where this token says; empty = at the beginning.
    Cursor(&'a [u8]),
}

/// Which rows to list.
#[derive(Clone, Debug)]
pub struct ListRequest<'a> {
    /// What to list.
    pub of: ListOf<'a>,
    /// Slots to show.
    pub slots: Range<u16>,
    /// Where to begin.
    pub start: Start<'a>,
    /// Rows to show, at most.
    pub size: usize,
    /// Whether to give values.
    pub values: bool,
}

/// How a page ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// Rows shown.
    pub rows: usize,
    /// Where to go on, if there is more.
    pub cursor: Option<String>,
    /// Whether the body limit ended the page before `size` rows: the cursor must be told even if none was asked for.
    pub cut: bool,
}

/// Shows the rows of the page that `request` asks for, in order.
pub(crate) fn list(
    shared: &Shared,
    request: &ListRequest<'_>,
    show: &mut dyn FnMut(&ListedRow<'_>) -> Result<()>,
) -> Result<Listing> {
    let (place, skip) = match request.start {
        Start::Offset(offset) => (None, offset),
        Start::Cursor(b"") => (None, 0),
        Start::Cursor(token) => (Some(Place::decode(token).ok_or_else(illegal_cursor)?), 0),
    };
    let target = target(shared, &request.of)?;
    let limits = PageLimits { skip, size: request.size, body_bytes: MAX_BODY_BYTES };
    let mut page = Page::new(shared.clock.now_ms(), request.values, limits, show);
    let walk =
        Walk { reader: Reader::Now(&shared.engine), files: shared.file_count, slots: request.slots.clone() };
    walk.run(&target, place, &mut page)?;
    Ok(page.finish())
}

/// What a request means here and now.
fn target(shared: &Shared, of: &ListOf<'_>) -> Result<Target> {
    match *of {
        ListOf::File(file) if file >= shared.file_count => {
            Err(Error::invalid("file", format!("not in 0..{}", shared.file_count - 1)))
        }
        ListOf::File(file) => Ok(Target::File(file)),
        ListOf::Table { kind, name } => table(shared, kind, name, (i64::MIN, i64::MAX)),
        ListOf::Scores { min, max, .. } if min > max => Err(Error::invalid("min", "over max")),
        ListOf::Scores { name, min, max } => table(shared, Kind::Zset, name, (min, max)),
    }
}

fn table(shared: &Shared, kind: Kind, name: &[u8], scores: (i64, i64)) -> Result<Target> {
    check_name(name)?;
    let absent = Error::Table("no such table");
    let Some(table) = shared.tables.find(name) else { return Err(absent) };
    match (table.counts.shown(), table.number()) {
        (Some(shown), _) if shown != kind => Err(Error::of_other_type(shown)),
        (Some(_), Some(number)) => Ok(Target::of_table(kind, table.id(number), scores)),
        _ => Err(absent),
    }
}

fn illegal_cursor() -> Error {
    Error::invalid("cursor", "illegal")
}

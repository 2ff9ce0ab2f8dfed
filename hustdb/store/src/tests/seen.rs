//! Rows of listings, kept, and calls that list.

use std::ops::Range;

use super::*;
use crate::{
    Kind, ListOf, ListRequest, ListedRow, ListedValue, Listing, SnapshotPage, SnapshotRequest, Start,
};

/// A value as it was shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum SeenValue {
    None,
    Bytes(Vec<u8>),
    Score(i64),
}

/// A row as it was shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) key: Vec<u8>,
    pub(super) value: SeenValue,
    pub(super) shown: Shown,
    pub(super) table: Option<(String, Kind)>,
}

impl Seen {
    pub(super) fn of(row: &ListedRow<'_>) -> Seen {
        let value = match row.value {
            ListedValue::None => SeenValue::None,
            ListedValue::Bytes(bytes) => SeenValue::Bytes(bytes.to_vec()),
            ListedValue::Score(score) => SeenValue::Score(score),
        };
        let table = row.table.map(|(name, kind)| (String::from_utf8(name.to_vec()).unwrap(), kind));
        Seen { key: row.key.to_vec(), value, shown: row.shown, table }
    }

    /// The row without its value.
    pub(super) fn bare(mut self) -> Seen {
        self.value = SeenValue::None;
        self
    }
}

pub(super) fn list_with(node: &Node, request: &ListRequest<'_>) -> Result<(Vec<Seen>, Listing)> {
    let mut rows = Vec::new();
    let listing = node.store().list(request, &mut |row| {
        rows.push(Seen::of(row));
        Ok(())
    })?;
    assert_eq!(rows.len(), listing.rows);
    assert!(!listing.cut || listing.cursor.is_some());
    Ok((rows, listing))
}

/// A page with values.
pub(super) fn list(
    node: &Node,
    of: ListOf<'_>,
    slots: Range<u16>,
    start: Start<'_>,
    size: usize,
) -> Result<(Vec<Seen>, Listing)> {
    list_with(node, &ListRequest { of, slots, start, size, values: true })
}

/// All pages that cursors lead to; `between` runs after each.
pub(super) fn follow(
    node: &mut Node,
    of: ListOf<'_>,
    slots: Range<u16>,
    size: usize,
    mut between: impl FnMut(&mut Node),
) -> Vec<Seen> {
    let (mut seen, mut token) = (Vec::new(), String::new());
    loop {
        let (rows, listing) = list(node, of, slots.clone(), Start::Cursor(token.as_bytes()), size).unwrap();
        seen.extend(rows);
        between(node);
        match listing.cursor {
            Some(next) => token = next,
            None => return seen,
        }
    }
}

pub(super) fn list_snapshot(node: &Node, request: &SnapshotRequest<'_>) -> Result<(Vec<Seen>, SnapshotPage)> {
    let mut rows = Vec::new();
    let page = node.store().list_snapshot(request, &mut |row| {
        rows.push(Seen::of(row));
        Ok(())
    })?;
    assert_eq!(rows.len() as u64, page.rows);
    Ok((rows, page))
}

//! What is asked of snapshots.

use std::ops::Range;

use crate::listing::ListOf;

/// Which snapshot to take.
#[derive(Clone, Debug)]
pub struct ExportRequest<'a> {
    /// The table; if none is given, the file.
    pub of: ExportOf<'a>,
    /// Slots to show.
    pub slots: Range<u16>,
    /// Whether with values.
    pub values: bool,
    /// Rows to pass over.
    pub offset: u64,
    /// Rows to take; 0 = all.
    pub size: u64,
    /// Whether to take the place of a snapshot that is there or under way.
    pub cover: bool,
}

/// What a snapshot is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportOf<'a> {
    /// A file.
    File(usize),
    /// A table of any type.
    Table(&'a [u8]),
}

/// Which rows of a snapshot to show.
#[derive(Clone, Debug)]
pub struct SnapshotRequest<'a> {
    /// The file, or the table and the type it must have had.
    pub of: ListOf<'a>,
    /// The snapshot's slots.
    pub slots: Range<u16>,
    /// Rows to pass over.
    pub offset: u64,
    /// Rows to show, at most.
    pub size: u64,
    /// Whether to give values.
    pub values: bool,
}

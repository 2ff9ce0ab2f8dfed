//! The parameters that all listings share.

use std::ops::Range;

use hust_wire::{Query, Refusal, param::required};

const OFFSET_MAX: u64 = 1_000_000;
const SNAPSHOT_OFFSET_MAX: u64 = 100_000_000;
const SIZE_MAX: u64 = 1000;
const SLOTS: u64 = 1024;

/// Which rows.
#[derive(Clone, Debug)]
pub struct Paging {
    pub slots: Range<u16>,
    pub size: usize,
    pub from: From,
}

/// Where a page begins.
#[derive(Clone, Debug)]
pub enum From {
    Offset(usize),
    Cursor(Vec<u8>),
    /// At an offset of the snapshot.
    Snapshot(u64),
}

impl Paging {
    /// Reads them; `async` only if there may be snapshots.
    pub fn read(query: Query<'_>, snapshots: bool) -> Result<Paging, Refusal> {
        let slots = window(query)?;
        let snapshot = snapshots && query.boolean("async")?.unwrap_or(false);
        let cursor = query.bytes("cursor")?.map(|cursor| cursor.into_owned());
        let from = match (snapshot, cursor) {
            (true, Some(_)) => return Err(Refusal::bad("cursor", "not with async")),
            (true, None) => From::Snapshot(offset(query, SNAPSHOT_OFFSET_MAX)?),
            (false, Some(token)) => From::Cursor(token),
            (false, None) => From::Offset(offset(query, OFFSET_MAX)? as usize),
        };
        let size = required("size", query.unsigned_in("size", 0, SIZE_MAX)?)?;
        Ok(Paging { slots, size: size as usize, from })
    }
}

fn offset(query: Query<'_>, max: u64) -> Result<u64, Refusal> {
    required("offset", query.unsigned_in("offset", 0, max)?)
}

/// The window of slots: `start`, `end`.
pub fn window(query: Query<'_>) -> Result<Range<u16>, Refusal> {
    let start = query.unsigned_in("start", 0, SLOTS - 1)?.unwrap_or(0) as u16;
    let end = query.unsigned_in("end", 1, SLOTS)?.unwrap_or(SLOTS) as u16;
    if start >= end {
        return Err(Refusal::bad("start", "not below end"));
    }
    Ok(start..end)
}

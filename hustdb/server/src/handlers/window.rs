//! The slot window of a request: `start <= slot < end`.

use std::ops::Range;

use hust_store::SLOTS;
use hust_wire::{Query, Refusal, param::required};

/// The window, all slots where nothing is said.
pub fn window(query: Query<'_>) -> Result<Range<u16>, Refusal> {
    let (start, end) = bounds(query)?;
    checked(start.unwrap_or(0), end.unwrap_or(SLOTS))
}

/// The window, which must be said.
pub fn required_window(query: Query<'_>) -> Result<Range<u16>, Refusal> {
    let (start, end) = bounds(query)?;
    checked(required("start", start)?, required("end", end)?)
}

fn bounds(query: Query<'_>) -> Result<(Option<u16>, Option<u16>), Refusal> {
    let start = query.unsigned_in("start", 0, u64::from(SLOTS) - 1)?;
    let end = query.unsigned_in("end", 1, u64::from(SLOTS))?;
    Ok((start.map(|start| start as u16), end.map(|end| end as u16)))
}

fn checked(start: u16, end: u16) -> Result<Range<u16>, Refusal> {
    if start < end { Ok(start..end) } else { Err(Refusal::bad("start", "not below end")) }
}

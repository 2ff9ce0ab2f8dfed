//! A page of a slot window's records, tombstones and expired ones included.
//!
//! A page ends with its record limit, or before the record that would take it over its bytes, unless that is its
//! first. Whether there is more is looked up, so a finished scan has no cursor.

use std::ops::Range;

use super::{
    StoredReplica, cursor,
    walk::{Measure, Position, Walk},
};
use crate::{
    error::{Error, Result},
    store::Shared,
};

/// What a record takes beside its table name, key and value, bytes.
const RECORD_BYTES: usize = 40;

/// Rows read at a time, at least.
const ROWS_MIN: usize = 16;

/// Which records to scan.
#[derive(Clone, Debug)]
pub struct ScanRequest<'a> {
    /// Slots, of which there must be one.
    pub slots: Range<u16>,
    /// What the last page said; empty to begin.
    pub cursor: &'a [u8],
    /// Records of the page, at most; at least 1.
    pub limit: usize,
    /// Bytes of the page, at most, unless its first record alone is larger.
    pub max_bytes: usize,
    /// Whether to read values.
    pub values: bool,
}

/// A page of a scan.
#[derive(Clone, Debug, Default)]
pub struct ScanPage {
    /// The records.
    pub records: Vec<StoredReplica>,
    /// Where to go on, if there is more.
    pub cursor: Option<String>,
}

/// The page that `request` asks for.
pub(crate) fn scan(shared: &Shared, request: &ScanRequest<'_>) -> Result<ScanPage> {
    let mut page = ScanPage::default();
    if request.slots.is_empty() || request.limit == 0 {
        return Ok(page);
    }
    let mut walk = Walk::new(shared, request.slots.clone());
    let mut from = Some(begin(&walk, request.cursor)?);
    let mut bytes = 0;
    while let Some(position) = from {
        let rows = request.limit - page.records.len();
        if rows == 0 || bytes >= request.max_bytes {
            page.cursor = walk.seek(position)?.map(|position| cursor::encode(&position));
            break;
        }
        // One more tells where the next page begins; some more pass by what was purged.
        let rows = (rows + 1).max(ROWS_MIN);
        let measure = Measure { rows, bytes: request.max_bytes - bytes, values: request.values };
        let stretch = walk.read(position, measure)?;
        for found in stretch.found {
            let value_bytes = if request.values { found.record.replica().value.len() } else { 0 };
            let replica = found.record.replica();
            let size = RECORD_BYTES + replica.table.len() + replica.key.len() + value_bytes;
            let over = bytes + size > request.max_bytes && !page.records.is_empty();
            if over || page.records.len() == request.limit {
                page.cursor = Some(cursor::encode(&found.position));
                return Ok(page);
            }
            bytes += size;
            page.records.push(found.record);
        }
        from = stretch.next;
    }
    Ok(page)
}

fn begin(walk: &Walk<'_>, token: &[u8]) -> Result<Position> {
    if token.is_empty() {
        return Ok(walk.begin());
    }
    let position = cursor::decode(token).filter(|position| walk.contains(position));
    position.ok_or_else(|| Error::invalid("cursor", "illegal"))
}

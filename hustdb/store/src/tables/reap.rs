//! The reaper: takes the rows of names that nothing needs any more, so that tables may come and go for ever.
//!
//! A name row stays after its table's last record, because tombstones and remains still lie under its number. Once
//! compaction has dropped those too, the rows of name and number are purged, and the number is free. Nobody may be at
//! the name meanwhile: the reaper pins it and looks whether it is alone, then for rows under the number, and under the
//! locks whether it has been alone all the time. A writer that comes later finds another number under its own locks.

use hust_engine::{Direction, Head, Key, Row, row::PURGE};

use super::{Figures, NameRow, Pin, directory::Alone, locate::DAMAGED_NAME_ROW, name_key, number_key};
use crate::{
    error::{Error, Result},
    kind::Kind,
    store::Shared,
    write::purge,
};

/// Name rows read at a time.
const PAGE_ROWS: usize = 256;
/// Rows looked at for one that keeps a name; with more purged ones than that the name waits for compaction.
const PROBE_ROWS: usize = 64;

/// What a run of the reaper did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reaped {
    /// Names that are gone.
    pub names: usize,
    /// Names looked at.
    pub looked_at: usize,
}

/// Looks at up to `max_names` names, from where the last run ended; at the end it begins anew with the next run.
pub(crate) fn reap(shared: &Shared, max_names: usize) -> Result<Reaped> {
    let mut reaped = Reaped::default();
    let (first, last) = (name_key([0; 16]), Key::new(name_key([0; 16]).table(), [0xff; 20]));
    let mut place = shared.reaper_at.lock();
    let mut from = place.take().unwrap_or(first);
    let oldest_ms = shared.clock.now_ms().saturating_sub(shared.engine.options().tombstone_grace_ms);
    while reaped.looked_at < max_names {
        let rows = PAGE_ROWS.min(max_names - reaped.looked_at);
        let page = shared.engine.page(from, last, Direction::Forward, rows, usize::MAX)?;
        for (_, row) in page.rows.iter().filter(|(_, row)| !row.meta.is_tombstone()) {
            if row.meta.stamp >> 16 < oldest_ms && reap_name(shared, row)? {
                reaped.names += 1;
            }
        }
        reaped.looked_at += page.rows.len();
        match page.next {
            Some(next) => from = next,
            None => return Ok(reaped),
        }
    }
    *place = Some(from);
    Ok(reaped)
}

/// Purges the rows of one name if nothing needs them.
fn reap_name(shared: &Shared, row: &Row) -> Result<bool> {
    let NameRow { number, figures } = NameRow::decode(row.value()).ok_or(Error::Damaged(DAMAGED_NAME_ROW))?;
    if figures != Figures::default() {
        return Ok(false);
    }
    let pin = shared.tables.pin(row.user_key());
    let Some(alone) = pin.alone() else { return Ok(false) };
    if has_rows(shared, number)? {
        return Ok(false);
    }
    let keys = [name_key(pin.md5), number_key(number)];
    let (gone, ticket) = shared.engine.update(&keys, |heads, batch| {
        let same = is_still(&pin, &alone, row, heads);
        if same {
            batch.put(keys[0], purge(), &pin.name, &[]);
            batch.put(keys[1], purge(), &pin.name, &[]);
        }
        Ok(same)
    })?;
    ticket.wait()?;
    Ok(gone)
}

/// Whether nothing has happened to a name since its row was read.
fn is_still(pin: &Pin<'_>, alone: &Alone, row: &Row, heads: &[Option<Head>]) -> bool {
    let [Some(name), Some(number)] = heads else { return false };
    let standing = |head: &Head| !head.meta().is_tombstone() && *head.user_key() == *pin.name;
    pin.is_still(alone) && name.meta() == &row.meta && standing(name) && standing(number)
}

/// Whether a row of any kind lies under a number, or there may be one.
fn has_rows(shared: &Shared, number: u32) -> Result<bool> {
    for kind in [Kind::Hash, Kind::Set, Kind::Zset, Kind::Score] {
        let table = kind.table(number);
        let (mut from, to) = (Key::new(table, [0; 20]), Key::new(table, [0xff; 20]));
        let mut looked_at = 0;
        loop {
            let page = shared.engine.page_without_values(from, to, Direction::Forward, PROBE_ROWS)?;
            if page.rows.iter().any(|(_, row)| row.meta.flags & PURGE == 0) {
                return Ok(true);
            }
            looked_at += page.rows.len();
            match page.next {
                None => break,
                Some(_) if looked_at >= PROBE_ROWS => return Ok(true),
                Some(next) => from = next,
            }
        }
    }
    Ok(false)
}

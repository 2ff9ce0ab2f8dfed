//! Ending debts: settled, overdue, or of slots that are forgotten. Always: the row goes only as it was read,
//! and is counted until it is durably gone.

use std::ops::Range;

use hust_engine::{Direction, Key, Ticket};
use smallvec::SmallVec;

use super::{
    Creditor, Debt,
    row::{debt_key, range, record_key},
    within,
};
use crate::{address::md5, error::Result, kind::Kind, store::Shared, tables::name_of, write::purge};

/// Debts that end in one batch.
const BATCH_ROWS: usize = 32;
/// Debts read at a time.
const PAGE_ROWS: usize = 256;

/// Ends debts that have not been noted again since they were read; gives their number.
pub(super) fn settle(shared: &Shared, to: &Creditor, debts: &[Debt]) -> Result<u64> {
    let mut settled = 0;
    let mut last: Option<Ticket> = None;
    let mut end_all = || {
        for debts in debts.chunks(BATCH_ROWS) {
            let (ended, ticket) = end(shared, to, debts)?;
            settled += ended;
            last = Some(ticket);
        }
        Ok(())
    };
    let done = end_all();
    // One call at a time: whoever settles is never far ahead of the log.
    if let Some(ticket) = last {
        ticket.wait()?;
    }
    // Also those that ended before an error did.
    to.uncount(settled);
    done.map(|()| settled)
}

/// Ends debts in one batch, and leaves it to the caller to count them no longer; gives their number.
fn end(shared: &Shared, to: &Creditor, debts: &[Debt]) -> Result<(u64, Ticket)> {
    let keys: SmallVec<[Key; BATCH_ROWS]> =
        debts.iter().map(|debt| debt_key(to.number(), debt.record)).collect();
    let done = shared.engine.update(&keys, |heads, batch| {
        let mut ended = 0;
        for ((head, debt), key) in heads.iter().zip(debts).zip(&keys) {
            let meta = head.as_ref().map(|head| *head.meta());
            if meta.is_some_and(|meta| !meta.is_tombstone() && meta.stamp == debt.stamp) {
                batch.put(*key, purge(), &[], &[]);
                ended += 1;
            }
        }
        Ok(ended)
    })?;
    Ok(done)
}

/// Ends debts noted before the time-out; gives their number.
pub(crate) fn drop_overdue(shared: &Shared) -> Result<u64> {
    let limit_ms = shared.clock.now_ms().saturating_sub(shared.debt_timeout_ms);
    let mut dropped = 0;
    for creditor in shared.creditors.all() {
        let overdue = end_where(shared, &creditor, |debt| Ok(debt.stamp >> 16 < limit_ms))?;
        if overdue > 0 {
            tracing::warn!(host = creditor.name(), overdue, "debts are too old and dropped");
        }
        dropped += overdue;
    }
    Ok(dropped)
}

/// Ends debts of records in these slots.
pub(crate) fn forget(shared: &Shared, slots: &Range<u16>) -> Result<()> {
    let mut table: Option<(u32, bool)> = None;
    for creditor in shared.creditors.all() {
        end_where(shared, &creditor, |debt| match Kind::of_record(debt.record.table()) {
            Some((Kind::Zset, number)) => match table {
                Some((known, inside)) if known == number => Ok(inside),
                _ => {
                    let inside = name_of(shared, number)?.is_some_and(|name| within(slots, &md5(&name)));
                    table = Some((number, inside));
                    Ok(inside)
                }
            },
            _ => Ok(debt.record.tail().first_chunk().is_some_and(|md5| within(slots, md5))),
        })?;
    }
    Ok(())
}

/// Ends the debts to a host for which `ends` says so.
fn end_where(shared: &Shared, to: &Creditor, mut ends: impl FnMut(&Debt) -> Result<bool>) -> Result<u64> {
    if to.open() == 0 {
        return Ok(0);
    }
    let (mut from, last) = range(to.number());
    let mut ended = 0;
    loop {
        let page = shared.engine.page_without_values(from, last, Direction::Forward, PAGE_ROWS)?;
        let mut ending = Vec::new();
        for (key, row) in page.rows.iter().filter(|(_, row)| !row.meta.is_tombstone()) {
            let debt = Debt { record: record_key(*key), stamp: row.meta.stamp };
            if ends(&debt)? {
                ending.push(debt);
            }
        }
        ended += settle(shared, to, &ending)?;
        match page.next {
            Some(next) => from = next,
            None => return Ok(ended),
        }
    }
}

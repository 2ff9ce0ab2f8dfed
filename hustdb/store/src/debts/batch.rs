//! Reading debts and the records they are about, as these are now.

use hust_engine::{Direction, Key};

use super::{
    Creditor, Debt,
    row::{debt_key, range, record_key},
};
use crate::{error::Result, kind::Kind, replica::StoredReplica, store::Shared, tables::name_of_row};

/// A debt and its record.
#[derive(Clone, Debug)]
pub struct Owed {
    /// The debt.
    pub debt: Debt,
    /// The record as it was when it was read.
    pub record: StoredReplica,
}

/// Some debts to one host.
#[derive(Clone, Debug, Default)]
pub struct DebtBatch {
    /// Those with something to send, in the order of their rows.
    pub owed: Vec<Owed>,
    /// Those whose record is no longer known here: there is nothing to send, they can be settled.
    pub gone: Vec<Debt>,
    /// The last debt read, to go on after, if there may be more.
    pub last: Option<Debt>,
}

/// See [`super::Debts::batch`].
pub(super) fn batch(
    shared: &Shared,
    to: &Creditor,
    after: Option<Debt>,
    limit: usize,
    max_bytes: usize,
) -> Result<DebtBatch> {
    let mut batch = DebtBatch::default();
    let (first, last) = range(to.number());
    let from = match after {
        None => Some(first),
        Some(debt) => debt_key(to.number(), debt.record).successor().filter(|next| *next <= last),
    };
    let Some(mut from) = from else { return Ok(batch) };
    let mut bytes = 0;
    loop {
        let read = batch.owed.len() + batch.gone.len();
        let rows = limit.saturating_sub(read).max(1);
        let page = shared.engine.page_without_values(from, last, Direction::Forward, rows)?;
        for (key, row) in page.rows.iter().filter(|(_, row)| !row.meta.is_tombstone()) {
            let debt = Debt { record: record_key(*key), stamp: row.meta.stamp };
            match read_record(shared, debt.record)? {
                None => batch.gone.push(debt),
                Some(record) => {
                    bytes += record.size_bytes();
                    if bytes > max_bytes && !batch.owed.is_empty() {
                        return Ok(batch);
                    }
                    batch.owed.push(Owed { debt, record });
                }
            }
            batch.last = Some(debt);
        }
        match page.next {
            None => {
                batch.last = None;
                return Ok(batch);
            }
            Some(_) if batch.owed.len() + batch.gone.len() >= limit => return Ok(batch),
            Some(next) => from = next,
        }
    }
}

/// The record of a row key as it is now, tombstones included.
fn read_record(shared: &Shared, key: Key) -> Result<Option<StoredReplica>> {
    let Some((kind, _)) = Kind::of_record(key.table()) else { return Ok(None) };
    let Some(row) = shared.engine.get(&key)? else { return Ok(None) };
    let table = match kind {
        Kind::Kv => None,
        _ => match name_of_row(shared, key)? {
            Some(name) => Some(name.into()),
            None => return Ok(None),
        },
    };
    Ok(StoredReplica::new(kind, table, row))
}

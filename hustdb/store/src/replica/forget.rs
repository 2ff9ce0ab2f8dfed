//! Forgetting slots: this node no longer has them, and leaves no trace that others would merge.
//!
//! Each record is purged under its locks, with its row by score, the counts of its table and the sums of its slot;
//! its row of the expiry index becomes stale and goes with the sweep. A write under way is before that, and purged
//! too, or after it, and stays. What is owed of these slots is no longer owed.

use std::ops::Range;

use hust_engine::{Batch, Head, Ticket};

use super::{
    Form,
    walk::{Found, Measure, Walk},
};
use crate::{
    address::{Address, TableId},
    debts,
    error::{Error, Result},
    store::Shared,
    tables::Located,
    write::{Counted, Halt, Keys, Place, Rows, Step, purge},
};

/// Rows read, and forgotten, before their writes are waited for.
const STEP_ROWS: usize = 256;
/// How often a stored value is brought to memory for a row by score that lies nowhere else.
const VALUE_READS_MAX: usize = 16;

/// Forgets all records of these slots; gives their number. May block on the disk.
pub(crate) fn forget(shared: &Shared, slots: Range<u16>) -> Result<u64> {
    if slots.is_empty() {
        return Ok(0);
    }
    let mut walk = Walk::new(shared, slots.clone());
    let mut from = Some(walk.begin());
    let mut forgotten = 0;
    while let Some(position) = from {
        let stretch = walk.read(position, Measure { rows: STEP_ROWS, bytes: usize::MAX, values: false })?;
        let mut last: Option<Ticket> = None;
        for found in &stretch.found {
            if let Some(ticket) = forget_record(shared, found)? {
                forgotten += 1;
                last = Some(ticket);
            }
        }
        if let Some(ticket) = last {
            ticket.wait()?;
        }
        from = stretch.next;
    }
    debts::forget(shared, &slots)?;
    Ok(forgotten)
}

/// Purges one record; `None`: it was gone.
fn forget_record(shared: &Shared, found: &Found) -> Result<Option<Ticket>> {
    let replica = found.record.replica();
    let number = found.key.table() & (crate::kind::NUMBERS - 1);
    let pin = (!replica.table.is_empty()).then(|| shared.tables.pin(replica.table));
    let id = pin.as_ref().map_or(TableId::default(), |pin| pin.id(number));
    let place = pin.as_ref().map(|pin| Place { pin, located: Located::Known(number) });
    let address = Address::of_row(found.key, &id).ok_or(Error::Damaged("a row of a walk"))?;
    let rows = Rows::new(shared, address, replica.key, place);
    let keys = rows.keys();
    for _ in 0..VALUE_READS_MAX {
        let (done, ticket) =
            shared.engine.update(&keys, |heads, batch| Ok(step(&rows, &keys, heads, batch)))?;
        match done {
            Ok((gone, counted)) => {
                rows.count(counted);
                return Ok((!gone).then_some(ticket));
            }
            // The table went, so its rows did.
            Err(Halt::Moved(_)) => return Ok(None),
            Err(Halt::Refused(error)) => return Err(error),
            Err(Halt::Cold) => _ = shared.engine.get(&address.key)?,
        }
    }
    Err(Error::Busy("a stored value does not stay in memory"))
}

/// Under the locks: whether it was gone, and what changed in the table's counts.
fn step<'v>(
    rows: &'v Rows<'v>,
    keys: &Keys,
    heads: &[Option<Head>],
    batch: &mut Batch<'v>,
) -> Step<(bool, Option<Counted>)> {
    let head = heads.first().and_then(Option::as_ref);
    let Some(head) = head.filter(|head| Form::of(head.meta()).is_some()) else { return Ok((true, None)) };
    if head.user_key() != rows.user_key {
        return Ok((true, None));
    }
    let name_row = rows.name_row(keys, heads)?;
    Ok((false, rows.replace(Some(head), name_row, purge(), &[], batch)?))
}

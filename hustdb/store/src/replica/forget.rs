//! Forgetting slots: this node no longer has them, and leaves no trace that others would merge.
//!
//! Each record is purged under its locks, with its row by score, the counts of its table and the sums of its slot;
//! its row of the expiry index becomes stale and goes with the sweep. A write under way is before that, and purged
//! too, or after it, and stays. What is owed of these slots is no longer owed.

use std::ops::Range;

use hust_engine::{Batch, Head, Ticket};

use super::{
    Form,
    walk::{Found, Measure, Position, Walk},
};
use crate::{
    address::{Address, TableId},
    debts,
    error::{Error, Result},
    store::Shared,
    tables::Located,
    write::{self, Counted, Halt, Keys, Rows, Step, purge},
};

/// Rows that a step reads and forgets before it waits for the writes.
const STEP_ROWS: usize = 256;
/// How often a stored value is brought to memory for a row by score that lies nowhere else.
const VALUE_READS_MAX: usize = 16;

/// How far a window is forgotten.
#[derive(Debug)]
pub struct Forgetting {
    slots: Range<u16>,
    place: Place,
    /// Records forgotten so far.
    pub records: u64,
}

#[derive(Clone, Copy, Debug)]
enum Place {
    Begin,
    At(Position),
    Debts,
    End,
}

impl Forgetting {
    /// Nothing of these slots has been forgotten yet.
    pub fn of(slots: Range<u16>) -> Forgetting {
        let place = if slots.is_empty() { Place::End } else { Place::Begin };
        Forgetting { slots, place, records: 0 }
    }

    /// Whether all of it is done, and durable.
    pub fn is_done(&self) -> bool {
        matches!(self.place, Place::End)
    }
}

/// Forgets some more. After an error the same step can be tried again. May block on the disk.
pub(crate) fn forget(shared: &Shared, forgetting: &mut Forgetting) -> Result<()> {
    let mut walk = Walk::new(shared, forgetting.slots.clone());
    let from = match forgetting.place {
        Place::Begin => walk.begin(),
        Place::At(position) => position,
        Place::Debts => {
            debts::forget(shared, &forgetting.slots)?;
            forgetting.place = Place::End;
            return Ok(());
        }
        Place::End => return Ok(()),
    };
    let stretch = walk.read(from, Measure { rows: STEP_ROWS, bytes: usize::MAX, values: false })?;
    let mut last: Option<Ticket> = None;
    for found in &stretch.found {
        if let Some(ticket) = forget_record(shared, found)? {
            forgetting.records += 1;
            last = Some(ticket);
        }
    }
    if let Some(ticket) = last {
        ticket.wait()?;
    }
    forgetting.place = stretch.next.map_or(Place::Debts, Place::At);
    Ok(())
}

/// Purges one record; `None`: it was gone.
fn forget_record(shared: &Shared, found: &Found) -> Result<Option<Ticket>> {
    let replica = found.record.replica();
    let number = found.key.table() & (crate::kind::NUMBERS - 1);
    let pin = (!replica.table.is_empty()).then(|| shared.tables.pin(replica.table));
    let id = pin.as_ref().map_or(TableId::default(), |pin| pin.id(number));
    let place = pin.as_ref().map(|pin| write::Place { pin, located: Located::Known(number) });
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

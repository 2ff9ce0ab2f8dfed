//! One pass over the due rows of the expiry index.
//!
//! For each due row, in one batch under the record's lock: if the record is counted and has that very expiry, it
//! becomes its remains (stamp, version and expiry stay, so that it wins over older replicas) and leaves the tallies;
//! in any case the index row goes. A row of a table leaves the counts of the table too. A crash between two batches leaves rows that the next pass finds again, and a
//! record that is already remains is not taken out twice.

use hust_engine::{
    Batch, Direction, Head, Key, Meta, Ticket,
    key::KEY_BYTES,
    row::{EXPIRED, TOMBSTONE},
};

use super::index::due_ms;
use crate::{
    address::{Address, TableId},
    error::{Error, Result},
    kind::Kind,
    store::Shared,
    tables::{Located, name_of_row},
    write::{Counted, Halt, Keys, Place, Rows, Step, purge},
};

/// Rows read from the index at a time.
const PAGE_ROWS: usize = 256;

/// What a sweep did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Records that became remains.
    pub expired: usize,
    /// Index rows without such a record.
    pub stale: usize,
    /// Whether the row limit ended the sweep.
    pub more: bool,
}

/// Sweeps what is due at `now_ms`, at most `max_rows` rows of the index.
pub(crate) fn sweep(shared: &Shared, now_ms: u64, max_rows: usize) -> Result<Swept> {
    let mut swept = Swept::default();
    for number in 0..shared.expiry.partitions() {
        let from_ms = shared.expiry.take(number);
        let mut pass = Pass { shared, number, reached_ms: from_ms, now_ms, max_rows };
        if from_ms <= now_ms {
            match pass.run(&mut swept) {
                // What was done stands; the rest is for the next sweep.
                Err(Error::Busy(_)) if swept.expired + swept.stale > 0 => {
                    swept.more = true;
                    return Ok(swept);
                }
                done => done?,
            }
        }
    }
    Ok(swept)
}

/// The pass over one partition. However it ends, what it did not reach stays to be swept.
struct Pass<'a> {
    shared: &'a Shared,
    number: usize,
    reached_ms: u64,
    now_ms: u64,
    max_rows: usize,
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        self.shared.expiry.lower(self.number, self.reached_ms);
    }
}

impl Pass<'_> {
    fn run(&mut self, swept: &mut Swept) -> Result<()> {
        let Some((mut from, to)) = self.shared.expiry.range(self.number, self.reached_ms, self.now_ms) else {
            return Ok(());
        };
        loop {
            let page = self.shared.engine.page_without_values(from, to, Direction::Forward, PAGE_ROWS)?;
            let mut last = None;
            for (key, row) in page.rows.iter().filter(|(_, row)| !row.meta.is_tombstone()) {
                self.reached_ms = due_ms(*key);
                if swept.expired + swept.stale >= self.max_rows {
                    swept.more = true;
                    return Ok(());
                }
                last = Some(retire(self.shared, *key, row.user_key(), swept)?);
            }
            // One page of writes at a time: the sweep is never far ahead of the log.
            if let Some(ticket) = last {
                ticket.wait()?;
            }
            match page.next {
                Some(next) => from = next,
                None => break,
            }
        }
        self.reached_ms = self.now_ms.saturating_add(1);
        Ok(())
    }
}

/// What became of one row of the index.
enum Fate {
    Expired,
    Stale,
    /// The record came to this expiry only now; the next sweep has it.
    Later,
}

/// Handles the due row `index_key`, which tells about the row `owner`.
fn retire(shared: &Shared, index_key: Key, owner: &[u8], swept: &mut Swept) -> Result<Ticket> {
    let record_key = <[u8; KEY_BYTES]>::try_from(owner).ok().map(|owner| Key::from_bytes(&owner));
    // The user key must outlive the batch, so the record is read before; it is looked at again under the lock.
    let before = match record_key {
        Some(key) => shared.engine.head(&key)?,
        None => None,
    };
    let live = before.as_ref().filter(|before| !before.meta().is_tombstone());
    let (fate, ticket) = match record_key.zip(live) {
        Some((key, before)) => {
            let table = table_of(shared, key)?;
            let pin = table.as_ref().map(|(name, number)| (shared.tables.pin(name), *number));
            let id = pin.as_ref().map_or(TableId::default(), |(pin, number)| pin.id(*number));
            let place = pin.as_ref().map(|(pin, number)| Place { pin, located: Located::Known(*number) });
            let address = Address::of_row(key, &id).ok_or(Error::Damaged("a row of the expiry index"))?;
            let rows = Rows::new(shared, address, before.user_key(), place);
            Retirement { index_key, owner, rows }.run()?
        }
        None => drop_stale(shared, index_key, record_key, owner)?,
    };
    match fate {
        Fate::Expired => swept.expired += 1,
        Fate::Stale => swept.stale += 1,
        Fate::Later => shared.expiry.note(index_key),
    }
    Ok(ticket)
}

/// Drops an index row without such a record, unless one came meanwhile.
fn drop_stale(
    shared: &Shared,
    index_key: Key,
    record_key: Option<Key>,
    owner: &[u8],
) -> Result<(Fate, Ticket)> {
    let keys: Keys = record_key.into_iter().chain([index_key]).collect();
    let dropped = shared.engine.update(&keys, |heads, batch| {
        let record = heads.first().filter(|_| heads.len() > 1).and_then(Option::as_ref);
        let is_due = |head: &Head| !head.meta().is_tombstone() && head.meta().expire_ms == due_ms(index_key);
        if record.is_some_and(is_due) {
            return Ok(Fate::Later);
        }
        batch.put(index_key, purge(), owner, &[]);
        Ok(Fate::Stale)
    });
    Ok(dropped?)
}

/// Name and number of the table that a row belongs to.
fn table_of(shared: &Shared, key: Key) -> Result<Option<(Box<[u8]>, u32)>> {
    match Kind::of_record(key.table()) {
        None | Some((Kind::Kv, _)) => Ok(None),
        Some((_, number)) => match name_of_row(shared, key)? {
            Some(name) => Ok(Some((name, number))),
            // The next sweep finds the record gone.
            None => Err(Error::Busy("a table was forgotten")),
        },
    }
}

/// Takes one record that is due out of the counts.
struct Retirement<'a> {
    index_key: Key,
    owner: &'a [u8],
    rows: Rows<'a>,
}

/// How often a stored value is brought to memory before the sweep leaves the record to the next one.
const VALUE_READS_MAX: usize = 4;

impl Retirement<'_> {
    fn run(&self) -> Result<(Fate, Ticket)> {
        let mut keys = self.rows.keys();
        keys.push(self.index_key);
        let engine = &self.rows.shared.engine;
        for _ in 0..VALUE_READS_MAX {
            let (done, ticket) = engine.update(&keys, |heads, batch| Ok(self.step(&keys, heads, batch)))?;
            match done {
                Ok((fate, counted)) => {
                    self.rows.count(counted);
                    return Ok((fate, ticket));
                }
                Err(Halt::Refused(error)) => return Err(error),
                // The table went, and its rows with it: the next sweep finds them gone.
                Err(Halt::Moved(_)) => return Ok((Fate::Later, engine.update(&[], |_, _| Ok(()))?.1)),
                Err(Halt::Cold) => {
                    engine.get(&self.rows.address.key)?;
                }
            }
        }
        Err(Error::Busy("a stored value does not stay in memory"))
    }

    fn step<'v>(
        &'v self,
        keys: &Keys,
        heads: &[Option<Head>],
        batch: &mut Batch<'v>,
    ) -> Step<(Fate, Option<Counted>)> {
        let head = heads.first().and_then(Option::as_ref);
        let due_ms = due_ms(self.index_key);
        let expired = head.filter(|head| !head.meta().is_tombstone() && head.meta().expire_ms == due_ms);
        let (fate, counted) = match expired {
            None => (Fate::Stale, None),
            Some(head) if head.user_key() != self.rows.user_key => return Ok((Fate::Later, None)),
            Some(head) => {
                let name_row = self.rows.name_row(keys, heads)?;
                let meta = Meta { flags: TOMBSTONE | EXPIRED, ..*head.meta() };
                (Fate::Expired, self.rows.replace(Some(head), name_row, meta, &[], batch)?)
            }
        };
        batch.put(self.index_key, purge(), self.owner, &[]);
        Ok((fate, counted))
    }
}

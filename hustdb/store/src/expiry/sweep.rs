//! One pass over the due rows of the expiry index.
//!
//! For each due row, in one batch under the record's lock: if the record is counted and has that very expiry, it
//! becomes its remains (stamp, version and expiry stay, so that it wins over older replicas) and leaves the tallies;
//! in any case the index row goes. A crash between two batches leaves rows that the next pass finds again, and a
//! record that is already remains is not taken out twice.

use hust_engine::{
    Batch, Direction, Head, Key, Meta, Ticket,
    key::KEY_BYTES,
    row::{EXPIRED, PURGE, TOMBSTONE},
};

use super::index::due_ms;
use crate::{
    address::Address,
    error::{Error, Result},
    store::Shared,
    tally::Delta,
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
    let address = record_key.and_then(Address::of_kv_row);
    // The user key must outlive the batch, so the record is read before; its meta is compared under the lock.
    let record = match address {
        Some(address) => shared.engine.head(&address.key)?,
        None => None,
    };
    let retirement = Retirement { index_key, owner, address, record: record.as_ref() };
    let keys = [index_key, address.map_or(index_key, |address| address.key)];
    let keys = if address.is_some() { &keys[..] } else { &keys[..1] };
    let (fate, ticket) = shared.engine.update(keys, |heads, batch| Ok(retirement.step(heads, batch)))?;
    match fate {
        Fate::Expired => swept.expired += 1,
        Fate::Stale => swept.stale += 1,
        Fate::Later => shared.expiry.note(index_key),
    }
    Ok(ticket)
}

struct Retirement<'a> {
    index_key: Key,
    owner: &'a [u8],
    address: Option<Address>,
    record: Option<&'a Head>,
}

impl Retirement<'_> {
    fn step<'v>(&'v self, heads: &[Option<Head>], batch: &mut Batch<'v>) -> Fate {
        let head = heads.get(1).and_then(Option::as_ref);
        let due_ms = due_ms(self.index_key);
        let expired = head.filter(|head| !head.meta().is_tombstone() && head.meta().expire_ms == due_ms);
        let fate = match (expired, self.address, self.record) {
            (None, ..) | (_, None, _) => Fate::Stale,
            (Some(head), Some(address), Some(before)) if before.user_key() == head.user_key() => {
                let meta = Meta { flags: TOMBSTONE | EXPIRED, ..*head.meta() };
                let mut delta = Delta::default();
                delta.subtract(&address, head.meta(), head.user_key().len(), head.value_len() as usize);
                batch.put(address.key, meta, before.user_key(), &[]);
                delta.apply(&address, batch);
                Fate::Expired
            }
            _ => return Fate::Later,
        };
        let purge = Meta { flags: TOMBSTONE | PURGE, ..Meta::default() };
        batch.put(self.index_key, purge, self.owner, &[]);
        fate
    }
}

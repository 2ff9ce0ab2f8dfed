//! Noting a debt: under the locks of the record and of the debt, so that nothing is owed that is not there.
//!
//! It is counted there too, before its row can be seen; a note that does not come to be takes that back.

use hust_engine::{Batch, Fetch, Head, Key};

use super::{
    Creditor, HostName, Noted, OwedRecord,
    row::{debt_key, meta},
};
use crate::{
    address::Address,
    error::{Error, Result},
    kind::Kind,
    replica::Form,
    store::Shared,
    tables::{Located, check_name, locate},
    write::check_key,
};

/// See [`super::Debts::owe`].
pub(super) fn owe(shared: &Shared, to: &HostName<'_>, record: &OwedRecord<'_>) -> Result<Option<Noted>> {
    let Fetch::Ready(key) = row_key(shared, record, false)? else {
        return Err(Error::Busy("a cold read did not block"));
    };
    let Some(key) = key else { return Ok(None) };
    let is_there = |head: &Head| is_record(head, record);
    // A host comes only if there is something to owe.
    if !shared.engine.head(&key)?.as_ref().is_some_and(is_there) {
        return Ok(None);
    }
    let creditor = match shared.creditors.find(to) {
        Some(creditor) => creditor,
        None => shared.creditors.come(shared, to)?,
    };
    let mut note = Note::new(shared, creditor, record, key);
    let (fate, ticket) = shared.engine.update(&note.keys(), |heads, batch| Ok(note.step(heads, batch)))?;
    Ok(note.done(fate, ticket))
}

/// See [`super::Debts::try_owe`].
pub(super) fn try_owe(
    shared: &Shared,
    to: &HostName<'_>,
    record: &OwedRecord<'_>,
) -> Result<Fetch<Option<Noted>>> {
    let Fetch::Ready(key) = row_key(shared, record, true)? else { return Ok(Fetch::Cold) };
    let Some(key) = key else { return Ok(Fetch::Ready(None)) };
    let Some(creditor) = shared.creditors.find(to) else { return Ok(Fetch::Cold) };
    let mut note = Note::new(shared, creditor, record, key);
    let tried = shared.engine.try_update(&note.keys(), |heads, batch| Ok(note.step(heads, batch)))?;
    Ok(tried.map(|(fate, ticket)| note.done(fate, ticket)))
}

/// The row key of a record; `None`: its table has no number.
fn row_key(shared: &Shared, record: &OwedRecord<'_>, try_only: bool) -> Result<Fetch<Option<Key>>> {
    check_key(record.key)?;
    if record.kind == Kind::Kv {
        return Ok(Fetch::Ready(Some(Address::kv(record.key).key)));
    }
    check_name(record.table)?;
    let pin = shared.tables.pin(record.table);
    Ok(locate(shared, &pin, try_only)?.map(|located| match located {
        Located::Known(number) => Some(Address::member(record.kind, &pin.id(number), record.key).key),
        Located::Fresh(_) => None,
    }))
}

fn is_record(head: &Head, record: &OwedRecord<'_>) -> bool {
    head.user_key() == record.key && Form::of(head.meta()).is_some()
}

/// A debt that is counted, and no longer when this is dropped, unless it is there by then.
struct Counted {
    creditor: Creditor,
    is_counted: bool,
}

impl Counted {
    /// Counts it or not, whatever was done before.
    fn set(&mut self, is_counted: bool) {
        match (self.is_counted, is_counted) {
            (false, true) => self.creditor.count_one(),
            (true, false) => self.creditor.uncount(1),
            _ => {}
        }
        self.is_counted = is_counted;
    }

    /// Leaves the count as it is.
    fn keep(mut self) -> Creditor {
        self.is_counted = false;
        self.creditor.clone()
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.set(false);
    }
}

struct Note<'a> {
    shared: &'a Shared,
    counted: Counted,
    record: &'a OwedRecord<'a>,
    key: Key,
}

/// What became of a note.
#[derive(PartialEq, Eq)]
enum Fate {
    /// There is no such record.
    Unknown,
    /// It was owed already.
    Renewed,
    New,
}

impl<'a> Note<'a> {
    fn new(shared: &'a Shared, creditor: Creditor, record: &'a OwedRecord<'a>, key: Key) -> Note<'a> {
        Note { shared, counted: Counted { creditor, is_counted: false }, record, key }
    }

    fn debt(&self) -> Key {
        debt_key(self.counted.creditor.number(), self.key)
    }

    fn keys(&self) -> [Key; 2] {
        [self.debt(), self.key]
    }

    /// Under the locks, perhaps several times; the last one counts.
    fn step(&mut self, heads: &[Option<Head>], batch: &mut Batch<'_>) -> Fate {
        let fate = self.judge(heads, batch);
        self.counted.set(fate == Fate::New);
        fate
    }

    fn judge(&self, heads: &[Option<Head>], batch: &mut Batch<'_>) -> Fate {
        let [debt, record] = heads else { return Fate::Unknown };
        if !record.as_ref().is_some_and(|head| is_record(head, self.record)) {
            return Fate::Unknown;
        }
        let before = debt.as_ref().filter(|head| !head.meta().is_tombstone());
        let replaced = before.map_or(0, |head| head.meta().stamp);
        let stamp = self.shared.stamps.fresh(self.shared.clock.now_ms(), replaced);
        batch.put(self.debt(), meta(stamp), &[], &[]);
        if before.is_some() { Fate::Renewed } else { Fate::New }
    }

    fn done(self, fate: Fate, ticket: hust_engine::Ticket) -> Option<Noted> {
        let creditor = self.counted.keep();
        (fate != Fate::Unknown).then_some(Noted { creditor, ticket })
    }
}

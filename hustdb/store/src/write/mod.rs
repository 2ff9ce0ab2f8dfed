//! One record write against the engine, the same for every kind.
//!
//! [`RecordWrite`] is a request made ready: rows, change, expiry as a time, index row. Its `step` runs under the locks
//! of the rows, checks the table, asks [`record::decide`] and puts the rows and the differences of all counts into one
//! batch. The blocking and the non-blocking form differ only in the engine call around it. The order of refusals is
//! that of the contract: parameters, capacity, table, version, the operation.

mod change;
mod rows;
mod terms;

use std::cmp::Ordering;

use hust_engine::{Batch, Fetch, Head, Ticket};

pub(crate) use change::score_bytes;
pub use change::{Change, ScoreOperation, score_of};
pub(crate) use rows::{Counted, Keys, Place, Rows, purge};
pub use terms::{Lifetime, Terms};

use self::{change::NewValue, rows::standing, terms::Expiry};
use crate::{
    address::{Address, MAX_KEY_BYTES},
    error::{Error, Result},
    expiry::Entry,
    kind::Kind,
    record::{self, Action, Answer, Origin, Shown},
    store::Shared,
    tables::{Located, NameRow},
};

/// What a write did, and the ticket to wait for before saying so.
#[derive(Debug)]
pub struct Written {
    /// What the writer is told once the ticket is in.
    pub answer: Answer,
    /// The number that is stored now, of commands that calculate: a sum, a score.
    pub number: Option<i64>,
    /// Resolves when the write is durable, or when what it saw is, if nothing changed.
    pub ticket: Ticket,
}

/// How often a blocking write brings stored values to memory, or begins again with another number of its table.
const ATTEMPTS_MAX: usize = 64;

/// A write made ready. It has one time, `now_ms`, for liveness, expiry and stamp.
pub(crate) struct RecordWrite<'a> {
    rows: Rows<'a>,
    change: Change<'a>,
    terms: Terms,
    expiry: Expiry,
    now_ms: u64,
    index: Option<Entry>,
    /// The stored form of the value to be, if the change alone gives it.
    score: [u8; 8],
}

/// Why a step has no answer.
pub(crate) enum Halt {
    /// A value must be read from disk first.
    Cold,
    /// The table has another number: begin again with it.
    Moved(Located),
    Refused(Error),
}

pub(crate) type Step<T> = std::result::Result<T, Halt>;

impl From<hust_engine::Error> for Halt {
    fn from(cause: hust_engine::Error) -> Halt {
        Halt::Refused(cause.into())
    }
}

impl From<Error> for Halt {
    fn from(error: Error) -> Halt {
        Halt::Refused(error)
    }
}

/// What a step gives when it does not halt.
struct Done {
    answer: Answer,
    number: Option<i64>,
    counted: Option<Counted>,
}

impl Done {
    fn unchanged(answer: Answer, number: Option<i64>) -> Done {
        Done { answer, number, counted: None }
    }
}

/// Refuses keys of an illegal length.
pub(crate) fn check_key(user_key: &[u8]) -> Result<()> {
    match user_key.len() {
        1..=MAX_KEY_BYTES => Ok(()),
        0 => Err(Error::invalid("key", "empty")),
        _ => Err(Error::invalid("key", format!("over {MAX_KEY_BYTES} bytes"))),
    }
}

impl<'a> RecordWrite<'a> {
    /// Checks a write and makes it ready.
    pub(crate) fn new(
        shared: &'a Shared,
        address: Address,
        user_key: &'a [u8],
        place: Option<Place<'a>>,
        change: Change<'a>,
        terms: Terms,
    ) -> Result<RecordWrite<'a>> {
        let now_ms = shared.clock.now_ms();
        check_key(user_key)?;
        terms.check(shared, now_ms, change.stores())?;
        let expiry = terms.lifetime.expiry(shared, now_ms)?;
        if change.stores() {
            shared.capacity.check(&shared.engine, now_ms)?;
        }
        let index = match expiry {
            Expiry::At(due_ms) if change.stores() => shared.expiry.entry(address.key, due_ms),
            _ => None,
        };
        let score = match change {
            Change::Score { score, .. } => score_bytes(score),
            _ => [0; 8],
        };
        let rows = Rows::new(shared, address, user_key, place);
        Ok(RecordWrite { rows, change, terms, expiry, now_ms, index, score })
    }

    /// Runs it; may block on the disk. `Err` inside: the table has that number.
    pub(crate) fn run(&self) -> Result<std::result::Result<Written, Located>> {
        let keys = self.keys();
        for _ in 0..ATTEMPTS_MAX {
            let engine = &self.rows.shared.engine;
            let (done, ticket) = engine.update(&keys, |heads, batch| Ok(self.step(&keys, heads, batch)))?;
            match done {
                Ok(done) => return Ok(Ok(self.written(done, ticket))),
                Err(Halt::Refused(error)) => return Err(error),
                Err(Halt::Moved(located)) => return Ok(Err(located)),
                Err(Halt::Cold) => self.warm_values(&keys)?,
            }
        }
        Err(Error::Busy("a stored value does not stay in memory"))
    }

    /// Brings stored values to memory, outside of the rows' locks.
    fn warm_values(&self, keys: &Keys) -> Result<()> {
        for key in keys {
            if let Some(row) = self.rows.shared.engine.get(key)? {
                // The engine may hand out a value without a look at all of its pages; a checksum looks at every byte.
                std::hint::black_box(crc32fast::hash(row.value()));
            }
        }
        Ok(())
    }

    /// Runs it unless that means reading from the disk.
    pub(crate) fn try_run(&self) -> Result<Fetch<std::result::Result<Written, Located>>> {
        let keys = self.keys();
        let engine = &self.rows.shared.engine;
        match engine.try_update(&keys, |heads, batch| Ok(self.step(&keys, heads, batch)))? {
            Fetch::Cold | Fetch::Ready((Err(Halt::Cold), _)) => Ok(Fetch::Cold),
            Fetch::Ready((Ok(done), ticket)) => Ok(Fetch::Ready(Ok(self.written(done, ticket)))),
            Fetch::Ready((Err(Halt::Moved(located)), _)) => Ok(Fetch::Ready(Err(located))),
            Fetch::Ready((Err(Halt::Refused(error)), _)) => Err(error),
        }
    }

    /// The rows this write reads under their locks.
    fn keys(&self) -> Keys {
        let mut keys = self.rows.keys();
        keys.extend(self.index.as_ref().map(|index| index.key));
        if self.rows.address.kind == Kind::Zset {
            // Of a calculated score only the partition is right: the lock is held at once.
            keys.extend(self.rows.score_key(&self.score));
        }
        keys
    }

    fn written(&self, done: Done, ticket: Ticket) -> Written {
        self.rows.count(done.counted);
        if let Some(index) = &self.index {
            self.rows.shared.expiry.note(index.key);
        }
        Written { answer: done.answer, number: done.number, ticket }
    }

    /// Decides under the rows' locks and fills the batch.
    fn step<'v>(&'v self, keys: &Keys, heads: &[Option<Head>], batch: &mut Batch<'v>) -> Step<Done> {
        self.terms.check_deadline(self.rows.shared)?;
        let head = heads.first().and_then(Option::as_ref);
        let name_row = self.rows.name_row(keys, heads)?;
        self.check_table(name_row.as_ref())?;
        if head.is_some_and(|head| head.user_key() != self.rows.user_key) {
            return self.collide();
        }
        let live = head.filter(|head| record::is_live(head.meta(), self.now_ms));
        let outcome = record::decide(
            head.map(Head::meta),
            self.now_ms,
            self.terms.origin,
            self.action(live),
            |replaced| self.rows.shared.stamps.fresh(self.now_ms, replaced),
            || self.compare_value(head),
        )?;
        let Some(meta) = outcome.change else {
            return Ok(Done::unchanged(outcome.answer, self.number_of(live)?));
        };
        if let Some(done) = self.sets_the_same(live)? {
            return Ok(done);
        }
        let (value, number) = self.value(live)?;
        self.put_index(keys, heads, meta.stamp, batch)?;
        self.check_score(keys, heads, value)?;
        let counted = self.rows.replace(head, name_row, meta, value, batch)?;
        Ok(Done { answer: outcome.answer, number, counted })
    }

    /// A table of another type, none to take from, or one too many. Replicas are above that.
    fn check_table(&self, row: Option<&NameRow>) -> Step<()> {
        let Some((row, place)) = row.zip(self.rows.place.as_ref()) else { return Ok(()) };
        let shown = row.figures.shown();
        if let Origin::Replica { .. } = self.terms.origin {
            if self.change.stores() {
                place.pin.take_place(false);
            }
            return Ok(());
        }
        match shown {
            Some(shown) if shown == self.rows.address.kind => Ok(()),
            Some(shown) => Err(Error::of_other_type(shown).into()),
            None if !self.change.stores() => Err(Error::Table("no such table").into()),
            None if place.pin.take_place(true) => Ok(()),
            None => Err(Error::Table("the limit of store.table_maximum is reached").into()),
        }
    }

    fn action(&self, live: Option<&Head>) -> Action {
        let expire_ms = match self.expiry {
            Expiry::At(expire_ms) => expire_ms,
            Expiry::Kept => live.map_or(0, |live| live.meta().expire_ms),
        };
        match self.change {
            Change::Delete => Action::Delete,
            Change::Remains => Action::Remains { expire_ms },
            _ => Action::Put { expire_ms },
        }
    }

    /// A score that is set to what it is already, and keeps its expiry, is no write.
    fn sets_the_same(&self, live: Option<&Head>) -> Step<Option<Done>> {
        let Change::Score { score, operation: ScoreOperation::Set } = self.change else { return Ok(None) };
        let local = matches!(self.terms.origin, Origin::Local { .. }) && self.expiry == Expiry::Kept;
        let Some(live) = live.filter(|_| local) else { return Ok(None) };
        Ok((*self.rows.value_of(live)? == self.score)
            .then(|| Done::unchanged(Answer::Unchanged(Shown::from(live.meta())), Some(score))))
    }

    /// The value to store, and the number it stands for.
    fn value<'v>(&'v self, live: Option<&Head>) -> Step<(&'v [u8], Option<i64>)> {
        let stored = match self.change {
            Change::Add(_) | Change::Score { .. } => live.map(|live| self.rows.value_of(live)).transpose()?,
            _ => None,
        };
        Ok(match self.change.apply(stored.as_deref())? {
            NewValue::Bytes(bytes) => (bytes, None),
            NewValue::Sum(sum) => {
                let mut buffer = itoa::Buffer::new();
                (self.rows.arena.alloc_slice_copy(buffer.format(sum).as_bytes()), Some(sum))
            }
            NewValue::Score(score) => (self.rows.arena.alloc_slice_copy(&score_bytes(score)), Some(score)),
        })
    }

    /// The score of a member that a write of scores leaves as it is.
    fn number_of(&self, live: Option<&Head>) -> Step<Option<i64>> {
        match (self.change, live) {
            (Change::Score { .. }, Some(live)) => Ok(score_of(&self.rows.value_of(live)?)),
            _ => Ok(None),
        }
    }

    fn put_index<'v>(
        &'v self,
        keys: &Keys,
        heads: &[Option<Head>],
        stamp: u64,
        batch: &mut Batch<'v>,
    ) -> Step<()> {
        let Some(index) = &self.index else { return Ok(()) };
        match standing(keys, heads, index.key) {
            Some(there) if there.user_key() == index.owner => {}
            Some(_) => return Err(Error::Collision.into()),
            None => batch.put(index.key, Entry::meta(stamp), &index.owner, &[]),
        }
        Ok(())
    }

    /// Another member with this score whose md5 begins alike would lose its row by score.
    fn check_score(&self, keys: &Keys, heads: &[Option<Head>], value: &[u8]) -> Step<()> {
        let Some(key) = self.rows.score_key(value) else { return Ok(()) };
        match standing(keys, heads, key) {
            Some(there) if there.user_key() != self.rows.user_key => Err(Error::Collision.into()),
            _ => Ok(()),
        }
    }

    /// The row belongs to another key. This key has no record, so deleting it finds nothing; anything that would
    /// store a row is refused.
    fn collide(&self) -> Step<Done> {
        match (self.change, self.terms.origin) {
            (Change::Delete, Origin::Local { .. } | Origin::Unstamped { .. }) => {
                Ok(Done::unchanged(Answer::Absent, None))
            }
            _ => Err(Error::Collision.into()),
        }
    }

    /// The order of the incoming value and the stored one.
    fn compare_value(&self, head: Option<&Head>) -> Step<Ordering> {
        let Some(head) = head else { return Ok(Ordering::Greater) };
        let incoming = match &self.change {
            Change::Put(value) => value,
            Change::Score { .. } => &self.score[..],
            _ => &[],
        };
        if let Some(stored) = head.inline_value() {
            return Ok(incoming.cmp(stored));
        }
        match self.rows.shared.engine.value_of(head)? {
            Fetch::Ready(stored) => Ok(incoming.cmp(&*stored)),
            Fetch::Cold => Err(Halt::Cold),
        }
    }
}

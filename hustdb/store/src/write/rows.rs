//! The rows that make up one record, and what changes with them: one batch, whole or not at all.
//!
//! | row | of | |
//! |---|---|---|
//! | the record | all | its value; of a sorted set's member the score |
//! | by score | live members of sorted sets | in the order of scores, with the record's meta; purged when the score changes |
//! | the name | rows of tables | number and counts of the table |
//! | the number | the first row of a table | the name |
//!
//! With them go the differences of the slot's tallies. Writes and the expiry sweep both come through here, so counts
//! cannot drift apart from rows.

use std::borrow::Cow;

use bumpalo::Bump;
use hust_engine::{
    Batch, Fetch, Head, Key, Meta,
    row::{PURGE, TOMBSTONE},
};
use smallvec::SmallVec;

use super::{Halt, Step, change::score_of};
use crate::{
    address::Address,
    error::Error,
    kind::Kind,
    store::Shared,
    tables::{DAMAGED_NAME_ROW, Figures, Located, NAME_ROW_BYTES_MAX, NameRow, Pin, name_key, number_key},
    tally::Delta,
};

/// Keys of a write, the record's first.
pub(crate) type Keys = SmallVec<[Key; 5]>;

/// The table of a record.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    pub pin: &'a Pin<'a>,
    pub located: Located,
}

/// The rows of one record.
pub(crate) struct Rows<'a> {
    pub shared: &'a Shared,
    pub address: Address,
    pub user_key: &'a [u8],
    pub place: Option<Place<'a>>,
    /// What the batch borrows beside the caller's bytes.
    pub arena: Bump,
}

/// What a batch does to the figures of its table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Counted {
    before: Figures,
    after: Figures,
    number: u32,
}

impl<'a> Rows<'a> {
    /// The rows of a kv pair or, with a place, of a table's row.
    pub(crate) fn new(
        shared: &'a Shared,
        address: Address,
        user_key: &'a [u8],
        place: Option<Place<'a>>,
    ) -> Rows<'a> {
        Rows { shared, address, user_key, place, arena: Bump::new() }
    }

    /// The rows that are read before they change.
    pub(crate) fn keys(&self) -> Keys {
        let mut keys = Keys::new();
        keys.push(self.address.key);
        if let Some(place) = &self.place {
            keys.push(name_key(place.pin.md5));
            if let Located::Fresh(_) = place.located {
                keys.push(number_key(place.located.number(&place.pin.md5)));
            }
        }
        keys
    }

    /// The row by score of this member.
    pub(crate) fn score_key(&self, score: &[u8]) -> Option<Key> {
        let (Kind::Zset, number) = Kind::of_record(self.address.key.table())? else { return None };
        let mut tail = [0; 20];
        tail.first_chunk_mut::<8>()?.copy_from_slice(score.first_chunk::<8>()?);
        tail.last_chunk_mut::<12>()?.copy_from_slice(self.address.md5.first_chunk::<12>()?);
        Some(Key::new(Kind::Score.table(number), tail))
    }

    /// The name row under its lock: what it says, or where to begin again.
    pub(crate) fn name_row(&self, keys: &Keys, heads: &[Option<Head>]) -> Step<Option<NameRow>> {
        let Some(place) = &self.place else { return Ok(None) };
        let number = place.located.number(&place.pin.md5);
        if let Some(head) = standing(keys, heads, name_key(place.pin.md5)) {
            if *head.user_key() != *place.pin.name {
                return Err(Halt::Refused(Error::Collision));
            }
            let row = NameRow::decode(&self.value_of(head)?);
            let row = row.ok_or(Halt::Refused(Error::Damaged(DAMAGED_NAME_ROW)))?;
            return if row.number == number {
                Ok(Some(row))
            } else {
                Err(Halt::Moved(Located::Known(row.number)))
            };
        }
        let Located::Fresh(probe) = place.located else { return Err(Halt::Moved(Located::Fresh(0))) };
        match standing(keys, heads, number_key(number)) {
            Some(head) if *head.user_key() != *place.pin.name => Err(Halt::Moved(Located::Fresh(probe + 1))),
            _ => Ok(Some(NameRow { number, figures: Figures::default() })),
        }
    }

    /// Puts the record's new state, and all that changes with it. `old` is the record's row as it is, `name_row` what
    /// [`Rows::name_row`] gave.
    pub(crate) fn replace<'v>(
        &'v self,
        old: Option<&Head>,
        name_row: Option<NameRow>,
        meta: Meta,
        value: &'v [u8],
        batch: &mut Batch<'v>,
    ) -> Step<Option<Counted>> {
        let counted_out = old.filter(|old| !old.meta().is_tombstone());
        let mut delta = Delta::default();
        if let Some(old) = counted_out {
            delta.subtract(&self.address, old.meta(), old.user_key().len(), old.value_len() as usize);
        }
        delta.add(&self.address, &meta, self.user_key.len(), value.len());
        delta.apply(&self.address, batch);
        batch.put(self.address.key, meta, self.user_key, value);
        if self.address.kind == Kind::Zset {
            self.replace_score(counted_out, meta, value, batch)?;
        }
        let Some((place, row)) = self.place.as_ref().zip(name_row) else { return Ok(None) };
        let mut figures = row.figures;
        if let Some(old) = counted_out {
            figures.subtract(self.address.kind, old.user_key().len() as u64 + u64::from(old.value_len()));
        }
        if !meta.is_tombstone() {
            figures.add(self.address.kind, (self.user_key.len() + value.len()) as u64);
        }
        let fresh = matches!(place.located, Located::Fresh(_));
        if fresh || figures != row.figures {
            self.put_name(place, NameRow { figures, ..row }, meta.stamp, fresh, batch);
        }
        Ok(Some(Counted { before: row.figures, after: figures, number: row.number }))
    }

    fn replace_score<'v>(
        &'v self,
        counted_out: Option<&Head>,
        meta: Meta,
        value: &'v [u8],
        batch: &mut Batch<'v>,
    ) -> Step<()> {
        let new = self.score_key(value).filter(|_| !meta.is_tombstone());
        if let Some(new) = new {
            batch.put(new, meta, self.user_key, &[]);
        }
        let Some(old) = counted_out else { return Ok(()) };
        let old_score = self.value_of(old)?;
        if score_of(&old_score).is_none() {
            return Err(Halt::Refused(Error::Damaged("a stored score")));
        }
        if let Some(old_key) = self.score_key(&old_score).filter(|key| Some(*key) != new) {
            batch.put(old_key, purge(), self.user_key, &[]);
        }
        Ok(())
    }

    fn put_name<'v>(
        &'v self,
        place: &Place<'v>,
        row: NameRow,
        stamp: u64,
        fresh: bool,
        batch: &mut Batch<'v>,
    ) {
        let mut bytes = [0; NAME_ROW_BYTES_MAX];
        let len = row.encode(&mut bytes);
        let value = self.arena.alloc_slice_copy(bytes.get(..len).unwrap_or_default());
        let meta = Meta { stamp, ..Meta::default() };
        let name = &place.pin.name;
        batch.put(name_key(place.pin.md5), meta, name, value);
        if fresh {
            batch.put(number_key(row.number), meta, name, &[]);
        }
    }

    /// Reports what a committed batch did to the table's figures.
    pub(crate) fn count(&self, counted: Option<Counted>) {
        if let Some((place, counted)) = self.place.as_ref().zip(counted) {
            place.pin.learn(counted.number);
            place.pin.counts.change(&counted.before, &counted.after);
        }
    }

    /// The value of a row, if memory has it.
    pub(crate) fn value_of<'h>(&self, head: &'h Head) -> Step<Cow<'h, [u8]>> {
        if let Some(value) = head.inline_value() {
            return Ok(Cow::Borrowed(value));
        }
        match self.shared.engine.value_of(head)? {
            Fetch::Ready(value) => Ok(Cow::Owned(value.to_vec())),
            Fetch::Cold => Err(Halt::Cold),
        }
    }
}

/// Meta of a row that nobody needs to hear of any more.
pub(crate) fn purge() -> Meta {
    Meta { flags: TOMBSTONE | PURGE, ..Meta::default() }
}

/// The row of `key`, unless it is a tombstone.
pub(crate) fn standing<'h>(keys: &Keys, heads: &'h [Option<Head>], key: Key) -> Option<&'h Head> {
    let at = keys.iter().position(|other| *other == key)?;
    heads.get(at)?.as_ref().filter(|head| !head.meta().is_tombstone())
}

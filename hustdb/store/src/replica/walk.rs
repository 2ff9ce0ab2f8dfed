//! The way through all records of a slot window: kv pairs, hash fields, set members, members of sorted sets.
//!
//! The order is fixed: rows of the first three kinds by row key, then sorted sets by the md5 of their names, their
//! members by md5. A record keeps its place as long as it exists, so whoever goes on from a position misses nothing
//! and sees nothing twice. Slots follow the order of md5s, hence a window is one range of rows for kv pairs, one range
//! a table for hashes and sets (what lies between is skipped), and one range of names for sorted sets, whose rows all
//! belong to the slot of the name.

use std::{ops::Range, sync::Arc};

use hust_engine::{Direction, Key, Page};

use super::StoredReplica;
use crate::{
    address::slot_of,
    error::{Error, Result},
    kind::{Kind, NUMBERS},
    store::Shared,
    tables::{DAMAGED_NAME_ROW, NameRow, name_key, name_of_row},
};

/// Rows read at a time, at most.
const READ_ROWS: usize = 1024;
/// Rows read at a time where the next table with rows in the window is looked for.
const SEEK_ROWS: usize = 64;
/// Rows read at a time that may in part lie outside of the window, at most.
const WINDOW_ROWS: usize = 256;
/// Names read at a time.
const NAME_ROWS: usize = 64;

/// A place in the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Position {
    /// At this row of a kv pair, a hash or a set, or after it.
    Row(Key),
    /// In the sorted set whose name has this md5, at this end of a row key, or after it.
    Member { name: [u8; 16], member: [u8; 20] },
}

/// A record, and where it was found.
#[derive(Debug)]
pub(crate) struct Found {
    pub position: Position,
    pub key: Key,
    pub record: StoredReplica,
}

/// What one read gave. It may be empty though there is more.
#[derive(Debug, Default)]
pub(crate) struct Stretch {
    pub found: Vec<Found>,
    pub next: Option<Position>,
}

/// How much to read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Measure {
    pub rows: usize,
    pub bytes: usize,
    pub values: bool,
}

/// First and last md5 of a slot window that is not empty.
fn slot_bounds(slots: &Range<u16>) -> ([u8; 16], [u8; 16]) {
    let bound = |slot: u16, fill: u8| {
        let mut md5 = [fill; 16];
        let [first, second] = (slot << 6).to_be_bytes();
        md5[0] = first;
        md5[1] = second | fill & 0x3f;
        md5
    };
    (bound(slots.start, 0), bound(slots.end.saturating_sub(1), 0xff))
}

/// Last key of a table whose md5 is at most this.
fn last_key(table: u32, md5: [u8; 16]) -> Key {
    let mut tail = [0xff; 20];
    tail[..16].copy_from_slice(&md5);
    Key::new(table, tail)
}

fn md5_of(key: Key) -> [u8; 16] {
    let mut md5 = [0; 16];
    md5.copy_from_slice(&key.tail()[..16]);
    md5
}

/// A walk over a window.
pub(crate) struct Walk<'a> {
    shared: &'a Shared,
    slots: Range<u16>,
    first: [u8; 16],
    last: [u8; 16],
    /// The table whose name was asked for last.
    table: Option<(u32, Arc<[u8]>)>,
}

impl<'a> Walk<'a> {
    /// A walk over these slots, which must not be none.
    pub(crate) fn new(shared: &'a Shared, slots: Range<u16>) -> Walk<'a> {
        let (first, last) = slot_bounds(&slots);
        Walk { shared, slots, first, last, table: None }
    }

    /// Where it begins.
    pub(crate) fn begin(&self) -> Position {
        Position::Row(Key::hashed(Kind::Kv.table(0), self.first))
    }

    /// Whether a walk over this window could have come to a record at this position.
    pub(crate) fn contains(&self, position: &Position) -> bool {
        let md5 = match position {
            Position::Row(key) => match Kind::of_record(key.table()) {
                Some((Kind::Kv, 0) | (Kind::Hash | Kind::Set, _)) => md5_of(*key),
                _ => return false,
            },
            Position::Member { name, .. } => *name,
        };
        self.slots.contains(&slot_of(&md5))
    }

    /// The first position with a record at or after this one.
    pub(crate) fn seek(&mut self, from: Position) -> Result<Option<Position>> {
        let mut from = Some(from);
        while let Some(position) = from {
            let stretch =
                self.read(position, Measure { rows: SEEK_ROWS, bytes: usize::MAX, values: false })?;
            if let Some(found) = stretch.found.first() {
                return Ok(Some(found.position));
            }
            from = stretch.next;
        }
        Ok(None)
    }

    /// Reads on from a position. At most so many rows and about so many bytes.
    pub(crate) fn read(&mut self, from: Position, measure: Measure) -> Result<Stretch> {
        match from {
            Position::Row(key) => self.read_rows(key, measure),
            Position::Member { name, member } => self.read_members(name, member, measure),
        }
    }

    fn read_rows(&mut self, key: Key, measure: Measure) -> Result<Stretch> {
        let kind = match Kind::of_record(key.table()) {
            Some((kind @ (Kind::Kv | Kind::Hash | Kind::Set), _)) => kind,
            _ => return Ok(Stretch::default()),
        };
        let Some(key) = self.align(kind, key) else { return Ok(self.end_of(kind)) };
        if kind == Kind::Kv || self.slots == (0..crate::SLOTS) {
            return self.read_range(kind, key, self.last_of(kind), measure);
        }
        if kind == Kind::Set || !measure.values {
            return self.read_window(kind, key, measure);
        }
        // Values of rows outside of the window are not for reading: first find out where the next one inside is.
        let one = Measure { rows: 1, bytes: usize::MAX, values: false };
        let stretch = self.read_window(kind, key, one)?;
        match stretch.found.first() {
            Some(found) => {
                let to = last_key(found.key.table(), self.last);
                self.read_range(kind, found.key, to, measure)
            }
            None => Ok(stretch),
        }
    }

    /// The rows of a range that lies in the window.
    fn read_range(&mut self, kind: Kind, from: Key, to: Key, measure: Measure) -> Result<Stretch> {
        let page = self.page(from, to, measure)?;
        let mut found = Vec::with_capacity(page.rows.len());
        for (key, row) in page.rows {
            if let Some(record) = self.record(kind, key, row)? {
                found.push(Found { position: Position::Row(key), key, record });
            }
        }
        let after = page.next.or_else(|| to.successor()).and_then(|key| self.align(kind, key));
        let next = after.map(Position::Row).or(self.end_of(kind).next);
        Ok(Stretch { found, next })
    }

    /// Rows in the window out of one page over all tables of a kind, without values.
    fn read_window(&mut self, kind: Kind, from: Key, measure: Measure) -> Result<Stretch> {
        let rows = measure.rows.clamp(SEEK_ROWS, WINDOW_ROWS);
        let rows = Measure { rows, values: false, ..measure };
        let page = self.page(from, self.last_of(kind), rows)?;
        let mut stretch = Stretch::default();
        let mut from = Some(from);
        for (key, row) in page.rows {
            let Some(wanted) = from else { break };
            if key < wanted {
                continue;
            }
            from = self.align(kind, key);
            if from != Some(key) {
                continue;
            }
            if stretch.found.len() == measure.rows {
                stretch.next = Some(Position::Row(key));
                return Ok(stretch);
            }
            if let Some(record) = self.record(kind, key, row)? {
                stretch.found.push(Found { position: Position::Row(key), key, record });
            }
        }
        let next = page.next.zip(from).and_then(|(next, from)| self.align(kind, next.max(from)));
        stretch.next = next.map(Position::Row).or(self.end_of(kind).next);
        Ok(stretch)
    }

    fn read_members(&mut self, name: [u8; 16], member: [u8; 20], measure: Measure) -> Result<Stretch> {
        let engine = &self.shared.engine;
        let to = last_key(name_key(name).table(), self.last);
        let names = engine.page(name_key(name), to, Direction::Forward, NAME_ROWS, usize::MAX)?;
        for (name_key, row) in names.rows.iter().filter(|(_, row)| !row.meta.is_tombstone()) {
            let md5 = md5_of(*name_key);
            let number = NameRow::decode(row.value()).ok_or(Error::Damaged(DAMAGED_NAME_ROW))?.number;
            let table = Kind::Zset.table(number);
            let from = Key::new(table, if md5 == name { member } else { [0; 20] });
            let page = self.page(from, last_key(table, [0xff; 16]), measure)?;
            if page.rows.is_empty() {
                continue;
            }
            let table: Arc<[u8]> = row.user_key().into();
            let found = page.rows.into_iter().filter_map(|(key, row)| {
                let record = StoredReplica::new(Kind::Zset, Some(table.clone()), row)?;
                Some(Found { position: Position::Member { name: md5, member: key.tail() }, key, record })
            });
            let found = found.collect();
            let next = match page.next {
                Some(next) => Some(Position::Member { name: md5, member: next.tail() }),
                None => name_key.successor().and_then(member_of),
            };
            return Ok(Stretch { found, next: next.filter(|next| self.contains(next)) });
        }
        Ok(Stretch { found: Vec::new(), next: names.next.and_then(member_of) })
    }

    fn page(&self, from: Key, to: Key, measure: Measure) -> Result<Page> {
        let rows = measure.rows.clamp(1, READ_ROWS);
        let engine = &self.shared.engine;
        Ok(if measure.values {
            engine.page(from, to, Direction::Forward, rows, measure.bytes.max(1))?
        } else {
            engine.page_without_values(from, to, Direction::Forward, rows)?
        })
    }

    /// The first key in the window at or after this one.
    fn align(&self, kind: Kind, key: Key) -> Option<Key> {
        let numbers = if kind == Kind::Kv { 1 } else { NUMBERS };
        let (of, number) = Kind::of_record(key.table())?;
        if of != kind || number >= numbers {
            return None;
        }
        let md5 = md5_of(key);
        if md5 < self.first {
            return Some(Key::hashed(key.table(), self.first));
        }
        if md5 <= self.last {
            return Some(key);
        }
        let next = Some(number + 1).filter(|next| *next < numbers)?;
        Some(Key::hashed(kind.table(next), self.first))
    }

    /// The last key that rows of a kind in the window may have.
    fn last_of(&self, kind: Kind) -> Key {
        let number = if kind == Kind::Kv { 0 } else { NUMBERS - 1 };
        last_key(kind.table(number), self.last)
    }

    /// What follows when a kind is done.
    fn end_of(&self, kind: Kind) -> Stretch {
        let first = |kind: Kind| Position::Row(Key::hashed(kind.table(0), self.first));
        let next = match kind {
            Kind::Kv => first(Kind::Hash),
            Kind::Hash => first(Kind::Set),
            _ => Position::Member { name: self.first, member: [0; 20] },
        };
        Stretch { found: Vec::new(), next: Some(next) }
    }

    /// The record of a row with its table's name; `None`: nothing to tell about.
    fn record(&mut self, kind: Kind, key: Key, row: hust_engine::Row) -> Result<Option<StoredReplica>> {
        if super::Form::of(&row.meta).is_none() {
            return Ok(None);
        }
        if kind == Kind::Kv {
            return Ok(StoredReplica::new(kind, None, row));
        }
        // Without a name it was forgotten, and its table with it, after it was read.
        Ok(self.name(key)?.and_then(|name| StoredReplica::new(kind, Some(name), row)))
    }

    /// The name of the table that a row belongs to.
    fn name(&mut self, key: Key) -> Result<Option<Arc<[u8]>>> {
        let Some((_, number)) = Kind::of_record(key.table()) else { return Ok(None) };
        match &self.table {
            Some((known, name)) if *known == number => Ok(Some(name.clone())),
            _ => {
                let name = name_of_row(self.shared, key)?.map(Arc::from);
                self.table = name.clone().map(|name| (number, name));
                Ok(name)
            }
        }
    }
}

/// The first member of the first name whose row may be at or after this key.
fn member_of(name_key: Key) -> Option<Position> {
    let md5 = u128::from_be_bytes(md5_of(name_key));
    // Rows of names end in zeros.
    let behind = name_key != Key::hashed(name_key.table(), md5.to_be_bytes());
    let name = md5.checked_add(u128::from(behind))?.to_be_bytes();
    Some(Position::Member { name, member: [0; 20] })
}

//! Which records of a slot differ between two nodes. Pure; memory is bounded.
//!
//! The first node's records are remembered by a keyed 128-bit hash of their identity, the second's are looked up. A
//! slot with more records than are remembered is not told apart: then everything is sent both ways.

use std::{
    collections::{HashMap, HashSet},
    hash::{BuildHasher, RandomState},
};

use hust_wire::frame::{self, Content, Form, FrameError, RecordRef};

/// Records of one slot that are remembered.
pub const REMEMBERED_MAX: usize = 1 << 18;

/// The identity of a record.
pub type Id = (u64, u64);

/// What of a record decides whether it wins, as far as digests show it; in that order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Mark {
    stamp: u64,
    version: u64,
    is_tombstone: bool,
    /// 0, which is never, as the greatest.
    expire_ms: u64,
}

impl Mark {
    fn of(record: &RecordRef<'_>) -> Mark {
        Mark {
            stamp: record.stamp,
            version: record.version,
            is_tombstone: record.form == Form::Tombstone,
            expire_ms: record.expire_ms.wrapping_sub(1),
        }
    }

    /// What is compared before the value, which a digest does not show.
    fn before_value(self) -> (u64, u64, bool) {
        (self.stamp, self.version, self.is_tombstone)
    }
}

/// Hashes identities; two with one seed agree.
#[derive(Debug, Clone, Default)]
pub struct Ids(RandomState, RandomState);

impl Ids {
    /// The identity of a record.
    pub fn of(&self, record: &RecordRef<'_>) -> Id {
        let identity = (record.kind, record.table, record.key);
        (self.0.hash_one(identity), self.1.hash_one(identity))
    }
}

/// The records that one node must send to the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// These.
    Some(HashSet<Id>),
    /// All of the slot.
    All,
}

impl Wanted {
    /// Whether a record is one of them.
    pub fn has(&self, id: &Id) -> bool {
        match self {
            Wanted::Some(ids) => ids.contains(id),
            Wanted::All => true,
        }
    }

    /// Whether there are none.
    pub fn is_none(&self) -> bool {
        matches!(self, Wanted::Some(ids) if ids.is_empty())
    }
}

/// Compares two scans of a slot.
#[derive(Debug)]
pub struct Comparison {
    ids: Ids,
    max: usize,
    first: HashMap<Id, Mark>,
    from_first: HashSet<Id>,
    from_second: HashSet<Id>,
    overflows: bool,
}

impl Comparison {
    /// Nothing has been seen yet.
    pub fn new(ids: Ids, max: usize) -> Comparison {
        Comparison {
            ids,
            max,
            first: HashMap::new(),
            from_first: HashSet::new(),
            from_second: HashSet::new(),
            overflows: false,
        }
    }

    /// Whether there are too many records to tell them apart; then further pages change nothing.
    pub fn overflows(&self) -> bool {
        self.overflows
    }

    /// Takes in a page of the first node.
    pub fn first(&mut self, page: &[u8]) -> Result<(), FrameError> {
        for frame in frame::decode_digest(page) {
            for record in frame?.records() {
                self.first.insert(self.ids.of(&record), Mark::of(&record));
            }
        }
        self.bound();
        Ok(())
    }

    /// Takes in a page of the second node, after all of the first.
    pub fn second(&mut self, page: &[u8]) -> Result<(), FrameError> {
        for frame in frame::decode_digest(page) {
            for record in frame?.records() {
                let (id, mark) = (self.ids.of(&record), Mark::of(&record));
                self.compare(id, mark);
            }
        }
        self.bound();
        Ok(())
    }

    fn compare(&mut self, id: Id, second: Mark) {
        let Some(first) = self.first.remove(&id) else {
            self.from_second.insert(id);
            return;
        };
        if first == second {
            return;
        }
        // With the same stamp and version the values decide, and they are not here.
        let order = first.before_value().cmp(&second.before_value());
        if order.is_ge() {
            self.from_first.insert(id);
        }
        if order.is_le() {
            self.from_second.insert(id);
        }
    }

    fn bound(&mut self) {
        let remembered = self.first.len() + self.from_first.len() + self.from_second.len();
        if remembered > self.max {
            self.overflows = true;
            (self.first, self.from_first, self.from_second) = Default::default();
        }
    }

    /// What the first and what the second must send.
    pub fn finish(mut self) -> [Wanted; 2] {
        if self.overflows {
            return [Wanted::All, Wanted::All];
        }
        self.from_first.extend(self.first.into_keys());
        [Wanted::Some(self.from_first), Wanted::Some(self.from_second)]
    }
}

/// The records of a page that are wanted, each as a frame of its own.
pub fn pick(page: &[u8], ids: &Ids, wanted: &Wanted) -> Result<Vec<Vec<u8>>, FrameError> {
    let mut frames = Vec::new();
    for frame in frame::decode(page) {
        for record in frame?.records().filter(|record| wanted.has(&ids.of(record))) {
            record.check(Content::Whole).map_err(|what| FrameError::Record { index: 0, what })?;
            frames.push(frame::encode_one(&record)?);
        }
    }
    Ok(frames)
}

#[cfg(test)]
#[path = "difference_tests.rs"]
mod tests;

//! The tables in memory: every name that has live rows, and those that writers are at.
//!
//! A writer *pins* the name before it looks at the table and unpins it when its batch is in and counted; a name
//! without pins and without live rows leaves. A name takes one place of `table_maximum` from the first batch that
//! would make the table until it leaves; replicas take theirs without asking, so the limit may be exceeded by them.
//! Memory is bounded by the live tables (about 200 bytes each) and the writes under way.

use std::{
    fmt,
    hash::BuildHasher,
    ops::Deref,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::*},
    },
};

use hashbrown::{DefaultHashBuilder, HashTable};
use parking_lot::{Mutex, RwLock};

use super::{Counts, Figures};
use crate::address::{TableId, md5};

const SHARDS: usize = 64;
/// No number is known yet.
const UNKNOWN: u32 = u32::MAX;
/// A pin that is there and counted.
const PIN: u64 = 1 << 32 | 1;

/// One name.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) name: Box<[u8]>,
    pub(crate) md5: [u8; 16],
    pub(crate) counts: Counts,
    number: AtomicU32,
    /// Pins in the low half; the high half counts all there ever were.
    pins: AtomicU64,
    /// Whether it takes a place of `table_maximum`.
    placed: AtomicBool,
}

impl Table {
    fn new(name: &[u8], pins: u64) -> Table {
        Table {
            name: name.into(),
            md5: md5(name),
            counts: Counts::default(),
            number: AtomicU32::new(UNKNOWN),
            pins: AtomicU64::new(pins),
            placed: AtomicBool::new(false),
        }
    }

    /// The number, once a durable or committed row has it.
    pub(crate) fn number(&self) -> Option<u32> {
        Some(self.number.load(Acquire)).filter(|number| *number != UNKNOWN)
    }

    /// Says that a row of the engine gives the name this number.
    pub(crate) fn learn(&self, number: u32) {
        self.number.store(number, Release);
    }

    /// The identity with this number.
    pub(crate) fn id(&self, number: u32) -> TableId {
        TableId { number, md5: self.md5 }
    }

    fn is_idle(&self) -> bool {
        self.pins.load(Acquire) as u32 == 0 && self.counts.figures() == Figures::default()
    }
}

/// All names in memory.
pub(crate) struct Directory {
    shards: Box<[RwLock<HashTable<Arc<Table>>>]>,
    hasher: DefaultHashBuilder,
    maximum: usize,
    placed: Mutex<usize>,
}

impl fmt::Debug for Directory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Directory").field("placed", &*self.placed.lock()).finish_non_exhaustive()
    }
}

/// A name that stays in the directory as long as this lives.
#[derive(Debug)]
pub(crate) struct Pin<'a> {
    directory: &'a Directory,
    table: Arc<Table>,
}

impl Deref for Pin<'_> {
    type Target = Table;

    fn deref(&self) -> &Table {
        &self.table
    }
}

impl Drop for Pin<'_> {
    fn drop(&mut self) {
        if self.table.pins.fetch_sub(1, AcqRel) as u32 == 1 && self.table.is_idle() {
            self.directory.leave(&self.table);
        }
    }
}

/// That a pin was the only one, at a moment.
#[derive(Debug)]
pub(crate) struct Alone(u64);

impl Pin<'_> {
    /// Says so if there is no other pin of this name.
    pub(crate) fn alone(&self) -> Option<Alone> {
        let pins = self.table.pins.load(Acquire);
        (pins as u32 == 1).then_some(Alone(pins))
    }

    /// Whether there has been no other pin since.
    pub(crate) fn is_still(&self, alone: &Alone) -> bool {
        self.table.pins.load(Acquire) == alone.0
    }

    /// Takes a place of `table_maximum` for the name, unless it has one; `false`: there is none.
    pub(crate) fn take_place(&self, limited: bool) -> bool {
        let mut placed = self.directory.placed.lock();
        if self.table.placed.load(Relaxed) {
            return true;
        }
        if limited && *placed >= self.directory.maximum {
            return false;
        }
        *placed += 1;
        self.table.placed.store(true, Relaxed);
        true
    }
}

impl Directory {
    /// An empty directory for at most `maximum` tables.
    pub(crate) fn new(maximum: usize) -> Directory {
        Directory {
            shards: (0..SHARDS).map(|_| RwLock::default()).collect(),
            hasher: DefaultHashBuilder::default(),
            maximum,
            placed: Mutex::new(0),
        }
    }

    /// Adds a table that a row of the engine tells about, when the store is opened.
    pub(crate) fn load(&self, name: &[u8], number: u32, figures: &Figures) {
        let pin = self.pin(name);
        pin.learn(number);
        pin.counts.set(figures);
        pin.take_place(false);
    }

    /// The table with live rows, or that a writer is at.
    pub(crate) fn find(&self, name: &[u8]) -> Option<Arc<Table>> {
        let hash = self.hasher.hash_one(name);
        self.shard(hash).read().find(hash, |table| *table.name == *name).cloned()
    }

    /// Keeps the name in the directory while its rows are changed.
    pub(crate) fn pin(&self, name: &[u8]) -> Pin<'_> {
        let hash = self.hasher.hash_one(name);
        let shard = self.shard(hash);
        let is_it = |table: &Arc<Table>| *table.name == *name;
        if let Some(table) = shard.read().find(hash, is_it) {
            table.pins.fetch_add(PIN, AcqRel);
            return Pin { directory: self, table: table.clone() };
        }
        let mut shard = shard.write();
        let table = match shard.find(hash, is_it) {
            Some(table) => {
                table.pins.fetch_add(PIN, AcqRel);
                table.clone()
            }
            None => {
                let table = Arc::new(Table::new(name, PIN));
                shard.insert_unique(hash, table.clone(), |table| self.hasher.hash_one(&*table.name));
                table
            }
        };
        Pin { directory: self, table }
    }

    /// All tables with live rows, in byte order of their names.
    pub(crate) fn all(&self) -> Vec<Arc<Table>> {
        let mut tables = Vec::new();
        for shard in &self.shards {
            tables.extend(shard.read().iter().filter(|table| table.counts.shown().is_some()).cloned());
        }
        tables.sort_unstable_by(|left, right| left.name.cmp(&right.name));
        tables
    }

    /// Number of tables that take a place.
    pub(crate) fn len(&self) -> usize {
        *self.placed.lock()
    }

    /// Removes a name that is idle, unless it is no longer.
    fn leave(&self, table: &Arc<Table>) {
        let hash = self.hasher.hash_one(&*table.name);
        let mut shard = self.shard(hash).write();
        let Ok(entry) = shard.find_entry(hash, |other| Arc::ptr_eq(other, table)) else { return };
        if entry.get().is_idle() {
            entry.remove();
            if table.placed.load(Relaxed) {
                *self.placed.lock() -= 1;
            }
        }
    }

    fn shard(&self, hash: u64) -> &RwLock<HashTable<Arc<Table>>> {
        // The low bits choose the bucket inside.
        &self.shards[(hash >> 48) as usize % SHARDS]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kind::Kind;

    fn counted() -> Figures {
        let mut figures = Figures::default();
        figures.add(Kind::Set, 1);
        figures
    }

    #[test]
    fn names_stay_while_pinned_or_counted() {
        let directory = Directory::new(10);
        let pin = directory.pin(b"t");
        assert!(directory.find(b"t").is_some() && directory.all().is_empty());
        assert!(pin.take_place(true) && pin.take_place(true));
        assert_eq!(directory.len(), 1);
        pin.counts.change(&Figures::default(), &counted());
        drop(pin);
        assert_eq!(directory.all().len(), 1);
        let (one, two) = (directory.pin(b"t"), directory.pin(b"t"));
        one.counts.change(&counted(), &Figures::default());
        drop(one);
        assert!(directory.find(b"t").is_some(), "still pinned");
        drop(two);
        assert!(directory.find(b"t").is_none());
        assert_eq!(directory.len(), 0);
    }

    #[test]
    fn a_pin_knows_whether_it_has_been_alone() {
        let directory = Directory::new(10);
        let other = directory.pin(b"t");
        let pin = directory.pin(b"t");
        assert!(pin.alone().is_none());
        drop(other);
        let alone = pin.alone().unwrap();
        assert!(pin.is_still(&alone));
        drop(directory.pin(b"other"));
        assert!(pin.is_still(&alone));
        drop(directory.pin(b"t"));
        assert!(!pin.is_still(&alone), "somebody came and went");
        assert!(pin.alone().is_some());
    }

    #[test]
    fn places_are_given_up_to_the_maximum_and_given_back() {
        let directory = Directory::new(2);
        directory.load(b"a", 1, &counted());
        assert_eq!(directory.find(b"a").unwrap().number(), Some(1));
        let b = directory.pin(b"b");
        assert!(b.take_place(true));
        let c = directory.pin(b"c");
        assert!(!c.take_place(true), "two are taken");
        assert!(directory.pin(b"a").take_place(true), "has its place");
        drop(b);
        assert!(c.take_place(true), "b never came to be");
        let d = directory.pin(b"d");
        assert!(!d.take_place(true) && d.take_place(false));
        assert_eq!(directory.len(), 3);
    }

    #[test]
    fn threads_that_pin_and_leave_never_lose_a_count() {
        let directory = Directory::new(10);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..2000 {
                        let pin = directory.pin(b"t");
                        assert!(pin.take_place(true));
                        pin.counts.change(&Figures::default(), &counted());
                        assert!(directory.find(b"t").is_some());
                        pin.counts.change(&counted(), &Figures::default());
                    }
                });
            }
        });
        assert!(directory.find(b"t").is_none());
        assert_eq!(directory.len(), 0);
    }
}

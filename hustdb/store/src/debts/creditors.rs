//! The hosts that something is owed to: their numbers, and how much.
//!
//! A host gets the first free number with its first debt, and a row that remembers it. It is let go when another one
//! needs the place, nothing is owed to it and nobody holds it; so a number never changes hands under anybody's eyes.
//! Memory: about 200 bytes a host, at most [`CREDITORS_MAX`] of them, however many debts.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use hust_engine::{Direction, Engine, Key};
use parking_lot::{Mutex, RwLock};

use super::{
    HostName,
    row::{host_key, meta, range},
};
use crate::{
    error::{Error, Result},
    kind::Kind,
    store::Shared,
    write::purge,
};

/// Hosts to which something may be owed at a time.
pub const CREDITORS_MAX: usize = 1024;
/// First byte of the value of a host's row.
const FORMAT: u8 = 1;
const VALUE_BYTES: usize = 5;
/// Rows read at a time where debts are counted.
const PAGE_ROWS: usize = 4096;

/// A host to which something is or was owed. A clone is the same host.
#[derive(Clone, Debug)]
pub struct Creditor(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    name: Box<str>,
    key: Key,
    number: u32,
    value: [u8; VALUE_BYTES],
    /// Counts a debt from before its row can be seen until it is durably gone: never too low.
    open: AtomicU64,
}

impl Creditor {
    fn new(name: &str, key: Key, number: u32, open: u64) -> Creditor {
        let mut value = [FORMAT; VALUE_BYTES];
        value[1..].copy_from_slice(&number.to_be_bytes());
        Creditor(Arc::new(Inner { name: name.into(), key, number, value, open: AtomicU64::new(open) }))
    }

    /// The host as it was first spelled.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Number of debts; for a moment too high while one is noted or settled, never too low.
    pub fn open(&self) -> u64 {
        self.0.open.load(Relaxed)
    }

    pub(super) fn number(&self) -> u32 {
        self.0.number
    }

    /// Counts a debt whose row is still to come. The row is published after this, so whoever sees it sees the count.
    pub(super) fn count_one(&self) {
        self.0.open.fetch_add(1, Relaxed);
    }

    /// Counts no longer what was counted and has no row, or none any more.
    pub(super) fn uncount(&self, debts: u64) {
        self.0.open.fetch_sub(debts, Relaxed);
    }

    fn is_idle(&self) -> bool {
        Arc::strong_count(&self.0) == 1 && self.open() == 0
    }
}

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct Creditors {
    hosts: RwLock<HashMap<Key, Creditor>>,
    /// Held while a host comes.
    coming: Mutex<()>,
}

impl Creditors {
    /// Reads them, and counts what is owed to each, when the store is opened.
    pub(crate) fn load(engine: &Engine) -> Result<Creditors> {
        let mut hosts = HashMap::new();
        let table = Kind::Meta.table(2);
        let (mut from, to) = (Key::new(table, [0; 20]), Key::new(table, [0xff; 20]));
        loop {
            let page = engine.page(from, to, Direction::Forward, PAGE_ROWS, usize::MAX)?;
            for (key, row) in page.rows.iter().filter(|(_, row)| !row.meta.is_tombstone()) {
                let damaged = || Error::Damaged("the row of a host that is owed to");
                let number = number_of(row.value()).ok_or_else(damaged)?;
                let name = std::str::from_utf8(row.user_key()).map_err(|_| damaged())?;
                hosts.insert(*key, Creditor::new(name, *key, number, count(engine, number)?));
            }
            match page.next {
                Some(next) => from = next,
                None => break,
            }
        }
        Ok(Creditors { hosts: RwLock::new(hosts), coming: Mutex::default() })
    }

    /// The host, if it has a number.
    pub(super) fn find(&self, name: &HostName<'_>) -> Option<Creditor> {
        self.hosts.read().get(&host_key(name.identity)).cloned()
    }

    /// The host, with a number from now on. May block on the disk.
    pub(super) fn come(&self, shared: &Shared, name: &HostName<'_>) -> Result<Creditor> {
        let _one_at_a_time = self.coming.lock();
        if let Some(known) = self.find(name) {
            return Ok(known);
        }
        if self.hosts.read().len() >= CREDITORS_MAX {
            self.let_go(shared)?;
        }
        let taken: BTreeSet<u32> = self.hosts.read().values().map(Creditor::number).collect();
        let Some(number) = (0..CREDITORS_MAX as u32).find(|number| !taken.contains(number)) else {
            return Err(Error::Refused { subject: "host", reason: "too many hosts are owed to" });
        };
        let key = host_key(name.identity);
        let creditor = Creditor::new(name.spelling, key, number, 0);
        let stamp = shared.stamps.fresh(shared.clock.now_ms(), 0);
        shared.engine.update(&[key], |_, batch| {
            batch.put(key, meta(stamp), name.spelling.as_bytes(), &creditor.0.value);
            Ok(())
        })?;
        self.hosts.write().insert(key, creditor.clone());
        Ok(creditor)
    }

    /// Lets one host go that nothing is owed to, if there is one.
    fn let_go(&self, shared: &Shared) -> Result<()> {
        let mut hosts = self.hosts.write();
        let Some(idle) = hosts.values().find(|host| host.is_idle()) else { return Ok(()) };
        let key = idle.0.key;
        // First the row: a number that is free here must be free on disk.
        shared.engine.update(&[key], |_, batch| {
            batch.put(key, purge(), idle.0.name.as_bytes(), &[]);
            Ok(())
        })?;
        hosts.remove(&key);
        Ok(())
    }

    /// Those to which something is owed, in byte order.
    pub(super) fn open(&self) -> Vec<Creditor> {
        let mut open: Vec<Creditor> =
            self.hosts.read().values().filter(|host| host.open() > 0).cloned().collect();
        open.sort_unstable_by(|left, right| left.name().cmp(right.name()));
        open
    }

    /// All of them.
    pub(super) fn all(&self) -> Vec<Creditor> {
        self.hosts.read().values().cloned().collect()
    }
}

fn number_of(value: &[u8]) -> Option<u32> {
    let (&FORMAT, number) = value.split_first()? else { return None };
    let number = u32::from_be_bytes(number.try_into().ok()?);
    Some(number).filter(|number| (*number as usize) < CREDITORS_MAX)
}

fn count(engine: &Engine, number: u32) -> Result<u64> {
    let (mut from, to) = range(number);
    let mut open = 0;
    loop {
        let page = engine.page_without_values(from, to, Direction::Forward, PAGE_ROWS)?;
        open += page.rows.iter().filter(|(_, row)| !row.meta.is_tombstone()).count() as u64;
        match page.next {
            Some(next) => from = next,
            None => return Ok(open),
        }
    }
}

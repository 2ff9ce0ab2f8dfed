//! The entries, spread over shards by the hash of their key; each shard has a lock, a list in order of use and counts.
//!
//! One counter gives every use its tick, and each shard shows the tick of its oldest entry, so a writer that needs room
//! takes the least recently used of all shards without a lock over them. A writer holds its own shard; another's it only
//! tries to lock, and passes by when that is busy. If nothing is left to take then, it waits for its turn, makes room
//! holding no other lock, and tries again. Only one writer at a time has such a turn, and only it carries room from one
//! attempt to the next, so no two writers wait for each other's.

use std::{
    hash::{BuildHasher, RandomState},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use hust_engine::clock::Clock;
use parking_lot::{Mutex, MutexGuard};

use super::{
    CacheStats, Error, Result,
    budget::{Budget, Room},
    entry::{Entry, bytes},
    held::{Held, Stop},
    lru::Lru,
};

const SHARDS: usize = 16;

/// All shards and what they share.
pub(super) struct Shards {
    slots: [Slot; SHARDS],
    hasher: RandomState,
    budget: Budget,
    ticks: AtomicU64,
    clock: Arc<dyn Clock>,
    /// Held by the one writer that makes room without the lock of its shard.
    turn: Mutex<()>,
}

/// A shard; on cache lines of its own.
#[repr(align(128))]
struct Slot {
    /// The tick of its oldest entry when its lock was last let go.
    oldest: AtomicU64,
    shard: Mutex<Shard>,
}

pub(super) struct Shard {
    pub(super) entries: Lru<Entry>,
    pub(super) hits: u64,
    pub(super) misses: u64,
    evictions: u64,
}

impl Slot {
    fn new() -> Slot {
        let shard = Shard { entries: Lru::new(), hits: 0, misses: 0, evictions: 0 };
        Slot { oldest: AtomicU64::new(u64::MAX), shard: Mutex::new(shard) }
    }

    fn let_go(&self, shard: MutexGuard<'_, Shard>) {
        self.oldest.store(shard.entries.oldest_tick(), Relaxed);
        drop(shard);
    }

    fn evict(&self, mut shard: MutexGuard<'_, Shard>, except: &[u8]) -> Option<Entry> {
        let evicted = shard.evict(except);
        self.let_go(shard);
        evicted
    }
}

impl Shard {
    /// Takes out the oldest entry but `except`.
    pub(super) fn evict(&mut self, except: &[u8]) -> Option<Entry> {
        let evicted = self.entries.pop_oldest(except)?;
        self.evictions += 1;
        Some(evicted)
    }
}

impl Shards {
    pub(super) fn new(memory_bytes: u64, clock: Arc<dyn Clock>) -> Shards {
        Shards {
            slots: std::array::from_fn(|_| Slot::new()),
            hasher: RandomState::new(),
            budget: Budget::new(memory_bytes),
            ticks: AtomicU64::new(0),
            clock,
            turn: Mutex::new(()),
        }
    }

    /// Does `step` with the entry of `key` under its shard's lock, again and again while it lacks room.
    pub(super) fn with<T>(
        &self,
        key: &[u8],
        mut step: impl FnMut(&mut Held<'_, '_>) -> std::result::Result<T, Stop>,
    ) -> Result<T> {
        let at = self.hasher.hash_one(key) as usize % SHARDS;
        let slot = &self.slots[at];
        let mut room = Room::of(&self.budget);
        let mut turn = None;
        loop {
            // What went is dropped after the lock: a table may have millions of fields.
            let mut gone = Vec::new();
            let mut shard = slot.shard.lock();
            let mut held = Held {
                shards: self,
                at,
                key,
                shard: &mut shard,
                room: &mut room,
                gone: &mut gone,
                now_ms: self.now_ms(),
                tick: self.ticks.fetch_add(1, Relaxed),
            };
            let done = step(&mut held);
            slot.let_go(shard);
            match done {
                Ok(done) => return Ok(done),
                Err(Stop::Refused(error)) => return Err(error),
                Err(Stop::Room(needed)) => {
                    if turn.is_none() {
                        room.release();
                        turn = Some(self.turn.lock());
                    }
                    self.make_room(&mut room, needed, key);
                }
            }
        }
    }

    /// Evicts the oldest entry that can be had at once, by a writer who holds `own` as shard `at`.
    pub(super) fn evict_beside(&self, own: &mut Shard, at: usize, key: &[u8]) -> Option<Entry> {
        self.by_age(Some((at, own))).into_iter().find_map(|candidate| {
            if candidate == at {
                return own.evict(key);
            }
            let slot = self.slots.get(candidate)?;
            slot.evict(slot.shard.try_lock()?, key)
        })
    }

    /// Fills `room`, by a writer whose turn it is and who holds no shard. What others have claimed meanwhile is not to
    /// be had before they let their shards go, for which this waits in passing; then there may be less than `needed`.
    fn make_room(&self, room: &mut Room<'_>, needed: u64, key: &[u8]) {
        while !room.reach(needed) {
            let slots = self.by_age(None).into_iter().filter_map(|at| self.slots.get(at));
            let evicted = slots.map(|slot| slot.evict(slot.shard.lock(), key)).find_map(|evicted| evicted);
            let Some(entry) = evicted else { return };
            room.keep(entry.weight);
        }
    }

    /// The shards from the one with the oldest entry on. Of the shard the caller holds, the lock is not needed to know.
    fn by_age(&self, own: Option<(usize, &Shard)>) -> [usize; SHARDS] {
        let mut ages: [(u64, usize); SHARDS] =
            std::array::from_fn(|at| (self.slots[at].oldest.load(Relaxed), at));
        if let Some((at, shard)) = own {
            ages[at].0 = shard.entries.oldest_tick();
        }
        ages.sort_unstable();
        ages.map(|(_, at)| at)
    }

    /// Refuses what would not fit an empty cache.
    pub(super) fn check_weight(&self, weight: u64) -> Result<()> {
        let limit = self.budget.limit();
        if weight > limit { Err(Error::TooLarge(limit)) } else { Ok(()) }
    }

    pub(super) fn now_ms(&self) -> u64 {
        u64::try_from(self.clock.monotonic().as_millis()).unwrap_or(u64::MAX)
    }

    pub(super) fn stats(&self) -> CacheStats {
        let mut stats = CacheStats { bytes: self.budget.used(), ..CacheStats::default() };
        for slot in &self.slots {
            let shard = slot.shard.lock();
            stats.entries += bytes(shard.entries.len());
            stats.hits += shard.hits;
            stats.misses += shard.misses;
            stats.evictions += shard.evictions;
        }
        stats
    }

    /// What all entries should weigh. Asserts that each is charged just that, and none is an empty table.
    #[cfg(test)]
    pub(super) fn weigh(&self) -> u64 {
        let mut sum = 0;
        for slot in &self.slots {
            let shard = slot.shard.lock();
            assert_eq!(slot.oldest.load(Relaxed), shard.entries.oldest_tick());
            for (key, entry) in shard.entries.iter() {
                assert_eq!(entry.weight, entry.weigh(key));
                assert!(!matches!(&entry.content, super::entry::Content::Table(table) if table.is_empty()));
                sum += entry.weight;
            }
        }
        sum
    }
}

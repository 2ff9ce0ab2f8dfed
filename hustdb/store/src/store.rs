//! The owner: engine, stamp clock, expiry index and sweeper, capacity guard.
//!
//! [`Shared`] is what commands work on; the sweeper's thread holds it too. Dropping or closing the [`Store`] stops
//! that thread first.

use std::{fmt, ops::Range, sync::Arc};

use hust_engine::{Engine, clock::Clock};
use parking_lot::Mutex;

use crate::{
    capacity::Capacity,
    error::{Error, Result},
    expiry::{self, ExpiryIndex, Sweeper, Swept},
    kv::Kv,
    listing::{self, ListRequest, Listing},
    members::Members,
    options::StoreOptions,
    queue::{self, Queues},
    stamp::StampClock,
    tables::{self, Directory, TableStat},
    tally::{self, Stat},
};

/// What every command works on.
pub(crate) struct Shared {
    pub(crate) engine: Engine,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) stamps: StampClock,
    pub(crate) expiry: ExpiryIndex,
    pub(crate) capacity: Capacity,
    pub(crate) tables: Directory,
    pub(crate) ttl_maximum_s: u64,
    pub(crate) file_count: usize,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("stamps", &self.stamps).finish_non_exhaustive()
    }
}

/// Records of all kinds over one engine.
pub struct Store {
    // Before `shared`: the sweeper stops first.
    sweeper: Mutex<Option<Sweeper>>,
    queue_threads: Mutex<Option<queue::Threads>>,
    queues: Queues,
    shared: Arc<Shared>,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.shared.fmt(f)
    }
}

impl Store {
    /// Opens the engine, continues the clock, loads the queues and starts the threads.
    pub fn open(options: StoreOptions) -> Result<Store> {
        let clock = options.engine.clock.clone();
        let partition_bits = options.engine.partition_bits;
        let engine = Engine::open(options.engine)?;
        let stamps = StampClock::new(engine.max_stamp(), options.max_clock_skew_ms);
        let capacity = Capacity::new(options.disk_capacity_bytes, options.disk_reserve_bytes);
        let expiry = ExpiryIndex::new(partition_bits);
        let tables = tables::load(&engine, options.table_maximum)?;
        let (ttl_maximum_s, file_count) = (options.ttl_maximum_s, 1 << partition_bits);
        let shared = Shared { engine, clock, stamps, expiry, capacity, tables, ttl_maximum_s, file_count };
        let shared = Arc::new(shared);
        let sweeper = match options.sweep_interval {
            Some(interval) => Some(Sweeper::start(shared.clone(), interval).map_err(|cause| {
                Error::Engine(hust_engine::Error::io("starting the expiry sweep", cause))
            })?),
            None => None,
        };
        let queues = Queues::open(&shared, partition_bits, options.queue)?;
        let queue_threads = Mutex::new(queues.start()?);
        Ok(Store { sweeper: Mutex::new(sweeper), queue_threads, queues, shared })
    }

    /// Stops the threads and closes the engine. Calls still under way finish first.
    pub fn close(&self) -> Result<()> {
        drop(self.sweeper.lock().take());
        drop(self.queue_threads.lock().take());
        Ok(self.shared.engine.close()?)
    }

    /// The engine, for its figures and checkpoints.
    pub fn engine(&self) -> &Engine {
        &self.shared.engine
    }

    /// kv pairs.
    pub fn kv(&self) -> Kv<'_> {
        Kv::new(&self.shared)
    }

    /// Hash fields, members of sets and of sorted sets.
    pub fn members(&self) -> Members<'_> {
        Members::new(&self.shared)
    }

    /// The queues.
    pub fn queues(&self) -> &Queues {
        &self.queues
    }

    /// A page of a file's records. May block on the disk.
    pub fn list(&self, request: &ListRequest<'_>) -> Result<Listing> {
        listing::list(&self.shared, request)
    }

    /// Number of files a listing goes by: the engine's partitions.
    pub fn file_count(&self) -> usize {
        self.shared.file_count
    }

    /// Figures of all kv pairs.
    pub fn kv_stat(&self) -> Stat {
        self.total([tally::KV_COUNT, tally::KV_SIZE, tally::KV_CAPACITY])
    }

    /// Figures of the fields of all hashes.
    pub fn hash_stat(&self) -> Stat {
        self.total([tally::HASH_COUNT, tally::HASH_SIZE, tally::HASH_CAPACITY])
    }

    fn total(&self, lanes: [u8; 3]) -> Stat {
        let [count, size, capacity] =
            lanes.map(|lane| u64::try_from(self.shared.engine.tally_total(lane)).unwrap_or(0));
        Stat { count, size, capacity }
    }

    /// Type and figures of a table with live rows.
    pub fn table_stat(&self, name: &[u8]) -> Option<TableStat> {
        TableStat::of(&*self.shared.tables.find(name)?)
    }

    /// Type and figures of all tables with live rows, in byte order of their names.
    pub fn table_stats(&self) -> Vec<TableStat> {
        self.shared.tables.all().iter().filter_map(|table| TableStat::of(table)).collect()
    }

    /// Number of tables that count against the limit.
    pub fn table_count(&self) -> usize {
        self.shared.tables.len()
    }

    /// The digest of each of these slots.
    pub fn digest(&self, slots: Range<u16>) -> Vec<u64> {
        slots.map(|slot| self.shared.engine.tally(slot)[usize::from(tally::DIGEST)] as u64).collect()
    }

    /// Takes records that expired by `now_ms` out of the counts, at most `max_rows` of them. May block on the disk.
    pub fn sweep(&self, now_ms: u64, max_rows: usize) -> Result<Swept> {
        expiry::sweep(&self.shared, now_ms, max_rows)
    }
}

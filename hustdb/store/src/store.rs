//! The owner: engine, stamp clock, expiry index and sweeper, capacity guard.
//!
//! [`Shared`] is what commands work on; the sweeper's thread holds it too. Dropping or closing the [`Store`] stops
//! that thread first.

use std::{
    fmt,
    ops::Range,
    sync::{Arc, atomic::Ordering::Relaxed},
};

use hust_engine::{Engine, Key, clock::Clock};
use parking_lot::Mutex;

use crate::{
    capacity::Capacity,
    debts::{Creditors, Debts},
    error::{Error, Result},
    expiry::{self, ExpiryIndex, Sweeper, Swept},
    export::{
        self, ExportRequest, ExportStats, Exports, SnapshotInfo, SnapshotPage, SnapshotRequest, TaskCounts,
        TaskStatus, Worker,
    },
    kv::Kv,
    listing::{self, ListRequest, ListedRow, Listing},
    members::Members,
    options::StoreOptions,
    queue::{self, Queues},
    replica::{self, Forgetting, MergeCounters, Merged, Replica, ScanPage, ScanRequest},
    stamp::StampClock,
    tables::{self, Directory, Reaped, TableStat},
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
    pub(crate) exports: Exports,
    pub(crate) creditors: Creditors,
    pub(crate) merges: MergeCounters,
    pub(crate) debt_timeout_ms: u64,
    /// Where the next run of the reaper begins; `None`: at the first name.
    pub(crate) reaper_at: Mutex<Option<Key>>,
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
    // Before `shared`: the threads stop first.
    exporter: Mutex<Option<Worker>>,
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
        let exports = Exports::open(engine.options(), options.export_keep)?;
        let stamps = StampClock::new(engine.max_stamp(), options.max_clock_skew_ms);
        let capacity = Capacity::new(options.disk_capacity_bytes, options.disk_reserve_bytes);
        let expiry = ExpiryIndex::new(partition_bits);
        let tables = tables::load(&engine, options.table_maximum)?;
        let (ttl_maximum_s, file_count) = (options.ttl_maximum_s, 1 << partition_bits);
        let shared = Arc::new(Shared {
            clock,
            stamps,
            expiry,
            capacity,
            tables,
            exports,
            creditors: Creditors::load(&engine)?,
            merges: MergeCounters::default(),
            debt_timeout_ms: options.debt_timeout_ms,
            reaper_at: Mutex::default(),
            ttl_maximum_s,
            file_count,
            engine,
        });
        let exporter = match options.export_thread {
            true => Some(Worker::start(shared.clone()).map_err(|cause| {
                Error::Engine(hust_engine::Error::io("starting the thread of snapshots", cause))
            })?),
            false => None,
        };
        let sweeper = match options.sweep_interval {
            Some(interval) => Some(Sweeper::start(shared.clone(), interval).map_err(|cause| {
                Error::Engine(hust_engine::Error::io("starting the expiry sweep", cause))
            })?),
            None => None,
        };
        let queues = Queues::open(&shared, partition_bits, options.queue)?;
        let queue_threads = Mutex::new(queues.start()?);
        let (exporter, sweeper) = (Mutex::new(exporter), Mutex::new(sweeper));
        Ok(Store { exporter, sweeper, queue_threads, queues, shared })
    }

    /// Stops the threads and closes the engine. Calls still under way finish first; a snapshot that is being taken is
    /// given up.
    pub fn close(&self) -> Result<()> {
        drop(self.exporter.lock().take());
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

    /// Hands the rows of a page to `show`, in order. May block on the disk.
    pub fn list(
        &self,
        request: &ListRequest<'_>,
        show: &mut dyn FnMut(&ListedRow<'_>) -> Result<()>,
    ) -> Result<Listing> {
        listing::list(&self.shared, request, show)
    }

    /// Queues a snapshot to be taken, and gives a token to ask after it.
    pub fn export(&self, request: &ExportRequest<'_>) -> Result<u64> {
        export::add(&self.shared, request)
    }

    /// What became of the snapshot with this token.
    pub fn export_status(&self, token: u64) -> TaskStatus {
        export::status(&self.shared, token)
    }

    /// How many snapshots wait, are under way, and are finished.
    pub fn export_counts(&self) -> TaskCounts {
        export::counts(&self.shared)
    }

    /// What exports did since the start, and how many snapshots there are.
    pub fn export_stats(&self) -> ExportStats {
        export::stats(&self.shared)
    }

    /// The snapshots that are there, oldest first.
    pub fn snapshots(&self) -> Vec<SnapshotInfo> {
        export::snapshots(&self.shared)
    }

    /// Takes the next snapshot that waits, on this thread; `false`: there is none. May block on the disk.
    pub fn run_export(&self) -> bool {
        export::run_next(&self.shared)
    }

    /// Hands rows of a snapshot to `show`, in order. May block on the disk.
    pub fn list_snapshot(
        &self,
        request: &SnapshotRequest<'_>,
        show: &mut dyn FnMut(&ListedRow<'_>) -> Result<()>,
    ) -> Result<SnapshotPage> {
        export::list(&self.shared, request, show)
    }

    /// What is owed to other hosts.
    pub fn debts(&self) -> Debts<'_> {
        Debts::new(&self.shared)
    }

    /// A page of all records of a slot window, tombstones included. May block on the disk.
    pub fn scan(&self, request: &ScanRequest<'_>) -> Result<ScanPage> {
        replica::scan(&self.shared, request)
    }

    /// Merges records of other nodes: of two with one identity the greater stays. An error may leave a part merged;
    /// repeating the merge then does the rest. May block on the disk.
    pub fn merge<'r>(&self, replicas: impl Iterator<Item = Replica<'r>> + Clone) -> Result<Merged> {
        replica::merge(&self.shared, replicas)
    }

    /// Records that merges applied and ignored since the store was opened.
    pub fn merge_totals(&self) -> (u64, u64) {
        let merges = &self.shared.merges;
        (merges.applied.load(Relaxed), merges.ignored.load(Relaxed))
    }

    /// A step of taking all records and debts of some slots from this store, without a trace; to be repeated until it
    /// is done, also after `Busy`. May block on the disk.
    pub fn forget(&self, forgetting: &mut Forgetting) -> Result<()> {
        replica::forget(&self.shared, forgetting)
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

    /// Takes the rows of names that no table and no tombstone needs any more, looking at up to `max_names` from where
    /// the last call ended. May block on the disk.
    pub fn reap(&self, max_names: usize) -> Result<Reaped> {
        tables::reap(&self.shared, max_names)
    }

    /// Takes records that expired by `now_ms` out of the counts, at most `max_rows` of them. May block on the disk.
    pub fn sweep(&self, now_ms: u64, max_rows: usize) -> Result<Swept> {
        expiry::sweep(&self.shared, now_ms, max_rows)
    }
}

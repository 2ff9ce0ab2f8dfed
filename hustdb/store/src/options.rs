//! What a store is opened with.

use std::time::Duration;

use crate::{export::ExportKeep, queue::QueueOptions};

/// Options of [`Store::open`](crate::Store::open). The tombstone grace is the engine's.
#[derive(Clone, Debug)]
pub struct StoreOptions {
    /// Folder, file system, clock, sizes, tombstone grace.
    pub engine: hust_engine::Options,
    /// Longest ttl, seconds.
    pub ttl_maximum_s: u64,
    /// Sum of live records above which writes are refused, bytes; 0 = none.
    pub disk_capacity_bytes: u64,
    /// Free space of the file system below which writes are refused, bytes; 0 = none.
    pub disk_reserve_bytes: u64,
    /// How far ahead of the local clock stamps of other nodes may be, ms.
    pub max_clock_skew_ms: u64,
    /// Tables that may have live rows at a time.
    pub table_maximum: usize,
    /// How long a debt is kept if its host does not come back, ms.
    pub debt_timeout_ms: u64,
    /// How often expired records are taken out of the counts; `None`: only when [`Store::sweep`](crate::Store::sweep)
    /// is called.
    pub sweep_interval: Option<Duration>,
    /// The queues.
    pub queue: QueueOptions,
    /// Whether a thread takes snapshots; `false`: only when [`Store::run_export`](crate::Store::run_export) is called.
    pub export_thread: bool,
    /// Which snapshots stay.
    pub export_keep: ExportKeep,
}

impl StoreOptions {
    /// The defaults over this engine.
    pub fn new(engine: hust_engine::Options) -> StoreOptions {
        StoreOptions {
            engine,
            ttl_maximum_s: 30 * 24 * 3600,
            disk_capacity_bytes: 0,
            disk_reserve_bytes: 256 << 20,
            max_clock_skew_ms: 60_000,
            table_maximum: 8192,
            debt_timeout_ms: 11 * 24 * 3600 * 1000,
            sweep_interval: Some(Duration::from_secs(1)),
            queue: QueueOptions::default(),
            export_thread: true,
            export_keep: ExportKeep::default(),
        }
    }
}

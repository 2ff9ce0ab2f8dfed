//! How an engine is opened.

use std::{path::PathBuf, sync::Arc, time::Duration};

use crate::{
    clock::{Clock, SystemClock},
    log::LogOptions,
    vfs::{RealVfs, Vfs},
};

/// When a write is acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyncMode {
    /// On stable storage (group commit).
    Always,
    /// In the kernel; synced at least this often.
    Interval(Duration),
    /// In the kernel; synced when a flush needs it.
    Os,
}

/// Who does flushes, compaction and collection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Background {
    /// Threads of the engine.
    Threads,
    /// The caller, by `Engine::work`; nothing happens on its own. For simulations.
    Manual,
}

/// Settings of one engine. Sizes are bytes.
#[derive(Clone, Debug)]
pub struct Options {
    /// The data folder; created if absent.
    pub dir: PathBuf,
    /// The disk.
    pub vfs: Arc<dyn Vfs>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// When a write is acknowledged.
    pub sync: SyncMode,
    /// `1 << partition_bits` partitions, 0..=8; fixed when the folder is created.
    pub partition_bits: u32,
    /// Limit of all memory the engine has of its own; 0 = none beyond those of its parts.
    pub memory_bytes: u64,
    /// Budget of all memtables together, active and frozen.
    pub memtable_bytes: u64,
    /// Bounds of decompressed blocks kept (used with compression only).
    pub block_cache_bytes: u64,
    /// Values up to this length live in the tables; longer ones once, in the content log.
    pub inline_max: u32,
    /// Size at which a segment of the content log is full.
    pub segment_bytes: u32,
    /// Target size of one table file.
    pub table_bytes: u64,
    /// Target size of a block in a table.
    pub block_bytes: u32,
    /// Snappy for block payloads and large values.
    pub compress: bool,
    /// Threads that compact.
    pub compaction_threads: usize,
    /// Bytes a second that compaction may write; 0 = no limit.
    pub compaction_rate_bytes: u64,
    /// Target of level 1 of one partition; each further level holds ten times more.
    pub level_base_bytes: u64,
    /// How long a tombstone outlives its stamp.
    pub tombstone_grace_ms: u64,
    /// Writes are refused as `Full` when the file system has less free than this.
    pub reserve_bytes: u64,
    /// Rows that were not written for this long go to tables, so that the log can shrink.
    pub idle_flush_ms: u64,
    /// Who does the background work.
    pub background: Background,
}

impl Options {
    /// Most that the log buffers take: records that wait, and those that are being written.
    pub(crate) fn buffer_bytes(&self) -> u64 {
        (self.memtable_bytes / 2).clamp(1 << 20, 32 << 20)
    }

    /// How the content log is opened.
    pub(crate) fn log(&self) -> LogOptions {
        LogOptions {
            segment_bytes: u64::from(self.segment_bytes),
            allocate_bytes: u64::from(self.segment_bytes / 4).clamp(4096, 4 << 20),
            buffer_bytes: (self.buffer_bytes() / 2) as usize,
            reserve_bytes: self.reserve_bytes,
            sync: self.sync,
            background: self.background,
            ..LogOptions::new(self.dir.join("log"))
        }
    }

    /// The defaults for a folder on the real disk.
    pub fn new(dir: impl Into<PathBuf>) -> Options {
        Options {
            dir: dir.into(),
            vfs: Arc::new(RealVfs),
            clock: Arc::new(SystemClock::new()),
            sync: SyncMode::Always,
            partition_bits: 3,
            memory_bytes: 1 << 30,
            memtable_bytes: 64 << 20,
            block_cache_bytes: 256 << 20,
            inline_max: 256,
            segment_bytes: 256 << 20,
            table_bytes: 16 << 20,
            block_bytes: 16 << 10,
            compress: false,
            compaction_threads: 2,
            compaction_rate_bytes: 0,
            level_base_bytes: 32 << 20,
            tombstone_grace_ms: 950_400_000,
            reserve_bytes: 64 << 20,
            idle_flush_ms: 3_000,
            background: Background::Threads,
        }
    }
}

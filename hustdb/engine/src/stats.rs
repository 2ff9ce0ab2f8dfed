//! What an engine tells of itself, for metrics and benchmarks.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::{engine::Engine, log::LogStats, pressure::LIMITS};

/// Counters since the engine was opened.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub flushed_bytes: AtomicU64,
    pub compaction_in_bytes: AtomicU64,
    pub compaction_out_bytes: AtomicU64,
    pub collected_bytes: AtomicU64,
    /// By limit, in the order of [`LIMITS`].
    pub refused_writes: [AtomicU64; LIMITS.len()],
}

impl Counters {
    /// A write was refused because of this limit.
    pub fn refused(&self, why: &str) {
        let refused = LIMITS.iter().zip(&self.refused_writes).find(|(limit, _)| **limit == why);
        if let Some((_, count)) = refused {
            count.fetch_add(1, Relaxed);
        }
    }

    /// Bytes written by flushes, compaction and collection.
    pub fn worked_bytes(&self) -> u64 {
        let written = [&self.flushed_bytes, &self.compaction_out_bytes, &self.collected_bytes];
        written.iter().map(|bytes| bytes.load(Relaxed)).sum()
    }
}

/// One level, over all partitions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LevelStats {
    /// Table files.
    pub files: u64,
    /// Their bytes.
    pub size_bytes: u64,
    /// Rows in them.
    pub rows: u64,
    /// Rows in them that say that there is none.
    pub tombstones: u64,
}

/// A look at the engine. Bytes unless the name says otherwise.
#[derive(Clone, Debug, Default)]
pub struct Stats {
    /// By level.
    pub levels: Vec<LevelStats>,
    /// The content log.
    pub log: LogStats,
    /// Files of the content log: how many, their bytes, bytes of live large values in them.
    pub segments: u64,
    /// Bytes of all segments.
    pub segment_bytes: u64,
    /// Bytes of large values that newest rows point to.
    pub live_value_bytes: u64,
    /// The limit of all memory; 0 = none.
    pub memory_limit_bytes: u64,
    /// Most that the buffers of the log take.
    pub buffer_limit_bytes: u64,
    /// Memory of all memtables, active and frozen.
    pub memtable_bytes: u64,
    /// Memory of block indexes, filters and residency maps.
    pub index_bytes: u64,
    /// Memory of decompressed blocks.
    pub cache_bytes: u64,
    /// Log bytes that a restart would replay.
    pub unflushed_log_bytes: u64,
    /// Written to tables by flushes since the open.
    pub flushed_bytes: u64,
    /// Read by compaction since the open.
    pub compaction_in_bytes: u64,
    /// Written by compaction since the open.
    pub compaction_out_bytes: u64,
    /// Moved to cold segments since the open.
    pub collected_bytes: u64,
    /// Writes refused as `Busy` since the open, by the limit that was reached.
    pub refused_writes: Vec<(&'static str, u64)>,
    /// Why writes are refused for good, if they are.
    pub poisoned: Option<String>,
}

impl Stats {
    /// Bytes of all table and log files.
    pub fn disk_bytes(&self) -> u64 {
        self.segment_bytes + self.levels.iter().map(|level| level.size_bytes).sum::<u64>()
    }

    /// Memory the engine has of its own (maps of files not counted).
    pub fn memory_bytes(&self) -> u64 {
        self.memtable_bytes + self.index_bytes + self.cache_bytes + self.buffer_limit_bytes
    }
}

impl Engine {
    /// What has stopped all writing, if something has.
    pub fn poisoned(&self) -> Option<String> {
        self.inner.log.poisoned()
    }

    /// A look at the engine as it is now.
    pub fn stats(&self) -> Stats {
        let inner = &self.inner;
        let counters = &inner.counters;
        let uses = inner.segment_uses();
        let mut stats = Stats {
            log: inner.log.stats(),
            segments: uses.len() as u64,
            segment_bytes: uses.iter().map(|segment| segment.size_bytes).sum(),
            live_value_bytes: uses.iter().map(|segment| segment.live_bytes).sum(),
            memory_limit_bytes: inner.options.memory_bytes,
            memtable_bytes: inner.memtable_bytes(),
            index_bytes: inner.budget.index_bytes(),
            buffer_limit_bytes: inner.options.buffer_bytes(),
            cache_bytes: inner.tables.cache.memory_bytes(),
            unflushed_log_bytes: inner.unflushed_log_bytes(),
            flushed_bytes: counters.flushed_bytes.load(Relaxed),
            compaction_in_bytes: counters.compaction_in_bytes.load(Relaxed),
            compaction_out_bytes: counters.compaction_out_bytes.load(Relaxed),
            collected_bytes: counters.collected_bytes.load(Relaxed),
            refused_writes: LIMITS
                .into_iter()
                .zip(counters.refused_writes.each_ref().map(|count| count.load(Relaxed)))
                .collect(),
            poisoned: inner.log.poisoned(),
            ..Stats::default()
        };
        for partition in &inner.partitions {
            for (level, tables) in partition.view_full().levels.iter().enumerate() {
                if stats.levels.len() <= level {
                    stats.levels.resize(level + 1, LevelStats::default());
                }
                for table in tables {
                    stats.levels[level].files += 1;
                    stats.levels[level].size_bytes += table.meta().size_bytes;
                    stats.levels[level].rows += table.meta().rows;
                    stats.levels[level].tombstones += table.meta().tombstones;
                }
            }
        }
        stats
    }
}

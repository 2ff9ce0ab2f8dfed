//! From memtables to level 0.
//!
//! A flush step takes the partition that has to go most urgently, freezes its memtable, and merges all its frozen
//! ones into one table. Order of durability: the log up to the frozen position (tables point into it), the table,
//! its folder, then the manifest edit with the new flushed position and the accounts as of it.

use std::sync::{Arc, atomic::Ordering::Relaxed};

use parking_lot::Mutex;

use crate::{
    Error, Result,
    compaction::{Direction, Merge, RowCursor},
    engine::Inner,
    manifest::{Edit, Manifest},
    outputs::{Outputs, TableFiles},
    partition::Partition,
    view::Frozen,
};

/// Fewer rows than this are not worth a table just because nobody writes, unless they keep that much space from
/// being given back.
const IDLE_FLUSH_BYTES: u64 = 1 << 20;

impl Inner {
    /// Flushes the partition that needs it most, if one does.
    pub fn flush_step(&self) -> Result<bool> {
        let Some(index) = self.flush_choice() else { return Ok(false) };
        self.flush_partition(index)?;
        Ok(true)
    }

    /// Frozen memtables go first; then the largest if memory is short, the oldest if the log is long, and what nobody
    /// has written for a while.
    fn flush_choice(&self) -> Option<usize> {
        let by = |score: &dyn Fn(&Partition) -> u64| {
            let best = (0..self.partitions.len()).max_by_key(|&at| score(&self.partitions[at]))?;
            (score(&self.partitions[best]) > 0).then_some(best)
        };
        if let Some(frozen) = by(&|p| p.frozen_bytes.load(Relaxed)) {
            return Some(frozen);
        }
        let active: u64 = self.partitions.iter().map(|p| p.active_bytes.load(Relaxed)).sum();
        if active >= self.budget.memtable_bytes() / 2 {
            return by(&|p| p.active_bytes.load(Relaxed));
        }
        if self.unflushed_log_bytes() > self.log_limit_bytes() / 2 {
            return by(&|p| u64::MAX - p.unflushed_since.load(Relaxed));
        }
        let idle_before = self.monotonic_ms().saturating_sub(self.options.idle_flush_ms);
        let worth_it = active > 0
            && (active.max(self.unflushed_log_bytes()) >= IDLE_FLUSH_BYTES
                || self.held_back_bytes() >= IDLE_FLUSH_BYTES);
        by(&|p| {
            let idle = p.written_at_ms.load(Relaxed) < idle_before;
            if idle && worth_it { u64::MAX - p.unflushed_since.load(Relaxed) } else { 0 }
        })
    }

    /// Flushes all rows of a partition that are in memory now.
    pub fn flush_partition(&self, index: usize) -> Result<()> {
        let partition = &self.partitions[index];
        {
            let writer = partition.lock();
            partition.freeze(&writer, self.log.end(), self.appended_bytes.load(Relaxed));
        }
        let _one_at_a_time = partition.flushing.lock();
        let frozen = partition.view_full().frozen.clone();
        let Some(newest) = frozen.first() else { return Ok(()) };
        self.log.sync_to(newest.end)?;
        let bytes = flush_frozen(&self.tables, &self.manifest, index, partition, &frozen)?;
        self.counters.flushed_bytes.fetch_add(bytes, Relaxed);
        self.settle_unflushed(partition, newest.appended_bytes);
        self.share_memory();
        Ok(())
    }

    /// After a flush the oldest row in memory is at least as young as the flushed memtable's end.
    fn settle_unflushed(&self, partition: &Partition, since: u64) {
        let _no_writes = partition.lock();
        let view = partition.view();
        let empty = view.active.is_empty() && view.frozen.is_empty();
        partition.unflushed_since.store(if empty { u64::MAX } else { since }, Relaxed);
    }

    /// Log bytes that a restart would have to replay.
    pub fn unflushed_log_bytes(&self) -> u64 {
        let oldest =
            self.partitions.iter().map(|p| p.unflushed_since.load(Relaxed)).min().unwrap_or(u64::MAX);
        self.appended_bytes.load(Relaxed).saturating_sub(oldest)
    }

    /// Most log bytes that a restart may have to replay.
    pub fn log_limit_bytes(&self) -> u64 {
        4 * self.options.memtable_bytes
    }

    pub fn monotonic_ms(&self) -> u64 {
        self.options.clock.monotonic().as_millis() as u64
    }
}

/// Writes frozen memtables (all of the partition's, newest first) to one table, makes that part of the database and
/// installs it. The log must be durable up to their end. Returns the table's bytes.
pub(crate) fn flush_frozen(
    files: &TableFiles,
    manifest: &Mutex<Manifest>,
    index: usize,
    partition: &Partition,
    frozen: &[Arc<Frozen>],
) -> Result<u64> {
    let Some(newest) = frozen.first() else { return Ok(0) };
    let rows = frozen.iter().map(|frozen| frozen.rows.cursor(Direction::Forward));
    let mut merge = Merge::new(rows.collect(), Direction::Forward);
    let mut outputs = Outputs::new(files, u64::MAX);
    while let Some(key) = merge.key() {
        outputs.add(key, &merge.row()?)?;
        merge.advance()?;
    }
    let table = outputs.finish()?.pop().ok_or_else(|| Error::Invalid("a frozen memtable is empty".into()))?;
    let edit = Edit {
        added: vec![(index as u16, 0, table.meta().clone())],
        flushed: vec![(index as u16, newest.end, newest.accounts.clone())],
        ..Edit::default()
    };
    files.enter(manifest, &edit, std::slice::from_ref(&table))?;
    let bytes = table.meta().size_bytes;
    partition.install_flush(frozen, table);
    partition.flushed.store(newest.end, Relaxed);
    Ok(bytes)
}

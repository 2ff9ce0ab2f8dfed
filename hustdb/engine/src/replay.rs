//! Replaying the log into the memtables when a database is opened.
//!
//! Memory stays bounded: when the memtables reach half their budget the largest is flushed before replay goes on. The
//! segments to be replayed are synced first, since such a flush makes tables that point into them.

use std::sync::{Arc, atomic::Ordering::Relaxed};

use parking_lot::Mutex;

use crate::{
    Error, Result,
    flush::flush_frozen,
    log::{DecodedEntry, Log, RecoverFrom},
    manifest::{Manifest, State},
    options::Options,
    outputs::TableFiles,
    partition::Partition,
};

/// A replay under way.
pub(crate) struct Replay<'a> {
    options: &'a Options,
    tables: &'a TableFiles,
    partitions: &'a [Partition],
    manifest: Mutex<Manifest>,
    max_stamp: u64,
    /// Position of the record that is being applied.
    position: u64,
    appended_bytes: u64,
}

impl<'a> Replay<'a> {
    pub fn new(
        options: &'a Options,
        tables: &'a TableFiles,
        partitions: &'a [Partition],
        manifest: Manifest,
    ) -> Replay<'a> {
        let max_stamp = manifest.state().max_stamp;
        let manifest = Mutex::new(manifest);
        Replay { options, tables, partitions, manifest, max_stamp, position: 0, appended_bytes: 0 }
    }

    /// Opens the log and applies what it has above each partition's flushed position.
    pub fn open_log(&mut self, state: &State, clean_end: Option<u64>) -> Result<Log> {
        let flushed: Vec<u64> = state.partitions.iter().map(|partition| partition.flushed).collect();
        let from = RecoverFrom {
            replay_from: flushed.iter().copied().min().unwrap_or(0),
            durable_floor: flushed.iter().copied().max().unwrap_or(0),
            forgotten: state.forgotten.clone(),
            clean_end,
        };
        self.sync_segments(from.replay_from)?;
        let (vfs, clock) = (self.options.vfs.clone(), self.options.clock.clone());
        let options = self.options.log();
        Log::open(options, vfs, clock, &from, &mut |position, entry| self.visit(&flushed, position, entry))
    }

    /// The manifest, the greatest stamp, and the log bytes replayed.
    pub fn finish(self) -> (Mutex<Manifest>, u64, u64) {
        (self.manifest, self.max_stamp, self.appended_bytes)
    }

    fn visit(&mut self, flushed: &[u64], position: u64, entry: &DecodedEntry<'_>) -> Result<()> {
        if position != self.position {
            let same_segment = position >> 32 == self.position >> 32;
            self.appended_bytes +=
                if same_segment { position - self.position } else { position & 0xFFFF_FFFF };
            self.position = position;
            self.keep_within_budget()?;
        }
        self.max_stamp = self.max_stamp.max(entry.meta.stamp);
        let index = entry.key.partition(self.options.partition_bits);
        if let Some(partition) = self.partitions.get(index).filter(|_| position >= flushed[index]) {
            partition.apply(&mut partition.lock(), entry, self.appended_bytes, 0);
        }
        Ok(())
    }

    /// Flushes the largest memtable when they are at half their budget. Between records only, so that no batch is cut.
    fn keep_within_budget(&self) -> Result<()> {
        let bytes: u64 = self.partitions.iter().map(Partition::memtable_bytes).sum();
        if bytes < self.options.memtable_bytes / 2 {
            return Ok(());
        }
        let sizes = self.partitions.iter().enumerate();
        let Some((index, largest)) = sizes.max_by_key(|(_, partition)| partition.memtable_bytes()) else {
            return Ok(());
        };
        largest.freeze(&largest.lock(), self.position, self.appended_bytes);
        let frozen = largest.view_full().frozen.clone();
        flush_frozen(self.tables, &self.manifest, index, largest, &frozen)?;
        largest.unflushed_since.store(u64::MAX, Relaxed);
        Ok(())
    }

    fn sync_segments(&self, replay_from: u64) -> Result<()> {
        let dir = self.options.dir.join("log");
        let io = |what: &std::path::Path, e| Error::io(format!("sync {}", what.display()), e);
        for name in self.options.vfs.list(&dir).map_err(|e| io(&dir, e))? {
            let number = name.strip_suffix(".log").and_then(|number| number.parse::<u64>().ok());
            if number.is_some_and(|number| number >= replay_from >> 32) {
                let path = dir.join(&name);
                let file: Arc<_> = self.options.vfs.open(&path).map_err(|e| io(&path, e))?;
                file.sync_data().map_err(|e| io(&path, e))?;
            }
        }
        // Also the names: after a kill that of the last segment may be in the kernel only.
        self.options.vfs.sync_dir(&dir).map_err(|e| io(&dir, e))
    }
}

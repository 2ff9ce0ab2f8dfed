//! Writing out and syncing.
//!
//! Whoever needs a position leads: takes what is pending, writes it with one call a segment, syncs, and publishes how
//! far things are. Writing and syncing have a leader each, so that records reach the file while an earlier group is
//! being synced; who syncs waits a little for those who are about to come (see `gather`). A failed write or sync poisons
//! the log and is never tried again.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use super::{
    buffer::Chunk,
    core::Core,
    position::{position, segment_of},
    segment::Segment,
};
use crate::options::SyncMode;
use crate::{Error, Result};

/// With syncs at intervals a map is used from so many unsynced bytes on: then what it adds to a sync is little.
const UNSYNCED_BYTES_MIN: u64 = 1 << 20;

/// Synced writes up to this length are prepared for, bytes: for longer ones it costs what it gains.
const SMALL_BYTES_MAX: usize = 64 << 10;

/// A sync that took longer than this is left to the log's thread the next time.
const HASTY_MAX: Duration = Duration::from_millis(1);

/// Leaves the gate, also when a write panics.
struct Leading<'a>(&'a Core);

impl Drop for Leading<'_> {
    fn drop(&mut self) {
        self.0.gate.lock().leading = false;
        self.0.gate_changed.notify_all();
    }
}

impl Core {
    /// Returns when everything below `upto` is in the file.
    pub fn write_out(&self, upto: u64) -> Result<()> {
        if self.written() >= upto {
            return Ok(());
        }
        {
            let _one_at_a_time = self.writer.lock();
            if self.written() >= upto {
                return Ok(());
            }
            self.poison.check()?;
            let chunks = self.state.lock().take();
            for chunk in &chunks {
                self.write_chunk(chunk).map_err(|cause| self.fail(&cause))?;
            }
            self.state.lock().landed(chunks, self.options().buffer_bytes);
        }
        if self.options().sync != SyncMode::Always {
            self.wake(self.acknowledged());
        }
        Ok(())
    }

    fn write_chunk(&self, chunk: &Chunk) -> Result<()> {
        let segment = &chunk.segment;
        let (bytes, start) = (&chunk.bytes, u64::from(chunk.start));
        let unsynced_bytes = position(segment.id, chunk.start).saturating_sub(self.synced());
        let sync = self.options().sync;
        let written = segment.file().and_then(|file| {
            if is_map_worthwhile(sync, unsynced_bytes) {
                return file.append_at(bytes, start);
            }
            if sync == SyncMode::Always && bytes.len() <= SMALL_BYTES_MAX {
                file.prepare(start..chunk.end())?;
            }
            file.write_all_at(bytes, start)
        });
        written.map_err(|cause| Error::io(format!("write {}", segment.path.display()), cause))?;
        for &(offset, len) in &chunk.values {
            segment.verified.mark(offset, len);
        }
        segment.set_written(chunk.end());
        self.counters.written(chunk.bytes.len(), chunk.records);
        self.marks.written.store(position(segment.id, chunk.end() as u32), Ordering::Release);
        Ok(())
    }

    /// Returns when everything below `upto` is durable.
    pub fn sync_to(&self, upto: u64) -> Result<()> {
        self.lead(|core| core.synced() >= upto, Core::sync_written)
    }

    /// Returns when all sealed segments are durable and cut to their length.
    pub fn sync_sealed(&self) -> Result<()> {
        let Some(end) = self.last_sealed_end() else { return Ok(()) };
        self.write_out(end)?;
        self.lead(
            |core| core.synced() >= end,
            |core| {
                let sealed = core.unsynced.lock().clone();
                core.sync_segments(sealed.into_iter().filter(|s| s.id <= segment_of(end)).collect(), end)
            },
        )
    }

    fn last_sealed_end(&self) -> Option<u64> {
        let unsynced = self.unsynced.lock();
        unsynced.iter().rev().find_map(|segment| Some(position(segment.id, segment.sealed_end()? as u32)))
    }

    /// Leads `step` until `done`, or waits while somebody else leads.
    fn lead(&self, done: impl Fn(&Core) -> bool, step: impl Fn(&Core) -> Result<()>) -> Result<()> {
        loop {
            if done(self) {
                return Ok(());
            }
            self.poison.check()?;
            let mut gate = self.gate.lock();
            if done(self) {
                return Ok(());
            }
            if gate.leading {
                self.gate_changed.wait(&mut gate);
                continue;
            }
            gate.leading = true;
            drop(gate);
            let leading = Leading(self);
            step(self)?;
            drop(leading);
        }
    }

    /// Writes everything that is pending, then syncs it.
    fn sync_written(&self) -> Result<()> {
        self.gather.wait(|| self.counters.appended_records(), || self.folder.clock.monotonic());
        self.write_out(self.end())?;
        let target = self.written();
        let segments = self.unsynced.lock().clone();
        self.sync_segments(segments.into_iter().filter(|s| s.id <= segment_of(target)).collect(), target)
    }

    /// Syncs `segments`, oldest first, which makes everything below `target` durable, and publishes that.
    fn sync_segments(&self, segments: Vec<Arc<Segment>>, target: u64) -> Result<()> {
        let records = self.counters.written_records();
        let started = self.folder.clock.monotonic();
        self.sync_names()?;
        for segment in &segments {
            self.poison.check()?;
            self.cut(segment);
            let synced = segment.file().and_then(|file| file.sync_data());
            let synced = synced.map_err(|cause| Error::io(format!("sync {}", segment.path.display()), cause));
            synced.map_err(|cause| self.fail(&cause))?;
        }
        let now = self.folder.clock.monotonic();
        let took = now.saturating_sub(started);
        let released = self.counters.synced(took, records);
        self.gather.learn(self.counters.appended_records(), released, took, now);
        let open = |s: &Segment| s.sealed_end().is_none_or(|end| position(s.id, end as u32) > target);
        self.unsynced.lock().retain(|segment| {
            let open = open(segment);
            if !open {
                segment.release();
            }
            open
        });
        self.marks.synced.store(target, Ordering::Release);
        if self.options().sync == SyncMode::Always {
            self.wake(self.acknowledged());
        }
        Ok(())
    }

    /// Gives back the reserved tail of a segment that is sealed and written to its end.
    pub fn cut(&self, segment: &Segment) {
        let Some(end) = segment.sealed_end().filter(|end| segment.written_bytes() >= *end) else { return };
        if let Err(cause) = segment.file().and_then(|file| file.set_len(end)) {
            // The tail is zeros, which recovery takes as the end of the segment; only space is lost.
            tracing::warn!(file = %segment.path.display(), %cause, "could not cut a finished segment");
        }
    }

    /// Makes the length of a sealed segment durable too.
    pub fn finish(&self, segment: &Segment) -> Result<()> {
        self.poison.check()?;
        self.cut(segment);
        let synced = segment.file().and_then(|file| file.sync_data());
        let synced = synced.map_err(|cause| Error::io(format!("sync {}", segment.path.display()), cause));
        synced.map_err(|cause| self.fail(&cause))
    }

    /// Returns when the ticket for `end` is done.
    pub fn wait(&self, end: u64) -> Result<()> {
        loop {
            if let Some(outcome) = self.outcome(end) {
                return outcome;
            }
            if self.landed() < end {
                self.land(end)?;
                continue;
            }
            let mut gate = self.gate.lock();
            if self.outcome(end).is_none() {
                self.gate_changed.wait(&mut gate);
            }
        }
    }

    /// Syncs everything below `end` now if that is wanted and likely to be quick.
    pub fn hasten(&self, end: u64) {
        let wanted = self.options().sync == SyncMode::Always && self.synced() < end;
        if wanted && self.counters.last_sync() <= HASTY_MAX && !self.gate.lock().leading {
            // What went wrong is known to the log, which every ticket asks.
            let _ = self.sync_to(end);
        }
    }

    /// Gets everything below `end` as far as the mode asks for.
    pub fn land(&self, end: u64) -> Result<()> {
        if self.options().sync == SyncMode::Always {
            return self.sync_to(end);
        }
        self.write_out(end)?;
        if self.has_thread() { Ok(()) } else { self.sync_sealed() }
    }
}

/// Whether appending by a map pays: the sync after it writes the whole run of pages that a store has touched.
fn is_map_worthwhile(sync: SyncMode, unsynced_bytes: u64) -> bool {
    match sync {
        SyncMode::Always => false,
        SyncMode::Interval(_) => unsynced_bytes >= UNSYNCED_BYTES_MIN,
        SyncMode::Os => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_are_for_what_is_synced_seldom() {
        let interval = SyncMode::Interval(Duration::from_millis(200));
        for (sync, unsynced_bytes, worthwhile) in [
            (SyncMode::Os, 0, true),
            (SyncMode::Always, u64::MAX, false),
            (interval, UNSYNCED_BYTES_MIN - 1, false),
            (interval, UNSYNCED_BYTES_MIN, true),
        ] {
            assert_eq!(is_map_worthwhile(sync, unsynced_bytes), worthwhile, "{sync:?} {unsynced_bytes}");
        }
    }
}

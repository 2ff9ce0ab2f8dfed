//! Giving log space back: forgetting segments without live values, collecting those with few.
//!
//! A segment is forgotten when it is sealed, all its rows are in tables (it lies below every flushed position) and no
//! newest row points into it. The writes that made its values dead must be durable first, then the manifest edit that
//! forgets it, then the file's name goes. Readers that still hold the segment keep its map.
//!
//! Collecting copies what is live into a cold segment (synced), points the rows there through the log, and waits for
//! those records; the segment then has no live values and is forgotten like any other.

use std::{collections::HashSet, sync::atomic::Ordering::Relaxed};

use crate::{
    Error, Result,
    accounts::AccountsImage,
    collect::{self, CollectConfig, Decision, SegmentUse},
    engine::Inner,
    key::Key,
    log::{ColdWriter, SegmentInfo, SegmentKind},
    manifest::Edit,
    row::Pointer,
};

/// Values moved by one sync of the cold segment.
const MOVE_BYTES: u64 = 4 << 20;

/// What reclaiming remembers between steps.
#[derive(Debug, Default)]
pub(crate) struct Reclaim {
    cold: Option<ColdWriter>,
    /// Segments with live values that cannot be read: not to be collected again.
    kept: HashSet<u32>,
    swept_at_ms: u64,
}

impl Reclaim {
    /// Ends the cold segment, so that it will not change any more.
    pub fn seal_cold(&mut self) -> Result<()> {
        self.cold.take().map_or(Ok(()), ColdWriter::finish)
    }
}

/// Whether the cold segment that is still written to holds so much that is dead that it should end.
fn is_spent(segment: &SegmentUse, idle: bool) -> bool {
    let dead_bytes = segment.size_bytes.saturating_sub(segment.live_bytes);
    let part = if idle { 8 } else { 2 };
    let open = segment.kind == SegmentKind::Cold && !segment.sealed;
    open && dead_bytes >= SEAL_COLD_BYTES && dead_bytes * part >= segment.size_bytes
}

/// A cold segment with fewer dead bytes than this goes on.
const SEAL_COLD_BYTES: u64 = 1 << 20;

/// How often it is looked which pages have left memory.
const SWEEP_MS: u64 = 5_000;

impl Inner {
    /// Reclaims log space, if there is something to reclaim.
    pub fn upkeep_step(&self) -> Result<bool> {
        let mut reclaim = self.reclaim.lock();
        let now_ms = self.monotonic_ms();
        if now_ms.saturating_sub(reclaim.swept_at_ms) >= SWEEP_MS {
            reclaim.swept_at_ms = now_ms;
            self.cool();
        }
        let done = self.advance_flushed()? | self.rotate_idle()? | self.reclaim_once(&mut reclaim)?;
        Ok(done)
    }

    fn reclaim_once(&self, reclaim: &mut Reclaim) -> Result<bool> {
        let mut uses = self.segment_uses();
        uses.retain(|segment| segment.live_bytes == 0 || !reclaim.kept.contains(&segment.id));
        let idle = self.is_idle();
        if uses.iter().any(|segment| is_spent(segment, idle)) {
            // Sealed it can be forgotten or collected; the next value that moves begins another.
            reclaim.seal_cold()?;
            return Ok(true);
        }
        let Decision { forget, collect } = collect::pick(&uses, &CollectConfig::default(), idle);
        if !forget.is_empty() {
            self.forget(&forget)?;
            return Ok(true);
        }
        match collect {
            Some(segment) => self.collect(reclaim, segment).map(|()| true),
            None => Ok(false),
        }
    }

    /// Every segment with its live bytes, summed over the partitions.
    pub fn segment_uses(&self) -> Vec<SegmentUse> {
        let mut live = std::collections::HashMap::<u32, i64>::new();
        let segments = self.log.segments();
        for partition in &self.partitions {
            for (segment, bytes) in partition.lock().live.iter() {
                *live.entry(segment).or_default() += bytes;
            }
        }
        let flushed = self.flushed_position();
        let usage = |info: SegmentInfo| SegmentUse {
            id: info.id,
            kind: info.kind,
            size_bytes: info.size_bytes,
            live_bytes: live.get(&info.id).copied().unwrap_or(0).max(0) as u64,
            sealed: info.sealed,
            flushed: info.kind == SegmentKind::Cold || u64::from(info.id) < flushed >> 32,
        };
        segments.into_iter().map(usage).collect()
    }

    /// Dead bytes in finished segments that only wait for rows in memory to go to tables.
    pub fn held_back_bytes(&self) -> u64 {
        let uses = self.segment_uses();
        let waiting = uses.iter().filter(|segment| segment.sealed && !segment.flushed);
        waiting.map(|segment| segment.size_bytes.saturating_sub(segment.live_bytes)).sum()
    }

    /// Below this position of the log all rows are in tables.
    fn flushed_position(&self) -> u64 {
        self.partitions.iter().map(|partition| partition.flushed.load(Relaxed)).min().unwrap_or(0)
    }

    /// A partition without rows in memory is flushed up to the end of the log, whatever its last flush was.
    fn advance_flushed(&self) -> Result<bool> {
        let mut edit = Edit::default();
        let mut flushing = Vec::new();
        for (index, partition) in self.partitions.iter().enumerate() {
            let Some(guard) = partition.flushing.try_lock() else { continue };
            let writer = partition.lock();
            let end = self.log.end();
            let behind = partition.flushed.load(Relaxed) >> 32 < end >> 32;
            if behind && partition.memtable_is_empty() {
                let accounts = AccountsImage::take(&writer.live, &partition.tallies);
                edit.flushed.push((index as u16, end, accounts));
                flushing.push(guard);
            }
        }
        let Some(end) = edit.flushed.iter().map(|(_, end, _)| *end).max() else { return Ok(false) };
        self.log.sync_to(end)?;
        self.manifest.lock().append(&edit)?;
        for (index, position, _) in &edit.flushed {
            self.partitions[usize::from(*index)].flushed.store(*position, Relaxed);
        }
        Ok(true)
    }

    /// At rest, with all rows in tables, the active segment is sealed so that its dead bytes can go.
    fn rotate_idle(&self) -> Result<bool> {
        let in_tables = self.partitions.iter().all(|partition| partition.memtable_is_empty());
        let active = self.log.segments().into_iter().find(|s| !s.sealed && s.kind == SegmentKind::Hot);
        let worth_it = active.is_some_and(|active| active.size_bytes >= ROTATE_IDLE_BYTES);
        if in_tables && worth_it && self.is_idle() {
            self.log.rotate()?;
            return Ok(true);
        }
        Ok(false)
    }

    /// Nobody has written for a while.
    pub fn is_idle(&self) -> bool {
        let before = self.monotonic_ms().saturating_sub(self.options.idle_flush_ms);
        self.partitions.iter().all(|partition| partition.written_at_ms.load(Relaxed) <= before)
    }

    fn forget(&self, segments: &[u32]) -> Result<()> {
        // What made their values dead must be durable before the values go.
        self.log.sync_to(self.log.end())?;
        self.manifest.lock().append(&Edit { forgotten: segments.to_vec(), ..Edit::default() })?;
        self.log.remove_segments(segments)?;
        let dir = self.options.dir.join("log");
        self.options.vfs.sync_dir(&dir).map_err(|e| Error::io(format!("sync {}", dir.display()), e))?;
        self.manifest.lock().append(&Edit { unlinked: segments.to_vec(), ..Edit::default() })
    }

    fn collect(&self, reclaim: &mut Reclaim, segment: u32) -> Result<()> {
        let mut moved: Vec<(Key, Pointer, Pointer)> = Vec::new();
        let mut pending_bytes = 0;
        let Some(values) = self.log.scan_values(segment)? else { return Ok(()) };
        for value in values {
            let (key, from) = match value {
                Ok(value) => value,
                // What lies there may be dead, or the torn end of what was never acknowledged. If it is live, a reader
                // is told; the segment then stays.
                Err(error @ Error::Damaged { .. }) => {
                    tracing::warn!(%error, "collection passes over what it cannot read");
                    continue;
                }
                Err(error) => return Err(error),
            };
            if !self.is_current(&key, from)? {
                continue;
            }
            let Some(bytes) = self.stored_bytes(&from)? else { continue };
            let cold = match &mut reclaim.cold {
                Some(cold) => cold,
                none => none.insert(self.log.cold_writer()),
            };
            let to = cold.append(key, &bytes, from.raw_len)?;
            self.counters.collected_bytes.fetch_add(bytes.len() as u64, Relaxed);
            pending_bytes += bytes.len() as u64;
            moved.push((key, from, to));
            if pending_bytes >= MOVE_BYTES {
                self.repoint_all(reclaim, &mut moved)?;
                pending_bytes = 0;
            }
            if self.signal.is_stopping() {
                return Err(Error::Busy("stopping"));
            }
        }
        self.repoint_all(reclaim, &mut moved)?;
        if self.segment_uses().iter().any(|left| left.id == segment && left.live_bytes > 0) {
            tracing::warn!(segment, "not all live values could be moved; the segment stays");
            reclaim.kept.insert(segment);
        }
        Ok(())
    }

    fn repoint_all(&self, reclaim: &mut Reclaim, moved: &mut Vec<(Key, Pointer, Pointer)>) -> Result<()> {
        if let Some(cold) = &mut reclaim.cold {
            cold.sync()?;
        }
        let mut last = None;
        for (key, from, to) in moved.drain(..) {
            last = self.repoint(&key, from, to)?.or(last);
        }
        // Not by the ticket: that may wait for background work, which this is.
        last.map_or(Ok(()), |ticket| self.log.sync_to(ticket.end()))
    }

    /// Forgets which pages were in memory where they no longer are.
    fn cool(&self) {
        self.log.cool();
        for partition in &self.partitions {
            partition.view_full().levels.iter().flatten().for_each(|table| table.cool());
        }
    }
}

/// An active segment smaller than this is not worth sealing at rest.
const ROTATE_IDLE_BYTES: u64 = 1 << 20;

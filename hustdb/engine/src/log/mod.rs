//! The content log: write-ahead log and value store in one.
//!
//! [`Log::append`] gives one record a position and copies it into a buffer; a [`Ticket`] says when it is durable;
//! [`Log::read`] reads a large value by the pointer the append answered. Segments are files of the log folder: *hot*
//! ones form the write-ahead log, *cold* ones hold values moved by collection. The log owns the files and the
//! positions; which values are live, and from where to replay, the manifest and the accounts know.
//!
//! Invariants: what was accepted has room in the file; positions become durable in order; a position is acknowledged
//! only when everything before it is as durable; after a failed write or sync nothing is written ever again.

mod append;
mod body;
mod buffer;
mod cold;
mod core;
mod cursor;
mod entry;
mod flush;
mod folder;
mod found;
mod gather;
mod header;
mod options;
mod poison;
mod position;
mod read;
mod reader;
mod record;
mod recover;
mod scan;
mod segment;
mod stats;
mod survey;
#[cfg(test)]
mod tests;
mod thread;
mod ticket;
mod verified;
mod waiters;

use std::{
    hash::{BuildHasher, RandomState},
    sync::Arc,
    thread::JoinHandle,
};

use parking_lot::Mutex;

use self::{core::Core, folder::Folder};
use crate::{Error, Pointer, Result, Slice, clock::Clock, fetch::Cold, options::Background, vfs::Vfs};

pub use append::{Appended, Pointers};
pub use cold::ColdWriter;
pub use entry::{DecodedEntry, Entry, EntryValue, Kill, Tally};
pub use header::SegmentKind;
pub use options::{LogOptions, RecoverFrom};
pub use position::{offset_of, position, segment_of};
pub use read::ValueRead;
pub use record::{MAX_RECORD_BYTES, MAX_VALUE_BYTES};
pub use scan::ValueScan;
pub use segment::{Segment, SegmentInfo, SegmentsMap};
pub use stats::{HISTOGRAM_BUCKETS, LogStats};
pub use ticket::Ticket;

/// An open log.
#[derive(Debug)]
pub struct Log {
    core: Arc<Core>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Log {
    /// Opens the log, replays it from `from` into `visit` (position of the record, entry), and begins a new segment.
    ///
    /// A torn end is cut off with a warning. [`Error::Damaged`] if something is missing that was durable; nothing has
    /// been changed then.
    pub fn open(
        options: LogOptions,
        vfs: Arc<dyn Vfs>,
        clock: Arc<dyn Clock>,
        from: &RecoverFrom,
        visit: &mut dyn FnMut(u64, &DecodedEntry<'_>) -> Result<()>,
    ) -> Result<Log> {
        if options.segment_bytes >= 2 << 30 || options.segment_bytes < 4096 {
            return Err(Error::Invalid(format!("segments of {} bytes", options.segment_bytes)));
        }
        let recovered = recover::recover(&options, vfs.as_ref(), from, visit)?;
        let next = recovered.last_id.checked_add(1);
        let next = next.ok_or_else(|| Error::Invalid("segment numbers are used up".into()))?;
        let salt = recovered.salt.unwrap_or_else(|| RandomState::new().hash_one(clock.now_ms()));
        let folder = Folder::new(options, (vfs, clock), salt, next);
        let active = begin(&folder, recovered.end)?;
        recovered.registry.change(|map| map.insert(active.id, active.clone()));
        let core = Arc::new(Core::new(folder, recovered.registry, active));
        let thread = match core.options().background {
            Background::Threads => Some(thread::start(core.clone())?),
            Background::Manual => None,
        };
        Ok(Log { core, thread: Mutex::new(thread) })
    }

    /// Appends one record with `entries`, whole or not at all; `pointers` become the pointers of their values, in order.
    ///
    /// [`Error::Full`] and [`Error::Invalid`] have done nothing.
    pub fn append(&self, entries: &[Entry<'_>], pointers: &mut Pointers) -> Result<Appended> {
        self.core.append(entries, pointers)
    }

    /// A ticket for the record that ends at `end`.
    pub fn ticket(&self, end: u64) -> Ticket {
        Ticket::new(self.core.clone(), end.min(self.core.end()))
    }

    /// Blocks until everything below `position` is durable, whatever the mode.
    pub fn sync_to(&self, position: u64) -> Result<()> {
        self.core.sync_to(position.min(self.core.end()))
    }

    /// Returns when everything below `position` is in the files, synced or not.
    pub fn write_out(&self, position: u64) -> Result<()> {
        self.core.write_out(position.min(self.core.end()))
    }

    /// Position up to which tickets are done.
    pub fn acknowledged(&self) -> u64 {
        self.core.acknowledged()
    }

    /// Lets tickets complete up to `limit` only; `u64::MAX`, as at the start, for all.
    pub fn admit(&self, limit: u64) {
        self.core.admit(limit);
    }

    /// Position up to which everything is in the files.
    pub fn written_to(&self) -> u64 {
        self.core.written()
    }

    /// Position up to which everything is durable.
    pub fn synced_to(&self) -> u64 {
        self.core.synced()
    }

    /// Position of the next record.
    pub fn end(&self) -> u64 {
        self.core.end()
    }

    /// Reads the value at `pointer`.
    pub fn read(&self, pointer: Pointer, cold: Cold) -> Result<ValueRead<Slice>> {
        self.core.read_in(&self.core.registry.load(), pointer, cold)
    }

    /// Reads the value at `pointer` in a snapshot's segments, also when they have been forgotten meanwhile.
    pub fn read_in(&self, segments: &SegmentsMap, pointer: Pointer, cold: Cold) -> Result<ValueRead<Slice>> {
        self.core.read_in(segments, pointer, cold)
    }

    /// The segments now; whoever holds them can read them for as long.
    pub fn snapshot_segments(&self) -> Arc<SegmentsMap> {
        self.core.registry.load_full()
    }

    /// All segments, by number.
    pub fn segments(&self) -> Vec<SegmentInfo> {
        let (active, end) = {
            let state = self.core.state.lock();
            (state.active.id, state.end)
        };
        let size = |segment: &Segment| if segment.id == active { end } else { segment.written_bytes() };
        let info = |segment: &Arc<Segment>| SegmentInfo {
            id: segment.id,
            kind: segment.kind,
            size_bytes: segment.sealed_end().unwrap_or_else(|| size(segment)),
            sealed: segment.sealed_end().is_some(),
        };
        self.core.registry.load().values().map(info).collect()
    }

    /// The large values in a segment, as far as it is written; `None` if there is no such segment.
    pub fn scan_values(&self, segment: u32) -> Result<Option<ValueScan>> {
        let Some(segment) = self.core.registry.load().get(&segment).cloned() else { return Ok(None) };
        let file = self.core.folder.vfs.open(&segment.path);
        let file = file.map_err(|cause| Error::io(format!("open {}", segment.path.display()), cause))?;
        Ok(Some(ValueScan::new(segment, file)))
    }

    /// A writer for values that are moved.
    pub fn cold_writer(&self) -> ColdWriter {
        ColdWriter::new(self.core.clone())
    }

    /// Seals the active segment and begins another, unless the active one is empty.
    pub fn rotate(&self) -> Result<()> {
        self.core.rotate()
    }

    /// Forgets segments and removes their files. The manifest has durably forgotten them before.
    pub fn remove_segments(&self, ids: &[u32]) -> Result<()> {
        let active = self.core.state.lock().active.id;
        let cold_open = |segment: &Segment| segment.sealed_end().is_none();
        if self.core.registry.load().values().any(|s| ids.contains(&s.id) && cold_open(s)) {
            return Err(Error::Invalid("a segment that is still appended to".into()));
        }
        // Once the older ones are gone, only its own header says where the log begins.
        self.core.sync_to(position(active, header::SEGMENT_HEADER_BYTES))?;
        let gone: Vec<_> =
            self.core.registry.change(|map| ids.iter().filter_map(|id| map.remove(id)).collect());
        let mut result = Ok(());
        for segment in gone {
            if let Err(cause) = self.core.folder.vfs.remove(&segment.path) {
                result = Err(Error::io(format!("remove {}", segment.path.display()), cause));
            }
        }
        result
    }

    /// Forgets about values that have left memory, so that [`Cold::Refuse`] notices. Call it from time to time.
    pub fn cool(&self) {
        for segment in self.core.registry.load_full().values() {
            segment.cool();
        }
    }

    /// Counts since the log was opened.
    pub fn stats(&self) -> LogStats {
        self.core.counters.read()
    }

    /// Refuses writes from now on, for a reason outside of the log.
    pub fn poison(&self, cause: &str) {
        self.core.poison.set(cause.to_owned());
        self.core.tell_blocked();
        self.core.wake(u64::MAX);
    }

    /// Why writes are refused, if they are.
    pub fn poisoned(&self) -> Option<String> {
        self.core.poison.cause().map(str::to_owned)
    }

    /// Refuses further appends, makes everything durable, gives back reserved space, and ends the thread. Answers where
    /// the log ends; reads still work.
    pub fn close(&self) -> Result<u64> {
        self.stop_thread();
        let _nobody_begins_a_segment = self.core.reserve.lock();
        let (active, end) = {
            let mut state = self.core.state.lock();
            state.closed = true;
            (state.active.clone(), state.end)
        };
        let end_position = self.core.end();
        self.core.sync_to(end_position)?;
        if active.sealed_end().is_none() {
            active.seal(end);
            self.core.finish(&active)?;
        }
        Ok(end_position)
    }

    fn stop_thread(&self) {
        self.core.signal.stop();
        // Those who count on the thread lead themselves from now on.
        self.core.wake(u64::MAX);
        if let Some(thread) = self.thread.lock().take()
            && thread.join().is_err()
        {
            tracing::error!("the log's thread has panicked");
        }
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.stop_thread();
    }
}

/// Begins the segment that a log goes on in after `prev_end`, up to which all is durable, with a durable header.
fn begin(folder: &Folder, prev_end: u64) -> Result<Arc<Segment>> {
    let segment = folder.create_unreserved(SegmentKind::Hot)?;
    let header = folder.header(&segment, prev_end, prev_end).encode();
    let written =
        segment.file().and_then(|file| file.write_all_at(&header, 0).and_then(|()| file.sync_data()));
    written.map_err(|cause| Error::io(format!("begin {}", segment.path.display()), cause))?;
    segment.set_written(header.len() as u64);
    folder.sync()?;
    Ok(segment)
}

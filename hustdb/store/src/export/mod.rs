//! Snapshots: listings as of one instant, written to files, and read by page at any offset.
//!
//! [`Exports`] owns the folder `export` and knows which snapshots are there and which tasks wait; one thread
//! (`worker.rs`) takes them in turn. A task (`task.rs`) takes a snapshot of the engine, walks over it as a listing does
//! and writes the rows to an unfinished file, which is renamed once it is durable: so a snapshot is there whole or not
//! at all, whatever stops the task. A file never changes; covering it puts another in its place, and who has the old one
//! open reads on.

mod block;
mod bytes;
mod figures;
mod format;
mod keep;
mod name;
mod reader;
mod request;
mod task;
mod tasks;
mod worker;
mod writer;

use std::{
    io,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::Duration,
};

use hust_engine::vfs::Vfs;
use parking_lot::{Condvar, Mutex};

pub use figures::{ExportStats, SnapshotInfo};
pub use keep::ExportKeep;
pub use name::Subject as SnapshotSubject;
pub use reader::SnapshotPage;
pub use request::{ExportOf, ExportRequest, SnapshotRequest};
pub use tasks::{TaskCounts, TaskStatus};
pub(crate) use worker::Worker;

use crate::{
    error::{Error, Result},
    listing::{ListOf, ListedRow},
    store::Shared,
    tables::check_name,
};
use name::{SnapshotName, Subject, is_unfinished};
use reader::SnapshotFile;
use tasks::{Ended, Tasks};

/// How often a file that was just covered is looked for again.
const COVERED_MAX: usize = 16;

/// Longest wait for the next snapshot to be too old: the wall clock may be set.
const LOOK_INTERVAL_MS: u64 = 60_000;

/// See the module.
pub(crate) struct Exports {
    vfs: Arc<dyn Vfs>,
    dir: PathBuf,
    keep: ExportKeep,
    tasks: Mutex<Tasks>,
    /// A task was queued, or all is to stop.
    changed: Condvar,
    stopping: AtomicBool,
}

impl Exports {
    /// Looks through the folder; removes what crashes left, what was covered, and what is too old or too many.
    pub(crate) fn open(options: &hust_engine::Options, keep: ExportKeep) -> Result<Exports> {
        let (vfs, dir) = (options.vfs.clone(), options.dir.join("export"));
        let io = |cause: io::Error| hust_engine::Error::io(format!("opening {}", dir.display()), cause);
        vfs.create_dir_all(&dir).map_err(io)?;
        let mut tasks = Tasks::default();
        let mut gone = Vec::new();
        for file_name in vfs.list(&dir).map_err(io)? {
            if is_unfinished(&file_name) {
                gone.push(file_name);
            } else if let Some((token, name)) = SnapshotName::of_file(&file_name) {
                let bytes = vfs.open(&dir.join(&file_name)).and_then(|file| file.len()).map_err(io)?;
                let older = tasks.found(token, bytes, name.clone());
                gone.extend(older.map(|older| name.file_name(older)));
            }
        }
        let excess = tasks.take_excess(&keep, options.clock.now_ms());
        gone.extend(excess.into_iter().map(|(name, token)| name.file_name(token)));
        for file_name in gone {
            vfs.remove(&dir.join(file_name)).map_err(io)?;
        }
        // After a kill the last rename may be in the kernel only.
        vfs.sync_dir(&dir).map_err(io)?;
        let (changed, stopping) = (Condvar::new(), AtomicBool::new(false));
        Ok(Exports { vfs, dir, keep, tasks: Mutex::new(tasks), changed, stopping })
    }

    fn stop(&self) {
        // Under the lock, or the worker may look before and sleep after.
        let tasks = self.tasks.lock();
        self.stopping.store(true, SeqCst);
        drop(tasks);
        self.changed.notify_all();
    }

    fn is_stopping(&self) -> bool {
        self.stopping.load(SeqCst)
    }

    /// Removes what is too old or too many.
    fn trim(&self, now_ms: u64) {
        let excess = self.tasks.lock().take_excess(&self.keep, now_ms);
        for (name, token) in excess {
            tracing::info!(token, "a snapshot is too old, or one too many");
            self.remove(&name, token);
        }
    }

    /// How long nothing is too old.
    fn rest(&self, tasks: &Tasks, now_ms: u64) -> Duration {
        let end_ms = tasks.next_end_ms(&self.keep).unwrap_or(u64::MAX);
        Duration::from_millis(end_ms.saturating_sub(now_ms).min(LOOK_INTERVAL_MS))
    }

    /// Removes the file of a snapshot that is no longer known.
    fn remove(&self, name: &SnapshotName, token: u64) {
        let path = self.dir.join(name.file_name(token));
        if let Err(cause) = self.vfs.remove(&path) {
            // The next start removes it.
            tracing::warn!(file = %path.display(), %cause, "the file of a snapshot stays");
        }
    }

    fn open_file(&self, name: &SnapshotName) -> Result<Option<SnapshotFile>> {
        for _ in 0..COVERED_MAX {
            let Some(token) = self.tasks.lock().token_of(name) else { return Ok(None) };
            let path = self.dir.join(name.file_name(token));
            match self.vfs.open(&path) {
                Ok(file) => return SnapshotFile::open(file, path, token, name).map(Some),
                // Covered since the look.
                Err(cause) if cause.kind() == io::ErrorKind::NotFound => {}
                Err(cause) => return Err(reader::failed(&path, cause)),
            }
        }
        Err(Error::Damaged("the file of a snapshot is missing"))
    }
}

/// Queues a snapshot and gives its token.
pub(crate) fn add(shared: &Shared, request: &ExportRequest<'_>) -> Result<u64> {
    let subject = match request.of {
        ExportOf::File(file) if file >= shared.file_count => {
            return Err(Error::invalid("file", format!("not in 0..{}", shared.file_count - 1)));
        }
        ExportOf::File(file) => Subject::File(file),
        ExportOf::Table(name) => {
            check_name(name)?;
            let table = shared.tables.find(name).filter(|table| table.counts.shown().is_some());
            table.ok_or(Error::Table("no such table"))?;
            Subject::Table(name.into())
        }
    };
    let name = SnapshotName { subject, slots: request.slots.clone(), values: request.values };
    let exports = &shared.exports;
    let ExportRequest { offset, size, cover, .. } = *request;
    let token = exports.tasks.lock().add(name, offset, size, cover, shared.clock.now_ms())?;
    exports.changed.notify_all();
    Ok(token)
}

/// What became of a task.
pub(crate) fn status(shared: &Shared, token: u64) -> TaskStatus {
    shared.exports.tasks.lock().status(token)
}

/// How many tasks there are.
pub(crate) fn counts(shared: &Shared) -> TaskCounts {
    shared.exports.tasks.lock().counts()
}

/// What was done and is there.
pub(crate) fn stats(shared: &Shared) -> ExportStats {
    shared.exports.tasks.lock().stats()
}

/// The snapshots that are there, oldest first.
pub(crate) fn snapshots(shared: &Shared) -> Vec<SnapshotInfo> {
    shared.exports.tasks.lock().snapshots()
}

/// Removes snapshots that are too old, then takes the next one that waits; `false`: there is none.
pub(crate) fn run_next(shared: &Shared) -> bool {
    let exports = &shared.exports;
    exports.trim(shared.clock.now_ms());
    let Some(task) = exports.tasks.lock().begin() else { return false };
    let begin = shared.clock.monotonic();
    let done = task::run(shared, &task);
    if let Err(error) = &done {
        tracing::warn!(token = task.token, %error, "a snapshot was not taken");
    }
    let took_ms = shared.clock.monotonic().saturating_sub(begin).as_millis() as u64;
    let name = task.name.clone();
    let covered = exports.tasks.lock().end(task, Ended { bytes: done.ok(), took_ms });
    if let Some(covered) = covered {
        exports.remove(&name, covered);
    }
    exports.trim(shared.clock.now_ms());
    true
}

/// Shows rows of a snapshot.
pub(crate) fn list(
    shared: &Shared,
    request: &SnapshotRequest<'_>,
    show: &mut dyn FnMut(&ListedRow<'_>) -> Result<()>,
) -> Result<SnapshotPage> {
    let (subject, kind) = match request.of {
        ListOf::File(file) => (Subject::File(file), None),
        ListOf::Table { kind, name } => (Subject::Table(name.into()), Some(kind)),
        ListOf::Scores { .. } => return Err(Error::Snapshot("none by score")),
    };
    let mut name = SnapshotName { subject, slots: request.slots.clone(), values: request.values };
    let exports = &shared.exports;
    let mut found = exports.open_file(&name)?;
    if found.is_none() && !name.values {
        // One with values serves who asks for none.
        name.values = true;
        found = exports.open_file(&name)?;
    }
    let snapshot = found.ok_or(Error::Snapshot("none"))?;
    match (kind, snapshot.footer.kind) {
        (Some(kind), Some(taken)) if kind != taken => Err(Error::of_other_type(taken)),
        _ => snapshot.page(request.offset, request.size, request.values, show),
    }
}

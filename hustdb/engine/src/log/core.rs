//! What the log, its thread and its tickets share.
//!
//! Lock order: `reserve`, `writer`, `state`, `unsynced`; `gate` and `waiters` are held alone. Positions only grow, and
//! `synced <= written <= end`.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use parking_lot::{Condvar, Mutex};

use super::{
    buffer::State,
    folder::Folder,
    gather::Gather,
    header::SEGMENT_HEADER_BYTES,
    options::LogOptions,
    poison::Poison,
    position::position,
    segment::{Registry, Segment},
    stats::Counters,
    thread::Signal,
    waiters::Waiters,
};
use crate::options::{Background, SyncMode};
use crate::{Error, Result};

/// The shared part of a log.
#[derive(Debug)]
pub struct Core {
    pub folder: Folder,
    pub poison: Poison,
    pub state: Mutex<State>,
    /// Held by whoever extends the active segment or begins another.
    pub reserve: Mutex<()>,
    /// Held by whoever writes.
    pub writer: Mutex<()>,
    pub gate: Mutex<Gate>,
    /// The gate was left, the limit changed, or the log poisoned.
    pub gate_changed: Condvar,
    /// Where a leader waits for others before it syncs.
    pub gather: Gather,
    /// Hot segments that are not known to be synced to their end, oldest first.
    pub unsynced: Mutex<Vec<Arc<Segment>>>,
    pub registry: Registry,
    pub marks: Marks,
    pub waiters: Mutex<Waiters>,
    pub signal: Signal,
    pub counters: Counters,
}

/// Whether somebody syncs.
#[derive(Debug, Default)]
pub struct Gate {
    pub leading: bool,
}

/// The positions that everybody asks for.
#[derive(Debug)]
pub struct Marks {
    pub end: AtomicU64,
    pub written: AtomicU64,
    pub synced: AtomicU64,
    pub admitted: AtomicU64,
}

impl Core {
    /// A log that goes on in `active`, whose header is durable.
    pub fn new(folder: Folder, registry: Registry, active: Arc<Segment>) -> Core {
        let end = u64::from(SEGMENT_HEADER_BYTES);
        let at = position(active.id, SEGMENT_HEADER_BYTES);
        Core {
            folder,
            poison: Poison::default(),
            state: Mutex::new(State::new(active.clone(), end, end)),
            reserve: Mutex::default(),
            writer: Mutex::default(),
            gate: Mutex::default(),
            gate_changed: Condvar::new(),
            gather: Gather::default(),
            unsynced: Mutex::new(vec![active]),
            registry,
            marks: Marks {
                end: AtomicU64::new(at),
                written: AtomicU64::new(at),
                synced: AtomicU64::new(at),
                admitted: AtomicU64::new(u64::MAX),
            },
            waiters: Mutex::default(),
            signal: Signal::default(),
            counters: Counters::default(),
        }
    }

    /// The settings.
    pub fn options(&self) -> &LogOptions {
        &self.folder.options
    }

    /// Position up to which everything is in the file.
    pub fn written(&self) -> u64 {
        self.marks.written.load(Ordering::Acquire)
    }

    /// Position up to which everything is durable.
    pub fn synced(&self) -> u64 {
        self.marks.synced.load(Ordering::Acquire)
    }

    /// Position of the next record.
    pub fn end(&self) -> u64 {
        self.marks.end.load(Ordering::Acquire)
    }

    /// Position up to which everything has got as far as the mode asks for.
    pub fn landed(&self) -> u64 {
        match self.options().sync {
            SyncMode::Always => self.synced(),
            SyncMode::Interval(_) | SyncMode::Os => self.written(),
        }
    }

    /// Position up to which tickets are done.
    pub fn acknowledged(&self) -> u64 {
        self.landed().min(self.marks.admitted.load(Ordering::Acquire))
    }

    /// The answer of a ticket for `end`, once there is one.
    pub fn outcome(&self, end: u64) -> Option<Result<()>> {
        if self.acknowledged() >= end {
            return Some(Ok(()));
        }
        self.poison.check().err().map(Err)
    }

    /// Whether there is a thread that syncs.
    pub fn has_thread(&self) -> bool {
        self.options().background == Background::Threads && !self.signal.is_stopped()
    }

    /// Stops all writing and tells everybody. Answers the error that counts.
    pub fn fail(&self, cause: &Error) -> Error {
        tracing::error!(%cause, "the log is poisoned: writes are refused until a restart");
        let error = self.poison.set(cause.to_string());
        self.tell_blocked();
        self.wake(u64::MAX);
        error
    }

    /// Lets the blocked look again.
    pub fn tell_blocked(&self) {
        // Whoever has looked and not yet begun to wait holds the gate.
        drop(self.gate.lock());
        self.gate_changed.notify_all();
    }

    /// Wakes the tickets up to `limit`.
    pub fn wake(&self, limit: u64) {
        let ready = self.waiters.lock().take(limit);
        for waker in ready {
            waker.wake();
        }
    }

    /// Makes the names of new segments durable.
    pub fn sync_names(&self) -> Result<()> {
        self.folder.sync().map_err(|cause| self.fail(&cause))
    }

    /// Lets tickets up to `limit` complete, and no others.
    pub fn admit(&self, limit: u64) {
        self.marks.admitted.store(limit, Ordering::Release);
        self.tell_blocked();
        self.wake(self.acknowledged());
    }
}

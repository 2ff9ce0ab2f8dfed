//! The log's thread: syncs for those who do not block, at intervals, and when a segment is finished.

use std::{sync::Arc, thread, time::Duration};

use parking_lot::{Condvar, Mutex};

use super::core::Core;
use crate::options::SyncMode;
use crate::{Error, Result};

/// What the thread is asked for.
#[derive(Debug, Default)]
pub struct Signal {
    wanted: Mutex<Wanted>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Wanted {
    upto: u64,
    sealed: bool,
    stop: bool,
}

enum Task {
    Sync(u64),
    FinishSegments,
    Tick,
    Stop,
}

impl Signal {
    /// Somebody waits for `upto` to be durable. Answers whether the thread is there to do it.
    pub fn want(&self, upto: u64) -> bool {
        let mut wanted = self.wanted.lock();
        let running = !wanted.stop;
        if wanted.upto < upto {
            wanted.upto = upto;
            drop(wanted);
            self.changed.notify_one();
        }
        running
    }

    /// A segment was sealed.
    pub fn finish_segments(&self) {
        self.wanted.lock().sealed = true;
        self.changed.notify_one();
    }

    /// The thread shall end.
    pub fn stop(&self) {
        self.wanted.lock().stop = true;
        self.changed.notify_one();
    }

    /// Whether it was told to end.
    pub fn is_stopped(&self) -> bool {
        self.wanted.lock().stop
    }

    /// Waits for something to do, but not longer than `timeout`.
    fn next(&self, core: &Core, timeout: Option<Duration>) -> Task {
        let mut wanted = self.wanted.lock();
        loop {
            if wanted.stop {
                return Task::Stop;
            }
            // A poisoned log has nothing left to do.
            let alive = core.poison.cause().is_none();
            if alive && wanted.upto > core.synced() {
                return Task::Sync(wanted.upto);
            }
            if alive && std::mem::take(&mut wanted.sealed) {
                return Task::FinishSegments;
            }
            match timeout.filter(|_| alive) {
                None => self.changed.wait(&mut wanted),
                Some(timeout) => {
                    if self.changed.wait_for(&mut wanted, timeout).timed_out() {
                        return Task::Tick;
                    }
                }
            }
        }
    }
}

/// Starts the thread.
pub fn start(core: Arc<Core>) -> Result<thread::JoinHandle<()>> {
    let thread = thread::Builder::new().name("hust-log".into());
    thread.spawn(move || run(&core)).map_err(|cause| Error::io("start the log's thread", cause))
}

fn run(core: &Core) {
    let interval = match core.options().sync {
        SyncMode::Interval(interval) => Some(interval.max(Duration::from_millis(1))),
        SyncMode::Always | SyncMode::Os => None,
    };
    let mut synced_at = core.folder.clock.monotonic();
    loop {
        let since = core.folder.clock.monotonic().saturating_sub(synced_at);
        let done = match core.signal.next(core, interval.map(|interval| interval.saturating_sub(since))) {
            Task::Sync(upto) => core.sync_to(upto),
            Task::FinishSegments => core.sync_sealed(),
            Task::Tick => {
                synced_at = core.folder.clock.monotonic();
                core.sync_to(core.end())
            }
            Task::Stop => return,
        };
        if let Err(error) = done {
            // Those who wait have been told; the next round waits for the end.
            tracing::debug!(%error, "the log's thread could not sync");
        }
    }
}

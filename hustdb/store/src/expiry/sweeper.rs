//! The thread that sweeps every second, and now and then takes what else has no use any more: overdue debts every
//! minute, names of tables every hour.
//!
//! Owned by the store, which stops and joins it. A failing sweep is logged once and tried again at the next tick: the
//! index rows stay until they are handled.

use std::{
    io,
    sync::Arc,
    thread::{Builder, JoinHandle},
    time::Duration,
};

use parking_lot::{Condvar, Mutex};
use tracing::warn;

use super::sweep::sweep;
use crate::{debts::drop_overdue, error::Result, store::Shared, tables::reap};

/// Index rows a sweep handles before it looks whether to stop.
const SWEEP_ROWS: usize = 4096;

/// How often overdue debts are looked for.
const DEBTS_EVERY: Duration = Duration::from_secs(60);
/// How often names that nothing needs are looked for, and how many are looked at.
const REAP_EVERY: Duration = Duration::from_secs(3600);
const REAP_NAMES: usize = 1 << 16;

/// See the module.
#[derive(Debug)]
pub(crate) struct Sweeper {
    stop: Arc<Stop>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Stop {
    asked: Mutex<bool>,
    changed: Condvar,
}

impl Sweeper {
    /// Starts the thread.
    pub(crate) fn start(shared: Arc<Shared>, interval: Duration) -> io::Result<Sweeper> {
        let stop = Arc::new(Stop::default());
        let stopped = stop.clone();
        let thread =
            Builder::new().name("expiry-sweep".into()).spawn(move || run(&shared, interval, &stopped))?;
        Ok(Sweeper { stop, thread: Some(thread) })
    }
}

impl Drop for Sweeper {
    fn drop(&mut self) {
        *self.stop.asked.lock() = true;
        self.stop.changed.notify_all();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            warn!("the expiry sweep panicked");
        }
    }
}

fn run(shared: &Shared, interval: Duration, stop: &Stop) {
    let mut failing = false;
    let mut chores = Chore::all(shared);
    let mut asked = stop.asked.lock();
    while !*asked {
        let more = parking_lot::MutexGuard::unlocked(&mut asked, || {
            let swept = sweep(shared, shared.clock.now_ms(), SWEEP_ROWS);
            if let Err(error) = &swept
                && !failing
            {
                warn!(%error, "the expiry sweep fails");
            }
            failing = swept.is_err();
            for chore in &mut chores {
                chore.run_if_due(shared);
            }
            swept.is_ok_and(|swept| swept.more)
        });
        if !more && !*asked {
            stop.changed.wait_for(&mut asked, interval);
        }
    }
}

/// What is done rarely.
struct Chore {
    what: &'static str,
    every: Duration,
    due: Duration,
    work: fn(&Shared) -> Result<()>,
}

impl Chore {
    /// All of them. What is too old already when the store is opened is dropped at once.
    fn all(shared: &Shared) -> [Chore; 2] {
        let begin = shared.clock.monotonic();
        let chore = |what, every, due, work| Chore { what, every, due, work };
        [
            chore("dropping overdue debts", DEBTS_EVERY, begin, |shared| drop_overdue(shared).map(drop)),
            chore("taking unused names", REAP_EVERY, begin + REAP_EVERY, |shared| {
                reap(shared, REAP_NAMES).map(drop)
            }),
        ]
    }

    fn run_if_due(&mut self, shared: &Shared) {
        let now = shared.clock.monotonic();
        if now < self.due {
            return;
        }
        self.due = now + self.every;
        if let Err(error) = (self.work)(shared) {
            warn!(%error, "{} failed", self.what);
        }
    }
}

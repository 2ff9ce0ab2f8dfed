//! The thread that sweeps every second.
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
use crate::store::Shared;

/// Index rows a sweep handles before it looks whether to stop.
const SWEEP_ROWS: usize = 4096;

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
            swept.is_ok_and(|swept| swept.more)
        });
        if !more && !*asked {
            stop.changed.wait_for(&mut asked, interval);
        }
    }
}

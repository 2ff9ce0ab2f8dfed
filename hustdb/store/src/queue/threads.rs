//! The threads of the queues: the timer, and the one that reclaims space.
//!
//! Owned by the store, which stops and joins them before it closes the engine. A failure is logged once and tried
//! again, for each queue by itself: what is due stays due, and what fails in one queue holds up no other.

use std::{
    io,
    sync::{Arc, atomic::Ordering},
    thread::{Builder, JoinHandle},
};

use tracing::warn;

use super::{core::Core, reclaim, tick};

/// A queue in which what is due could not be handled is looked at again after so long, ms.
const AGAIN_MS: u64 = 100;

/// See the module.
pub(crate) struct Threads {
    core: Arc<Core>,
    handles: Vec<JoinHandle<()>>,
}

impl Threads {
    /// Starts them.
    pub(crate) fn start(core: &Arc<Core>) -> io::Result<Threads> {
        let mut threads = Threads { core: core.clone(), handles: Vec::new() };
        for (name, run) in [("queue-timer", time as fn(&Core)), ("queue-reclaim", collect)] {
            let core = core.clone();
            threads.handles.push(Builder::new().name(name.into()).spawn(move || run(&core))?);
        }
        Ok(threads)
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.core.agenda.stop();
        self.core.garbage.stop();
        self.core.watch.close();
        for handle in self.handles.drain(..) {
            if handle.join().is_err() {
                warn!("a thread of the queues panicked");
            }
        }
    }
}

fn time(core: &Core) {
    while core.agenda.wait(core.now_ms()) {
        let now_ms = core.now_ms();
        while let Some(queue) = core.agenda.take(now_ms) {
            let done = tick::tick(core, &queue, now_ms);
            let failed_before = queue.failing.swap(done.is_err(), Ordering::Relaxed);
            if let Err(error) = done {
                if !failed_before {
                    warn!(%error, queue = %queue.name, "what is due in a queue can't be handled yet");
                }
                // Later: the others are not to wait for it.
                core.agenda.schedule(&queue, now_ms.saturating_add(AGAIN_MS));
            }
        }
    }
}

fn collect(core: &Core) {
    let mut failing = false;
    while let Some(work) = core.garbage.wait() {
        let done = reclaim::run(core, &work);
        if let Err(error) = &done {
            if !failing {
                warn!(%error, "space of queues can't be reclaimed yet");
            }
            core.garbage.add(work);
            core.garbage.rest();
        }
        failing = done.is_err();
    }
}

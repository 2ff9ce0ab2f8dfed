//! The thread that takes snapshots, one after another, and removes those that are too old.
//!
//! Owned by the store, which stops and joins it before it closes the engine. A task under way ends at its next block;
//! those that wait are forgotten.

use std::{
    io,
    sync::Arc,
    thread::{Builder, JoinHandle},
};

use tracing::warn;

use super::run_next;
use crate::store::Shared;

/// See the module.
#[derive(Debug)]
pub(crate) struct Worker {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    /// Starts the thread.
    pub(crate) fn start(shared: Arc<Shared>) -> io::Result<Worker> {
        let own = shared.clone();
        let thread = Builder::new().name("export".into()).spawn(move || run(&own))?;
        Ok(Worker { shared, thread: Some(thread) })
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.shared.exports.stop();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            warn!("the thread that takes snapshots panicked");
        }
    }
}

fn run(shared: &Shared) {
    let exports = &shared.exports;
    loop {
        let mut tasks = exports.tasks.lock();
        if tasks.counts().queued == 0 && !exports.is_stopping() {
            let rest = exports.rest(&tasks, shared.clock.now_ms());
            exports.changed.wait_for(&mut tasks, rest);
        }
        if exports.is_stopping() {
            return;
        }
        drop(tasks);
        run_next(shared);
    }
}

//! Who does the background work, and how it is woken.
//!
//! Work is cut into jobs (`flush`, `compact`, `upkeep`) that each do one step and say whether there was one. Threads
//! run them when signalled; with [`Background::Manual`] the caller runs them by [`Engine::work`], in a fixed order,
//! so that a simulation is deterministic. A job that fails for want of space is tried again later; any other failure
//! poisons the engine: reads go on, writes are refused, and the threads end.

use std::{
    sync::{Arc, atomic::Ordering::Relaxed},
    thread::{Builder, JoinHandle},
    time::Duration,
};

use parking_lot::{Condvar, Mutex};

use crate::{
    Error, Result,
    engine::{Engine, Inner},
    options::Background,
};

/// How long a worker waits for a signal before it looks for work that time alone has made.
const TICK: Duration = Duration::from_millis(500);

/// Wakes workers, and writers that wait for background progress.
#[derive(Debug, Default)]
pub(crate) struct Signal {
    state: Mutex<SignalState>,
    work: Condvar,
    progress: Condvar,
}

#[derive(Debug, Default)]
struct SignalState {
    /// Counts signals, so that none is missed between looking for work and waiting.
    signals: u64,
    /// Counts finished jobs.
    finished: u64,
    stopping: bool,
}

impl Signal {
    /// There may be work.
    pub fn work(&self) {
        self.state.lock().signals += 1;
        self.work.notify_all();
    }

    /// A job has been done.
    pub fn progress(&self) {
        let mut state = self.state.lock();
        state.finished += 1;
        state.signals += 1;
        self.work.notify_all();
        self.progress.notify_all();
    }

    pub fn stop(&self) {
        self.state.lock().stopping = true;
        self.work.notify_all();
        self.progress.notify_all();
    }

    pub fn is_stopping(&self) -> bool {
        self.state.lock().stopping
    }

    pub fn signals(&self) -> u64 {
        self.state.lock().signals
    }

    pub fn finished(&self) -> u64 {
        self.state.lock().finished
    }

    /// Waits for a signal after the `seen`th, at most a tick. `false`: stop.
    pub fn wait_work(&self, seen: u64) -> bool {
        let mut state = self.state.lock();
        if state.signals == seen && !state.stopping {
            self.work.wait_for(&mut state, TICK);
        }
        !state.stopping
    }

    /// Waits until the engine stops, at most `timeout`.
    pub fn wait_stop(&self, timeout: Duration) {
        let mut state = self.state.lock();
        if !state.stopping {
            self.progress.wait_for(&mut state, timeout);
        }
    }

    /// Waits for a job to finish after the `seen`th, at most a tick.
    pub fn wait_progress(&self, seen: u64) {
        let mut state = self.state.lock();
        if state.finished == seen && !state.stopping {
            self.progress.wait_for(&mut state, TICK);
        }
    }
}

/// The engine's threads; dropping them stops and joins them.
#[derive(Debug)]
pub(crate) struct Workers {
    inner: Arc<Inner>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// A step of background work: `true` if there was something to do.
type Job = fn(&Inner) -> Result<bool>;

impl Workers {
    pub fn start(inner: &Arc<Inner>) -> Result<Workers> {
        let workers = Workers { inner: inner.clone(), threads: Mutex::default() };
        if inner.options.background == Background::Threads {
            workers.spawn("hust-flush", Inner::flush_step)?;
            for _ in 0..inner.options.compaction_threads.max(1) {
                workers.spawn("hust-compact", Inner::compact_step)?;
            }
            workers.spawn("hust-upkeep", Inner::upkeep_step)?;
        }
        Ok(workers)
    }

    fn spawn(&self, name: &str, job: Job) -> Result<()> {
        let inner = self.inner.clone();
        let thread = Builder::new().name(name.into()).spawn(move || inner.run(job));
        self.threads.lock().push(thread.map_err(|e| Error::io(format!("start thread {name}"), e))?);
        Ok(())
    }

    /// Lets running jobs end and joins the threads.
    pub fn stop(&self) {
        self.inner.signal.stop();
        for thread in self.threads.lock().drain(..) {
            if thread.join().is_err() {
                self.inner.log.poison("a background thread panicked");
            }
        }
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The end of a step, also by a panic: then the engine is poisoned at once, so that nobody waits for work that will
/// never be done.
struct JobEnds<'e>(&'e Inner);

impl Drop for JobEnds<'_> {
    fn drop(&mut self) {
        self.0.pacer.running.fetch_sub(1, Relaxed);
        if std::thread::panicking() {
            self.0.log.poison("a background job panicked");
            return;
        }
        self.0.update_pace();
    }
}

impl Inner {
    fn run(&self, job: Job) {
        // What made the engine stop writing would happen again and again.
        while self.log.poisoned().is_none() {
            let seen = self.signal.signals();
            match self.paced(job) {
                Ok(true) => self.signal.progress(),
                Ok(false) => {
                    if !self.signal.wait_work(seen) {
                        return;
                    }
                }
                Err(error) => {
                    self.report(&error);
                    if !self.signal.wait_work(self.signal.signals()) {
                        return;
                    }
                }
            }
            if self.signal.is_stopping() {
                return;
            }
        }
    }

    /// Does a step of a job and lets writers go on by what it has earned them.
    fn paced(&self, job: Job) -> Result<bool> {
        self.pacer.running.fetch_add(1, Relaxed);
        let _ends = JobEnds(self);
        job(self)
    }

    /// Background work that fails for want of space waits for space; what the end of the engine cuts short is done after
    /// the next start; everything else ends writing.
    fn report(&self, error: &Error) {
        match error {
            Error::Busy(_) if self.signal.is_stopping() => {}
            Error::Full(_) | Error::Busy(_) => tracing::warn!(%error, "background work waits"),
            Error::Poisoned(_) => self.log.poison(&error.to_string()),
            _ => {
                tracing::error!(%error, "background work failed; writes are refused");
                self.log.poison(&error.to_string());
            }
        }
    }
}

impl Engine {
    /// Flushes all rows that are in memory now.
    pub fn flush(&self) -> Result<()> {
        (0..self.inner.partitions.len()).try_for_each(|index| self.inner.flush_partition(index))
    }

    /// Flushes all rows, then works along until nothing is left to do, as it is when nobody has written for
    /// [`idle_flush_ms`](crate::Options::idle_flush_ms). Does not return while others write.
    pub fn settle(&self) -> Result<()> {
        self.flush()?;
        while !self.inner.signal.is_stopping() {
            let (seen, idle) = (self.inner.signal.finished(), self.inner.is_idle());
            if self.work()? {
                continue;
            }
            // Only compactions may be going on in threads: `work` waits for the locks of the other jobs.
            let alone = self.inner.busy_tables.lock().is_empty() && self.inner.signal.finished() == seen;
            if idle && alone {
                break;
            }
            self.inner.signal.wait_progress(seen);
        }
        Ok(())
    }

    /// Does one step of background work; `false` if there is none that is not being done. For
    /// [`Background::Manual`], and to help the threads.
    pub fn work(&self) -> Result<bool> {
        let jobs: [Job; 3] = [Inner::flush_step, Inner::compact_step, Inner::upkeep_step];
        for job in jobs {
            match job(&self.inner) {
                Ok(false) => {}
                Ok(true) => return Ok(true),
                Err(error) => {
                    self.inner.report(&error);
                    return Err(error);
                }
            }
        }
        Ok(false)
    }
}

#[cfg(test)]
#[path = "background_tests.rs"]
mod tests;

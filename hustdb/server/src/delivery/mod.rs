//! Delivery of debts: each host that is owed to has a task, which sends what is owed until nothing is left.
//!
//! The tasks run on a few threads of their own, each with an event loop, so that nothing here ever waits for a request
//! and no host waits for another. A task begins with a debt, or with the start of the node, and ends when nothing is
//! owed; `wake` and the end of a task meet under one lock, so no debt is left lying. What is owed stays in the store: a
//! task holds one batch at a time.
//!
//! ```text
//! binlog -> wake(host) -> lane of the host -> task: status.html 200? -> batch -> merge of the host -> settle
//! ```

mod figures;
mod lane;
mod refused;

use std::{
    collections::HashMap,
    fmt,
    hash::{BuildHasher, RandomState},
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::*},
    },
    thread::{Builder, JoinHandle},
    time::Duration,
};

use hust_store::{Creditor, Store};
use hust_wire::{
    backoff::Backoff,
    client::{Options, Pool, Trust},
    config::SecurityConfig,
};
use parking_lot::Mutex;
use tokio::sync::{Notify, mpsc};

pub use figures::Figures;

/// How long a host that failed is left alone.
const WAITS: Backoff = Backoff::new(Duration::from_millis(500), Duration::from_secs(5));

/// How long making a connection to a host may take, and a whole exchange.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
const TIMEOUT: Duration = Duration::from_secs(60);
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);

/// The delivery of a node. A clone is the same.
#[derive(Clone)]
pub struct Delivery(Arc<Inner>);

struct Inner {
    /// The hosts that have a task.
    lanes: Mutex<HashMap<Box<str>, Arc<Lane>>>,
    threads: Mutex<Vec<Thread>>,
    hasher: RandomState,
    counters: Counters,
}

struct Thread {
    starts: mpsc::UnboundedSender<Start>,
    pool: Arc<Mutex<Pool>>,
    handle: JoinHandle<()>,
}

/// What `wake` and a task share.
#[derive(Default)]
struct Lane {
    /// Whether there was a debt since the task looked last.
    pending: AtomicBool,
    notify: Notify,
}

/// A task to begin.
struct Start {
    creditor: Creditor,
    lane: Arc<Lane>,
}

/// What was done since the start.
#[derive(Default)]
struct Counters {
    delivered: AtomicU64,
    batches: AtomicU64,
    failures: AtomicU64,
    refused: AtomicU64,
}

impl Delivery {
    /// A delivery that waits for [`Delivery::start`].
    pub fn new() -> Delivery {
        Delivery(Arc::new(Inner {
            lanes: Mutex::default(),
            threads: Mutex::default(),
            hasher: RandomState::new(),
            counters: Counters::default(),
        }))
    }

    /// Starts the threads, and a task for each host that is owed to.
    pub fn start(
        &self,
        store: &Arc<Store>,
        threads: usize,
        security: &SecurityConfig,
        trust: Trust,
    ) -> io::Result<()> {
        for number in 0..threads.max(1) {
            let (starts, received) = mpsc::unbounded_channel();
            let pool = Arc::new(Mutex::new(pool(security, trust.clone())));
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let delivery = self.clone();
            let (store, pool_of_tasks) = (store.clone(), pool.clone());
            let run = move || runtime.block_on(serve(delivery, store, pool_of_tasks, received));
            let handle = Builder::new().name(format!("delivery-{number}")).spawn(run)?;
            self.0.threads.lock().push(Thread { starts, pool, handle });
        }
        store.debts().creditors().into_iter().for_each(|creditor| self.wake(creditor));
        Ok(())
    }

    /// Ends all tasks, waits for the threads. What was not settled is sent again by the next start.
    pub fn stop(&self) {
        let threads = std::mem::take(&mut *self.0.threads.lock());
        for Thread { starts, handle, .. } in threads {
            drop(starts);
            if handle.join().is_err() {
                tracing::error!("a thread of the delivery panicked");
            }
        }
    }

    /// Uses other credentials, and believes other authorities, from now on.
    pub fn speak_as(&self, security: &SecurityConfig, trust: Trust) {
        for thread in &*self.0.threads.lock() {
            *thread.pool.lock() = pool(security, trust.clone());
        }
    }

    /// Says that something is owed to a host.
    pub fn wake(&self, creditor: Creditor) {
        let mut lanes = self.0.lanes.lock();
        if let Some(lane) = lanes.get(creditor.name()) {
            lane.pending.store(true, Release);
            lane.notify.notify_one();
            return;
        }
        let threads = self.0.threads.lock();
        let place = self.0.hasher.hash_one(creditor.name()) as usize % threads.len().max(1);
        let Some(thread) = threads.get(place) else { return };
        let lane = Arc::new(Lane::default());
        let name = creditor.name().into();
        if thread.starts.send(Start { creditor, lane: lane.clone() }).is_ok() {
            lanes.insert(name, lane);
        }
    }

    /// Ends a task's lane, unless there was a debt meanwhile.
    fn leave(&self, creditor: &Creditor, lane: &Lane) -> bool {
        let mut lanes = self.0.lanes.lock();
        if lane.pending.load(Acquire) {
            return false;
        }
        lanes.remove(creditor.name());
        true
    }

    /// Its metrics.
    pub fn figures(&self, store: &Store) -> Figures {
        let Counters { delivered, batches, failures, refused } = &self.0.counters;
        Figures {
            debts: store.debts().creditors(),
            merged: store.merge_totals(),
            delivered: delivered.load(Relaxed),
            batches: batches.load(Relaxed),
            failures: failures.load(Relaxed),
            refused: refused.load(Relaxed),
        }
    }
}

impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery").field("lanes", &self.0.lanes.lock().len()).finish_non_exhaustive()
    }
}

fn pool(security: &SecurityConfig, trust: Trust) -> Pool {
    let options = Options {
        connect_timeout: CONNECT_TIMEOUT,
        timeout: TIMEOUT,
        connections: 1,
        waiting: 1,
        idle_timeout: IDLE_TIMEOUT,
        trust,
    };
    Pool::with(options, &security.user, &security.password)
}

/// Begins tasks until the delivery stops. They end with the event loop.
async fn serve(
    delivery: Delivery,
    store: Arc<Store>,
    pool: Arc<Mutex<Pool>>,
    mut starts: mpsc::UnboundedReceiver<Start>,
) {
    while let Some(Start { creditor, lane }) = starts.recv().await {
        tokio::spawn(lane::run(delivery.clone(), store.clone(), pool.clone(), creditor, lane));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_that_stays_away_is_asked_every_five_seconds() {
        let mut waits = WAITS;
        let asked = [(); 6].map(|()| waits.after_failure().as_millis());
        assert_eq!(asked, [500, 1000, 2000, 4000, 5000, 5000]);
    }
}

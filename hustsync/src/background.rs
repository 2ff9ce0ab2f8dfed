//! The thread that does everything but answer requests: a runtime of its own, with a task for each thing to do.
//!
//! Nothing in it needs a clean end: what is done is on disk, what is under way is done again. So ending drops all tasks
//! where they are. If one panics, the whole program ends: a repairer that only looks alive would be worse than none.

use std::{
    io,
    sync::Arc,
    thread::{self, JoinHandle},
    time::Duration,
};

use rustix::process::{Signal, getpid, kill_process};
use tokio::{
    runtime::Builder,
    sync::{Notify, Semaphore},
    task::{JoinSet, spawn_blocking},
    time::{MissedTickBehavior, interval},
};

use crate::{config::SyncConfig, nodes::Nodes, replay::Replay, scrub::Scrub, shared::Shared};

/// Reads of files under way at the end get this long.
const END_TIMEOUT: Duration = Duration::from_secs(1);

/// The running background.
#[derive(Debug)]
pub struct Background {
    thread: JoinHandle<bool>,
    end: Arc<Notify>,
    shared: Shared,
}

impl Background {
    /// Starts; `ready` runs once all hints on disk have been counted.
    pub fn start(
        config: SyncConfig,
        shared: Shared,
        ready: impl FnOnce() + Send + 'static,
    ) -> io::Result<Background> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let end = Arc::new(Notify::new());
        let (ended, visible) = (end.clone(), shared.clone());
        let thread = thread::Builder::new().name("background".into()).spawn(move || {
            let was_asked = runtime.block_on(async {
                tokio::select! {
                    () = ended.notified() => true,
                    () = work(&config, &visible, ready) => false,
                }
            });
            runtime.shutdown_timeout(END_TIMEOUT);
            if !was_asked {
                tracing::error!("a task panicked: the program ends");
                // To itself: it cannot fail.
                let _ = kill_process(getpid(), Signal::TERM);
            }
            was_asked
        })?;
        Ok(Background { thread, end, shared })
    }

    /// Ends it; `false` if it panicked.
    pub fn end(self) -> bool {
        self.shared.backlog.stop();
        self.end.notify_one();
        self.thread.join().unwrap_or(false)
    }
}

/// Works until a task panics.
async fn work(config: &SyncConfig, shared: &Shared, ready: impl FnOnce()) {
    let nodes = Nodes::new(&config.backend, config.value_max_bytes());
    let scrub = Scrub {
        nodes: nodes.clone(),
        tables: shared.tables.clone(),
        watch: shared.watch.clone(),
        journal: shared.journal.clone(),
        interval: config.scrub.interval(),
        rate_bytes: config.scrub.rate.bytes(),
    };
    let replay = Arc::new(Replay {
        backlog: shared.backlog.clone(),
        nodes: nodes.clone(),
        tables: shared.tables.clone(),
        turns: Semaphore::new(config.replay.threads.min(Semaphore::MAX_PERMITS)),
    });
    let mut ready = Some(ready);
    let mut told = Ok(());
    let mut checks = interval(config.replay.check_interval());
    checks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut tasks = JoinSet::new();
    tasks.spawn(scrub.run());
    tasks.spawn(shared.watch.clone().run(nodes, shared.tables.clone()));
    loop {
        tokio::select! {
            _ = checks.tick() => {}
            _ = tasks.join_next() => return,
        }
        let (tables, backlog) = (shared.tables.clone(), shared.backlog.clone());
        let looked = spawn_blocking(move || (tables.refresh(), backlog.survey())).await;
        let Ok((refreshed, new)) = looked else { return };
        if let Err(wrong) = &refreshed
            && refreshed != told
        {
            tracing::error!("the table is not read: {wrong}");
        }
        told = refreshed;
        for queue in new {
            tasks.spawn(replay.clone().serve(queue));
        }
        if let Some(ready) = ready.take() {
            ready();
        }
    }
}

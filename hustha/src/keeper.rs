//! The thread that does what no request waits for: checks, polls, installing tables, making good what failed.
//!
//! It has a runtime and connections of its own, so that workers that are busy do not make nodes look dead. Work given to
//! it goes on when the client that caused it has gone.

use std::{io, path::PathBuf, sync::Arc, thread};

use hust_wire::{client::Pool, host::Host};
use tokio::{
    runtime::{Builder, Handle},
    sync::{Notify, oneshot},
    task::JoinHandle,
};

use crate::{
    config::{HealthConfig, ProxyConfig},
    health::{self, Fleet, Node},
};

/// What the keeper works with.
#[derive(Debug)]
pub struct Keeper {
    handle: Handle,
    /// Its connections.
    pub pool: Pool,
    /// How nodes are checked.
    pub health: HealthConfig,
    /// The nodes.
    pub fleet: Fleet,
    /// Where hints are.
    pub hints_dir: PathBuf,
    /// Asks for a poll.
    pub poll_soon: Notify,
}

/// Ends the thread when dropped.
#[derive(Debug)]
pub struct Stop {
    end: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Keeper {
    /// Starts the thread; nothing is checked yet.
    pub fn start(config: &ProxyConfig) -> io::Result<(Arc<Keeper>, Stop)> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let keeper = Arc::new(Keeper {
            handle: runtime.handle().clone(),
            pool: Pool::new(&config.backend),
            health: config.health.clone(),
            fleet: Fleet::new(config.health.limits()),
            hints_dir: config.hints.dir.clone(),
            poll_soon: Notify::new(),
        });
        let (end, ended) = oneshot::channel();
        let thread = thread::Builder::new().name("keeper".into()).spawn(move || {
            // Told to end, or whoever could tell has gone.
            let _ = runtime.block_on(ended);
        })?;
        Ok((keeper, Stop { end: Some(end), thread: Some(thread) }))
    }

    /// Runs something on the thread.
    pub fn spawn<F>(&self, work: F) -> JoinHandle<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        self.handle.spawn(work)
    }

    /// Runs something on the thread and waits for it. Not for use inside a runtime.
    pub fn wait<F>(&self, work: F) -> io::Result<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        let (done, result) = std::sync::mpsc::sync_channel(1);
        self.spawn(async move {
            // The receiver waits until this has run.
            let _ = done.send(work.await);
        });
        result.recv().map_err(io::Error::other)
    }

    /// Adds hosts, checks the new ones once, in parallel, and goes on checking them.
    pub async fn admit(self: &Arc<Keeper>, hosts: &[Host]) {
        let fresh: Vec<Arc<Node>> = self.fleet.add(hosts);
        let checks: Vec<_> = fresh
            .iter()
            .map(|node| {
                let (keeper, node) = (self.clone(), node.clone());
                self.spawn(async move { health::check(&keeper, &node).await })
            })
            .collect();
        for check in checks {
            // A check that was ended has told nothing; the next one will.
            let _ = check.await;
        }
        health::round(self).await;
        for node in fresh {
            self.spawn(health::watch(self.clone(), node));
        }
    }
}

impl Drop for Stop {
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the keeper panicked");
        }
    }
}

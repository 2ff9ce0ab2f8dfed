//! The thread that does what no request waits for: checks, polls, installing tables, making good what failed.
//!
//! It has a runtime and connections of its own, so that workers that are busy do not make nodes look dead. Work given to
//! it goes on when the client that caused it has gone.

use std::{io, path::PathBuf, sync::Arc};

use hust_wire::{
    background::{Background, Stop},
    client::Pool,
    config::HealthConfig,
    host::Host,
    log::Failing,
};
use tokio::{sync::Notify, task::JoinHandle};

use crate::{
    config::ProxyConfig,
    health::{self, Fleet, Node},
};

/// What the keeper works with.
#[derive(Debug)]
pub struct Keeper {
    background: Background,
    /// Its connections.
    pub pool: Pool,
    /// How nodes are checked.
    pub health: HealthConfig,
    /// The nodes.
    pub fleet: Fleet,
    /// Where hints are.
    pub hints_dir: PathBuf,
    /// Whether they could not be counted when they were last looked at.
    pub hints_unseen: Failing,
    /// Asks for a poll.
    pub poll_soon: Notify,
}

impl Keeper {
    /// Starts the thread; nothing is checked yet.
    pub fn start(config: &ProxyConfig) -> io::Result<(Arc<Keeper>, Stop)> {
        let (background, stop) = Background::start("keeper")?;
        let keeper = Arc::new(Keeper {
            background,
            pool: Pool::new(&config.backend),
            health: config.health.clone(),
            fleet: Fleet::new(config.health.limits()),
            hints_dir: config.hints.dir.clone(),
            hints_unseen: Failing::default(),
            poll_soon: Notify::new(),
        });
        Ok((keeper, stop))
    }

    /// Runs something on the thread.
    pub fn spawn<F>(&self, work: F) -> JoinHandle<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        self.background.spawn(work)
    }

    /// Runs something on the thread and waits for it. Not for use inside a runtime.
    pub fn wait<F>(&self, work: F) -> io::Result<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        self.background.wait(work)
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

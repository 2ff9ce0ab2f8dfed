//! The thread that does what no request waits for: checks, polls of the view, watches, catching up.
//!
//! It has a runtime and connections of its own, so that workers that are busy do not make nodes look dead.

use std::{io, sync::Arc};

use hust_wire::{
    background::{Background, Stop},
    client::Pool,
    config::HealthConfig,
};
use tokio::{sync::Notify, task::JoinHandle};

use crate::{
    backend::{self, Backend},
    config::FrontConfig,
};

/// What the keeper works with.
#[derive(Debug)]
pub struct Keeper {
    background: Background,
    /// Its connections.
    pub pool: Pool,
    /// How nodes are checked.
    pub health: HealthConfig,
    /// A node came up.
    pub risen: Notify,
}

impl Keeper {
    /// Starts the thread; nothing is checked yet.
    pub fn start(config: &FrontConfig) -> io::Result<(Arc<Keeper>, Stop)> {
        let (background, stop) = Background::start("keeper")?;
        let (pool, health) = (Pool::new(&config.backend), config.health.clone());
        Ok((Arc::new(Keeper { background, pool, health, risen: Notify::new() }), stop))
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

    /// Checks all nodes once, in parallel, waits for that, and goes on checking them. Not for use inside a runtime.
    pub fn begin_checks(self: &Arc<Keeper>, backends: &[Arc<Backend>]) -> io::Result<()> {
        let first: Vec<_> = backends
            .iter()
            .map(|backend| {
                let (keeper, backend) = (self.clone(), backend.clone());
                self.spawn(async move { backend::check(&keeper, &backend).await })
            })
            .collect();
        self.wait(async move {
            for check in first {
                // A check that was ended has told nothing; the next one will.
                let _ = check.await;
            }
        })?;
        for backend in backends {
            self.spawn(backend::watch(self.clone(), backend.clone()));
        }
        Ok(())
    }
}

//! The front as the server loop sees it: what all workers share, and a command for each route.

use std::sync::Arc;

use arc_swap::ArcSwap;
use hust_wire::{
    Answer, Refusal, Request,
    client::{Call, Pool},
    server::Handler,
};
use hyper::StatusCode;

use crate::{
    backend::{Backend, Outcome, ask},
    config::FrontConfig,
    keeper::Keeper,
    routes::{Command, command},
    view::Rows,
};

/// What all workers share.
#[derive(Debug)]
pub struct Front {
    pub config: FrontConfig,
    pub keeper: Arc<Keeper>,
    /// The nodes, in the order of the configuration.
    pub backends: Vec<Arc<Backend>>,
    /// What each node said last of its queues, in the same order.
    pub rows: Vec<ArcSwap<Rows>>,
}

impl Front {
    /// Asks backend number `at`, live or not.
    pub async fn ask(&self, pool: &Pool, at: usize, call: &Call) -> Outcome {
        match self.backends.get(at) {
            Some(backend) => ask(pool, backend, call).await,
            None => Outcome::NotConnected("no such backend".into()),
        }
    }

    /// The numbers of the backends that can be asked.
    pub fn live(&self) -> Vec<usize> {
        (0..).zip(&self.backends).filter(|(_, backend)| backend.is_live()).map(|(at, _)| at).collect()
    }
}

/// The handler of all requests.
#[derive(Clone, Debug)]
pub struct Service(pub Arc<Front>);

/// What one worker keeps for itself.
#[derive(Debug)]
pub struct Worker {
    pub pool: Pool,
}

impl Service {
    async fn run(&self, command: Command, worker: &Worker, request: &Request) -> Result<Answer, Refusal> {
        let (_front, _pool, _query) = (&self.0, &worker.pool, request.query());
        Ok(match command {
            other => {
                return Err(Refusal::new(StatusCode::NOT_FOUND, "path", format!("{other:?} is unknown")));
            }
        })
    }
}

impl Handler for Service {
    type Worker = Worker;

    fn worker(&self, _index: usize) -> Worker {
        Worker { pool: Pool::new(&self.0.config.backend) }
    }

    async fn handle(&self, worker: &Worker, request: &mut Request) -> Answer {
        let Some(command) = command(request.route) else {
            return Refusal::new(StatusCode::NOT_FOUND, "path", "unknown").into();
        };
        self.run(command, worker, request).await.unwrap_or_else(Answer::from)
    }

    fn metrics(&self, _text: &mut String) {}
}

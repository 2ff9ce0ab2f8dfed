//! The front as the server loop sees it: what all workers share, and a command for each route.

use std::sync::{
    Arc,
    atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
};

use hust_wire::{
    Answer, Refusal, Request,
    client::{Call, Pool},
    detached::Detached,
    server::Handler,
};
use hyper::StatusCode;

use crate::{
    backend::{Backend, Counts, Outcome, ask},
    config::FrontConfig,
    get::{Get, get},
    keeper::Keeper,
    metrics,
    order::{self, order},
    poll::{self, Polls},
    push::{self, Pushes},
    put::put,
    routes::{Command, command},
    rpc::Rpc,
    settle::settle,
    view::{self, View},
};

/// What all workers share.
#[derive(Debug)]
pub struct Front {
    pub config: FrontConfig,
    pub keeper: Arc<Keeper>,
    /// The nodes, in the order of the configuration.
    pub backends: Vec<Arc<Backend>>,
    /// What they say of their queues.
    pub view: View,
    /// Whose turn it is to get a message, where queues have no owner.
    pub turn: AtomicUsize,
    /// Who waits for messages.
    pub polls: Polls,
    /// What is known of push queues.
    pub pushes: Pushes,
    /// Calls between clients.
    pub rpc: Arc<Rpc>,
}

impl Front {
    /// Asks backend number `at`, live or not.
    pub async fn ask(&self, pool: &Pool, at: usize, call: &Call) -> Outcome {
        match self.backends.get(at) {
            Some(backend) => ask(pool, backend, call).await,
            None => Outcome::NotConnected("no such backend".into()),
        }
    }

    /// Whether backend number `at` can be asked.
    pub fn is_live(&self, at: usize) -> bool {
        self.backends.get(at).is_some_and(|backend| backend.is_live())
    }

    /// Where backend number `at` is, as it was configured.
    pub fn host(&self, at: usize) -> &str {
        self.backends.get(at).map_or("", |backend| backend.host.as_str())
    }

    /// Counts `more` for backend number `at`.
    pub fn count_at(&self, at: usize, counter: impl FnOnce(&Counts) -> &AtomicU64, more: u64) {
        if let Some(backend) = self.backends.get(at) {
            counter(&backend.counts).fetch_add(more, Relaxed);
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
    pub detached: Arc<Detached>,
}

impl Service {
    async fn run(&self, command: Command, worker: &Worker, request: &mut Request) -> Result<Answer, Refusal> {
        let (front, pool) = (&self.0, &worker.pool);
        match command {
            Command::Put => put(front, pool, request).await,
            Command::Get => Ok(get(front, pool, &Get::parse(request.query())?).await),
            Command::Settle(verb) => settle(front, pool, verb, request).await,
            Command::Order(what) => order(front, pool, what, request).await,
            Command::Worker => order::worker(front, pool, request).await,
            Command::Stat => view::stat(&front.view, request),
            Command::StatAll => view::stat_all(&front.view, request),
            Command::Autost => view::autost(front).await,
            Command::Pub => push::publish(front, worker, request).await,
            Command::Sub => push::sub(front, pool, request).await,
            Command::Evget => poll::evget(front, pool, request).await,
            Command::Evsub => poll::evsub(front, pool, request).await,
            Command::DoGet => front.rpc.call(request).await,
            Command::DoPost => front.rpc.work(request).await,
            Command::DoGetStatus => Ok(front.rpc.call_status()),
            Command::DoPostStatus => Ok(front.rpc.work_status()),
        }
    }
}

impl Handler for Service {
    type Worker = Worker;

    fn worker(&self, _index: usize) -> Worker {
        Worker { pool: Pool::new(&self.0.config.backend), detached: Arc::default() }
    }

    async fn handle(&self, worker: &Worker, request: &mut Request) -> Answer {
        let Some(command) = command(request.route) else {
            return Refusal::new(StatusCode::NOT_FOUND, "path", "unknown").into();
        };
        self.run(command, worker, request).await.unwrap_or_else(Answer::from)
    }

    fn metrics(&self, text: &mut String) {
        metrics::write(text, &self.0);
    }

    fn draining(&self) {
        self.0.polls.drain();
        self.0.rpc.drain();
    }

    async fn settle(&self, _worker: &Worker) {
        self.0.rpc.settle().await;
    }

    async fn finish(&self, worker: &Worker) {
        worker.detached.finish().await;
    }
}

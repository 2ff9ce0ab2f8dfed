//! The front as the server loop sees it: what all workers share, and a command for each route.

use std::{
    future::ready,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
};

use hust_wire::{
    Answer, Refusal, Request,
    client::{ANSWER_MAX_BYTES, Call, Pool},
    detached::Detached,
    server::Handler,
};
use hyper::StatusCode;

use crate::{
    backend::{Backend, Counts, Outcome, ask},
    config::FrontConfig,
    get,
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

/// The line before a message of a batch, and the end of the one after it, take no more.
const FRAME_MAX_BYTES: usize = 8 << 10;

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

    /// How large an answer with messages may be: as large as a message that this front takes.
    pub fn answer_max_bytes(&self) -> usize {
        let message = usize::try_from(self.config.server.max_body_size.bytes()).unwrap_or(usize::MAX);
        message.saturating_add(FRAME_MAX_BYTES).max(ANSWER_MAX_BYTES)
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

impl Worker {
    /// Does something to its end, whether its client waits for that or not.
    pub async fn to_the_end<F>(&self, what: &'static str, work: F) -> Result<F::Output, Refusal>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        let entry = self.detached.enter();
        let working = tokio::spawn(async move {
            let done = work.await;
            drop(entry);
            done
        });
        working.await.map_err(|error| {
            tracing::error!("{what} ended early: {error}");
            Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, what, "ended early")
        })
    }
}

/// What a command will answer. Each has a box of its own, so that one who waits for minutes holds what he needs, and not
/// as much as the largest of all commands would.
type Answering<'a> = Pin<Box<dyn Future<Output = Result<Answer, Refusal>> + Send + 'a>>;

impl Service {
    fn run<'a>(&'a self, command: Command, worker: &'a Worker, request: &'a mut Request) -> Answering<'a> {
        let (front, pool) = (&self.0, &worker.pool);
        match command {
            Command::Put => Box::pin(put(front, pool, request)),
            Command::Get => Box::pin(get::serve(front, pool, request)),
            Command::Settle(verb) => Box::pin(settle(front, pool, verb, request)),
            Command::Order(what) => Box::pin(order(front, worker, what, request)),
            Command::Worker => Box::pin(order::worker(front, pool, request)),
            Command::Stat => Box::pin(ready(view::stat(&front.view, request))),
            Command::StatAll => Box::pin(ready(view::stat_all(&front.view, request))),
            Command::Autost => Box::pin(view::autost(front)),
            Command::Pub => Box::pin(push::publish(front, worker, request)),
            Command::Sub => Box::pin(push::sub(front, pool, request)),
            Command::Evget => Box::pin(poll::evget(front, pool, request)),
            Command::Evsub => Box::pin(poll::evsub(front, pool, request)),
            Command::DoGet => Box::pin(front.rpc.call(request)),
            Command::DoPost => Box::pin(front.rpc.work(request)),
            Command::DoGetStatus => Box::pin(ready(Ok(front.rpc.call_status()))),
            Command::DoPostStatus => Box::pin(ready(Ok(front.rpc.work_status()))),
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

//! `/hustmq/*`: queues, one file a family.
//!
//! A command is tried on the event loop and goes to the pool where it would wait for the disk, or where it is long. It
//! is answered when the promise of its result holds, not before.

mod ack;
mod admin;
mod get;
mod merge;
mod push;
mod put;
mod stat;
mod watch;

use std::sync::Arc;

use hust_engine::Error as EngineError;
use hust_store::{
    Error, Fetch, Queues, Store,
    queue::{Promise, QueueResult},
};
use hust_wire::{Refusal, Request, server::is_alone};
use hyper::header::HeaderName;

use super::Outcome;
use crate::{
    node::Limits,
    refuse::{refuse, refuse_queue},
    routes::QueueCommand,
};

static INDEX: HeaderName = HeaderName::from_static("index");

/// Does a command.
pub async fn handle(
    store: &Arc<Store>,
    command: QueueCommand,
    request: &Request,
    limits: &Limits,
) -> Outcome {
    let queues = store.queues();
    match command {
        QueueCommand::Put => put::put(queues, request, limits).await,
        QueueCommand::Get => get::get(queues, request).await,
        QueueCommand::Ack => ack::ack(queues, request).await,
        QueueCommand::Nack => ack::nack(queues, request, limits).await,
        QueueCommand::Touch => ack::touch(queues, request).await,
        QueueCommand::Timeout => admin::timeout(queues, request).await,
        QueueCommand::Lock => admin::lock(queues, request).await,
        QueueCommand::Max => admin::max(queues, request).await,
        QueueCommand::Purge => admin::purge(queues, request).await,
        QueueCommand::Delete => admin::delete(queues, request).await,
        QueueCommand::Settings => admin::settings(queues, request).await,
        QueueCommand::Worker => stat::worker(queues, request),
        QueueCommand::Stat => stat::stat(queues, request),
        QueueCommand::StatAll => stat::stat_all(queues, request).await,
        QueueCommand::Pub => push::publish(queues, request).await,
        QueueCommand::Sub => push::subscribe(queues, request).await,
        QueueCommand::Runs => merge::runs(queues, request).await,
        QueueCommand::Merge => merge::merge(queues, request).await,
        QueueCommand::Watch => watch::watch(queues, request).await,
    }
}

/// What was done without blocking; otherwise does it where blocking is allowed.
async fn settle<T: Send + 'static>(
    queues: &Queues,
    tried: QueueResult<Fetch<T>>,
    blocking: impl FnOnce(&Queues) -> QueueResult<T> + Send + 'static,
) -> Result<T, Refusal> {
    match tried.map_err(refuse_queue)? {
        Fetch::Ready(done) => Ok(done),
        Fetch::Cold => pooled(queues, blocking).await,
    }
}

/// Runs what may wait for the disk, or takes long, on the pool.
async fn pooled<T: Send + 'static>(
    queues: &Queues,
    blocking: impl FnOnce(&Queues) -> QueueResult<T> + Send + 'static,
) -> Result<T, Refusal> {
    let queues = queues.clone();
    match tokio::task::spawn_blocking(move || blocking(&queues)).await {
        Ok(done) => done.map_err(refuse_queue),
        Err(cause) => {
            let cause = EngineError::io("a pooled command", std::io::Error::other(cause));
            Err(refuse(Error::Engine(cause)))
        }
    }
}

/// Waits until what is to be answered will hold.
async fn kept(promise: Promise) -> Result<(), Refusal> {
    if is_alone() {
        promise.hasten();
    }
    promise.await.map_err(refuse)
}

#[cfg(test)]
mod tests {
    use hust_store::queue as store;
    use hust_wire::queue as wire;

    #[test]
    fn parameters_have_the_limits_of_the_store() {
        assert_eq!(wire::BATCH_MAX, store::BATCH_MAX);
        assert_eq!(wire::ID_MAX_BYTES, store::ID_MAX_BYTES);
        assert_eq!(wire::WORKER_MAX_BYTES, store::WORKER_MAX_BYTES);
        assert_eq!(wire::TOKEN_MAX_BYTES, store::TOKEN_MAX_BYTES);
        assert_eq!(wire::TIMEOUT_MAX_S, store::TIMEOUT_MAX_S);
        assert_eq!(wire::LENGTH_MAX, store::LENGTH_MAX);
        assert_eq!(wire::DEDUP_MAX_S, store::DEDUP_MAX_S);
    }
}

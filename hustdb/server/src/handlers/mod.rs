//! The commands, one file a family: parse, call, answer.

pub mod batch;
pub mod binlog;
pub mod cache;
pub mod describe;
pub mod export;
mod found;
pub mod kv;
pub mod listing;
pub mod member;
pub mod queue;
pub mod replica;
pub mod stat;
mod window;
mod written;

use std::sync::Arc;

use hust_store::{Error, Fetch, Store};
use hust_wire::Refusal;

pub use replica::encode;

/// What a command answers, or why it does not.
pub type Outcome = Result<hust_wire::Answer, Refusal>;

/// What was done without blocking; otherwise does it where blocking is allowed.
async fn settle<T: Send + 'static>(
    store: &Arc<Store>,
    tried: Result<Fetch<T>, Error>,
    blocking: impl FnOnce(&Store) -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    match tried? {
        Fetch::Ready(done) => Ok(done),
        Fetch::Cold => pooled(store, blocking).await,
    }
}

/// Runs what may wait for the disk on the pool.
async fn pooled<T: Send + 'static>(
    store: &Arc<Store>,
    blocking: impl FnOnce(&Store) -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let store = store.clone();
    match tokio::task::spawn_blocking(move || blocking(&store)).await {
        Ok(done) => done,
        Err(cause) => {
            Err(Error::Engine(hust_engine::Error::io("a pooled read", std::io::Error::other(cause))))
        }
    }
}

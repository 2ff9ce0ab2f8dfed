//! The proxy as the server loop sees it: what all workers share, and a command for each route.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64},
    },
    time::Duration,
};

use hust_wire::{
    Answer, Host, Refusal, Request,
    client::{Options, Pool, Trust},
    config::BackendConfig,
    detached::{Detached, Lasting},
    hint,
    server::Handler,
};
use hyper::StatusCode;

use crate::{
    cache,
    canon::{self, Write},
    config::SyncConfig,
    get2::get2,
    keeper::Keeper,
    manage, metrics, peer,
    plan::Fallback,
    read::read,
    routes::{Command, command},
    table::{Hold, Ids, Installer, Tables},
    write::{self, Debtor, Flights},
};

/// What all workers share.
#[derive(Debug)]
pub struct Proxy {
    pub keeper: Arc<Keeper>,
    pub tables: Tables,
    pub installer: Arc<Installer>,
    pub ids: Ids,
    pub flights: Arc<Flights>,
    pub hints: hint::Writer,
    pub debtor: Debtor,
    pub counts: Counts,
    /// `backend.timeout_ms`.
    pub timeout: Duration,
    /// `server.drain_timeout_ms`.
    pub drain_timeout: Duration,
    pub fallback: Fallback,
    /// Whether clients must show credentials.
    pub asks_for_credentials: AtomicBool,
    pub sync_host: Host,
    /// How hustsync is spoken to.
    pub sync_trust: Trust,
    pub backend: BackendConfig,
    pub sync: SyncConfig,
}

/// What is counted here; the rest is counted by node.
#[derive(Debug, Default)]
pub struct Counts {
    pub fallback_reads: AtomicU64,
    pub hints_failed: AtomicU64,
    pub divergence: AtomicU64,
}

/// The handler of all requests.
#[derive(Clone, Debug)]
pub struct Front(pub Arc<Proxy>);

/// What one worker keeps for itself.
#[derive(Debug)]
pub struct Worker {
    pub pool: Pool,
    pub places: Hold,
    sync: Pool,
    detached: Arc<Detached>,
}

impl Front {
    async fn run(&self, command: Command, worker: &Worker, request: &mut Request) -> Result<Answer, Refusal> {
        let (proxy, pool) = (&self.0, &worker.pool);
        Ok(match command {
            Command::Write(verb) => self.write(worker, Write::parse(verb, request)?).await,
            Command::Read(lookup) => {
                let (slot, call) = lookup.parse(request)?;
                // Its buffer is used again while the node is waited for.
                request.release();
                read(proxy, worker, slot, &call).await
            }
            // What is asked less often is kept out of the way: what a request waits with is moved about, all of it.
            Command::Both(lookup) => {
                let wanted = lookup.parse_both(request)?;
                Box::pin(get2(proxy, pool, lookup, &wanted)).await
            }
            Command::Range(listing) => {
                let (slot, call) = canon::range(listing, request)?;
                read(proxy, worker, slot, &call).await
            }
            Command::Peer(listing) => {
                let peers = proxy.tables.load().peers.clone();
                let (number, call) = canon::peer(listing, request, peers.len())?;
                let node = peers.get(number).ok_or_else(|| Refusal::bad("peer", "out of range"))?;
                Box::pin(peer::ask(pool, node, &call)).await
            }
            Command::Cache(command) => {
                let (slot, call) = canon::cache_call(command, request)?;
                Box::pin(cache::run(proxy, pool, slot, &call, command.writes)).await
            }
            Command::PeerCount => manage::peer_count(proxy),
            Command::GetTable => manage::get_table(proxy),
            Command::SetTable => Box::pin(manage::set_table(proxy, request)).await?,
            Command::Backends => manage::backends(proxy),
            Command::SyncStatus => Box::pin(manage::sync(proxy, &worker.sync, "/sync_status")).await,
            Command::SyncAlive => Box::pin(manage::sync(proxy, &worker.sync, "/status.html")).await,
        })
    }

    /// From here on the write ends by itself, whether its client waits or not.
    fn write(&self, worker: &Worker, write: Write) -> Lasting<Answer> {
        worker.detached.run(write::run(self.0.clone(), worker.pool.clone(), write))
    }
}

impl Handler for Front {
    type Worker = Worker;

    fn worker(&self, _index: usize) -> Worker {
        let SyncConfig { user, password, .. } = &self.0.sync;
        let sync = Options { trust: self.0.sync_trust.clone(), ..Options::from(&self.0.backend) };
        Worker {
            pool: Pool::new(&self.0.backend),
            places: Hold::new(&self.0.tables),
            sync: Pool::with(sync, user, password),
            detached: Arc::default(),
        }
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

    async fn finish(&self, worker: &Worker) {
        worker.detached.finish().await;
    }
}

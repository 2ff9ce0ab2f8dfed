//! The node as the server loop sees it: a command for each route.
//!
//! Commands run on the event loop as long as they need nothing from the disk. What does goes to tokio's pool of
//! blocking threads, so that no other connection of the loop waits for it.

use std::sync::{Arc, OnceLock};

use hust_store::{Cache, Kind, Store};
use hust_wire::{
    Answer, Query, Refusal, Request,
    server::{Control, Handler},
};

use crate::{
    config::NodeConfig,
    delivery::Delivery,
    handlers::{self, Outcome},
    metrics,
    routes::{self, Command},
};

/// The handler of all requests.
#[derive(Debug)]
pub struct Node {
    /// Set before the server is told that it is ready, so every request finds it.
    store: Arc<OnceLock<Arc<Store>>>,
    /// Set before the store is.
    control: Arc<OnceLock<Control>>,
    /// None if it is off.
    cache: Option<Cache>,
    delivery: Delivery,
    limits: Limits,
}

/// Bounds that the configuration sets for parameters.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub ttl_maximum_s: u64,
    /// Of published messages.
    pub message_ttl_maximum_s: u64,
    pub max_body_bytes: usize,
}

impl Node {
    pub fn new(
        store: Arc<OnceLock<Arc<Store>>>,
        control: Arc<OnceLock<Control>>,
        delivery: Delivery,
        config: &NodeConfig,
    ) -> Node {
        let max_body_bytes = usize::try_from(config.server.max_body_size.bytes()).unwrap_or(usize::MAX);
        let limits = Limits {
            ttl_maximum_s: config.store.ttl_maximum,
            message_ttl_maximum_s: config.queue.ttl_maximum,
            max_body_bytes,
        };
        Node { store, control, delivery, cache: config.cache_options().map(Cache::new), limits }
    }
}

impl Node {
    async fn run(&self, command: Command, store: &Arc<Store>, request: &mut Request) -> Outcome {
        use handlers::{batch, binlog, cache, describe, export, kv, listing, member, queue, replica, stat};
        let limits = &self.limits;
        match command {
            Command::Get => kv::get(store, request).await,
            Command::Exist => kv::exist(store, request).await,
            Command::Put => kv::put(store, request, limits).await,
            Command::Del => kv::del(store, request).await,
            Command::Hget => member::hget(store, request).await,
            Command::Hexist => member::exist(store, request, Kind::Hash).await,
            Command::Hset => member::hset(store, request, limits).await,
            Command::Hincrby => member::hincrby(store, request, limits).await,
            Command::Hdel => member::delete(store, request, Kind::Hash).await,
            Command::Sismember => member::exist(store, request, Kind::Set).await,
            Command::Sadd => member::sadd(store, request, limits).await,
            Command::Srem => member::delete(store, request, Kind::Set).await,
            Command::Zismember => member::exist(store, request, Kind::Zset).await,
            Command::Zscore => member::zscore(store, request).await,
            Command::Zadd => member::zadd(store, request, limits).await,
            Command::Zrem => member::delete(store, request, Kind::Zset).await,
            Command::Keys => listing::keys(store, request).await,
            Command::Hkeys => listing::table(store, request, Kind::Hash).await,
            Command::Smembers => listing::table(store, request, Kind::Set).await,
            Command::Zrangebyrank => listing::table(store, request, Kind::Zset).await,
            Command::Zrangebyscore => listing::scores(store, request).await,
            Command::Export => export::export(store, request),
            Command::TaskStatus => export::task_status(store, request),
            Command::TaskInfo => export::task_info(store, request),
            Command::Stat => stat::stat(store, request),
            Command::StatAll => Ok(stat::stat_all(store)),
            Command::FileCount => Ok(stat::file_count(store)),
            Command::Scan => replica::scan(store, request, limits).await,
            Command::Merge => replica::merge(store, request).await,
            Command::Digest => replica::digest(store, request),
            Command::Binlog => binlog::binlog(store, request, &self.delivery).await,
            Command::Forget => replica::forget(store, request).await,
            Command::Mput => batch::mput(store, request, limits).await,
            Command::Mget => batch::mget(store, request).await,
            Command::Mdel => batch::mdel(store, request).await,
            Command::Info => {
                let requests = self.control.get().map(Control::requests);
                Ok(describe::info(store, &requests.unwrap_or_default()))
            }
            Command::OpenApi => Ok(describe::openapi(store, limits)),
            Command::Cache(command) => cache::handle(self.cache.as_ref(), command, request),
            Command::Queue(command) => queue::handle(store, command, request, limits).await,
        }
    }
}

impl Handler for Node {
    type Worker = ();

    fn worker(&self, _index: usize) {}

    fn answer_now(&self, (): &(), route: u16, query: Query<'_>) -> Option<Answer> {
        let store = self.store.get()?;
        let answer = match routes::command(route)? {
            Command::Get => handlers::kv::get_now(store, query),
            Command::Hget => handlers::member::hget_now(store, query),
            _ => return None,
        };
        answer.unwrap_or_else(|refusal| Some(refusal.into()))
    }

    async fn handle(&self, (): &(), request: &mut Request) -> Answer {
        let Some(store) = self.store.get() else {
            return Refusal::unavailable("node", "starting").into();
        };
        let Some(command) = routes::command(request.route) else {
            return Refusal::new(hyper::StatusCode::NOT_FOUND, "path", "unknown").into();
        };
        self.run(command, store, request).await.unwrap_or_else(Answer::from)
    }

    fn ailment(&self) -> Option<String> {
        let cause = self.store.get()?.engine().poisoned()?;
        Some(format!("writes stopped: {cause}"))
    }

    fn metrics(&self, text: &mut String) {
        if let Some(store) = self.store.get() {
            metrics::write(text, store, self.cache.as_ref(), self.delivery.figures(store));
        }
    }

    fn draining(&self) {
        if let Some(store) = self.store.get() {
            store.queues().close_watch();
        }
    }
}

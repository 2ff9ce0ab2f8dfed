//! Configuration of the front: `[server]`, `[security]`, `[backend]`, `[health]` as everywhere, the rest here.
//!
//! The structs are the source: `conf/hustmq.toml` and `doc/config.md` are generated from them and checked by a test.

use std::time::Duration;

use hust_wire::{
    Host,
    config::{
        BACKEND_KEYS, BackendConfig, Bounds, Config, DAY_MS, HEALTH_KEYS, HealthConfig, Invalid, Key,
        SECURITY_KEYS, SERVER_KEYS, SecurityConfig, ServerConfig, backend_hosts,
    },
};
use serde::{Deserialize, Serialize};

/// Everything that can be set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FrontConfig {
    pub backends: Vec<String>,
    pub queue_hash: bool,
    pub autost_interval_ms: u64,
    pub status_cache: bool,
    pub long_polling_timeout_ms: u64,
    pub subscribe_timeout_ms: u64,
    pub publish_timeout_ms: u64,
    pub server: ServerConfig,
    pub security: SecurityConfig,
    pub backend: BackendConfig,
    pub health: HealthConfig,
    pub rpc: RpcConfig,
}

impl Default for FrontConfig {
    fn default() -> FrontConfig {
        FrontConfig {
            backends: vec!["127.0.0.1:8085".into()],
            queue_hash: true,
            autost_interval_ms: 200,
            status_cache: true,
            long_polling_timeout_ms: 180_000,
            subscribe_timeout_ms: 180_000,
            publish_timeout_ms: 180_000,
            server: ServerConfig::listening_on("127.0.0.1:8080"),
            security: SecurityConfig::default(),
            backend: BackendConfig::default(),
            health: HealthConfig::default(),
            rpc: RpcConfig::default(),
        }
    }
}

/// `[rpc]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RpcConfig {
    pub get_timeout_ms: u64,
    pub post_timeout_ms: u64,
    pub cache_size: usize,
}

impl Default for RpcConfig {
    fn default() -> RpcConfig {
        RpcConfig { get_timeout_ms: 180_000, post_timeout_ms: 180_000, cache_size: 1024 }
    }
}

impl Config for FrontConfig {
    fn keys() -> Vec<Key> {
        [OWN_KEYS, SERVER_KEYS, SECURITY_KEYS, BACKEND_KEYS, HEALTH_KEYS, RPC_KEYS].concat()
    }
}

/// Keys before any section.
const OWN_KEYS: &[Key] = &[
    Key::new(
        "backends",
        Bounds::Any,
        "Nodes that hold the queues, host:port; their order decides which node owns a queue.",
    ),
    Key::new(
        "queue_hash",
        Bounds::Any,
        "true: a queue has one owner, by its name, and is in order; false: puts go to the nodes in turn.",
    ),
    Key::new(
        "autost_interval_ms",
        Bounds::Number(0, DAY_MS),
        "The figures of all queues are fetched from each node every so many ms; 0 = only on /autost.",
    ),
    Key::new(
        "status_cache",
        Bounds::Any,
        "true: a node that does not answer stays in the figures as it was last seen; false: it is left out.",
    ),
    Key::new(
        "long_polling_timeout_ms",
        Bounds::Number(1, DAY_MS),
        "/evget waits at most so many ms for a message, then answers 404.",
    ),
    Key::new(
        "subscribe_timeout_ms",
        Bounds::Number(1, DAY_MS),
        "/evsub waits at most so many ms for the next message, then answers 404.",
    ),
    Key::new(
        "publish_timeout_ms",
        Bounds::Number(1, DAY_MS),
        "/pub waits in line and sends for at most so many ms, then answers 503.",
    ),
];

const RPC_KEYS: &[Key] = &[
    Key::new(
        "rpc.get_timeout_ms",
        Bounds::Number(1, DAY_MS),
        "A caller of /do_get waits at most so many ms for a worker, and as long again for its result.",
    ),
    Key::new(
        "rpc.post_timeout_ms",
        Bounds::Number(1, DAY_MS),
        "A worker at /do_post waits at most so many ms for a task, then is answered 408.",
    ),
    Key::new(
        "rpc.cache_size",
        Bounds::Number(1, 1_048_576),
        "Tasks at one time, and workers that wait at one time; more are answered 503.",
    ),
];

impl FrontConfig {
    /// The hosts of `backends`, at least one, each once.
    pub fn backend_hosts(&self) -> Result<Vec<Host>, Invalid> {
        if self.backends.is_empty() {
            return Err(Invalid::new("backends: none"));
        }
        backend_hosts(&self.backends)
    }

    /// `autost_interval_ms`; `None` = never.
    pub fn autost_interval(&self) -> Option<Duration> {
        (self.autost_interval_ms > 0).then(|| Duration::from_millis(self.autost_interval_ms))
    }
}

#[cfg(test)]
#[path = "config_tests.rs"]
mod tests;

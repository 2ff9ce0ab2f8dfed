//! Configuration of a node: `[server]` and `[security]` as everywhere, `[store]`, `[queue]`, `[cache]` and `[engine]`
//! here.
//!
//! The structs are the source: `conf/hustdb.toml` and `doc/config.md` are generated from them and checked by a test.

use std::{path::Path, sync::Arc, time::Duration};

use hust_engine::{Options, SyncMode, clock::SystemClock};
use hust_store::{CacheOptions, ExportKeep, StoreOptions, queue::TIMEOUT_MAX_S};
use hust_wire::{
    client::Trust,
    config::{
        Bounds, Config, DAY_MS, Invalid, Key, SECURITY_KEYS, SERVER_KEYS, SecurityConfig, ServerConfig, Size,
    },
};
use serde::{Deserialize, Serialize};

/// Everything that can be set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NodeConfig {
    pub server: ServerConfig,
    pub security: SecurityConfig,
    pub store: StoreConfig,
    pub queue: QueueConfig,
    pub cache: CacheConfig,
    pub engine: EngineConfig,
}

/// `[store]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StoreConfig {
    pub disk_capacity: Size,
    pub disk_reserve: Size,
    pub ttl_maximum: u64,
    pub table_maximum: usize,
    pub queue_maximum: usize,
    pub tombstone_grace: u64,
    pub max_clock_skew_ms: u64,
    pub binlog_threads: usize,
    pub binlog_task_timeout: u64,
    pub binlog_tls_ca: String,
    pub export_maximum: usize,
    pub export_age: u64,
}

impl Default for StoreConfig {
    fn default() -> StoreConfig {
        StoreConfig {
            disk_capacity: Size::new(0),
            disk_reserve: Size::mib(256),
            ttl_maximum: 2_592_000,
            table_maximum: 8192,
            queue_maximum: 8192,
            tombstone_grace: 950_400,
            max_clock_skew_ms: 60_000,
            binlog_threads: 4,
            binlog_task_timeout: 950_400,
            binlog_tls_ca: String::new(),
            export_maximum: 1024,
            export_age: 2_592_000,
        }
    }
}

/// `[queue]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct QueueConfig {
    pub redelivery_timeout: u64,
    pub ttl_maximum: u64,
}

impl Default for QueueConfig {
    fn default() -> QueueConfig {
        QueueConfig { redelivery_timeout: 300, ttl_maximum: 7200 }
    }
}

/// `[cache]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CacheConfig {
    pub memory: Size,
}

impl Default for CacheConfig {
    fn default() -> CacheConfig {
        CacheConfig { memory: Size::mib(256) }
    }
}

/// `[engine]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EngineConfig {
    pub sync: String,
    pub sync_interval_ms: u64,
    pub partitions: u32,
    pub memory: Size,
    pub memtable: Size,
    pub block_cache: Size,
    pub inline_max: u32,
    pub segment_size: Size,
    pub compression: String,
    pub compaction_threads: usize,
    pub compaction_rate: Size,
}

impl Default for EngineConfig {
    fn default() -> EngineConfig {
        EngineConfig {
            sync: "always".into(),
            sync_interval_ms: 200,
            partitions: 8,
            memory: Size::mib(1024),
            memtable: Size::mib(64),
            block_cache: Size::mib(256),
            inline_max: 256,
            segment_size: Size::mib(256),
            compression: "none".into(),
            compaction_threads: 2,
            compaction_rate: Size::new(0),
        }
    }
}

impl Config for NodeConfig {
    fn keys() -> Vec<Key> {
        [SERVER_KEYS, SECURITY_KEYS, STORE_KEYS, QUEUE_KEYS, CACHE_KEYS, ENGINE_KEYS].concat()
    }
}

const YEAR_S: i64 = 366 * 86_400;

const STORE_KEYS: &[Key] = &[
    Key::new(
        "store.disk_capacity",
        Bounds::Size(0, 1 << 60),
        "Bytes of live records over which writes are answered 403; deletes and reads go on; 0 = no limit.",
    ),
    Key::new(
        "store.disk_reserve",
        Bounds::Size(0, 1 << 50),
        "Bytes of the file system to leave free; writes are answered 403 when less is left.",
    ),
    Key::new(
        "store.ttl_maximum",
        Bounds::Number(1, 100 * YEAR_S),
        "Longest ttl in seconds; a longer one is 400.",
    ),
    Key::new(
        "store.table_maximum",
        Bounds::Number(1, 16 << 20),
        "Hashes, sets and sorted sets that may exist at a time; one more is 412. Each takes about 200 bytes of memory.",
    ),
    Key::new(
        "store.queue_maximum",
        Bounds::Number(1, 1 << 20),
        "Queues of both kinds; a put to one more is 412.",
    ),
    Key::new(
        "store.tombstone_grace",
        Bounds::Number(1, 10 * YEAR_S),
        "Seconds for which a deletion is remembered; a replica older than that must not be replayed.",
    ),
    Key::new(
        "store.max_clock_skew_ms",
        Bounds::Number(0, DAY_MS),
        "Replicas whose stamp is this many ms ahead of the clock here are answered 400.",
    ),
    Key::new(
        "store.binlog_threads",
        Bounds::Number(1, 64),
        "Threads that deliver what is owed to other hosts; each serves many hosts.",
    ),
    Key::new(
        "store.binlog_task_timeout",
        Bounds::Number(1, 10 * YEAR_S),
        "Seconds after which a debt to a host that does not come back is dropped.",
    ),
    Key::new(
        "store.binlog_tls_ca",
        Bounds::Any,
        "PEM file of the authorities that sign other nodes' certificates; set = debts go over HTTPS only.",
    ),
    Key::new(
        "store.export_maximum",
        Bounds::Number(1, 1 << 20),
        "Snapshots of exports that are kept; one more takes the place of the oldest.",
    ),
    Key::new(
        "store.export_age",
        Bounds::Number(0, 100 * YEAR_S),
        "Seconds after which the snapshot of an export is removed; 0 = never.",
    ),
];

const QUEUE_KEYS: &[Key] = &[
    Key::new(
        "queue.redelivery_timeout",
        Bounds::Number(1, TIMEOUT_MAX_S as i64),
        "Seconds after which a message that was not acknowledged comes back; of queues that do not say otherwise.",
    ),
    Key::new(
        "queue.ttl_maximum",
        Bounds::Number(1, 100 * YEAR_S),
        "Longest ttl of a published message in seconds; a longer one is 400.",
    ),
];

const CACHE_KEYS: &[Key] = &[Key::new(
    "cache.memory",
    Bounds::Size(0, 1 << 44),
    "Bytes of /hustcache's keys and values with their overhead; the least recently used go; 0 = off, 503.",
)];

const ENGINE_KEYS: &[Key] = &[
    Key::new(
        "engine.sync",
        Bounds::OneOf(&["always", "interval", "os"]),
        "What a 200 means: on stable storage; synced within sync_interval_ms; in the kernel.",
    ),
    Key::new(
        "engine.sync_interval_ms",
        Bounds::Number(1, 60_000),
        "With sync = interval: ms at risk on power loss.",
    ),
    Key::new(
        "engine.partitions",
        Bounds::Number(1, 256),
        "Independent trees, a power of two; fixed when the data folder is created.",
    ),
    Key::new(
        "engine.memory",
        Bounds::Size(0, 1 << 44),
        "Limit in bytes of memtables, cache, filters, indexes and buffers together; the cache gives way first; 0 = none.",
    ),
    Key::new(
        "engine.memtable",
        Bounds::Size(1 << 20, 1 << 36),
        "Bytes of rows held in memory before they go to tables, all partitions together; bounds what a restart replays.",
    ),
    Key::new(
        "engine.block_cache",
        Bounds::Size(0, 1 << 40),
        "Bytes of decompressed blocks kept; used with compression.",
    ),
    Key::new(
        "engine.inline_max",
        Bounds::Number(0, 65_536),
        "Values up to this many bytes lie in the tables; longer ones once, in the content log.",
    ),
    Key::new(
        "engine.segment_size",
        Bounds::Size(1 << 20, 1 << 30),
        "Bytes of one segment of the content log.",
    ),
    Key::new(
        "engine.compression",
        Bounds::OneOf(&["none", "snappy"]),
        "Compression of table blocks and large values.",
    ),
    Key::new("engine.compaction_threads", Bounds::Number(1, 64), "Threads that compact tables."),
    Key::new(
        "engine.compaction_rate",
        Bounds::Size(0, 1 << 40),
        "Bytes a second that each compaction thread may write; 0 = no limit.",
    ),
];

impl NodeConfig {
    /// The options of the store in a data folder.
    pub fn store_options(&self, data: &Path) -> Result<StoreOptions, Invalid> {
        let store = &self.store;
        let mut options = StoreOptions::new(self.engine.options(data, store.tombstone_grace)?);
        options.disk_capacity_bytes = store.disk_capacity.bytes();
        options.disk_reserve_bytes = store.disk_reserve.bytes();
        options.ttl_maximum_s = store.ttl_maximum;
        options.table_maximum = store.table_maximum;
        options.max_clock_skew_ms = store.max_clock_skew_ms;
        options.queue.maximum = store.queue_maximum;
        options.queue.redelivery_timeout_s = self.queue.redelivery_timeout;
        options.queue.push_ttl_maximum_s = self.queue.ttl_maximum;
        options.export_keep =
            ExportKeep { maximum: store.export_maximum, age_ms: store.export_age.saturating_mul(1000) };
        options.debt_timeout_ms = store.binlog_task_timeout.saturating_mul(1000);
        Ok(options)
    }

    /// Whether debts go over HTTPS, and which certificates are believed.
    pub fn trust(&self) -> Result<Trust, Invalid> {
        Trust::read("store.binlog_tls_ca", &self.store.binlog_tls_ca)
    }

    /// The options of the cache; `None` if it is off.
    pub fn cache_options(&self) -> Option<CacheOptions> {
        let memory_bytes = self.cache.memory.bytes();
        let value_max_bytes = usize::try_from(self.server.max_body_size.bytes()).unwrap_or(usize::MAX);
        let clock = Arc::new(SystemClock::new());
        (memory_bytes > 0).then_some(CacheOptions { memory_bytes, value_max_bytes, clock })
    }
}

impl EngineConfig {
    fn options(&self, data: &Path, tombstone_grace_s: u64) -> Result<Options, Invalid> {
        let sync = match self.sync.as_str() {
            "always" => SyncMode::Always,
            "interval" => SyncMode::Interval(Duration::from_millis(self.sync_interval_ms)),
            "os" => SyncMode::Os,
            other => {
                return Err(Invalid::new(format!("engine.sync: {other:?} is none of always, interval, os")));
            }
        };
        if !self.partitions.is_power_of_two() || self.partitions > 256 {
            return Err(Invalid::new(format!(
                "engine.partitions: {} is no power of two up to 256",
                self.partitions
            )));
        }
        let small = |size: Size| u32::try_from(size.bytes()).unwrap_or(u32::MAX);
        Ok(Options {
            sync,
            partition_bits: self.partitions.trailing_zeros(),
            memory_bytes: self.memory.bytes(),
            memtable_bytes: self.memtable.bytes(),
            block_cache_bytes: self.block_cache.bytes(),
            inline_max: self.inline_max,
            segment_bytes: small(self.segment_size),
            compress: self.compression == "snappy",
            compaction_threads: self.compaction_threads,
            compaction_rate_bytes: self.compaction_rate.bytes(),
            tombstone_grace_ms: tombstone_grace_s.saturating_mul(1000),
            ..Options::new(data)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_is_generated() {
        hust_testkit::check_reference::<NodeConfig>("hustdb");
    }
}

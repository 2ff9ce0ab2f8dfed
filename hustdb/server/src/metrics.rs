//! The node's own metrics: engine, records, exports, queues and cache. Read when asked for; nothing is kept here.

mod cache;
mod exports;
mod queues;

use std::fmt;

use hust_engine::{LevelStats, Stats};
use hust_store::{Cache, Store};
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
    registry::Registry,
};

use crate::delivery::Figures;

/// Writes the metrics of a store, of replication, and of the cache if it is on, as Prometheus text.
pub fn write(text: &mut String, store: &Store, cache: Option<&Cache>, replication: Figures) {
    let mut registry = Registry::default();
    let records = store.kv_stat();
    registry.register_collector(Box::new(Look {
        stats: store.engine().stats(),
        records: records.count,
        record_bytes: records.size,
    }));
    registry.register_collector(Box::new(exports::ExportLook(store.export_stats())));
    registry.register_collector(Box::new(queues::QueueLook::of(store.queues())));
    if let Some(cache) = cache {
        registry.register_collector(Box::new(cache::CacheLook(cache.stats())));
    }
    registry.register_collector(Box::new(replication));
    hust_wire::metrics::write(text, &registry);
}

/// A look at the store.
#[derive(Debug)]
struct Look {
    stats: Stats,
    records: u64,
    record_bytes: u64,
}

type Descriptor<'a> = DescriptorEncoder<'a>;

impl Collector for Look {
    fn encode(&self, mut to: Descriptor<'_>) -> Result<(), fmt::Error> {
        let stats = &self.stats;
        gauge(&mut to, "hustdb_records", "Live kv records", self.records)?;
        gauge(&mut to, "hustdb_record_bytes", "Key and value bytes of live kv records", self.record_bytes)?;
        gauge(
            &mut to,
            "hustdb_writes_stopped",
            "1 after a failed write or sync",
            stats.poisoned.is_some().into(),
        )?;
        gauge(&mut to, "hustdb_memory_limit_bytes", "engine.memory; 0 = none", stats.memory_limit_bytes)?;
        gauge(&mut to, "hustdb_memory_bytes", "Memory of the engine, maps left out", stats.memory_bytes())?;
        gauge(&mut to, "hustdb_memtable_bytes", "Memory of memtables", stats.memtable_bytes)?;
        gauge(&mut to, "hustdb_index_bytes", "Memory of block indexes and filters", stats.index_bytes)?;
        gauge(&mut to, "hustdb_cache_bytes", "Memory of decompressed blocks", stats.cache_bytes)?;
        gauge(&mut to, "hustdb_segments", "Files of the content log", stats.segments)?;
        gauge(&mut to, "hustdb_segment_bytes", "Bytes of the content log", stats.segment_bytes)?;
        gauge(
            &mut to,
            "hustdb_live_value_bytes",
            "Live large values in the content log",
            stats.live_value_bytes,
        )?;
        let dead = stats.segment_bytes.saturating_sub(stats.live_value_bytes);
        gauge(
            &mut to,
            "hustdb_dead_log_bytes",
            "Bytes of the content log that are no live large value",
            dead,
        )?;
        gauge(
            &mut to,
            "hustdb_unflushed_log_bytes",
            "Log bytes a restart replays",
            stats.unflushed_log_bytes,
        )?;
        counter(&mut to, "hustdb_log_bytes", "Appended to the content log", stats.log.appended_bytes)?;
        counter(&mut to, "hustdb_log_written_bytes", "Written to the content log", stats.log.written_bytes)?;
        counter(&mut to, "hustdb_log_syncs", "Syncs of the content log", stats.log.syncs)?;
        let seconds = stats.log.sync_nanos_total as f64 / 1e9;
        counter(&mut to, "hustdb_log_sync_seconds", "Time in syncs of the content log", seconds)?;
        counter(&mut to, "hustdb_flushed_bytes", "Written by flushes", stats.flushed_bytes)?;
        counter(&mut to, "hustdb_compaction_in_bytes", "Read by compaction", stats.compaction_in_bytes)?;
        counter(&mut to, "hustdb_compaction_out_bytes", "Written by compaction", stats.compaction_out_bytes)?;
        counter(&mut to, "hustdb_collected_bytes", "Values moved by collection", stats.collected_bytes)?;
        self.encode_refused(&mut to)?;
        self.encode_levels(&mut to)
    }
}

/// A metric with a value for each level: name, help, value.
type LevelMetric = (&'static str, &'static str, fn(&LevelStats) -> u64);

impl Look {
    fn encode_refused(&self, to: &mut Descriptor<'_>) -> Result<(), fmt::Error> {
        let (name, help) =
            ("hustdb_refused_writes", "Writes refused as overloaded, by the limit that was reached");
        let mut family = to.encode_descriptor(name, help, None, MetricType::Counter)?;
        for (reason, count) in &self.stats.refused_writes {
            ConstCounter::new(*count).encode(family.encode_family(&[("reason", *reason)])?)?;
        }
        Ok(())
    }

    fn encode_levels(&self, to: &mut Descriptor<'_>) -> Result<(), fmt::Error> {
        let figures: [LevelMetric; 4] = [
            ("hustdb_level_files", "Table files", |level| level.files),
            ("hustdb_level_bytes", "Bytes of table files", |level| level.size_bytes),
            ("hustdb_level_rows", "Rows in tables", |level| level.rows),
            ("hustdb_level_tombstones", "Tombstones in tables", |level| level.tombstones),
        ];
        for (name, help, figure) in figures {
            let mut family = to.encode_descriptor(name, help, None, MetricType::Gauge)?;
            for (level, stats) in self.stats.levels.iter().enumerate() {
                let labels = [("level", level.to_string())];
                ConstGauge::new(figure(stats)).encode(family.encode_family(&labels)?)?;
            }
        }
        Ok(())
    }
}

fn gauge(to: &mut Descriptor<'_>, name: &str, help: &str, value: u64) -> Result<(), fmt::Error> {
    let metric = ConstGauge::new(value);
    metric.encode(to.encode_descriptor(name, help, None, MetricType::Gauge)?)
}

fn counter<N>(to: &mut Descriptor<'_>, name: &str, help: &str, value: N) -> Result<(), fmt::Error>
where
    ConstCounter<N>: EncodeMetric,
{
    let metric = ConstCounter::new(value);
    metric.encode(to.encode_descriptor(name, help, None, MetricType::Counter)?)
}

//! The proxy's own metrics: nodes as it sees them, and what could not be delivered.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use hust_wire::metrics;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
    registry::Registry,
};

use crate::{
    health::Node,
    proxy::{Counts, Proxy},
};

/// Writes the metrics as Prometheus text.
pub fn write(text: &mut String, proxy: &Proxy) {
    let counts = [
        ("hustha_fallback_reads", "Reads that asked the other master", Counts::fallback as Figure),
        ("hustha_hints_failed", "Hints that could not be written", Counts::failed),
        ("hustha_divergence", "Records in which masters were found to differ", Counts::differing),
    ];
    let counts = counts.map(|(name, help, figure)| (name, help, figure(&proxy.counts))).to_vec();
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Look { nodes: proxy.tables.load().peers.clone(), counts }));
    metrics::write(text, &registry);
}

type Figure = fn(&Counts) -> u64;

impl Counts {
    fn fallback(&self) -> u64 {
        self.fallback_reads.load(Relaxed)
    }

    fn failed(&self) -> u64 {
        self.hints_failed.load(Relaxed)
    }

    fn differing(&self) -> u64 {
        self.divergence.load(Relaxed)
    }
}

/// A look at the nodes.
#[derive(Debug)]
struct Look {
    nodes: Vec<Arc<Node>>,
    counts: Vec<(&'static str, &'static str, u64)>,
}

impl Look {
    fn by_host(
        &self,
        to: &mut DescriptorEncoder<'_>,
        (name, help, kind): (&str, &str, MetricType),
        figure: impl Fn(&Node) -> u64,
    ) -> Result<(), fmt::Error> {
        let mut family = to.encode_descriptor(name, help, None, kind)?;
        for node in &self.nodes {
            let labels = [("host", node.host.as_str())];
            let value = figure(node);
            let metric = family.encode_family(&labels)?;
            match kind {
                MetricType::Counter => ConstCounter::new(value).encode(metric)?,
                _ => ConstGauge::new(value).encode(metric)?,
            }
        }
        Ok(())
    }

    fn legs(&self, to: &mut DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let help = "Requests to a node that failed";
        let mut family = to.encode_descriptor("hustha_leg_failures", help, None, MetricType::Counter)?;
        for node in &self.nodes {
            let counts = &node.counts;
            for (kind, count) in [("refused", &counts.refused_legs), ("unknown", &counts.unknown_legs)] {
                let labels = [("host", node.host.as_str()), ("kind", kind)];
                ConstCounter::new(count.load(Relaxed)).encode(family.encode_family(&labels)?)?;
            }
        }
        Ok(())
    }
}

impl Collector for Look {
    fn encode(&self, mut to: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let to = &mut to;
        let gauge = |name, help| (name, help, MetricType::Gauge);
        let counter = |name, help| (name, help, MetricType::Counter);
        let load = |count: &AtomicU64| count.load(Relaxed);
        self.by_host(to, gauge("hustha_backend_up", "1 if the node is up"), |node| node.is_up().into())?;
        self.by_host(to, gauge("hustha_backend_behind", "1 if records are owed to it"), |node| {
            node.view().behind.into()
        })?;
        self.by_host(to, gauge("hustha_debts", "Records that nodes owe to it"), |node| node.owed().0)?;
        self.by_host(to, counter("hustha_sync_answers", "Answers that named it in Sync"), |node| {
            load(&node.counts.sync_answers)
        })?;
        self.by_host(to, counter("hustha_hints", "Hints written for it"), |node| load(&node.counts.hints))?;
        self.by_host(to, counter("hustha_clock_skew", "Records refused as ahead of its clock"), |node| {
            load(&node.counts.clock_skew)
        })?;
        self.legs(to)?;
        for (name, help, value) in &self.counts {
            let family = to.encode_descriptor(name, help, None, MetricType::Counter)?;
            ConstCounter::new(*value).encode(family)?;
        }
        Ok(())
    }
}

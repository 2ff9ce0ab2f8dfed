//! The front's own metrics: nodes as it sees them, and what became of requests to them.

use std::{
    fmt,
    sync::{Arc, atomic::Ordering::Relaxed},
};

use hust_wire::metrics;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
    registry::Registry,
};

use crate::{backend::Backend, front::Front};

/// Writes the metrics as Prometheus text.
pub fn write(text: &mut String, front: &Front) {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Look { backends: front.backends.clone() }));
    metrics::write(text, &registry);
}

/// A look at the nodes.
#[derive(Debug)]
struct Look {
    backends: Vec<Arc<Backend>>,
}

/// A figure of each node: name, help, how to read it.
type Figure = (&'static str, &'static str, fn(&Backend) -> u64);

const COUNTERS: [Figure; 5] = [
    ("hustmq_requests", "Requests for a node", |node| node.counts.asked.load(Relaxed)),
    ("hustmq_not_connected", "Requests that a node did not take", |node| {
        node.counts.not_connected.load(Relaxed)
    }),
    ("hustmq_outcome_unknown", "Requests that a node took and did not answer", |node| {
        node.counts.unknown.load(Relaxed)
    }),
    ("hustmq_stand_in_puts", "Messages that a node took in place of their owner", |node| {
        node.counts.stand_in.load(Relaxed)
    }),
    ("hustmq_stray_gets", "Answers with messages of a queue that another node owns", |node| {
        node.counts.strays.load(Relaxed)
    }),
];

impl Look {
    fn by_host(
        &self,
        to: &mut DescriptorEncoder<'_>,
        (name, help, figure): Figure,
        kind: MetricType,
    ) -> Result<(), fmt::Error> {
        let mut family = to.encode_descriptor(name, help, None, kind)?;
        for node in &self.backends {
            let labels = [("host", node.host.as_str())];
            let metric = family.encode_family(&labels)?;
            match kind {
                MetricType::Counter => ConstCounter::new(figure(node)).encode(metric)?,
                _ => ConstGauge::new(figure(node)).encode(metric)?,
            }
        }
        Ok(())
    }
}

impl Collector for Look {
    fn encode(&self, mut to: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let up: Figure = ("hustmq_backend_up", "1 if the node can be asked", |node| node.is_live().into());
        self.by_host(&mut to, up, MetricType::Gauge)?;
        for counter in COUNTERS {
            self.by_host(&mut to, counter, MetricType::Counter)?;
        }
        Ok(())
    }
}

//! The front's own metrics: nodes as it sees them, and what became of requests to them.

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

use crate::{backend::Backend, front::Front};

/// Writes the metrics as Prometheus text.
pub fn write(text: &mut String, front: &Front) {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Look { backends: front.backends.clone() }));
    registry.register_collector(Box::new(Totals(totals(front))));
    metrics::write(text, &registry);
}

/// A look at the nodes.
#[derive(Debug)]
struct Look {
    backends: Vec<Arc<Backend>>,
}

/// Figures of the whole front.
#[derive(Debug)]
struct Totals(Vec<Total>);

/// Name, help, kind, value.
type Total = (&'static str, &'static str, MetricType, u64);

fn totals(front: &Front) -> Vec<Total> {
    let ((waiters, readers), calls) = (front.polls.counts(), front.rpc.counts());
    let (gauge, counter) = (MetricType::Gauge, MetricType::Counter);
    let push = |count: &AtomicU64| count.load(Relaxed);
    let counts = &front.pushes.counts;
    vec![
        ("hustmq_evget_waiting", "Clients that wait for a message", gauge, waiters as u64),
        ("hustmq_evsub_waiting", "Clients that wait for an index", gauge, readers as u64),
        ("hustmq_rpc_unclaimed", "Calls that no worker has", gauge, calls.unclaimed as u64),
        ("hustmq_rpc_claimed", "Calls that a worker has", gauge, calls.claimed as u64),
        ("hustmq_rpc_workers", "Workers that wait for a call", gauge, calls.workers as u64),
        (
            "hustmq_copies_failed",
            "Copies of publications that a live node did not take",
            counter,
            push(&counts.copies_failed),
        ),
        ("hustmq_catch_ups", "Comparisons of a push queue node by node", counter, push(&counts.catch_ups)),
        (
            "hustmq_caught_up",
            "Messages of push queues carried to a node that lacked them",
            counter,
            push(&counts.caught_up),
        ),
        (
            "hustmq_conflicts",
            "Messages that a node had otherwise under the same index",
            counter,
            push(&counts.conflicts),
        ),
    ]
}

impl Collector for Totals {
    fn encode(&self, mut to: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        for (name, help, kind, value) in &self.0 {
            let metric = to.encode_descriptor(name, help, None, *kind)?;
            match kind {
                MetricType::Counter => ConstCounter::new(*value).encode(metric)?,
                _ => ConstGauge::new(*value).encode(metric)?,
            }
        }
        Ok(())
    }
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

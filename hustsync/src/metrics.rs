//! The program's own metrics. Read when asked for; nothing is kept here.

use std::{collections::BTreeMap, fmt};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
    registry::Registry,
};

use crate::{
    clock,
    scrub::{Round, Totals},
    shared::{HostCounts, Shared},
};

/// Writes the metrics as Prometheus text.
pub fn write(text: &mut String, shared: &Shared) {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Look {
        hosts: shared.hosts(),
        stale_hosts: shared.stale_hosts(),
        round: shared.journal.round(),
        totals: shared.journal.totals(),
        now_ms: clock::now_ms(),
    }));
    hust_wire::metrics::write(text, &registry);
}

/// A look at everything.
#[derive(Debug)]
struct Look {
    hosts: BTreeMap<String, HostCounts>,
    stale_hosts: u64,
    round: Round,
    totals: Totals,
    now_ms: u64,
}

type Encoder<'a> = DescriptorEncoder<'a>;

impl Collector for Look {
    fn encode(&self, mut to: Encoder<'_>) -> Result<(), fmt::Error> {
        let now_ms = self.now_ms;
        let level = |name, help| (name, help, MetricType::Gauge);
        let count = |name, help| (name, help, MetricType::Counter);
        self.by_host(&mut to, level("hustsync_pending", "Hints on disk not yet merged"), |seen| {
            seen.counts.pending
        })?;
        self.by_host(&mut to, level("hustsync_oldest_age_seconds", "Age of the oldest of these"), |seen| {
            seen.counts.age_s(now_ms)
        })?;
        self.by_host(&mut to, level("hustsync_debts", "Records that nodes owe the host"), |seen| seen.debts)?;
        self.by_host(&mut to, count("hustsync_replayed", "Hints merged since the start"), |seen| {
            seen.counts.synced
        })?;
        let failures = count("hustsync_replay_failures", "Attempts that a node was in the way of");
        self.by_host(&mut to, failures, |seen| seen.counts.failures)?;
        let sum = |of: fn(&HostCounts) -> u64| self.hosts.values().map(of).sum();
        let damaged = sum(|seen| seen.counts.damaged + seen.counts.refused);
        counter(&mut to, "hustsync_damaged", "Damaged places in segments and refused hints", damaged)?;
        let refused = sum(|seen| seen.counts.refused);
        counter(&mut to, "hustsync_refused", "Hints that a node refused alone", refused)?;
        let expired = sum(|seen| seen.counts.expired);
        counter(&mut to, "hustsync_expired", "Hints dropped for their age", expired)?;
        gauge(&mut to, "hustsync_stale_hosts", "Nodes not compared: away for too long", self.stale_hosts)?;
        let Totals { rounds, records, bytes, errors } = self.totals;
        counter(&mut to, "hustsync_scrub_rounds", "Rounds of comparison that have ended", rounds)?;
        let different = self.round.slots_different;
        gauge(
            &mut to,
            "hustsync_scrub_slots_different",
            "Slots that differed, this or last round",
            different,
        )?;
        counter(&mut to, "hustsync_scrub_records", "Records sent from one master to the other", records)?;
        counter(&mut to, "hustsync_scrub_bytes", "Bytes of these", bytes)?;
        counter(&mut to, "hustsync_scrub_errors", "Pairs not compared and records refused", errors)
    }
}

impl Look {
    fn by_host(
        &self,
        to: &mut Encoder<'_>,
        (name, help, kind): (&str, &str, MetricType),
        of: impl Fn(&HostCounts) -> u64,
    ) -> Result<(), fmt::Error> {
        let mut family = to.encode_descriptor(name, help, None, kind)?;
        for (host, seen) in &self.hosts {
            let labels = [("host", host.as_str())];
            let metric = family.encode_family(&labels)?;
            match kind {
                MetricType::Counter => ConstCounter::new(of(seen)).encode(metric)?,
                _ => ConstGauge::new(of(seen)).encode(metric)?,
            }
        }
        Ok(())
    }
}

fn gauge(to: &mut Encoder<'_>, name: &str, help: &str, value: u64) -> Result<(), fmt::Error> {
    let metric = ConstGauge::new(value);
    metric.encode(to.encode_descriptor(name, help, None, MetricType::Gauge)?)
}

fn counter(to: &mut Encoder<'_>, name: &str, help: &str, value: u64) -> Result<(), fmt::Error> {
    let metric = ConstCounter::new(value);
    metric.encode(to.encode_descriptor(name, help, None, MetricType::Counter)?)
}

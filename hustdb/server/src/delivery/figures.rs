//! Metrics of replication: debts, deliveries, merges.

use std::fmt;

use hust_store::Creditor;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
};

/// A look at them.
#[derive(Debug)]
pub struct Figures {
    pub debts: Vec<Creditor>,
    /// Records applied and ignored.
    pub merged: (u64, u64),
    pub delivered: u64,
    pub batches: u64,
    pub failures: u64,
    pub refused: u64,
}

impl Collector for Figures {
    fn encode(&self, mut to: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let mut family =
            to.encode_descriptor("hustdb_debts", "Records owed to a host", None, MetricType::Gauge)?;
        for creditor in &self.debts {
            let labels = [("host", creditor.name())];
            ConstGauge::new(creditor.open()).encode(family.encode_family(&labels)?)?;
        }
        let help = "Records merged from other nodes";
        let mut family = to.encode_descriptor("hustdb_merged_records", help, None, MetricType::Counter)?;
        for (outcome, count) in [("applied", self.merged.0), ("ignored", self.merged.1)] {
            ConstCounter::new(count).encode(family.encode_family(&[("outcome", outcome)])?)?;
        }
        for (name, help, count) in [
            ("hustdb_delivered_records", "Owed records that their host has taken", self.delivered),
            ("hustdb_delivered_batches", "Batches of owed records that their host has taken", self.batches),
            (
                "hustdb_delivery_failures",
                "Attempts that a host did not answer, or not as hoped",
                self.failures,
            ),
            ("hustdb_delivery_refusals", "Owed records that their host refused by themselves", self.refused),
        ] {
            let metric = ConstCounter::new(count);
            metric.encode(to.encode_descriptor(name, help, None, MetricType::Counter)?)?;
        }
        Ok(())
    }
}

//! The metrics of the queues: sums over all, and the state of the fullest ones by name, so that there are few series
//! however many queues there are.

use std::fmt;

use hust_store::{
    Queues,
    queue::{Departed, QueueKind, QueueStat},
};
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{MetricType, gauge::ConstGauge},
};

use super::{counter, gauge};

/// Queues shown by name.
const NAMED_MAX: usize = 100;

/// A look at the queues.
#[derive(Debug)]
pub struct QueueLook {
    stats: Vec<QueueStat>,
    departed: Departed,
}

/// A metric with a value for each queue: name, help, value.
type QueueMetric = (&'static str, &'static str, fn(&QueueStat) -> u64);

const BY_QUEUE: [QueueMetric; 4] = [
    ("hustdb_queue_ready", "Ready messages of the fullest queues; of push queues those retained", ready),
    ("hustdb_queue_in_flight", "Messages in flight of the fullest queues", |stat| stat.in_flight),
    ("hustdb_queue_delayed", "Delayed messages of the fullest queues", delayed),
    ("hustdb_queue_bytes", "Item bytes of the fullest queues", |stat| stat.bytes),
];

fn ready(stat: &QueueStat) -> u64 {
    stat.ready.iter().sum()
}

fn delayed(stat: &QueueStat) -> u64 {
    stat.delayed.iter().sum()
}

impl QueueLook {
    /// Looks.
    pub fn of(queues: &Queues) -> QueueLook {
        // In this order a queue that ends meanwhile is missing in one look, not counted twice.
        let departed = queues.departed();
        QueueLook { stats: queues.stat_all(), departed }
    }

    fn sum(&self, figure: fn(&QueueStat) -> u64) -> u64 {
        self.stats.iter().map(figure).sum()
    }

    fn fullest(&self) -> Vec<&QueueStat> {
        let held = |stat: &&QueueStat| std::cmp::Reverse(ready(stat) + stat.in_flight + delayed(stat));
        let mut stats: Vec<&QueueStat> = self.stats.iter().collect();
        stats.sort_by_key(held);
        stats.truncate(NAMED_MAX);
        stats
    }
}

impl Collector for QueueLook {
    fn encode(&self, mut to: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let kind = |kind| self.stats.iter().filter(|stat| stat.kind == kind).count() as u64;
        let mut family = to.encode_descriptor("hustdb_queues", "Queues", None, MetricType::Gauge)?;
        for (label, count) in [("normal", kind(QueueKind::Normal)), ("push", kind(QueueKind::Push))] {
            ConstGauge::new(count).encode(family.encode_family(&[("type", label)])?)?;
        }
        gauge(&mut to, "hustdb_queues_ready", "Ready messages of all queues", self.sum(ready))?;
        gauge(&mut to, "hustdb_queues_in_flight", "Messages in flight", self.sum(|stat| stat.in_flight))?;
        gauge(&mut to, "hustdb_queues_delayed", "Delayed messages", self.sum(delayed))?;
        gauge(&mut to, "hustdb_queues_bytes", "Item bytes of all queues", self.sum(|stat| stat.bytes))?;
        let Departed { redelivered, dead, expired, conflicts } = self.departed;
        let redelivered = redelivered + self.sum(|stat| stat.redelivered);
        counter(&mut to, "hustdb_queues_redelivered", "Deliveries that were not the first", redelivered)?;
        let dead = dead + self.sum(|stat| stat.dead);
        counter(&mut to, "hustdb_queues_dead_lettered", "Messages delivered too often", dead)?;
        let expired = expired + self.sum(|stat| stat.expired);
        counter(&mut to, "hustdb_queues_expired", "Messages that expired", expired)?;
        let conflicts = conflicts + self.sum(|stat| stat.conflicts);
        counter(&mut to, "hustdb_queues_conflicts", "Merged messages unlike those here", conflicts)?;
        let fullest = self.fullest();
        if fullest.is_empty() {
            return Ok(());
        }
        for (name, help, figure) in BY_QUEUE {
            let mut family = to.encode_descriptor(name, help, None, MetricType::Gauge)?;
            for stat in &fullest {
                let labels = [("queue", &*stat.name)];
                ConstGauge::new(figure(stat)).encode(family.encode_family(&labels)?)?;
            }
        }
        Ok(())
    }
}

//! The metrics of exports and of the snapshots they leave.

use std::fmt;

use hust_store::ExportStats;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{MetricType, gauge::ConstGauge},
};

use super::{counter, gauge};

/// A look at them.
#[derive(Debug)]
pub struct ExportLook(pub ExportStats);

impl Collector for ExportLook {
    fn encode(&self, mut to: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let ExportStats { tasks, failed, written_bytes, last_ms, removed, snapshots, snapshot_bytes } =
            self.0;
        gauge(&mut to, "hustdb_exports_queued", "Exports that wait", tasks.queued)?;
        gauge(&mut to, "hustdb_exports_running", "Exports under way", tasks.running)?;
        counter(&mut to, "hustdb_exports_done", "Exports that left a snapshot", tasks.finished - failed)?;
        counter(&mut to, "hustdb_exports_failed", "Exports that failed", failed)?;
        counter(&mut to, "hustdb_export_bytes", "Written to snapshots", written_bytes)?;
        let name = "hustdb_export_last_seconds";
        let last = to.encode_descriptor(name, "How long the last export took", None, MetricType::Gauge)?;
        ConstGauge::new(last_ms as f64 / 1000.0).encode(last)?;
        gauge(&mut to, "hustdb_snapshots", "Snapshots that are there", snapshots)?;
        gauge(&mut to, "hustdb_snapshot_bytes", "Bytes of the snapshots that are there", snapshot_bytes)?;
        let help = "Snapshots removed because of their number or age";
        counter(&mut to, "hustdb_snapshots_removed", help, removed)
    }
}

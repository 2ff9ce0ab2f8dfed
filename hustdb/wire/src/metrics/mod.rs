//! Prometheus metrics every program has: by command requests, errors by status and latency; connections; memory, files.
//!
//! Each worker counts in a shard of its own, whose only writer it is, so a request costs two or three plain additions;
//! asking for the metrics adds the shards up.

mod commands;
mod process;

use std::fmt;

use prometheus_client::{
    encoding::{DescriptorEncoder, text::encode_registry},
    metrics::MetricType,
    registry::Registry,
};

pub use commands::{Commands, Requests, Shard};

/// Writes `registry` as Prometheus text, without the final `# EOF`.
pub fn write(text: &mut String, registry: &Registry) {
    // Writing to a string fails only where a metric does; what was written before it stands.
    if let Err(error) = encode_registry(text, registry) {
        tracing::error!("metrics: {error}");
    }
}

/// Writes the metrics of a server.
pub(crate) fn server(commands: &Commands, connections: usize) -> String {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(commands.snapshot()));
    registry.register_collector(Box::new(Gauges(connections)));
    let mut text = String::with_capacity(16 * 1024);
    write(&mut text, &registry);
    text
}

#[derive(Debug)]
struct Gauges(usize);

impl prometheus_client::collector::Collector for Gauges {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        gauge(&mut encoder, "hust_connections", "Open connections", self.0 as u64)?;
        if let Some(bytes) = process::resident_bytes() {
            gauge(&mut encoder, "process_resident_memory_bytes", "Resident memory", bytes)?;
        }
        if let Some(files) = process::open_files() {
            gauge(&mut encoder, "process_open_fds", "Open files and sockets", files)?;
        }
        Ok(())
    }
}

fn gauge(encoder: &mut DescriptorEncoder<'_>, name: &str, help: &str, value: u64) -> Result<(), fmt::Error> {
    encoder.encode_descriptor(name, help, None, MetricType::Gauge)?.encode_gauge(&value)
}

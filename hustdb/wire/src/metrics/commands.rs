//! Requests, errors and latency by command.
//!
//! Latency is from a request's first byte to its answer being ready. Buckets are powers of two of 64 microseconds, so
//! the bucket of a duration is a bit count.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use hyper::StatusCode;
use parking_lot::Mutex;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet},
    metrics::MetricType,
};

use crate::route::Route;

const BUCKETS: usize = 22;
const FIRST_BUCKET_US: u64 = 64;
/// The statuses told apart; others count as the last.
const STATUSES: [u16; 15] = [400, 401, 403, 404, 405, 408, 412, 413, 500, 502, 503, 504, 507, 429, 0];

/// The statistics of all workers.
#[derive(Debug)]
pub struct Commands {
    /// By route id, and one more for requests without a route.
    names: Arc<[&'static str]>,
    shards: Mutex<Vec<Arc<Shard>>>,
}

/// What was answered to one command since the start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requests {
    /// Its path; `other` stands for all unknown ones.
    pub path: &'static str,
    /// Answers.
    pub answered: u64,
    /// Of those, the ones but 2xx by status; 0 stands for all that are not told apart.
    pub errors: Vec<(u16, u64)>,
}

/// The statistics of one worker.
#[derive(Debug)]
pub struct Shard(Vec<Row>);

#[derive(Debug, Default)]
struct Row {
    buckets: [AtomicU64; BUCKETS],
    total_us: AtomicU64,
    errors: [AtomicU64; STATUSES.len()],
}

impl Commands {
    /// Statistics for `routes`, by their ids.
    pub fn new(routes: &[Route]) -> Commands {
        let ids = routes.iter().map(|route| usize::from(route.id) + 1).max().unwrap_or_default();
        let mut names = vec![""; ids];
        for route in routes {
            if let Some(name) = names.get_mut(usize::from(route.id)) {
                *name = route.path;
            }
        }
        names.push("other");
        Commands { names: names.into(), shards: Mutex::default() }
    }

    /// A shard for one more worker.
    pub fn shard(&self) -> Arc<Shard> {
        let shard = Arc::new(Shard(self.names.iter().map(|_| Row::default()).collect()));
        self.shards.lock().push(shard.clone());
        shard
    }

    /// What was answered to each command that was asked for.
    pub fn requests(&self) -> Vec<Requests> {
        let snapshot = self.snapshot();
        let asked = snapshot.rows().map(|(path, row)| {
            let errors =
                STATUSES.iter().zip(&row.errors).map(|(status, count)| (*status, count.load(Relaxed)));
            Requests {
                path,
                answered: row.requests(),
                errors: errors.filter(|(_, count)| *count > 0).collect(),
            }
        });
        asked.filter(|requests| requests.answered > 0).collect()
    }

    /// The sum of all shards.
    pub(super) fn snapshot(&self) -> Snapshot {
        let sum = Shard(self.names.iter().map(|_| Row::default()).collect());
        for shard in self.shards.lock().iter() {
            sum.0.iter().zip(&shard.0).for_each(|(into, from)| into.add(from));
        }
        Snapshot { names: self.names.clone(), sum }
    }
}

impl Shard {
    /// Counts one answer to route `id`. Only the worker that owns the shard may.
    pub fn count(&self, id: Option<u16>, status: StatusCode, took_us: u64) {
        let row = id.and_then(|id| self.0.get(usize::from(id))).or(self.0.last());
        let Some(row) = row else { return };
        if let Some(bucket) = row.buckets.get(bucket(took_us)) {
            add(bucket, 1);
        }
        add(&row.total_us, took_us);
        if !status.is_success() {
            let at =
                STATUSES.iter().position(|known| *known == status.as_u16()).unwrap_or(STATUSES.len() - 1);
            if let Some(errors) = row.errors.get(at) {
                add(errors, 1);
            }
        }
    }
}

/// Adds to a cell that has one writer, which spares the bus lock.
fn add(cell: &AtomicU64, more: u64) {
    cell.store(cell.load(Relaxed).wrapping_add(more), Relaxed);
}

/// The first bucket whose bound is at least `took_us`.
fn bucket(took_us: u64) -> usize {
    let above = took_us.saturating_sub(1) / FIRST_BUCKET_US;
    (u64::BITS - above.leading_zeros()).min(BUCKETS as u32 - 1) as usize
}

/// The bound of bucket `index` in seconds; the last has none.
fn bound_s(index: usize) -> f64 {
    if index == BUCKETS - 1 { f64::INFINITY } else { (FIRST_BUCKET_US << index) as f64 / 1e6 }
}

impl Row {
    fn add(&self, other: &Row) {
        let cells = |row: &Row, visit: &mut dyn FnMut(&AtomicU64)| {
            row.buckets.iter().chain(&row.errors).chain([&row.total_us]).for_each(visit);
        };
        let mut values = Vec::with_capacity(BUCKETS + STATUSES.len() + 1);
        cells(other, &mut |cell| values.push(cell.load(Relaxed)));
        let mut values = values.into_iter();
        cells(self, &mut |cell| {
            add(cell, values.next().unwrap_or_default());
        });
    }

    fn requests(&self) -> u64 {
        self.buckets.iter().map(|bucket| bucket.load(Relaxed)).sum()
    }
}

/// The statistics at one moment.
#[derive(Debug)]
pub(super) struct Snapshot {
    names: Arc<[&'static str]>,
    sum: Shard,
}

impl Snapshot {
    fn rows(&self) -> impl Iterator<Item = (&'static str, &Row)> {
        self.names.iter().copied().zip(&self.sum.0).filter(|(name, _)| !name.is_empty())
    }
}

impl Collector for Snapshot {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let mut family =
            encoder.encode_descriptor("hust_requests", "Requests answered", None, MetricType::Counter)?;
        for (name, row) in self.rows() {
            counter(family.encode_family(&[("command", name)])?, row.requests())?;
        }
        let mut family =
            encoder.encode_descriptor("hust_errors", "Answers but 2xx", None, MetricType::Counter)?;
        for (name, row) in self.rows() {
            for (status, errors) in STATUSES.iter().zip(&row.errors) {
                let errors = errors.load(Relaxed);
                if errors > 0 {
                    let status = status.to_string();
                    counter(family.encode_family(&[("command", name), ("status", &status)])?, errors)?;
                }
            }
        }
        let help = "From the first byte of the request to the answer";
        let mut family =
            encoder.encode_descriptor("hust_latency_seconds", help, None, MetricType::Histogram)?;
        for (name, row) in self.rows().filter(|(_, row)| row.requests() > 0) {
            let buckets: Vec<(f64, u64)> = row
                .buckets
                .iter()
                .enumerate()
                .map(|(index, count)| (bound_s(index), count.load(Relaxed)))
                .collect();
            let total_s = row.total_us.load(Relaxed) as f64 / 1e6;
            let labels = [("command", name)];
            let mut metric = family.encode_family(&labels)?;
            metric.encode_histogram::<NoLabelSet>(total_s, row.requests(), &buckets, None)?;
        }
        Ok(())
    }
}

fn counter(mut metric: MetricEncoder<'_>, value: u64) -> Result<(), fmt::Error> {
    metric.encode_counter::<NoLabelSet, u64, u64>(&value, None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::route::{BodyRule, Methods};

    #[test]
    fn buckets_hold_what_their_bounds_say() {
        assert_eq!([0, 1, 64, 65, 128, 129].map(bucket), [0, 0, 0, 1, 1, 2]);
        assert_eq!(bucket(u64::MAX), BUCKETS - 1);
        for index in 0..BUCKETS - 1 {
            let bound_us = (bound_s(index) * 1e6) as u64;
            assert_eq!((bucket(bound_us), bucket(bound_us + 1)), (index, index + 1));
        }
    }

    #[test]
    fn shards_add_up() {
        let route = |path, id| Route { path, methods: Methods::READ, id, body: BodyRule::Ignored };
        let commands = Commands::new(&[route("/get", 0), route("/put", 2)]);
        let shards = [commands.shard(), commands.shard()];
        shards[0].count(Some(0), StatusCode::OK, 100);
        shards[1].count(Some(0), StatusCode::NOT_FOUND, 100);
        shards[1].count(Some(2), StatusCode::IM_A_TEAPOT, 1);
        shards[1].count(None, StatusCode::NOT_FOUND, 1);
        let text = crate::metrics::server(&commands, 5);
        for line in [
            "hust_requests_total{command=\"/get\"} 2",
            "hust_requests_total{command=\"/put\"} 1",
            "hust_errors_total{command=\"/get\",status=\"404\"} 1",
            "hust_errors_total{command=\"/put\",status=\"0\"} 1",
            "hust_errors_total{command=\"other\",status=\"404\"} 1",
            "hust_latency_seconds_bucket{le=\"0.000064\",command=\"/get\"} 0",
            "hust_latency_seconds_bucket{le=\"0.000128\",command=\"/get\"} 2",
            "hust_latency_seconds_bucket{le=\"+Inf\",command=\"/get\"} 2",
            "hust_connections 5",
        ] {
            assert!(text.contains(line), "{line}\nin\n{text}");
        }
        let requests = |path, answered, errors| Requests { path, answered, errors };
        assert_eq!(
            commands.requests(),
            [
                requests("/get", 2, vec![(404, 1)]),
                requests("/put", 1, vec![(0, 1)]),
                requests("other", 1, vec![(404, 1)])
            ]
        );
    }
}

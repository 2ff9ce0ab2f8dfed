//! What the log counts.

use std::{
    sync::atomic::{
        AtomicU64,
        Ordering::{Relaxed, SeqCst},
    },
    time::Duration,
};

/// Buckets of a histogram: bucket `i` counts values `v` with `v < 2^i` that no lower bucket counts; the last also counts all above.
pub const HISTOGRAM_BUCKETS: usize = 24;

/// Counts since the log was opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogStats {
    /// Records appended.
    pub appended_records: u64,
    /// Their bytes.
    pub appended_bytes: u64,
    /// Calls that wrote to a hot segment.
    pub writes: u64,
    /// Bytes they wrote.
    pub written_bytes: u64,
    /// Syncs of hot segments.
    pub syncs: u64,
    /// Time they took, nanoseconds.
    pub sync_nanos_total: u64,
    /// Time of a sync in microseconds, by powers of two.
    pub sync_micros: [u64; HISTOGRAM_BUCKETS],
    /// Records that one sync made durable, by powers of two.
    pub records_per_sync: [u64; HISTOGRAM_BUCKETS],
    /// Bytes written to cold segments.
    pub cold_bytes: u64,
}

#[derive(Debug, Default)]
struct Histogram([AtomicU64; HISTOGRAM_BUCKETS]);

impl Histogram {
    fn count(&self, value: u64) {
        let bucket = (u64::BITS - value.leading_zeros()) as usize;
        if let Some(bucket) = self.0.get(bucket.min(HISTOGRAM_BUCKETS - 1)) {
            bucket.fetch_add(1, Relaxed);
        }
    }

    fn read(&self) -> [u64; HISTOGRAM_BUCKETS] {
        std::array::from_fn(|i| self.0.get(i).map_or(0, |bucket| bucket.load(Relaxed)))
    }
}

/// The live counters.
#[derive(Debug, Default)]
pub struct Counters {
    appended_records: AtomicU64,
    appended_bytes: AtomicU64,
    writes: AtomicU64,
    written_bytes: AtomicU64,
    written_records: AtomicU64,
    synced_records: AtomicU64,
    syncs: AtomicU64,
    sync_nanos_total: AtomicU64,
    last_sync_nanos: AtomicU64,
    sync_micros: Histogram,
    records_per_sync: Histogram,
    cold_bytes: AtomicU64,
}

impl Counters {
    /// A record of `bytes` was appended. Answers how many that makes; in order with what the leader of a sync awaits.
    pub fn appended(&self, bytes: usize) -> u64 {
        self.appended_bytes.fetch_add(bytes as u64, Relaxed);
        self.appended_records.fetch_add(1, SeqCst) + 1
    }

    /// Records appended so far.
    pub fn appended_records(&self) -> u64 {
        self.appended_records.load(SeqCst)
    }

    /// `records` records, `bytes` in all, were written by one call.
    pub fn written(&self, bytes: usize, records: u64) {
        self.writes.fetch_add(1, Relaxed);
        self.written_bytes.fetch_add(bytes as u64, Relaxed);
        self.written_records.fetch_add(records, Relaxed);
    }

    /// Records written so far; [`Counters::synced`] takes it.
    pub fn written_records(&self) -> u64 {
        self.written_records.load(Relaxed)
    }

    /// One group, up to the `records`-th record, was synced in `took`. Answers how many records it had.
    pub fn synced(&self, took: Duration, records: u64) -> u64 {
        self.syncs.fetch_add(1, Relaxed);
        self.sync_nanos_total.fetch_add(took.as_nanos() as u64, Relaxed);
        self.last_sync_nanos.store(took.as_nanos() as u64, Relaxed);
        self.sync_micros.count(took.as_micros() as u64);
        let before = self.synced_records.swap(records, Relaxed);
        let group = records.saturating_sub(before);
        self.records_per_sync.count(group);
        group
    }

    /// How long the last sync took; zero before the first.
    pub fn last_sync(&self) -> Duration {
        Duration::from_nanos(self.last_sync_nanos.load(Relaxed))
    }

    /// `bytes` went to a cold segment.
    pub fn cold(&self, bytes: usize) {
        self.cold_bytes.fetch_add(bytes as u64, Relaxed);
    }

    /// The counts now.
    pub fn read(&self) -> LogStats {
        LogStats {
            appended_records: self.appended_records.load(Relaxed),
            appended_bytes: self.appended_bytes.load(Relaxed),
            writes: self.writes.load(Relaxed),
            written_bytes: self.written_bytes.load(Relaxed),
            syncs: self.syncs.load(Relaxed),
            sync_nanos_total: self.sync_nanos_total.load(Relaxed),
            sync_micros: self.sync_micros.read(),
            records_per_sync: self.records_per_sync.read(),
            cold_bytes: self.cold_bytes.load(Relaxed),
        }
    }
}

//! What a worker process can be asked to do with its store, and what it answers: the words of the line protocol
//! between the suite and its workers, one JSON object a line.

use serde::{Deserialize, Serialize};

/// A task.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Ask {
    /// Write rows `from..to` once each, with one thread.
    Fill {
        /// First row.
        from: u64,
        /// Behind the last row.
        to: u64,
        /// Length of each value.
        value_bytes: usize,
    },
    /// Write `count` random rows of `0..rows` again, with one thread.
    Overwrite {
        /// Rows there are.
        rows: u64,
        /// Length of each value.
        value_bytes: usize,
        /// Number of writes.
        count: u64,
    },
    /// Read random rows of `0..rows`.
    Read {
        /// Rows there are.
        rows: u64,
        /// Length of each value.
        value_bytes: usize,
        /// Reading threads.
        threads: usize,
        /// How long.
        seconds: f64,
        /// By Zipf instead of uniformly.
        zipf: bool,
    },
    /// Look for random keys that were never written.
    ReadAbsent {
        /// How long.
        seconds: f64,
    },
    /// Write new rows from row `from` on, each synced before the next of its writer.
    SyncedInsert {
        /// First row.
        from: u64,
        /// Length of each value.
        value_bytes: usize,
        /// Writing threads.
        writers: usize,
        /// How long.
        seconds: f64,
    },
    /// One thread reads while another does something.
    ReadWhile {
        /// Rows there are.
        rows: u64,
        /// Length of each value.
        value_bytes: usize,
        /// How long.
        seconds: f64,
        /// What the other thread does.
        other: Other,
    },
    /// Check that row `row` can be read.
    Probe {
        /// The row.
        row: u64,
        /// Length of its value.
        value_bytes: usize,
    },
    /// Flush and wait until there is nothing left to do in the background.
    Settle,
    /// Close the store and end.
    Close,
}

/// What goes on beside the reader in [`Ask::ReadWhile`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Other {
    /// Overwrites at full speed.
    Overwrite,
    /// Rewrites a tenth of the rows, then compacts everything, again and again. Only reads during the
    /// compactions are counted.
    Compact,
}

/// An answer. What a task does not measure stays 0.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Told {
    /// Why it failed; everything else is void then.
    pub error: Option<String>,
    /// Operations done (of the reader, where there are two sides).
    pub ops: u64,
    /// Operations of the other side.
    pub other_ops: u64,
    /// How long it took.
    pub seconds: f64,
    /// CPU time of the whole process meanwhile.
    pub cpu_us: u64,
    /// Median latency.
    pub p50_ns: u64,
    /// 99.9th percentile of the latency.
    pub p999_ns: u64,
    /// Bytes sent to the disk by the process since it began.
    pub written_bytes: u64,
    /// Greatest anonymous memory of the process since it began, less what it had before the store was opened.
    pub peak_bytes: u64,
}

impl Told {
    /// Operations a second.
    pub fn rate(&self) -> f64 {
        self.ops as f64 / self.seconds.max(1e-9)
    }

    /// Operations a second of the other side.
    pub fn other_rate(&self) -> f64 {
        self.other_ops as f64 / self.seconds.max(1e-9)
    }
}

//! What a log is opened with.

use std::path::PathBuf;

/// When a ticket is done, and when the file is synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyncMode {
    /// A ticket is done when its bytes are written and synced.
    Always,
    /// A ticket is done when the kernel has its bytes; they are synced every `ms` milliseconds.
    Interval {
        /// The interval.
        ms: u64,
    },
    /// A ticket is done when the kernel has its bytes; they are synced when a segment is finished or somebody asks.
    Os,
}

/// Who syncs while nobody blocks for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Background {
    /// A thread of the log.
    Thread,
    /// Nobody: whoever waits or polls does the work. For simulations that run on one thread.
    Manual,
}

/// Settings of a log.
#[derive(Clone, Debug)]
pub struct LogOptions {
    /// The folder of the segment files.
    pub dir: PathBuf,
    /// A segment ends before the record that would pass this, bytes; less than 2 GiB.
    pub segment_bytes: u64,
    /// Records that wait to be written, bytes; an append beyond this writes them out itself.
    pub buffer_bytes: usize,
    /// Space is reserved in steps of this, bytes.
    pub allocate_bytes: u64,
    /// Appends are refused while the file system would have less than this left, bytes.
    pub reserve_bytes: u64,
    /// When a ticket is done.
    pub sync: SyncMode,
    /// Who syncs.
    pub background: Background,
}

impl LogOptions {
    /// Usual settings for a log in `dir`.
    pub fn new(dir: impl Into<PathBuf>) -> LogOptions {
        LogOptions {
            dir: dir.into(),
            segment_bytes: 256 << 20,
            buffer_bytes: 16 << 20,
            allocate_bytes: 4 << 20,
            reserve_bytes: 64 << 20,
            sync: SyncMode::Always,
            background: Background::Thread,
        }
    }
}

/// What the manifest knows about the log when it is opened.
#[derive(Clone, Debug, Default)]
pub struct RecoverFrom {
    /// Records below this position are not replayed: the least flushed position of all partitions.
    pub replay_from: u64,
    /// Everything below this position was durable: the greatest flushed position.
    pub durable_floor: u64,
    /// Segments that were forgotten; files that a crash left over are removed.
    pub forgotten: Vec<u32>,
    /// Where the log ended, if it was closed cleanly and not opened since.
    pub clean_end: Option<u64>,
}

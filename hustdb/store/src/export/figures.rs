//! What is told of tasks and snapshots.

use std::ops::Range;

use super::{name::Subject, tasks::TaskCounts};

/// What tasks did since the start, and what is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExportStats {
    /// Tasks.
    pub tasks: TaskCounts,
    /// Of those finished, the failed ones.
    pub failed: u64,
    /// Bytes of the snapshots taken since the start.
    pub written_bytes: u64,
    /// How long the last task took, ms.
    pub last_ms: u64,
    /// Snapshots removed because of their number or age since the start.
    pub removed: u64,
    /// Snapshots that are there.
    pub snapshots: u64,
    /// Bytes of their files.
    pub snapshot_bytes: u64,
}

/// A snapshot that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotInfo {
    /// Its token.
    pub token: u64,
    /// What it is of.
    pub subject: Subject,
    /// Slots shown.
    pub slots: Range<u16>,
    /// Whether with values.
    pub values: bool,
    /// Length of its file.
    pub bytes: u64,
}

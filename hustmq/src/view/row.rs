//! The row of a queue on one node: its element of `stat_all?detail=true`.

use std::collections::HashMap;

use serde::Deserialize;

/// What a node says of a queue.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Row {
    pub queue: String,
    /// By priority; of a push queue: live messages, 0, 0.
    pub ready: [u64; 3],
    pub unacked: u64,
    pub max: u64,
    pub lock: u8,
    /// 1 = push.
    #[serde(rename = "type")]
    pub kind: u8,
    /// Minutes.
    pub timeout: u64,
    pub si: u64,
    pub ci: u64,
    /// Unix seconds.
    pub tm: u64,
    /// The redelivery timeout in seconds.
    pub second: u64,
    pub max_deliveries: u64,
    pub dead_letter: String,
    /// Seconds.
    pub ttl: u64,
    /// Seconds.
    pub dedup: u64,
    /// Of a push queue: everything up to it was dropped on purpose.
    pub floor: u64,
}

/// The rows of a node by queue.
pub type Rows = HashMap<String, Row>;

impl Row {
    /// Whether it is a push queue.
    pub fn is_push(&self) -> bool {
        self.kind != 0
    }

    /// Whether a get would find a message.
    pub fn has_ready(&self) -> bool {
        self.ready.iter().any(|count| *count > 0)
    }
}

/// The rows in an answer; `None` if it is not such an answer.
pub fn rows(body: &[u8]) -> Option<Rows> {
    let rows: Vec<Row> = serde_json::from_slice(body).ok()?;
    Some(rows.into_iter().map(|row| (row.queue.clone(), row)).collect())
}

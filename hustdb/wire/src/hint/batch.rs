//! What is written and synced at once: the hints that were waiting, by host.

use tokio::sync::oneshot;

use super::writer::WriteError;
use crate::host::Host;

/// A hint on its way to the disk.
#[derive(Debug)]
pub struct Waiting {
    pub host: Host,
    pub noted_ms: u64,
    pub frame: Vec<u8>,
    pub done: oneshot::Sender<Result<(), WriteError>>,
}

/// The hints of one host.
#[derive(Debug)]
pub struct Batch {
    pub host: Host,
    pub noted_ms: u64,
    pub frames: Vec<Vec<u8>>,
    pub waiting: Vec<oneshot::Sender<Result<(), WriteError>>>,
}

impl Batch {
    /// Bytes of its frames.
    pub fn size_bytes(&self) -> usize {
        self.frames.iter().map(Vec::len).sum()
    }

    /// Tells all who wait.
    pub fn settle(self, outcome: &Result<(), WriteError>) {
        for waiting in self.waiting {
            // Whoever waited may have gone.
            let _ = waiting.send(outcome.clone());
        }
    }
}

/// Sorts hints by host; each host's stay in order.
pub fn by_host(hints: Vec<Waiting>) -> Vec<Batch> {
    let mut batches: Vec<Batch> = Vec::new();
    for Waiting { host, noted_ms, frame, done } in hints {
        let at = batches.iter().position(|batch| batch.host.as_str() == host.as_str()).unwrap_or_else(|| {
            batches.push(Batch { host, noted_ms, frames: Vec::new(), waiting: Vec::new() });
            batches.len() - 1
        });
        if let Some(batch) = batches.get_mut(at) {
            batch.frames.push(frame);
            batch.waiting.push(done);
        }
    }
    batches
}

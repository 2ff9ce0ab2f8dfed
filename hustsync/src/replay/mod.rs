//! Replays hints: one task a host, of which so many work at a time.
//!
//! A task sends a segment's hints in batches, each acknowledged before the next, and keeps how far it is. After a
//! failure the whole host waits, longer each time, and goes on from where it was; other hosts are not held up. A task
//! gives up its turn after each segment, so that a long backlog of one host does not starve the others.

mod batch;
mod deliver;
mod destination;
mod part;

use std::{collections::BTreeSet, io, path::PathBuf, sync::Arc};

use hust_wire::{Host, backoff::Backoff};
use tokio::{
    sync::Semaphore,
    task::spawn_blocking,
    time::{Duration, sleep},
};

use crate::{
    backlog::{Backlog, Queue, Task},
    clock,
    nodes::{Nodes, Trouble},
    table::Tables,
};
use part::{Part, Parts};

/// How long a host that failed is left alone.
const WAITS: Backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(60));

pub use batch::{Batch, BatchWriter};
pub use deliver::deliver;

/// What all tasks share.
#[derive(Debug)]
pub struct Replay {
    pub backlog: Arc<Backlog>,
    pub nodes: Nodes,
    pub tables: Arc<Tables>,
    /// Hosts that may be served at a time.
    pub turns: Semaphore,
}

/// Why a segment was not replayed to its end.
enum Stop {
    /// The segment cannot be read or its progress not be kept.
    Disk(io::Error),
    /// A node does not take it.
    Node(Trouble),
}

impl From<Trouble> for Stop {
    fn from(trouble: Trouble) -> Stop {
        Stop::Node(trouble)
    }
}

impl Replay {
    /// Serves one host for ever.
    pub async fn serve(self: Arc<Replay>, queue: Arc<Queue>) {
        let mut backoff = WAITS;
        // What was last said to be in the way.
        let mut told = String::new();
        // Segments that could not be read: others first.
        let mut left_out: Vec<Box<str>> = Vec::new();
        loop {
            let Some(task) = queue.next(&left_out) else {
                if left_out.is_empty() {
                    queue.wake.notified().await;
                } else {
                    left_out.clear();
                    sleep(backoff.after_failure()).await;
                }
                continue;
            };
            match self.replay(&queue, &task).await {
                Ok(()) => {
                    backoff.reset();
                    if !std::mem::take(&mut told).is_empty() {
                        tracing::info!(host = %queue.host, "hints are replayed again");
                    }
                }
                Err(Stop::Disk(cause)) => {
                    tracing::error!(host = %queue.host, segment = &*task.name, %cause, "hints are not replayed");
                    left_out.push(task.name);
                }
                Err(Stop::Node(trouble)) => {
                    queue.failed();
                    // A host may be away for days; the rest is in the metrics.
                    if told != trouble.cause {
                        let pending = queue.counts().pending;
                        tracing::warn!(host = %queue.host, pending, "hints wait: {trouble}");
                        told = trouble.cause;
                    }
                    sleep(backoff.after_failure()).await;
                }
            }
        }
    }

    async fn replay(&self, queue: &Arc<Queue>, task: &Task) -> Result<(), Stop> {
        let table = self.tables.current();
        let is_direct = destination::is_direct(table.as_deref(), &queue.host);
        let mut checked = BTreeSet::new();
        if is_direct {
            self.check(&queue.host, &mut checked).await?;
        }
        // Never closed.
        let _turn = self.turns.acquire().await;
        let segment = self.backlog.folder(queue).join(&*task.name);
        let reader = self.backlog.reader(&segment, task).map_err(Stop::Disk)?;
        let mut parts = Parts::new(reader, task.from, !is_direct);
        loop {
            let part;
            (parts, part) = read(parts).await.map_err(Stop::Disk)?;
            if part.is_empty() {
                return Ok(());
            }
            let slots = if is_direct { vec![0; part.batch.len()] } else { part.slots.clone() };
            let mut refused = BTreeSet::new();
            for (host, lot) in destination::lots(table.as_deref(), &queue.host, &slots) {
                self.check(&host, &mut checked).await?;
                refused.extend(deliver(&self.nodes, &host, &part.batch, &lot).await?);
            }
            self.settle(queue, task, segment.clone(), part, refused.into_iter().collect()).await?;
        }
    }

    /// Hosts are sent something only after they have said that they serve.
    async fn check(&self, host: &Host, checked: &mut BTreeSet<String>) -> Result<(), Trouble> {
        if !checked.contains(host.as_str()) {
            self.nodes.check(host).await?;
            checked.insert(host.as_str().to_owned());
        }
        Ok(())
    }

    async fn settle(
        &self,
        queue: &Arc<Queue>,
        task: &Task,
        segment: PathBuf,
        part: Part,
        refused: Vec<usize>,
    ) -> Result<(), Stop> {
        let settled = part.settled(refused.len());
        if settled.expired > 0 {
            tracing::error!(host = %queue.host, hints = settled.expired, "dropped: older than deletions are remembered");
        }
        let damaged = queue.segment(&task.name).map_or(0, |segment| segment.damaged);
        blocking(move || part::settle(&segment, &part, &refused, damaged, clock::now_ms()))
            .await
            .map_err(Stop::Disk)?;
        queue.settle(&task.name, &settled);
        Ok(())
    }
}

async fn read(mut parts: Parts) -> io::Result<(Parts, Part)> {
    blocking(move || parts.next(clock::now_ms()).map(|part| (parts, part))).await
}

/// Runs what waits for the disk where it holds up nobody.
pub async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    spawn_blocking(work).await.unwrap_or_else(|error| Err(io::Error::other(error)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_that_fails_waits_a_second_and_at_most_a_minute() {
        let mut waits = WAITS;
        let waited = [(); 8].map(|()| waits.after_failure().as_secs());
        assert_eq!(waited, [1, 2, 4, 8, 16, 32, 60, 60]);
    }
}

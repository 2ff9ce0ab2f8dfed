//! Brings a batch to a node, whole or, where the node refuses, halved until it is known what it refuses.

use super::batch::{Batch, halves};
use crate::nodes::{Nodes, Trouble, Verdict};
use hust_wire::Host;

/// Merges these records of a batch into a node. Returns those that it refuses alone; after an error nothing is known,
/// and repeating all of it does no harm.
pub async fn deliver(
    nodes: &Nodes,
    host: &Host,
    batch: &Batch,
    lot: &[usize],
) -> Result<Vec<usize>, Trouble> {
    let mut refused = Vec::new();
    let mut open = vec![lot];
    while let Some(lot) = open.pop() {
        if lot.is_empty() {
            continue;
        }
        match (nodes.merge(host, batch.body(lot)).await?, halves(lot)) {
            (Verdict::Merged, _) => {}
            (Verdict::Refused(_), Some((first, second))) => open.extend([second, first]),
            (Verdict::Refused(reason), None) => {
                tracing::error!(%host, reason, "a record is refused");
                refused.extend(lot);
            }
        }
    }
    Ok(refused)
}

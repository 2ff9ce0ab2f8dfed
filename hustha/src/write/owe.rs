//! Makes sure that a record that a node lacks is owed to it: a debt at the master that has it, else a hint here.
//!
//! What neither takes is tried again in memory, bounded in bytes; its client was told `unknown`.

use std::{
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

use hust_wire::{backoff::Backoff, client::Pool};
use hyper::StatusCode;
use tokio::{sync::Semaphore, time::sleep};

use crate::{
    canon::{Identity, Stored, Write},
    clock::now_ms,
    health::Node,
    proxy::Proxy,
};

/// A debt is noted within this time, or counts as not noted.
const DEBT_TIMEOUT: Duration = Duration::from_secs(5);
const RETRY_FIRST: Duration = Duration::from_millis(500);
const RETRY_MAX: Duration = Duration::from_secs(30);
/// Memory of records that nobody took.
const RETRY_MAX_KIB: usize = 256 << 10;
/// Comparisons of masters that are being made good at a time.
const REPAIRS_MAX: usize = 256;

/// Bounds on what is done in the background.
#[derive(Debug)]
pub struct Debtor {
    memory_kib: Arc<Semaphore>,
    repairs: Arc<Semaphore>,
}

impl Default for Debtor {
    fn default() -> Debtor {
        Debtor {
            memory_kib: Arc::new(Semaphore::new(RETRY_MAX_KIB)),
            repairs: Arc::new(Semaphore::new(REPAIRS_MAX)),
        }
    }
}

/// A record that is owed.
#[derive(Clone, Debug)]
pub struct Owed {
    pub write: Arc<Write>,
    pub stored: Arc<Stored>,
    /// The master that has it.
    pub owner: Arc<Node>,
    /// The node that lacks it.
    pub to: Arc<Node>,
}

/// Has a record remembered. Whether it is, durably; if not, it goes on trying by itself.
pub async fn owe(proxy: &Arc<Proxy>, pool: &Pool, owed: Owed) -> bool {
    if note(proxy, pool, &owed).await {
        return true;
    }
    let size_kib = owed.write.record(&owed.stored).value.len() / 1024 + 1;
    let permits = u32::try_from(size_kib).unwrap_or(u32::MAX);
    match proxy.debtor.memory_kib.clone().try_acquire_many_owned(permits) {
        Err(_) => {
            tracing::error!("a record for {} is on one master only: no memory to try again", owed.to.host)
        }
        Ok(memory) => {
            tracing::debug!("a record for {} is on one master only; trying again", owed.to.host);
            let (proxy, keeper) = (proxy.clone(), proxy.keeper.clone());
            keeper.spawn(async move {
                let mut backoff = Backoff::new(RETRY_FIRST, RETRY_MAX);
                while !note(&proxy, &proxy.keeper.pool, &owed).await {
                    sleep(backoff.after_failure()).await;
                }
                drop(memory);
            });
        }
    }
    false
}

/// A debt, else a hint.
async fn note(proxy: &Proxy, pool: &Pool, owed: &Owed) -> bool {
    // Before, so that it does not lead meanwhile; after, so that a poll that has missed it does not count.
    owed.to.note_owed();
    let noted = debt(pool, &owed.write.identity, &owed.owner, &owed.to).await || hint(proxy, owed).await;
    owed.to.note_owed();
    noted
}

/// Has `owner` remember that it owes a record to `to`.
async fn debt(pool: &Pool, identity: &Identity, owner: &Node, to: &Node) -> bool {
    let Ok(call) = identity.debt(&to.host) else { return false };
    if !owner.is_up() {
        return false;
    }
    match pool.call(&owner.host, &call.timeout(DEBT_TIMEOUT)).await {
        Ok(reply) if reply.status == StatusCode::OK => {
            owner.note_owes(&to.host);
            true
        }
        Ok(_) => false,
        Err(failure) => {
            owner.failed(&failure);
            false
        }
    }
}

async fn hint(proxy: &Proxy, owed: &Owed) -> bool {
    let record = owed.write.record(&owed.stored);
    let written = proxy.hints.write(&owed.to.host, now_ms(), &record).await;
    let counts = &owed.to.counts;
    let is_news = counts.hints_fail.is_news(written.is_err());
    match written {
        Ok(()) => {
            counts.hints.fetch_add(1, Relaxed);
            true
        }
        Err(error) => {
            proxy.counts.hints_failed.fetch_add(1, Relaxed);
            // The others are counted: a full disk fails each of them.
            if is_news {
                tracing::error!("records for {} stay on one master, and in memory: {error}", owed.to.host);
            }
            false
        }
    }
}

/// What is known of two masters that may have to be made equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// They were seen to differ.
    Seen,
    /// One had a greater record than the other's write: perhaps only a later write that was faster.
    Overtaken,
}

/// Makes two masters equal in a record in which they differ: each owes it to the other, and the greater wins on both.
/// Nobody waits for it.
pub fn repair(proxy: &Arc<Proxy>, identity: &Identity, masters: &[Arc<Node>; 2], evidence: Evidence) {
    // With this many under way the next scrub has to see to it.
    let Ok(permit) = proxy.debtor.repairs.clone().try_acquire_owned() else { return };
    let (proxy, identity, [one, two]) = (proxy.clone(), identity.clone(), masters.clone());
    proxy.keeper.clone().spawn(async move {
        let pool = &proxy.keeper.pool;
        if evidence == Evidence::Overtaken {
            let (first, second) = tokio::join!(stamp(pool, &identity, &one), stamp(pool, &identity, &two));
            if first.is_some() && first == second {
                return;
            }
        }
        proxy.counts.divergence.fetch_add(1, Relaxed);
        for (owner, to) in [(&one, &two), (&two, &one)] {
            if debt(pool, &identity, owner, to).await {
                to.note_owed();
            }
        }
        drop(permit);
    });
}

/// The stamp a master has for a record; `None` if it has none, or does not say.
async fn stamp(pool: &Pool, identity: &Identity, node: &Node) -> Option<u64> {
    let call = identity.look().ok()?;
    let reply = pool.call(&node.host, &call.timeout(DEBT_TIMEOUT)).await.ok()?;
    reply.header("stamp")?.parse().ok()
}

//! Makes the copies of a push queue equal again: asks all live nodes what they have, and moves what each lacks.
//!
//! One at a time for a queue. Pubs go on beside it: what they add is newer than what is moved, and merging twice does
//! no harm. What fails is tried again, after pauses that grow, at once when a node comes up.

use std::{
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

use bytes::Bytes;
use hust_wire::{
    backoff::Backoff,
    client::{Call, Reply, Target},
    message::Line,
    queue::COUNT_MAX,
};
use hyper::{Method, StatusCode};
use tokio::time::timeout;

use super::{
    plan::{Held, Need, Plan, Transfer, plan},
    publish::merged,
    subscribe::window,
};
use crate::{backend::Outcome, front::Front, poll};

/// What could not be made equal is tried again after so long: a node that is full is not sent its copies with every poll.
const AFTER_FAILURE: Backoff = Backoff::new(Duration::from_millis(500), Duration::from_secs(30));

/// The copies of a queue may differ: makes them equal, on the keeper's thread.
pub fn catch_up(front: &Arc<Front>, queue: &str) {
    {
        let mut under_way = front.pushes.under_way.lock();
        if let Some(again) = under_way.get_mut(queue) {
            *again = true;
            return;
        }
        under_way.insert(queue.to_owned(), false);
    }
    let (shared, queue) = (front.clone(), queue.to_owned());
    front.keeper.spawn(async move {
        let mut backoff = AFTER_FAILURE;
        loop {
            let done = match shared.pushes.room.acquire().await {
                Ok(_room) => round(&shared, &queue).await,
                Err(_) => true,
            };
            if !done {
                // Either way it is time.
                let _ = timeout(backoff.after_failure(), shared.pushes.sooner.notified()).await;
                continue;
            }
            backoff.reset();
            let mut under_way = shared.pushes.under_way.lock();
            if under_way.insert(queue.clone(), false) != Some(true) {
                under_way.remove(&queue);
                return;
            }
        }
    });
}

/// Whether nobody lacks anything afterwards, as far as is known.
async fn round(front: &Arc<Front>, queue: &str) -> bool {
    let _beside = front.pushes.lines.beside(queue).await;
    front.pushes.counts.catch_ups.fetch_add(1, Relaxed);
    let (mut held, mut done) = (Vec::new(), true);
    for node in front.live() {
        match runs(front, node, queue).await {
            Some(runs) => held.push((node, runs)),
            None => {
                tracing::debug!("catching up {queue}: {} does not say what it has", front.host(node));
                done = false;
            }
        }
    }
    // Nobody knows it any more: nothing is to be made by merging.
    if held.iter().all(|(_, held)| *held == Held::default()) {
        return done;
    }
    let plan = plan(&held);
    front.pushes.note(queue, plan.ci);
    for need in &plan.needs {
        if fill(front, queue, &plan, need).await.is_none() {
            tracing::info!("catching up {queue}: {} still lacks something", front.host(need.node));
            done = false;
        }
    }
    poll::published(front, queue, plan.ci);
    done
}

/// What a node has; nothing of a queue it does not know. `None` if it does not say, or has a queue of the other kind.
async fn runs(front: &Front, node: usize, queue: &str) -> Option<Held> {
    let call = Target::new("/hustmq/runs").plain("queue", queue).get().ok()?.idempotent();
    match ask(front, node, &call).await? {
        reply if reply.status == StatusCode::OK => serde_json::from_slice(&reply.body).ok(),
        reply if reply.status == StatusCode::PRECONDITION_FAILED => {
            reply.body.starts_with(b"queue: unknown").then(Held::default)
        }
        _ => None,
    }
}

/// Gives a node what it needs.
async fn fill(front: &Front, queue: &str, plan: &Plan, need: &Need) -> Option<()> {
    for transfer in &need.transfers {
        carry(front, queue, plan.floor, need.node, *transfer).await?;
    }
    // What has expired says how far the others are.
    let mut body = Vec::new();
    if plan.ci > 0 {
        Line::new(&mut body).number("index", plan.ci).number("expire", 1).item(b"");
    }
    give(front, queue, plan.floor, need.node, body.into()).await
}

/// Carries indices from one node to another, page by page, as frames that are both what is read and what is merged.
async fn carry(front: &Front, queue: &str, floor: u64, to: usize, part: Transfer) -> Option<()> {
    let mut next = part.first;
    while next <= part.last {
        let count = (part.last - next).saturating_add(1).min(COUNT_MAX);
        let target =
            Target::new("/hustmq/sub").plain("queue", queue).plain("idx", next).plain("count", count);
        let call = target.call(Method::GET, Bytes::new()).ok()?.idempotent();
        let call = call.answer_max_bytes(front.answer_max_bytes());
        let reply = ask(front, part.from, &call).await?;
        match reply.status {
            StatusCode::OK => {}
            // It has expired meanwhile, or was dropped; what comes behind it may still be there.
            StatusCode::NOT_FOUND => return Some(()),
            StatusCode::UNAUTHORIZED => {
                let (si, _) = reply.header("index").and_then(window)?;
                match si.checked_add(1).filter(|first| (next + 1..=part.last).contains(first)) {
                    Some(first) => next = first,
                    None => return Some(()),
                }
                continue;
            }
            _ => return None,
        }
        let after = reply.header("next")?.parse().ok().filter(|after| *after > next)?;
        give(front, queue, floor, to, reply.body).await?;
        next = after;
    }
    Some(())
}

async fn give(front: &Front, queue: &str, floor: u64, node: usize, body: Bytes) -> Option<()> {
    let target = Target::new("/hustmq/merge").plain("queue", queue).plain("floor", floor);
    let call = target.call(Method::POST, body).ok()?.idempotent();
    let merged = merged(front.ask(&front.keeper.pool, node, &call).await)?;
    front.pushes.counts.caught_up.fetch_add(merged.applied, Relaxed);
    front.pushes.counts.conflicts.fetch_add(merged.conflicts, Relaxed);
    Some(())
}

async fn ask(front: &Front, node: usize, call: &Call) -> Option<Reply> {
    match front.ask(&front.keeper.pool, node, call).await {
        Outcome::Answer(reply) => Some(reply),
        Outcome::NotConnected(_) | Outcome::Busy(_) | Outcome::NoAnswer(_) => None,
    }
}

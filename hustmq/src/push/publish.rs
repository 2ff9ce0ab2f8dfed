//! `/pub`: the lead gives the index, the others get a copy.
//!
//! Once it is sent the publication belongs to a task of its own and ends whether its client waits or not. It keeps its
//! turn until then, so no publication of the queue overtakes it.

use std::{
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

use bytes::Bytes;
use hust_wire::{
    Answer, Refusal, Request,
    answer::number,
    client::{Call, Pool, Reply, Target},
    message::Line,
    queue,
};
use hyper::{
    Method, StatusCode,
    header::{HeaderName, RETRY_AFTER},
};
use serde::Deserialize;
use tokio::time::{Instant, timeout_at};

use super::{INDEX_MAX, catch_up};
use crate::{
    backend::Outcome,
    front::{Front, Worker},
    kind, place, poll,
    show::{busy, none_took, show, unknown},
    view::Kind,
};

static COUNT: HeaderName = HeaderName::from_static("count");

/// What is published.
struct Publication {
    queue: String,
    idx: Option<u64>,
    base: u64,
    ttl_s: Option<u64>,
    item: Bytes,
    until: Instant,
}

/// What the lead made of it.
struct Published {
    lead: usize,
    index: u64,
    reply: Reply,
}

/// `/pub`
pub async fn publish(front: &Arc<Front>, worker: &Worker, request: &Request) -> Result<Answer, Refusal> {
    let query = request.query();
    let publication = Publication {
        queue: queue::name(query)?.into_owned(),
        idx: query.unsigned("idx", INDEX_MAX)?,
        base: query.unsigned("base", INDEX_MAX)?.unwrap_or(0),
        ttl_s: query.unsigned("ttl", u64::MAX)?,
        item: request.value("item")?,
        until: Instant::now() + Duration::from_millis(front.config.publish_timeout_ms),
    };
    kind::check(front, &worker.pool, &publication.queue, Kind::Push).await?;
    let turn = timeout_at(publication.until, front.pushes.lines.turn(&publication.queue)).await;
    let turn = turn.map_err(|_| Refusal::unavailable("pub", "not sent: too long in line"))?;
    let (front, pool) = (front.clone(), worker.pool.clone());
    let sending = async move {
        let answer = send(&front, &pool, &publication).await;
        drop(turn);
        answer
    };
    worker.to_the_end("pub", sending).await
}

async fn send(front: &Arc<Front>, pool: &Pool, publication: &Publication) -> Answer {
    let queue = &publication.queue;
    let Published { lead, index, reply } = match lead(front, pool, publication).await {
        Ok(published) => published,
        Err(refused) => return refused,
    };
    front.pushes.note(queue, index);
    let others: Vec<usize> = front.live().into_iter().filter(|node| *node != lead).collect();
    let held = 1 + copy(front, pool, publication, &others, (index, &reply)).await;
    poll::published(front, queue, index);
    let answer = show(&reply);
    if held < front.backends.len() {
        return answer.with_header(COUNT.clone(), number(held as u64));
    }
    answer
}

/// Asks the owner for an index, or who stands in for it; otherwise what the client is told.
async fn lead(front: &Front, pool: &Pool, publication: &Publication) -> Result<Published, Answer> {
    let Publication { queue, idx, ttl_s, item, until, .. } = publication;
    let nodes = front.backends.len();
    let base = publication.base.max(known(front, queue));
    let target = Target::new("/hustmq/pub").plain("queue", queue).plain("base", base);
    let call = target.some("idx", *idx).some("ttl", *ttl_s).call(Method::PUT, item.clone())?;
    let mut told = Vec::new();
    for node in place::ring(place::owner(queue, nodes), nodes).filter(|node| front.is_live(*node)) {
        let host = front.host(node);
        match front.ask(pool, node, &call.clone().timeout(left(front, *until))).await {
            Outcome::Answer(reply) if reply.status == StatusCode::OK => {
                let index = reply.header("index").and_then(|index| index.parse().ok());
                let index = index.ok_or_else(|| unknown(host, "an answer without an index"))?;
                return Ok(Published { lead: node, index, reply });
            }
            // Overloaded, not ending: another lead would get the load too.
            Outcome::Answer(reply)
                if reply.status == StatusCode::SERVICE_UNAVAILABLE
                    && !reply.headers.contains_key(RETRY_AFTER) =>
            {
                told.push(format!("{host} takes nothing"));
            }
            Outcome::Answer(reply) => return Err(show(&reply)),
            Outcome::NotConnected(why) => told.push(format!("{host} {why}")),
            Outcome::Busy(why) => return Err(busy(host, &why)),
            Outcome::NoAnswer(why) => return Err(unknown(host, &why)),
        }
    }
    Err(none_took(&told))
}

/// What is left of the time to publish, but no more than any exchange may take.
fn left(front: &Front, until: Instant) -> Duration {
    until.saturating_duration_since(Instant::now()).min(front.config.backend.timeout())
}

/// The largest index this front knows of: of its own publications, and of what any node said in its last poll.
pub fn known(front: &Front, queue: &str) -> u64 {
    let rows = (0..front.backends.len()).filter_map(|node| front.view.row(node, queue));
    rows.map(|row| row.ci).fold(front.pushes.last(queue), u64::max)
}

/// The answer of merge.
#[derive(Default, Deserialize)]
pub(super) struct Merged {
    pub(super) applied: u64,
    pub(super) conflicts: u64,
}

/// Gives the others what the lead took; how many have it.
async fn copy(
    front: &Arc<Front>,
    pool: &Pool,
    publication: &Publication,
    others: &[usize],
    (index, reply): (u64, &Reply),
) -> usize {
    let expire_ms = reply.header("expire").and_then(|expire| expire.parse().ok()).unwrap_or(0);
    let floor = publication.idx.map_or(0, |idx| idx.saturating_sub(1));
    let mut body = Vec::with_capacity(publication.item.len() + 64);
    Line::new(&mut body).number("index", index).number("expire", expire_ms).item(&publication.item);
    let target = Target::new("/hustmq/merge").plain("queue", &publication.queue).plain("floor", floor);
    let Ok(call) = target.call(Method::POST, body.into()) else { return 0 };
    let call: Call = call.timeout(left(front, publication.until)).idempotent();
    let copying: Vec<_> = others
        .iter()
        .map(|node| {
            let (front, pool, call, node) = (front.clone(), pool.clone(), call.clone(), *node);
            tokio::spawn(async move { merged(front.ask(&pool, node, &call).await) })
        })
        .collect();
    let mut held = 0;
    for copied in copying {
        match copied.await {
            Ok(Some(merged)) => {
                held += 1;
                front.pushes.counts.conflicts.fetch_add(merged.conflicts, Relaxed);
            }
            _ => drop(front.pushes.counts.copies_failed.fetch_add(1, Relaxed)),
        }
    }
    if held < others.len() {
        catch_up(front, &publication.queue);
    }
    held
}

/// What a node did with what it was given; `None` if it did not take it.
pub(super) fn merged(outcome: Outcome) -> Option<Merged> {
    match outcome {
        Outcome::Answer(reply) if reply.status == StatusCode::OK => {
            Some(serde_json::from_slice(&reply.body).unwrap_or_default())
        }
        _ => None,
    }
}

//! `/put`: to the owner of the queue or, if that cannot be reached, to the next node round the list.
//!
//! A message is sent on only as long as it is certain that no node took it. Before a node takes the first message of a
//! queue that it does not know and another does, it is told the queue's settings.

use std::sync::{Arc, atomic::Ordering::Relaxed};

use hust_wire::{
    Answer, Refusal, Request,
    client::{Call, Pool, Target},
    queue::{Terms, incoming, name},
};
use hyper::{Method, StatusCode, header::RETRY_AFTER};

use crate::{
    backend::Outcome,
    front::Front,
    kind, place, poll,
    show::{busy, none_took, show, unknown},
    view::{Kind, Row, merge},
};

/// A put as a node gets it.
struct Put {
    queue: String,
    /// How many messages.
    count: u64,
    call: Call,
}

impl Put {
    fn parse(request: &Request) -> Result<Put, Refusal> {
        let query = request.query();
        let queue = name(query)?.into_owned();
        // How long a message may live is the node's to say.
        let terms = Terms::read(query, &Terms::PLAIN, u64::MAX)?;
        let target = Target::new("/hustmq/put").plain("queue", &queue);
        let target = target.of(query, &["priori", "ttl", "delay"])?;
        let (count, target, body) = if query.boolean("batch")?.unwrap_or(false) {
            let count = incoming(&request.body, &Terms { id: None, ..terms }, u64::MAX)?.len() as u64;
            (count, target.plain("batch", "true"), request.body.clone())
        } else {
            (1, target.of(query, &["id"])?, request.value("item")?)
        };
        // PUT, since its body may be empty.
        Ok(Put { queue, count, call: target.call(Method::PUT, body)? })
    }
}

/// `/put`
pub async fn put(front: &Arc<Front>, pool: &Pool, request: &Request) -> Result<Answer, Refusal> {
    let put = Put::parse(request)?;
    kind::check(front, pool, &put.queue, Kind::Normal).await?;
    if !front.config.queue_hash {
        check_view(front, &put)?;
    }
    Ok(offer(front, pool, &put).await)
}

/// Without an owner no node knows how long the queue is.
fn check_view(front: &Front, put: &Put) -> Result<(), Refusal> {
    let counted = front.view.counted();
    let merged = merge(counted.iter().filter_map(|(_, rows)| rows.get(&put.queue)));
    match merged.and_then(|merged| merged.refuses(put.count)) {
        Some(reason) => Err(Refusal::new(StatusCode::FORBIDDEN, "queue", reason)),
        None => Ok(()),
    }
}

/// Offers a put to one node after the other until one has decided about it.
async fn offer(front: &Arc<Front>, pool: &Pool, put: &Put) -> Answer {
    let count = front.backends.len();
    let owner = place::owner(&put.queue, count);
    let first = if front.config.queue_hash { owner } else { front.turn.fetch_add(1, Relaxed) % count.max(1) };
    let mut told = Vec::new();
    for at in place::ring(first, count).filter(|at| front.is_live(*at)) {
        let mut refused = |why: &str| told.push(format!("{} {why}", front.host(at)));
        if let Some(row) = front.view.undeclared(at, &put.queue, owner)
            && let Err(why) = declare(front, pool, at, &row).await
        {
            refused(&why);
            continue;
        }
        match front.ask(pool, at, &put.call).await {
            Outcome::NotConnected(why) => refused(&why),
            Outcome::Busy(why) => return busy(front.host(at), &why),
            Outcome::NoAnswer(why) => return unknown(front.host(at), &why),
            // Overloaded, not ending: another node would get the queue out of order, and the load.
            Outcome::Answer(reply)
                if reply.status == StatusCode::SERVICE_UNAVAILABLE
                    && !reply.headers.contains_key(RETRY_AFTER) =>
            {
                refused("takes nothing");
            }
            Outcome::Answer(reply) => {
                if front.config.queue_hash && at != owner && reply.status == StatusCode::OK {
                    front.count_at(at, |counts| &counts.stand_in, put.count);
                }
                if reply.status == StatusCode::OK {
                    poll::look(front, &put.queue, at);
                }
                return show(&reply);
            }
        }
    }
    none_took(&told)
}

/// Tells a node the settings of a queue. Whether it can take messages, not whether it took the settings: a node that
/// refuses them says what is wrong with the message too.
async fn declare(front: &Front, pool: &Pool, at: usize, row: &Row) -> Result<(), String> {
    let Ok(call) = settings(row) else { return Ok(()) };
    match front.ask(pool, at, &call).await {
        Outcome::NotConnected(why) | Outcome::Busy(why) | Outcome::NoAnswer(why) => Err(why),
        Outcome::Answer(reply) if reply.status == StatusCode::SERVICE_UNAVAILABLE => {
            Err("takes nothing".into())
        }
        Outcome::Answer(reply) => {
            if reply.status == StatusCode::OK {
                front.view.declared(at, &row.queue);
            } else {
                tracing::warn!(
                    "{} refuses the settings of {}: {}",
                    front.host(at),
                    row.queue,
                    reply.status.as_u16()
                );
            }
            Ok(())
        }
    }
}

fn settings(row: &Row) -> Result<Call, Refusal> {
    Target::new("/hustmq/settings")
        .plain("queue", &row.queue)
        .plain("create", "true")
        .some("second", Some(row.second).filter(|second| *second > 0))
        .plain("max", row.max)
        .plain("lock", row.lock)
        .plain("max_deliveries", row.max_deliveries)
        .bytes("dead_letter", row.dead_letter.as_bytes())
        .plain("ttl", row.ttl)
        .plain("dedup", row.dedup)
        .post()
}

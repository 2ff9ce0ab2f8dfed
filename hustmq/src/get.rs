//! `/get`: asks one node after the other until one has a message.
//!
//! A get is never repeated: a node that took it and gave no answer may have given a message away. What was leased for a
//! client that has gone meanwhile is given back.

use std::sync::Arc;

use hust_wire::{
    Answer, Query, Refusal, Request,
    client::{Call, Pool, Reply, Target},
    queue::{Take, name},
};
use hyper::{
    StatusCode,
    header::{HeaderName, HeaderValue},
};

use crate::{
    acks::{self, Acks},
    backend::Outcome,
    front::Front,
    place::{self, Missing, Seen, missing},
    poll,
    settle::send,
    show::{busy, none_took, show, unknown},
    view::Row,
};

static ACK_PEER: HeaderName = HeaderName::from_static("ack-peer");

/// A get as a node gets it.
#[derive(Clone, Debug)]
pub struct Get {
    /// The queue.
    pub queue: String,
    /// What is asked for.
    pub take: Take,
    /// What is acknowledged before.
    pub acks: Option<Acks>,
    call: Call,
}

impl Get {
    /// What a client asks for.
    pub fn parse(front: &Front, query: Query<'_>) -> Result<Get, Refusal> {
        let queue = name(query)?.into_owned();
        let take = Take::read(query)?;
        let target = Target::new("/hustmq/get").plain("queue", &queue);
        let target = target.of(query, &["worker", "ack", "count"])?;
        let acks = Acks::parse(front, query, &queue, &target)?;
        let call = target.post()?.answer_max_bytes(front.answer_max_bytes());
        Ok(Get { queue, take, acks, call })
    }
}

/// `/get`
pub async fn serve(front: &Arc<Front>, pool: &Pool, request: &mut Request) -> Result<Answer, Refusal> {
    let wanted = Get::parse(front, request.query())?;
    if wanted.take.ack {
        return Ok(get(front, pool, &wanted).await);
    }
    let leased = poll::lease(front, pool, request, Arc::new(wanted)).await;
    leased.ok_or_else(|| Refusal::unavailable("server", "ends"))
}

/// Asks for messages, after what is to be acknowledged before.
pub async fn get(front: &Arc<Front>, pool: &Pool, get: &Get) -> Answer {
    let order = place::candidates(&seen(front, &get.queue), owner(front, get));
    let Some(acks) = &get.acks else { return ask(front, pool, get, &order).await };
    let (unknown, rest) = match (&acks.with_get, order.split_first()) {
        (Some(call), Some((first, rest))) if *first == acks.at => {
            match send(front, pool, acks.at, call).await {
                Ok(reply) if reply.status == StatusCode::OK => return found(front, get, acks.at, &reply),
                Ok(reply) if reply.status == StatusCode::NOT_FOUND => (acks::unknown(&reply), rest),
                Ok(reply) => return show(&reply),
                Err(answer) => return *answer,
            }
        }
        _ => match acks.send(front, pool).await {
            Ok(unknown) => (unknown, &order[..]),
            Err(answer) => return *answer,
        },
    };
    acks::after(ask(front, pool, get, rest).await, &unknown)
}

/// Asks these nodes for messages.
async fn ask(front: &Arc<Front>, pool: &Pool, get: &Get, order: &[usize]) -> Answer {
    let (mut told, mut empty, mut strange) = (Vec::new(), None, None);
    let mut down: Vec<usize> = (0..front.backends.len()).filter(|at| !front.is_live(*at)).collect();
    for &at in order {
        let reply = match front.ask(pool, at, &get.call).await {
            Outcome::NotConnected(why) => {
                told.push(format!("{} {why}", front.host(at)));
                down.push(at);
                continue;
            }
            Outcome::Busy(why) => return busy(front.host(at), &why),
            Outcome::NoAnswer(why) => return unknown(front.host(at), &why),
            Outcome::Answer(reply) => reply,
        };
        match reply.status {
            StatusCode::OK => return found(front, get, at, &reply),
            StatusCode::SERVICE_UNAVAILABLE => {
                told.push(format!("{} gives nothing", front.host(at)));
                down.push(at);
            }
            StatusCode::NOT_FOUND => empty = Some(reply),
            StatusCode::PRECONDITION_FAILED => strange = strange.or(Some(reply)),
            _ => return show(&reply),
        }
    }
    poll::passed(front, &get.queue, None);
    let hidden = || down.iter().any(|at| front.view.has(*at, &get.queue, |_| true));
    match (missing(empty.is_some(), strange.is_some(), hidden), empty.or(strange)) {
        (Missing::Empty | Missing::Unknown, Some(reply)) => show(&reply),
        (Missing::Hidden, _) => {
            Refusal::unavailable("queue", "unknown to those that answer, and a backend that has it is down")
                .into()
        }
        _ => none_took(&told),
    }
}

/// The node that owns the queue, if queues have owners.
fn owner(front: &Front, get: &Get) -> Option<usize> {
    front.config.queue_hash.then(|| place::owner(&get.queue, front.backends.len()))
}

/// What node `at` gave.
fn found(front: &Arc<Front>, get: &Get, at: usize, reply: &Reply) -> Answer {
    if owner(front, get).is_some_and(|owner| owner != at) {
        front.count_at(at, |counts| &counts.strays, 1);
    }
    poll::passed(front, &get.queue, Some(at));
    with_peer(show(reply), front, at, get)
}

/// What is known of the backends, for a queue.
fn seen(front: &Front, queue: &str) -> Vec<Seen> {
    let at = 0..front.backends.len();
    at.map(|at| Seen { live: front.is_live(at), ready: front.view.has(at, queue, Row::has_ready) }).collect()
}

/// Tokens hold at the node that made them.
fn with_peer(answer: Answer, front: &Front, at: usize, get: &Get) -> Answer {
    match HeaderValue::try_from(front.host(at)) {
        Ok(peer) if !get.take.ack => answer.with_header(ACK_PEER.clone(), peer),
        _ => answer,
    }
}

//! `/ack nack touch`: asked of the node that made the delivery, and of no other.

use std::sync::Arc;

use hust_wire::{
    Answer, Host, Query, Refusal, Request,
    client::{Call, Pool, Reply, Target},
    param::required,
    queue::{check_token, name, shown, split, synced},
};
use hyper::{Method, StatusCode};

use crate::{
    backend::Outcome,
    front::Front,
    poll,
    routes::Settle,
    show::{busy, not_done, show, unknown},
};

/// Asks the node that made the delivery.
pub async fn settle(
    front: &Arc<Front>,
    pool: &Pool,
    verb: Settle,
    request: &Request,
) -> Result<Answer, Refusal> {
    let call = call(verb, request)?;
    let at = peer(front, request.query())?;
    let reply = match send(front, pool, at, &call).await {
        Ok(reply) => reply,
        Err(answer) => return Ok(*answer),
    };
    if verb == Settle::Nack && reply.status == StatusCode::OK {
        poll::look(front, &name(request.query())?, at);
    }
    Ok(show(&reply))
}

/// Asks this node and no other. `Err`: the answer where it gives none.
pub async fn send(front: &Front, pool: &Pool, at: usize, call: &Call) -> Result<Reply, Box<Answer>> {
    let host = front.host(at);
    if !front.is_live(at) {
        return Err(Box::new(not_done(format!("{host} is down"))));
    }
    Err(Box::new(match front.ask(pool, at, call).await {
        Outcome::NotConnected(why) => not_done(format!("{host} {why}")),
        Outcome::Busy(why) => busy(host, &why),
        Outcome::NoAnswer(why) => unknown(host, &why),
        Outcome::Answer(reply) => return Ok(reply),
    }))
}

fn call(verb: Settle, request: &Request) -> Result<Call, Refusal> {
    let query = request.query();
    let queue = name(query)?;
    let (delay_s, behind) = match verb {
        // How long a message may wait is the node's to say.
        Settle::Nack => (query.unsigned("delay", u64::MAX)?, None),
        Settle::Ack => (None, (!synced(query)?).then_some(false)),
        Settle::Touch => (None, None),
    };
    let tokens = shown(request)?;
    split(&tokens)?.into_iter().try_for_each(check_token)?;
    let path = match verb {
        Settle::Ack => "/hustmq/ack",
        Settle::Nack => "/hustmq/nack",
        Settle::Touch => "/hustmq/touch",
    };
    let body = if request.body.is_empty() { tokens.into_owned().into() } else { request.body.clone() };
    Target::new(path)
        .plain("queue", queue)
        .some("delay", delay_s)
        .some("sync", behind)
        .call(Method::POST, body)
}

/// The number of the backend that is meant.
pub fn peer(front: &Front, query: Query<'_>) -> Result<usize, Refusal> {
    let text = required("peer", query.bytes("peer")?)?;
    let host = std::str::from_utf8(&text).ok().and_then(|text| text.parse::<Host>().ok());
    host.and_then(|host| front.backends.iter().position(|backend| backend.host == host))
        .ok_or_else(|| Refusal::bad("peer", "no such backend"))
}

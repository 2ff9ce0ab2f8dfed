//! `/ack nack touch`: asked of the node that made the delivery, and of no other.

use std::sync::Arc;

use hust_wire::{
    Answer, Host, Refusal, Request,
    client::{Call, Pool, Target},
    param::required,
    queue::{check_token, name, shown, split},
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
    let at = peer(front, request)?;
    let host = front.host(at);
    if !front.is_live(at) {
        return Ok(not_done(format!("{host} is down")));
    }
    Ok(match front.ask(pool, at, &call).await {
        Outcome::NotConnected(why) => not_done(format!("{host} {why}")),
        Outcome::Busy(why) => busy(host, &why),
        Outcome::NoAnswer(why) => unknown(host, &why),
        Outcome::Answer(reply) => {
            if verb == Settle::Nack && reply.status == StatusCode::OK {
                poll::look(front, &name(request.query())?, at);
            }
            show(&reply)
        }
    })
}

fn call(verb: Settle, request: &Request) -> Result<Call, Refusal> {
    let query = request.query();
    let queue = name(query)?;
    let delay_s = match verb {
        // How long a message may wait is the node's to say.
        Settle::Nack => query.unsigned("delay", u64::MAX)?,
        Settle::Ack | Settle::Touch => None,
    };
    let tokens = shown(request)?;
    split(&tokens)?.into_iter().try_for_each(check_token)?;
    let path = match verb {
        Settle::Ack => "/hustmq/ack",
        Settle::Nack => "/hustmq/nack",
        Settle::Touch => "/hustmq/touch",
    };
    let body = if request.body.is_empty() { tokens.into_owned().into() } else { request.body.clone() };
    Target::new(path).plain("queue", queue).some("delay", delay_s).call(Method::POST, body)
}

/// The number of the backend that is meant.
fn peer(front: &Front, request: &Request) -> Result<usize, Refusal> {
    let text = required("peer", request.query().bytes("peer")?)?;
    let host = std::str::from_utf8(&text).ok().and_then(|text| text.parse::<Host>().ok());
    host.and_then(|host| front.backends.iter().position(|backend| backend.host == host))
        .ok_or_else(|| Refusal::bad("peer", "no such backend"))
}

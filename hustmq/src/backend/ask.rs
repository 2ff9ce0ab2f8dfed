//! One request to one node, and what came of it. Sent once at most.

use hust_wire::{
    client::{self, Call, Pool, Reply},
    health::Event,
    line,
};
use hyper::{StatusCode, header::WWW_AUTHENTICATE};

use super::node::Backend;

/// What came of a request. Reasons are one short line.
#[derive(Debug)]
pub enum Outcome {
    /// It was not sent, or the node refused us before it looked at it.
    NotConnected(String),
    /// It was not sent because too many requests wait for the node; another node would only get the load too.
    Busy(String),
    /// It was sent, at least in part, and no complete answer came: it may have been done or not.
    NoAnswer(String),
    /// The node's answer, whatever its status.
    Answer(Reply),
}

/// Asks a node, live or not, and tells it what went wrong.
pub async fn ask(pool: &Pool, backend: &Backend, call: &Call) -> Outcome {
    backend.count(|counts| &counts.asked);
    match pool.call(&backend.host, call).await {
        Ok(reply) if refuses_us(&reply) => {
            backend.count(|counts| &counts.not_connected);
            Outcome::NotConnected("wants other credentials".into())
        }
        Ok(reply) => {
            if reply.status == StatusCode::SERVICE_UNAVAILABLE {
                backend.alarm.notify_one();
            }
            Outcome::Answer(reply)
        }
        Err(failure) => match failure.outcome() {
            client::Outcome::Unknown => {
                backend.count(|counts| &counts.unknown);
                backend.observe(Event::RequestLost);
                backend.alarm.notify_one();
                Outcome::NoAnswer(line::short(failure.cause()))
            }
            client::Outcome::Refused => {
                backend.count(|counts| &counts.not_connected);
                if !failure.is_unreachable() {
                    return Outcome::Busy(line::short(failure.cause()));
                }
                backend.observe(Event::RequestUnreachable);
                backend.alarm.notify_one();
                Outcome::NotConnected(line::short(failure.cause()))
            }
        },
    }
}

/// Whether a node refuses our credentials, and not what the client asks for.
fn refuses_us(reply: &Reply) -> bool {
    reply.status == StatusCode::UNAUTHORIZED && reply.headers.contains_key(WWW_AUTHENTICATE)
}

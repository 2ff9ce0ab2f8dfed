//! One request to one node, and what came of it. Sent once at most.

use hust_wire::{
    client::{self, Call, Pool, Reply},
    health::Event,
};
use hyper::StatusCode;

use super::node::Backend;
use crate::show::one_line;

/// What came of a request. Reasons are one short line.
#[derive(Debug)]
pub enum Outcome {
    /// It was not sent.
    NotConnected(String),
    /// It was sent, at least in part, and no complete answer came: it may have been done or not.
    NoAnswer(String),
    /// The node's answer, whatever its status.
    Answer(Reply),
}

/// Asks a node, live or not, and tells it what went wrong.
pub async fn ask(pool: &Pool, backend: &Backend, call: &Call) -> Outcome {
    backend.count(|counts| &counts.asked);
    match pool.call(&backend.host, call).await {
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
                Outcome::NoAnswer(one_line(failure.cause()))
            }
            client::Outcome::Refused => {
                backend.count(|counts| &counts.not_connected);
                if failure.is_unreachable() {
                    backend.observe(Event::RequestUnreachable);
                    backend.alarm.notify_one();
                }
                Outcome::NotConnected(one_line(failure.cause()))
            }
        },
    }
}

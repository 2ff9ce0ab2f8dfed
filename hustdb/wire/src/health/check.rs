//! One check of a node: `GET /status.html`, 200 is good.

use std::time::Duration;

use hyper::StatusCode;

use super::Event;
use crate::{
    client::{Call, Failure, Pool, Reply},
    host::Host,
};

/// Checks a node once.
pub async fn check(pool: &Pool, host: &Host, timeout: Duration) -> Event {
    match Call::get("/status.html") {
        Err(_) => Event::Bad,
        Ok(call) => Event::of(&pool.call(host, &call.timeout(timeout)).await),
    }
}

impl Event {
    /// What an answer to a check, or its absence, tells.
    pub fn of(answer: &Result<Reply, Failure>) -> Event {
        match answer {
            Ok(reply) if reply.status == StatusCode::OK => Event::Good,
            Ok(reply) if reply.status == StatusCode::SERVICE_UNAVAILABLE => Event::Ending,
            Ok(_) => Event::Bad,
            Err(failure) if failure.is_unreachable() => Event::Unreachable,
            Err(_) => Event::Bad,
        }
    }
}

//! Asks each node for the rows of all its queues, again and again and on demand.
//!
//! Rounds never overlap on one node: each holds the node's lock. Who waits for a round that began after it came takes
//! the result of the next one, whoever asked for it, so that many who ask at once cost one round. A round counts as a
//! check of the node's health.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use hust_wire::{Answer, Refusal, client::Call, health::Event};
use hyper::StatusCode;
use tokio::time::{Instant, sleep};

use super::seen::Seen;
use crate::{backend::Backend, front::Front, poll};

/// Polls every node until the program ends.
pub fn poll(front: &Arc<Front>, interval: Duration) {
    for at in 0..front.backends.len() {
        let shared = front.clone();
        front.keeper.spawn(async move {
            loop {
                sleep(interval).await;
                round(&shared, at).await;
            }
        });
    }
}

/// Polls the nodes that are live once, in parallel.
pub async fn first(front: Arc<Front>) {
    let rounds = front.live().into_iter().map(|at| spawn(&front, at)).collect::<Vec<_>>();
    for round in rounds {
        // One that was ended has told nothing; the next one will.
        let _ = round.await;
    }
}

/// `/autost`
pub async fn autost(front: &Arc<Front>) -> Result<Answer, Refusal> {
    let rounds: Vec<_> = front.backends.iter().zip((0..).map(|at| spawn(front, at))).collect();
    let mut silent = Vec::new();
    for (backend, round) in rounds {
        if !matches!(round.await, Ok(true)) {
            silent.push(backend.host.as_str());
        }
    }
    if silent.is_empty() {
        return Ok(Answer::empty(StatusCode::OK));
    }
    Err(Refusal::unavailable("backends", format!("no answer from {}", silent.join(","))))
}

fn spawn(front: &Arc<Front>, at: usize) -> tokio::task::JoinHandle<bool> {
    let shared = front.clone();
    front.keeper.spawn(async move { round(&shared, at).await })
}

/// Waits for a round of one node that begins from now on. Whether the node answered.
async fn round(front: &Front, at: usize) -> bool {
    let (Some(backend), Some(seen)) = (front.backends.get(at), front.view.node(at)) else { return false };
    let begun = seen.begun();
    let _turn = seen.polling.lock().await;
    if let Some(answered) = seen.since(begun) {
        return answered;
    }
    let asked = Instant::now();
    let answered = ask(front, backend, seen).await;
    if answered {
        poll::polled(front, at, &front.view.rows(at), asked);
        poll::straighten(front);
    }
    answered
}

async fn ask(front: &Front, backend: &Backend, seen: &Seen) -> bool {
    let Ok(call) = Call::get("/hustmq/stat_all?detail=true") else { return false };
    let keeper = &front.keeper;
    let number = seen.begin();
    let answer = keeper.pool.call(&backend.host, &call.timeout(keeper.health.timeout())).await;
    let event = match (Event::of(&answer), &answer) {
        (Event::Good, Ok(reply)) => taken(seen, number, &reply.body),
        (event, _) => {
            seen.silent(number);
            event
        }
    };
    if backend.observe(event) {
        keeper.risen.notify_one();
    }
    event == Event::Good
}

fn taken(seen: &Seen, number: u64, body: &Bytes) -> Event {
    if seen.answered(number, body) { Event::Good } else { Event::Bad }
}

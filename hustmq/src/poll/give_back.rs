//! Gives back what was leased for a client that has gone, so that the next one need not wait for the deadline.
//!
//! The get is a task of its own, for a node that was asked leases a message whether its client waits or not.

use std::sync::Arc;

use hust_wire::{
    Answer, Request,
    client::{Call, Pool, Target},
    message::Frames,
};
use hyper::{Method, StatusCode};
use tokio::sync::oneshot;

use super::look::look;
use crate::{
    backend::Outcome,
    front::Front,
    get::{Get, get},
    show::header,
};

/// Gets for a client: what it did not receive of a lease is given back. `None` if the worker ends.
pub async fn lease(
    front: &Arc<Front>,
    pool: &Pool,
    request: &mut Request,
    wanted: Arc<Get>,
) -> Option<Answer> {
    let (front, pool, left) = (front.clone(), pool.clone(), request.receipt());
    let (told, result) = oneshot::channel();
    tokio::spawn(async move {
        let answer = get(&front, &pool, &wanted).await;
        let leased = (answer.status == StatusCode::OK && !wanted.take.ack).then(|| answer.clone());
        let gone = told.send(answer).is_err();
        if let Some(leased) = leased
            && (gone || left.await.is_err())
        {
            give_back(&front, &wanted, &leased);
        }
    });
    result.await.ok()
}

/// Gives back the messages of an answer to a get with `ack=false`. The worker that got them may be ending, so the keeper
/// does it.
fn give_back(front: &Arc<Front>, got: &Get, answer: &Answer) {
    let peer = header(answer, "ack-peer");
    let node = (0..front.backends.len()).find(|node| Some(front.host(*node)) == peer);
    let (Some(node), Some(call)) = (node, nack(got, answer)) else { return };
    let (front_2, queue) = (front.clone(), got.queue.clone());
    front.keeper.spawn(async move {
        match front_2.ask(&front_2.keeper.pool, node, &call).await {
            Outcome::Answer(reply) if reply.status.is_success() => look(&front_2, &queue, node),
            other => tracing::debug!("a message of {queue} was not given back: {other:?}"),
        }
    });
}

fn nack(got: &Get, answer: &Answer) -> Option<Call> {
    let tokens = match got.take.count {
        Some(_) => batch(answer)?,
        None => header(answer, "ack-token")?.to_owned(),
    };
    let target = Target::new("/hustmq/nack").plain("queue", &got.queue);
    target.call(Method::POST, tokens.into()).ok()
}

/// The tokens of a batch, joined by commas.
fn batch(answer: &Answer) -> Option<String> {
    let mut tokens: Vec<String> = Vec::new();
    for frame in Frames::of(&answer.body) {
        let token = frame.ok()?.fields.bytes("token").ok()??;
        tokens.push(String::from_utf8(token.into_owned()).ok()?);
    }
    (!tokens.is_empty()).then(|| tokens.join(","))
}

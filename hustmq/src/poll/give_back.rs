//! Gives back what was leased for a client that has gone, so that the next waiter need not wait for the deadline.

use std::sync::Arc;

use hust_wire::{Answer, client::Call, message::Frames};

use super::look::stored;
use crate::{backend::Outcome, front::Front, get};

/// Gives back the messages of an answer to a get with `ack=false`. The worker that got them may be ending, so the keeper
/// does it.
pub fn give_back(front: &Arc<Front>, queue: &str, answer: &Answer, is_batch: bool) {
    let Some(node) = get::peer(front, answer) else { return };
    let tokens = if is_batch { batch(answer) } else { get::token(answer) };
    let Some(tokens) = tokens else { return };
    let Ok(call) = Call::post(format!("/hustmq/nack?queue={queue}"), tokens) else { return };
    let (front_2, queue) = (front.clone(), queue.to_owned());
    front.keeper.spawn(async move {
        match front_2.ask(&front_2.keeper.pool, node, &call).await {
            Outcome::Answer(reply) if reply.status.is_success() => stored(&front_2, &queue, node),
            other => tracing::debug!("a message of {queue} was not given back: {other:?}"),
        }
    });
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

//! What a get acknowledges before it takes anything: at the node that made the delivery, as `/ack` does.
//!
//! A node does both with one request. It is sent that if it is the first to be asked for a message anyway; else it is
//! told of the acknowledgements alone, and nobody is asked for a message before it has answered.

use hust_wire::{
    Answer, Query, Refusal,
    client::{Call, Pool, Reply, Target},
    queue::{self, unknown_tokens},
};
use hyper::{Method, StatusCode};
use serde::Deserialize;

use crate::{
    front::Front,
    settle::{peer, send},
    show::{is_nothing, show},
};

/// What is acknowledged.
#[derive(Clone, Debug)]
pub struct Acks {
    /// The node that made the delivery.
    pub at: usize,
    /// Acknowledges.
    alone: Call,
    /// Acknowledges and gets; `None` if that is too long for a target.
    pub with_get: Option<Call>,
}

/// What a node answers to a list.
#[derive(Default, Deserialize)]
struct Done {
    unknown: Vec<String>,
}

impl Acks {
    /// What a client's get of a queue asks for, beside that `get`.
    pub fn parse(
        front: &Front,
        query: Query<'_>,
        queue: &str,
        get: &Target,
    ) -> Result<Option<Acks>, Refusal> {
        let Some(acks) = queue::Acks::read(query)? else {
            return match query.bytes("peer")? {
                None => Ok(None),
                Some(_) => Err(Refusal::bad("peer", "not without token")),
            };
        };
        let at = peer(front, query)?;
        let behind = (!acks.synced).then_some(false);
        let with_get = get.clone().bytes("token", &acks.tokens).some("sync", behind).post().ok();
        let with_get = with_get.map(|call| call.answer_max_bytes(front.answer_max_bytes()));
        let alone = Target::new("/hustmq/ack").plain("queue", queue).some("sync", behind);
        let alone = alone.call(Method::POST, acks.tokens.into_owned().into())?;
        Ok(Some(Acks { at, alone, with_get }))
    }

    /// Acknowledges alone, and tells which tokens were not current. `Err`: what ends the request.
    pub async fn send(&self, front: &Front, pool: &Pool) -> Result<String, Box<Answer>> {
        let reply = send(front, pool, self.at, &self.alone).await?;
        if reply.status != StatusCode::OK {
            return Err(Box::new(show(&reply)));
        }
        // One token is answered without a body.
        let done: Done = serde_json::from_slice(&reply.body).unwrap_or_default();
        Ok(done.unknown.join(","))
    }
}

/// The tokens that a node, which acknowledged and found nothing to give, did not know.
pub fn unknown(reply: &Reply) -> String {
    reply.header("unknown-tokens").unwrap_or_default().to_owned()
}

/// The answer to a get after its acknowledgements were done: what took nothing is 404, so that 412, and 503 with
/// `refused`, always say that nothing at all was done.
pub fn after(answer: Answer, unknown: &str) -> Answer {
    let answer = if is_nothing(&answer) { Answer::empty(StatusCode::NOT_FOUND) } else { answer };
    unknown_tokens(answer, unknown)
}

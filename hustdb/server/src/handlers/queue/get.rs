//! `/hustmq/get`: the next message, or a batch of frames; before that what came before may be acknowledged.
//!
//! The acknowledgement and the get are two changes with one wait for both. If no token is current nothing is taken; once
//! one was, what keeps the get from taking anything is 404, so that 412 always says that nothing happened.

use hust_store::{
    Queues,
    queue::{Delivered, Get, GetDone, Promise, Settlement, Verdict},
};
use hust_wire::{
    Answer, Kind, Refusal, Request,
    answer::number,
    message::{FRAMES, Line},
    queue::{Acks, Take, name, unknown_tokens},
};
use hyper::{
    StatusCode,
    header::{HeaderName, HeaderValue},
};

use super::{INDEX, ack::Deliveries, kept, settle};
use crate::handlers::Outcome;

static ACK_TOKEN: HeaderName = HeaderName::from_static("ack-token");
static REDELIVERED: HeaderName = HeaderName::from_static("redelivered");
static DEAD_FROM: HeaderName = HeaderName::from_static("dead-from");
static COUNT: HeaderName = HeaderName::from_static("count");

/// `/hustmq/get`
pub async fn get(queues: &Queues, request: &Request) -> Outcome {
    let query = request.query();
    let queue = name(query)?;
    let take = Take::read(query)?;
    let Some(Acks { tokens, synced }) = Acks::read(query)? else {
        let (answer, promise) = taken(queues, &queue, take).await?;
        kept(promise).await?;
        return Ok(answer);
    };
    let deliveries = Deliveries::read(&tokens)?;
    let verdict = Verdict::Ack { durable: synced };
    let Some(Settlement { current, promise }) = deliveries.settle(queues, &queue, verdict).await? else {
        return deliveries.none();
    };
    let (answer, promise) = match taken(queues, &queue, take).await {
        Ok((answer, got)) => (answer, promise.and(got)),
        // The queue was deleted meanwhile, or the node is too busy now: nothing was taken.
        Err(refusal) if refusal.status != StatusCode::INTERNAL_SERVER_ERROR => (nothing(), promise),
        Err(refusal) => return Err(refusal),
    };
    kept(promise).await?;
    Ok(unknown_tokens(answer, &deliveries.unknown(&current)))
}

/// Takes messages: the answer, and what it has to wait for.
async fn taken(queues: &Queues, queue: &str, take: Take) -> Result<(Answer, Promise), Refusal> {
    let Take { worker, ack, count } = take;
    let (owned, messages) = (queue.to_owned(), count.unwrap_or(1) as usize);
    let tried = queues.try_get(queue, &Get { worker: &worker, ack, count: messages });
    let blocking = move |queues: &Queues| queues.get(&owned, &Get { worker: &worker, ack, count: messages });
    let GetDone { messages, promise } = settle(queues, tried, blocking).await?;
    let answer = match count {
        _ if messages.is_empty() => nothing(),
        Some(_) => frames(&messages),
        None => messages.into_iter().next().map_or_else(nothing, single),
    };
    Ok((answer, promise))
}

fn nothing() -> Answer {
    Answer::empty(StatusCode::NOT_FOUND)
}

fn single(message: Delivered) -> Answer {
    let Delivered { index, item, token, redelivered, dead_from, .. } = message;
    let mut answer = Answer::shared(Kind::Text, item).with_header(INDEX.clone(), number(index));
    if let Some(Ok(token)) = token.map(|token| HeaderValue::try_from(token.to_string())) {
        answer = answer.with_header(ACK_TOKEN.clone(), token);
    }
    if redelivered > 0 {
        answer = answer.with_header(REDELIVERED.clone(), number(redelivered.into()));
    }
    if let Some(Ok(origin)) = dead_from.map(HeaderValue::try_from) {
        answer = answer.with_header(DEAD_FROM.clone(), origin);
    }
    answer
}

fn frames(messages: &[Delivered]) -> Answer {
    let mut body = Vec::with_capacity(messages.iter().map(|message| message.item.len() + 64).sum());
    for message in messages {
        let mut line = Line::new(&mut body);
        if let Some(token) = &message.token {
            line = line.text("token", token.to_string().as_bytes());
        }
        line = line.number("index", message.index).number("priori", message.priority.into());
        if message.redelivered > 0 {
            line = line.number("redelivered", message.redelivered.into());
        }
        if let Some(origin) = &message.dead_from {
            line = line.text("dead_from", origin.as_bytes());
        }
        line.item(&message.item);
    }
    Answer::ok(FRAMES, body).with_header(COUNT.clone(), number(messages.len() as u64))
}

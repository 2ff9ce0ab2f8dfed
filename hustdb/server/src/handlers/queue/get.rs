//! `/hustmq/get`: the next message, or a batch of frames.

use hust_store::{
    Queues,
    queue::{Delivered, Get, GetDone},
};
use hust_wire::{
    Answer, Kind, Request,
    answer::number,
    message::{FRAMES, Line},
    queue::{Take, name},
};
use hyper::{
    StatusCode,
    header::{HeaderName, HeaderValue},
};

use super::{INDEX, kept, settle};
use crate::handlers::Outcome;

static ACK_TOKEN: HeaderName = HeaderName::from_static("ack-token");
static REDELIVERED: HeaderName = HeaderName::from_static("redelivered");
static DEAD_FROM: HeaderName = HeaderName::from_static("dead-from");
static COUNT: HeaderName = HeaderName::from_static("count");

/// `/hustmq/get`
pub async fn get(queues: &Queues, request: &Request) -> Outcome {
    let query = request.query();
    let queue = name(query)?;
    let Take { worker, ack, count } = Take::read(query)?;
    let (owned, messages) = (queue.clone().into_owned(), count.unwrap_or(1) as usize);
    let tried = queues.try_get(&queue, &Get { worker: &worker, ack, count: messages });
    let blocking = move |queues: &Queues| queues.get(&owned, &Get { worker: &worker, ack, count: messages });
    let GetDone { messages, promise } = settle(queues, tried, blocking).await?;
    kept(promise).await?;
    if messages.is_empty() {
        return Ok(Answer::empty(StatusCode::NOT_FOUND));
    }
    Ok(match count {
        Some(_) => frames(&messages),
        None => messages.into_iter().next().map_or_else(|| Answer::empty(StatusCode::NOT_FOUND), single),
    })
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

//! `/hustmq/pub sub`.

use hust_store::{
    Queues,
    queue::{INDEX_MAX, Publication, Published, Read, SubDone, Window},
};
use hust_wire::{
    Answer, Kind, Refusal, Request,
    answer::number,
    message::{FRAMES, Line},
    param::required,
    queue::{count, name},
};
use hyper::{
    StatusCode,
    header::{HeaderName, HeaderValue},
};

use super::{INDEX, kept, settle};
use crate::handlers::Outcome;

static NEXT: HeaderName = HeaderName::from_static("next");

/// `/hustmq/pub`
pub async fn publish(queues: &Queues, request: &Request) -> Outcome {
    let query = request.query();
    let queue = name(query)?;
    let idx = query.unsigned("idx", INDEX_MAX)?;
    let base = query.unsigned("base", INDEX_MAX)?.unwrap_or(0);
    let ttl_s = query.unsigned("ttl", u64::MAX)?;
    let item = request.value("item")?;
    let tried = queues.try_publish(&queue, &Publication { item: &item, idx, base, ttl_s });
    let queue = queue.into_owned();
    let blocking =
        move |queues: &Queues| queues.publish(&queue, &Publication { item: &item, idx, base, ttl_s });
    let Published { index, expire_ms, promise } = settle(queues, tried, blocking).await?;
    kept(promise).await?;
    let answer = Answer::empty(StatusCode::OK).with_header(INDEX.clone(), number(index));
    Ok(Answer { expire_ms: Some(expire_ms), ..answer })
}

/// `/hustmq/sub`
pub async fn subscribe(queues: &Queues, request: &Request) -> Outcome {
    let query = request.query();
    let queue = name(query)?;
    let idx = required("idx", query.unsigned("idx", INDEX_MAX)?)?;
    let count = count(query)?.map(|count| count as usize);
    let tried = queues.try_subscribe(&queue, idx, count);
    let queue = queue.into_owned();
    let blocking = move |queues: &Queues| queues.subscribe(&queue, idx, count);
    let SubDone { window, inside, messages, next, promise } = settle(queues, tried, blocking).await?;
    kept(promise).await?;
    let answer = match (inside, count, messages.first()) {
        (false, _, _) => {
            let refusal = Refusal::new(StatusCode::UNAUTHORIZED, "idx", "outside the window");
            return Ok(with_window(refusal.into(), window));
        }
        (true, _, None) => Answer::empty(StatusCode::NOT_FOUND),
        (true, None, Some(message)) => Answer::shared(Kind::Text, message.item.clone()),
        (true, Some(_), Some(_)) => frames(&messages),
    };
    let answer = with_window(answer, window);
    Ok(if count.is_some() { answer.with_header(NEXT.clone(), number(next)) } else { answer })
}

fn with_window(answer: Answer, Window { si, ci }: Window) -> Answer {
    match HeaderValue::try_from(format!("{si}-{ci}")) {
        Ok(window) => answer.with_header(INDEX.clone(), window),
        Err(_) => answer,
    }
}

fn frames(messages: &[Read]) -> Answer {
    let mut body = Vec::with_capacity(messages.iter().map(|message| message.item.len() + 64).sum());
    for message in messages {
        let line = Line::new(&mut body).number("index", message.index);
        line.number("expire", message.expire_ms).item(&message.item);
    }
    Answer::ok(FRAMES, body)
}

//! `/hustmq/put`: one message, or a batch of frames.

use hust_store::{
    Queues,
    queue::{NewMessage, PutDone, Stored},
};
use hust_wire::{
    Answer, Kind, Request,
    answer::number,
    queue::{Incoming, Terms, incoming, name},
};
use hyper::{
    StatusCode,
    header::{HeaderName, HeaderValue},
};

use super::{INDEX, kept, pooled, settle};
use crate::{handlers::Outcome, node::Limits};

static DUPLICATE: HeaderName = HeaderName::from_static("duplicate");

/// Bodies of batches that are longer are put on the pool, bytes.
const INLINE_MAX_BYTES: usize = 256 << 10;

/// A message as the store takes it.
fn message(incoming: &Incoming) -> NewMessage<'_> {
    let Terms { priority, ttl_s, delay_s, id } = &incoming.terms;
    let (priority, ttl_s, delay_s) = (*priority, *ttl_s, *delay_s);
    NewMessage { priority, item: &incoming.item, ttl_s, delay_s, id: id.as_deref() }
}

/// `/hustmq/put`
pub async fn put(queues: &Queues, request: &Request, limits: &Limits) -> Outcome {
    let query = request.query();
    let queue = name(query)?;
    let terms = Terms::read(query, &Terms::PLAIN, limits.ttl_maximum_s)?;
    if query.boolean("batch")?.unwrap_or(false) {
        let messages = incoming(&request.body, &Terms { id: None, ..terms }, limits.ttl_maximum_s)?;
        return batch(queues, queue.into_owned(), messages, request.body.len()).await;
    }
    let incoming = Incoming { terms, item: request.value("item")? };
    let tried = queues.try_put(&queue, &[message(&incoming)]);
    let queue = queue.into_owned();
    let blocking = move |queues: &Queues| queues.put(&queue, &[message(&incoming)]);
    let PutDone { stored, promise } = settle(queues, tried, blocking).await?;
    kept(promise).await?;
    let mut answer = Answer::empty(StatusCode::OK);
    for Stored { index, duplicate } in stored {
        answer = answer.with_header(INDEX.clone(), number(index));
        if duplicate {
            answer = answer.with_header(DUPLICATE.clone(), HeaderValue::from_static("true"));
        }
    }
    Ok(answer)
}

async fn batch(queues: &Queues, queue: String, messages: Vec<Incoming>, body_bytes: usize) -> Outcome {
    let borrowed: Vec<NewMessage<'_>> = messages.iter().map(message).collect();
    let tried = (body_bytes <= INLINE_MAX_BYTES).then(|| queues.try_put(&queue, &borrowed));
    let blocking = move |queues: &Queues| {
        let borrowed: Vec<NewMessage<'_>> = messages.iter().map(message).collect();
        queues.put(&queue, &borrowed)
    };
    let PutDone { stored, promise } = match tried {
        Some(tried) => settle(queues, tried, blocking).await?,
        None => pooled(queues, blocking).await?,
    };
    kept(promise).await?;
    let duplicates = stored.iter().filter(|stored| stored.duplicate).count();
    let mut json = format!(r#"{{"stored":{},"duplicates":{duplicates},"index":["#, stored.len() - duplicates);
    let mut digits = itoa::Buffer::new();
    for (at, Stored { index, .. }) in stored.iter().enumerate() {
        if at > 0 {
            json.push(',');
        }
        json.push_str(digits.format(*index));
    }
    json.push_str("]}");
    Ok(Answer::ok(Kind::Json, json))
}

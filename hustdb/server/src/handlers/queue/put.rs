//! `/hustmq/put`: one message, or a batch of frames.

use bytes::Bytes;
use hust_store::{
    Queues,
    queue::{BATCH_MAX, ID_MAX_BYTES, NewMessage, PutDone, Stored},
};
use hust_wire::{
    Answer, Kind, Query, Refusal, Request,
    answer::number,
    message::{Frames, in_frame},
};
use hyper::{
    StatusCode,
    header::{HeaderName, HeaderValue},
};

use super::{INDEX, kept, name, pooled, settle};
use crate::{
    handlers::{Outcome, value_of},
    node::Limits,
};

static DUPLICATE: HeaderName = HeaderName::from_static("duplicate");

/// Bodies of batches that are longer are put on the pool, bytes.
const INLINE_MAX_BYTES: usize = 256 << 10;

/// What a message is put with.
#[derive(Clone, Debug)]
struct Terms {
    priority: u8,
    ttl_s: Option<u64>,
    delay_s: u64,
    id: Option<Vec<u8>>,
}

/// A message on its way.
#[derive(Debug)]
struct Incoming {
    terms: Terms,
    item: Bytes,
}

impl Terms {
    /// Where nothing is said.
    const PLAIN: Terms = Terms { priority: 0, ttl_s: None, delay_s: 0, id: None };

    /// Reads what `query` says; what it does not is as in `unsaid`.
    fn read(query: Query<'_>, unsaid: &Terms, limits: &Limits) -> Result<Terms, Refusal> {
        let priority = query.unsigned_in("priori", 0, 2)?.map(|priority| priority as u8);
        let id = query.bytes("id")?;
        if id.as_ref().is_some_and(|id| !(1..=ID_MAX_BYTES).contains(&id.len())) {
            return Err(Refusal::bad("id", format!("not of 1 to {ID_MAX_BYTES} bytes")));
        }
        Ok(Terms {
            priority: priority.unwrap_or(unsaid.priority),
            ttl_s: query.unsigned("ttl", limits.ttl_maximum_s)?.or(unsaid.ttl_s),
            delay_s: query.unsigned("delay", limits.ttl_maximum_s)?.unwrap_or(unsaid.delay_s),
            id: id.map(|id| id.into_owned()),
        })
    }
}

impl Incoming {
    fn message(&self) -> NewMessage<'_> {
        let Terms { priority, ttl_s, delay_s, id } = &self.terms;
        let (priority, ttl_s, delay_s) = (*priority, *ttl_s, *delay_s);
        NewMessage { priority, item: &self.item, ttl_s, delay_s, id: id.as_deref() }
    }
}

/// `/hustmq/put`
pub async fn put(queues: &Queues, request: &Request, limits: &Limits) -> Outcome {
    let query = request.query();
    let queue = name(query)?;
    let terms = Terms::read(query, &Terms::PLAIN, limits)?;
    if query.boolean("batch")?.unwrap_or(false) {
        let messages = frames(&request.body, &Terms { id: None, ..terms }, limits)?;
        return batch(queues, queue.into_owned(), messages, request.body.len()).await;
    }
    let incoming = Incoming { terms, item: value_of("item", request, query)? };
    let tried = queues.try_put(&queue, &[incoming.message()]);
    let queue = queue.into_owned();
    let blocking = move |queues: &Queues| queues.put(&queue, &[incoming.message()]);
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

/// The messages of a body; a refusal names its frame.
fn frames(body: &Bytes, unsaid: &Terms, limits: &Limits) -> Result<Vec<Incoming>, Refusal> {
    let mut messages = Vec::new();
    for (number, frame) in (1..).zip(Frames::of(body)) {
        let frame = frame?;
        if number > BATCH_MAX {
            return Err(Refusal::bad("batch", format!("over {BATCH_MAX} frames")));
        }
        let terms = Terms::read(frame.fields, unsaid, limits).map_err(|refusal| in_frame(number, refusal))?;
        messages.push(Incoming { terms, item: body.slice_ref(frame.item) });
    }
    if messages.is_empty() {
        return Err(Refusal::bad("batch", "no frames"));
    }
    Ok(messages)
}

async fn batch(queues: &Queues, queue: String, messages: Vec<Incoming>, body_bytes: usize) -> Outcome {
    let borrowed: Vec<NewMessage<'_>> = messages.iter().map(Incoming::message).collect();
    let tried = (body_bytes <= INLINE_MAX_BYTES).then(|| queues.try_put(&queue, &borrowed));
    let blocking = move |queues: &Queues| {
        let borrowed: Vec<NewMessage<'_>> = messages.iter().map(Incoming::message).collect();
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

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits =
        Limits { ttl_maximum_s: 1000, message_ttl_maximum_s: 1000, max_body_bytes: 1 << 20 };

    fn read(body: &'static str) -> Result<Vec<Incoming>, String> {
        let unsaid = Terms { priority: 1, ttl_s: Some(9), delay_s: 3, id: None };
        frames(&Bytes::from_static(body.as_bytes()), &unsaid, &LIMITS)
            .map_err(|refusal| refusal.line().trim_end().to_owned())
    }

    #[test]
    fn frames_say_what_the_query_did_not() {
        let messages = read("len=1\na\npriori=2&ttl=0&delay=0&id=%00&len=0\n\n").unwrap();
        let told = |at: usize| {
            let Terms { priority, ttl_s, delay_s, id } = &messages[at].terms;
            (*priority, *ttl_s, *delay_s, id.clone(), messages[at].item.len())
        };
        assert_eq!(told(0), (1, Some(9), 3, None, 1));
        assert_eq!(told(1), (2, Some(0), 0, Some(vec![0]), 0));
    }

    #[test]
    fn a_refused_frame_is_named() {
        let table = [
            ("", "batch: no frames"),
            ("len=0\n\npriori=3&len=0\n\n", "frame 2: priori: not in 0..2"),
            ("ttl=1001&len=0\n\n", "frame 1: ttl: over 1000"),
            ("delay=1001&len=0\n\n", "frame 1: delay: over 1000"),
            ("id=&len=0\n\n", "frame 1: id: not of 1 to 128 bytes"),
            ("id=%4&len=0\n\n", "frame 1: id: bad escape"),
            ("len=0\n\nlen=9\n\n", "frame 2: item cut off"),
        ];
        for (body, reason) in table {
            assert_eq!(read(body).unwrap_err(), reason, "{body:?}");
        }
        let many: &'static str = "len=0\n\n".repeat(BATCH_MAX + 1).leak();
        assert_eq!(read(many).unwrap_err(), "batch: over 1000 frames");
        assert_eq!(read(&many[7..]).unwrap().len(), BATCH_MAX);
    }
}

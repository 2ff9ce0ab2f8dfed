//! `/hustmq/ack nack touch`: one token or a list of them; and what a get acknowledges on its way.

use hust_store::{
    Fetch, Queues,
    queue::{QueueError, Settlement, Token, Verdict},
};
use hust_wire::{
    Answer, Kind, Refusal, Request,
    queue::{name, shown, split, synced},
};
use hyper::StatusCode;

use super::{kept, pooled};
use crate::{
    handlers::Outcome,
    node::Limits,
    refuse::{refuse, refuse_queue},
};

/// `/hustmq/ack`
pub async fn ack(queues: &Queues, request: &Request) -> Outcome {
    let durable = synced(request.query())?;
    answer(queues, request, Verdict::Ack { durable }).await
}

/// `/hustmq/nack`
pub async fn nack(queues: &Queues, request: &Request, limits: &Limits) -> Outcome {
    let delay_s = request.query().unsigned("delay", limits.ttl_maximum_s)?.unwrap_or(0);
    answer(queues, request, Verdict::Nack { delay_s }).await
}

/// `/hustmq/touch`
pub async fn touch(queues: &Queues, request: &Request) -> Outcome {
    answer(queues, request, Verdict::Touch).await
}

async fn answer(queues: &Queues, request: &Request, verdict: Verdict) -> Outcome {
    let queue = name(request.query())?;
    let text = shown(request)?;
    let deliveries = Deliveries::read(&text)?;
    let Some(Settlement { current, promise }) = deliveries.settle(queues, &queue, verdict).await? else {
        return deliveries.none();
    };
    kept(promise).await?;
    Ok(match deliveries.texts.len() {
        1 => Answer::empty(StatusCode::OK),
        _ => listed(&deliveries.texts, &current),
    })
}

/// Deliveries, by the tokens that a request shows.
pub struct Deliveries<'a> {
    texts: Vec<&'a str>,
    tokens: Vec<Option<Token>>,
}

impl<'a> Deliveries<'a> {
    /// Reads one token, or a list.
    pub fn read(text: &'a [u8]) -> Result<Deliveries<'a>, Refusal> {
        let texts = split(text)?;
        let tokens = texts.iter().map(|text| Token::parse(text).map_err(refuse)).collect::<Result<_, _>>()?;
        Ok(Deliveries { texts, tokens })
    }

    /// Applies a verdict; its promise is not waited for. `None`: no token is current, nothing was done.
    pub async fn settle(
        &self,
        queues: &Queues,
        queue: &str,
        verdict: Verdict,
    ) -> Result<Option<Settlement>, Refusal> {
        match queues.try_settle(queue, &self.tokens, verdict) {
            Ok(Fetch::Cold) => {
                let (queue, tokens) = (queue.to_owned(), self.tokens.clone());
                pooled(queues, move |queues| settled(queues.settle(&queue, &tokens, verdict))).await
            }
            Ok(Fetch::Ready(done)) => Ok(Some(done)),
            Err(error) => settled(Err(error)).map_err(refuse_queue),
        }
    }

    /// The answer where no token is current.
    pub fn none(&self) -> Outcome {
        match self.texts.len() {
            1 => Err(refuse_queue(QueueError::NotCurrent)),
            _ => Ok(listed(&self.texts, &[])),
        }
    }

    /// The tokens that were not current, joined by commas.
    pub fn unknown(&self, current: &[bool]) -> String {
        unknown(&self.texts, current).collect::<Vec<_>>().join(",")
    }
}

/// `None`: no token was current.
fn settled(done: Result<Settlement, QueueError>) -> Result<Option<Settlement>, QueueError> {
    match done {
        Ok(done) => Ok(Some(done)),
        Err(QueueError::NotCurrent) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The tokens without a flag.
fn unknown<'t>(texts: &[&'t str], current: &[bool]) -> impl Iterator<Item = &'t str> {
    let flags = current.iter().copied().chain(std::iter::repeat(false));
    texts.iter().zip(flags).filter(|(_, current)| !current).map(|(text, _)| *text)
}

/// The answer to a list: 412 if no token was current.
fn listed(texts: &[&str], current: &[bool]) -> Answer {
    let done = current.iter().filter(|current| **current).count();
    let mut json = format!(r#"{{"done":{done},"unknown":["#);
    for (at, text) in unknown(texts, current).enumerate() {
        // The alphabet of tokens has nothing that JSON would escape.
        json.push_str(if at > 0 { ",\"" } else { "\"" });
        json.push_str(text);
        json.push('"');
    }
    json.push_str("]}");
    let status = if done > 0 { StatusCode::OK } else { StatusCode::PRECONDITION_FAILED };
    Answer { status, ..Answer::ok(Kind::Json, json) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_current_is_told() {
        let texts = ["1:1:1", "2:2:2", "3:3:3"];
        let some = listed(&texts, &[false, true, false]);
        assert_eq!(
            (some.status.as_u16(), &some.body[..]),
            (200, &br#"{"done":1,"unknown":["1:1:1","3:3:3"]}"#[..])
        );
        let none = listed(&texts[..2], &[]);
        assert_eq!(
            (none.status.as_u16(), &none.body[..]),
            (412, &br#"{"done":0,"unknown":["1:1:1","2:2:2"]}"#[..])
        );
        assert_eq!(&listed(&texts[..1], &[true]).body[..], br#"{"done":1,"unknown":[]}"#);
    }
}

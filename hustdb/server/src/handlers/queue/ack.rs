//! `/hustmq/ack nack touch`: one token or a list of them.

use hust_store::{
    Queues,
    queue::{QueueError, Settlement, Token, Verdict},
};
use hust_wire::{
    Answer, Kind, Refusal, Request,
    queue::{name, shown, split},
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
    settle(queues, request, Verdict::Ack).await
}

/// `/hustmq/nack`
pub async fn nack(queues: &Queues, request: &Request, limits: &Limits) -> Outcome {
    let delay_s = request.query().unsigned("delay", limits.ttl_maximum_s)?.unwrap_or(0);
    settle(queues, request, Verdict::Nack { delay_s }).await
}

/// `/hustmq/touch`
pub async fn touch(queues: &Queues, request: &Request) -> Outcome {
    settle(queues, request, Verdict::Touch).await
}

async fn settle(queues: &Queues, request: &Request, verdict: Verdict) -> Outcome {
    let queue = name(request.query())?;
    let text = shown(request)?;
    let texts = split(&text)?;
    let tokens = parse(&texts)?;
    let done = match queues.try_settle(&queue, &tokens, verdict) {
        Ok(hust_store::Fetch::Cold) => {
            let queue = queue.into_owned();
            pooled(queues, move |queues| settled(queues.settle(&queue, &tokens, verdict))).await?
        }
        Ok(hust_store::Fetch::Ready(done)) => Some(done),
        Err(error) => settled(Err(error)).map_err(refuse_queue)?,
    };
    let Some(Settlement { current, promise }) = done else {
        return if texts.len() == 1 {
            Err(refuse_queue(QueueError::NotCurrent))
        } else {
            Ok(listed(&texts, &[]))
        };
    };
    kept(promise).await?;
    Ok(if texts.len() == 1 { Answer::empty(StatusCode::OK) } else { listed(&texts, &current) })
}

/// `None`: no token was current.
fn settled(done: Result<Settlement, QueueError>) -> Result<Option<Settlement>, QueueError> {
    match done {
        Ok(done) => Ok(Some(done)),
        Err(QueueError::NotCurrent) => Ok(None),
        Err(error) => Err(error),
    }
}

fn parse(texts: &[&str]) -> Result<Vec<Option<Token>>, Refusal> {
    texts.iter().map(|text| Token::parse(text).map_err(refuse)).collect()
}

/// The answer to a list: 412 if no token was current.
fn listed(texts: &[&str], current: &[bool]) -> Answer {
    let done = current.iter().filter(|current| **current).count();
    let mut json = format!(r#"{{"done":{done},"unknown":["#);
    let flags = current.iter().copied().chain(std::iter::repeat(false));
    let unknown = texts.iter().zip(flags).filter(|(_, current)| !current);
    for (at, (text, _)) in unknown.enumerate() {
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

//! `/sub`: asks the nodes until one has the index; nothing is consumed, so asking several does no harm.

use hust_wire::{
    Answer, Query, Refusal, Request,
    client::{Pool, Reply, Target},
    param::required,
    queue,
};
use hyper::{
    Method, StatusCode,
    header::{HeaderName, HeaderValue},
};

use super::INDEX_MAX;
use crate::{
    backend::Outcome,
    front::Front,
    poll,
    show::{none_took, show},
};

static INDEX: HeaderName = HeaderName::from_static("index");

/// What a reader asks for, beside the queue.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    pub idx: u64,
    /// How many messages as frames at most; `None`: one, as it is.
    pub count: Option<u64>,
}

impl Wanted {
    /// Reads what `query` asks for.
    pub fn read(query: Query<'_>) -> Result<Wanted, Refusal> {
        let idx = required("idx", query.unsigned("idx", INDEX_MAX)?)?;
        Ok(Wanted { idx, count: queue::count(query)? })
    }
}

/// `/sub`
pub async fn sub(front: &Front, pool: &Pool, request: &Request) -> Result<Answer, Refusal> {
    let query = request.query();
    let queue = queue::name(query)?;
    let wanted = Wanted::read(query)?;
    Ok(subscribe(front, pool, &queue, &wanted).await)
}

/// What the nodes said that did not have it.
#[derive(Debug, Default)]
struct Told {
    windows: Vec<(u64, u64)>,
    /// A node has the index in its window, but not the message.
    hole: bool,
    unknown: Option<Reply>,
    silent: Vec<String>,
}

/// Reads an index from the first node that has it.
pub async fn subscribe(front: &Front, pool: &Pool, queue: &str, wanted: &Wanted) -> Answer {
    let Wanted { idx, count } = *wanted;
    let target = Target::new("/hustmq/sub").plain("queue", queue).plain("idx", idx).some("count", count);
    let call = match target.call(Method::GET, Default::default()) {
        Ok(call) => call.idempotent().answer_max_bytes(front.answer_max_bytes()),
        Err(refusal) => return refusal.into(),
    };
    let has = |node: &usize| front.view.has(*node, queue, |row| row.si < idx && idx <= row.ci);
    let (first, then): (Vec<usize>, Vec<usize>) = front.live().into_iter().partition(has);
    let mut told = Told::default();
    for node in first.into_iter().chain(then) {
        match front.ask(pool, node, &call).await {
            Outcome::Answer(reply) => match reply.status {
                StatusCode::NOT_FOUND | StatusCode::UNAUTHORIZED => {
                    told.hole |= reply.status == StatusCode::NOT_FOUND;
                    told.windows.extend(reply.header("index").and_then(window));
                }
                StatusCode::PRECONDITION_FAILED => told.unknown = Some(reply),
                StatusCode::SERVICE_UNAVAILABLE => {
                    told.silent.push(format!("{} gives nothing", front.host(node)));
                }
                _ => return show(&reply),
            },
            Outcome::NotConnected(why) | Outcome::Busy(why) | Outcome::NoAnswer(why) => {
                told.silent.push(format!("{} {why}", front.host(node)));
            }
        }
    }
    conclude(front, queue, idx, told)
}

/// What a reader is told whom nobody could serve.
fn conclude(front: &Front, queue: &str, idx: u64, told: Told) -> Answer {
    if !told.windows.is_empty() {
        let (si, ci) = poll::joint(told.windows);
        let inside = told.hole || (si < idx && idx <= ci);
        return match inside {
            true => with_window(Answer::empty(StatusCode::NOT_FOUND), (si, ci)),
            // The window of one that did not answer may be larger.
            false if !told.silent.is_empty() => none_took(&told.silent),
            false => outside(StatusCode::UNAUTHORIZED, (si, ci)),
        };
    }
    let is_down = |node| !front.is_live(node) && front.view.has(node, queue, |_| true);
    match told.unknown {
        Some(reply) if told.silent.is_empty() && !(0..front.backends.len()).any(is_down) => show(&reply),
        Some(_) if told.silent.is_empty() => {
            Refusal::unavailable("queue", "unknown to those that answer, and a backend that has it is down")
                .into()
        }
        _ => none_took(&told.silent),
    }
}

/// What a reader is told whose index is outside the window.
pub fn outside(status: StatusCode, window: (u64, u64)) -> Answer {
    with_window(Refusal::new(status, "idx", "outside the window").into(), window)
}

fn with_window(answer: Answer, (si, ci): (u64, u64)) -> Answer {
    match HeaderValue::try_from(format!("{si}-{ci}")) {
        Ok(window) => answer.with_header(INDEX.clone(), window),
        Err(_) => answer,
    }
}

/// Reads a window as it is shown.
pub(super) fn window(text: &str) -> Option<(u64, u64)> {
    let (si, ci) = text.split_once('-')?;
    Some((si.parse().ok()?, ci.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_read_strictly() {
        for (text, expected) in [
            ("0-0", Some((0, 0))),
            ("3-17", Some((3, 17))),
            ("", None),
            ("3", None),
            ("-3", None),
            ("3-x", None),
        ] {
            assert_eq!(window(text), expected, "{text}");
        }
    }
}

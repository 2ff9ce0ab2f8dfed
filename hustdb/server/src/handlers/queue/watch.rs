//! `/hustmq/watch`: waits until something can be fetched from any queue.
//!
//! The future of the next event is made before the stamps are read, so no event is missed between the two. When the
//! node drains it ends at once. A watcher costs a waker; the store bounds how many there are, and one too many is
//! answered at once.

use std::time::Duration;

use hust_store::{Queues, queue::Changes};
use hust_wire::{Answer, Kind, Request};
use tokio::time::{sleep, timeout};

use crate::handlers::Outcome;

const WAIT_MAX_MS: u64 = 60_000;
/// How long the events of a burst are gathered.
const GATHER: Duration = Duration::from_millis(5);

/// `/hustmq/watch`
pub async fn watch(queues: &Queues, request: &Request) -> Outcome {
    let query = request.query();
    let since = query.unsigned("cursor", u64::MAX)?;
    let wait_ms = query.unsigned("wait", WAIT_MAX_MS)?.unwrap_or(0);
    let event = queues.next_event();
    let changes = queues.changes(since);
    if since.is_none() || changes.reset || !changes.queues.is_empty() || wait_ms == 0 {
        return Ok(render(&changes));
    }
    if timeout(Duration::from_millis(wait_ms), event).await.is_err() {
        return Ok(render(&queues.changes(since)));
    }
    sleep(GATHER).await;
    Ok(render(&queues.changes(since)))
}

/// Names of queues have nothing that JSON would escape.
fn render(changes: &Changes) -> Answer {
    let Changes { cursor, reset, queues } = changes;
    let mut json = format!(r#"{{"cursor":{cursor},"reset":{reset},"queues":["#);
    for (at, queue) in queues.iter().enumerate() {
        json.push_str(if at > 0 { ",\"" } else { "\"" });
        json.push_str(queue);
        json.push('"');
    }
    json.push_str("]}");
    Answer::ok(Kind::Json, json)
}

//! `/hustmq/timeout lock max purge delete settings`.

use hust_store::{
    Queues,
    queue::{Change, Configured, Purge, QueueError, QueueKind, Settings},
};
use hust_wire::{
    Answer, Kind, Query, Refusal, Request,
    queue::{Purged, Wanted, name, on_off, purged, size, timeout_s},
};
use hyper::StatusCode;

use super::{kept, settle};
use crate::{handlers::Outcome, refuse::refuse_queue};

/// `/hustmq/timeout`
pub async fn timeout(queues: &Queues, request: &Request) -> Outcome {
    let query = request.query();
    let queue = name(query)?;
    let timeout_s = timeout_s(query)?;
    if queues.stat(&queue).map_err(refuse_queue)?.kind == QueueKind::Push {
        return Err(refuse_queue(QueueError::OtherKind(QueueKind::Push)));
    }
    change(queues, &queue, Change { timeout_s: Some(timeout_s), ..Change::default() }).await
}

/// `/hustmq/lock`
pub async fn lock(queues: &Queues, request: &Request) -> Outcome {
    let query = request.query();
    let queue = name(query)?;
    let lock = on_off(query)?;
    change(queues, &queue, Change { lock: Some(lock), ..Change::default() }).await
}

/// `/hustmq/max`
pub async fn max(queues: &Queues, request: &Request) -> Outcome {
    let query = request.query();
    let queue = name(query)?;
    let max = size(query)?;
    change(queues, &queue, Change { max: Some(max), ..Change::default() }).await
}

/// Sets what a queue that is there should have.
async fn change(queues: &Queues, queue: &str, change: Change) -> Outcome {
    configure(queues, queue, change, false).await?;
    Ok(Answer::empty(StatusCode::OK))
}

async fn configure(
    queues: &Queues,
    queue: &str,
    change: Change,
    create: bool,
) -> Result<(QueueKind, Settings), Refusal> {
    let tried = queues.try_configure(queue, &change, create);
    let queue = queue.to_owned();
    let blocking = move |queues: &Queues| queues.configure(&queue, &change, create);
    let Configured { kind, settings, promise } = settle(queues, tried, blocking).await?;
    kept(promise).await?;
    Ok((kind, settings))
}

/// `/hustmq/purge`
pub async fn purge(queues: &Queues, request: &Request) -> Outcome {
    let query = request.query();
    let queue = name(query)?;
    let purge = match purged(query)? {
        Purged::Priority(priority) => Purge::Priority(priority),
        Purged::UpTo(upto) => Purge::UpTo(upto),
        Purged::All => Purge::All,
    };
    let tried = queues.try_purge(&queue, purge);
    let queue = queue.into_owned();
    let promise = settle(queues, tried, move |queues| queues.purge(&queue, purge)).await?;
    kept(promise).await?;
    Ok(Answer::empty(StatusCode::OK))
}

/// `/hustmq/delete`
pub async fn delete(queues: &Queues, request: &Request) -> Outcome {
    let queue = name(request.query())?;
    let tried = queues.try_delete(&queue);
    let queue = queue.into_owned();
    let promise = settle(queues, tried, move |queues| queues.delete(&queue)).await?;
    kept(promise).await?;
    Ok(Answer::empty(StatusCode::OK))
}

/// `/hustmq/settings`
pub async fn settings(queues: &Queues, request: &Request) -> Outcome {
    let query = request.query();
    let queue = name(query)?;
    let create = query.boolean("create")?.unwrap_or(false);
    let change = asked_for(query)?;
    let (kind, settings) = configure(queues, &queue, change, create).await?;
    let json = format!(r#"{{"queue":"{queue}","type":{},{}}}"#, kind_number(kind), render(kind, &settings));
    Ok(Answer::ok(Kind::Json, json))
}

fn asked_for(query: Query<'_>) -> Result<Change, Refusal> {
    let Wanted { timeout_s, max, lock, max_deliveries, dead_letter, ttl_s, dedup_s } = Wanted::read(query)?;
    Ok(Change { timeout_s, max, lock, max_deliveries, dead_letter, ttl_s, dedup_s })
}

/// Settings as JSON fields. Names of queues have nothing that JSON would escape.
fn render(kind: QueueKind, settings: &Settings) -> String {
    let Settings { max, lock, max_deliveries, dead_letter, ttl_s, dedup_s, .. } = settings;
    let (second, lock) = (redelivery_s(kind, settings), u8::from(*lock));
    format!(
        r#""second":{second},"max":{max},"lock":{lock},"max_deliveries":{max_deliveries},"dead_letter":"{dead_letter}","ttl":{ttl_s},"dedup":{dedup_s}"#
    )
}

/// The redelivery timeout in seconds; a push queue has none.
pub fn redelivery_s(kind: QueueKind, settings: &Settings) -> u64 {
    if kind == QueueKind::Push { 0 } else { settings.timeout_s }
}

/// As `type` in JSON.
pub fn kind_number(kind: QueueKind) -> u8 {
    u8::from(kind == QueueKind::Push)
}

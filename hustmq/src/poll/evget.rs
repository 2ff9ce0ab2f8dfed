//! `/evget`: a get that waits for something to get.
//!
//! A waiter takes its place, then looks at all live nodes, so nothing that comes meanwhile is missed. An inline waiter
//! that is woken gets for itself; if another was quicker it goes back to its place. Its get is a task of its own: if
//! the client is gone when the answer is there, or does not receive it, what was leased is given back.

use std::{sync::Arc, time::Duration};

use hust_wire::{
    Answer, Refusal, Request,
    backoff::Backoff,
    queue::{self, Take},
};
use hyper::StatusCode;
use tokio::{sync::oneshot, time::Instant};

use super::{
    Wake,
    give_back::give_back,
    look::look_after,
    nothing, redirect,
    seat::{Place, passed},
};
use crate::{
    front::{Front, Worker},
    get, view,
};

/// A waiter that was woken in vain looks again after this: a node may count for a moment what it does not give.
const IN_VAIN: Backoff = Backoff::new(Duration::from_millis(5), Duration::from_millis(40));

/// `/evget`
pub async fn evget(front: &Arc<Front>, worker: &Worker, request: &mut Request) -> Result<Answer, Refusal> {
    let query = request.query();
    let queue = queue::name(query)?.into_owned();
    let take = Take::read(query)?;
    let inline = query.boolean("inline")?.unwrap_or(false);
    view::check_kind(front, &queue, false)?;
    let until = Instant::now() + Duration::from_millis(front.config.long_polling_timeout_ms);
    if inline {
        return Ok(wait_inline(front, worker, request, Arc::new((queue, take)), until).await);
    }
    drop(take);
    let Some(place) = Place::for_message(front, &queue, &mut None) else { return Ok(nothing()) };
    look_after(front, &queue, Duration::ZERO);
    Ok(match place.wait(until).await {
        Some(Wake::Go(_)) => redirect("/get", request.head.uri.query().unwrap_or_default()),
        Some(Wake::Draining) | None => nothing(),
    })
}

async fn wait_inline(
    front: &Arc<Front>,
    worker: &Worker,
    request: &mut Request,
    wanted: Arc<(String, Take)>,
    until: Instant,
) -> Answer {
    let (mut number, mut in_vain, mut pause) = (None, IN_VAIN, Duration::ZERO);
    loop {
        let Some(place) = Place::for_message(front, &wanted.0, &mut number) else { return nothing() };
        look_after(front, &wanted.0, pause);
        match place.wait(until).await {
            Some(Wake::Go(_)) => {}
            Some(Wake::Draining) | None => return nothing(),
        }
        match fetch(front, worker, request, wanted.clone()).await {
            Some(answer) => return answer,
            None => pause = in_vain.after_failure(),
        }
    }
}

/// Gets for a waiter; `None` if there was nothing, or nobody to ask.
async fn fetch(
    front: &Arc<Front>,
    worker: &Worker,
    request: &mut Request,
    wanted: Arc<(String, Take)>,
) -> Option<Answer> {
    let (front, pool, left) = (front.clone(), worker.pool.clone(), request.receipt());
    let (told, result) = oneshot::channel();
    tokio::spawn(async move {
        let (queue, take) = &*wanted;
        let got = get::get(&front, &pool, queue, take).await;
        passed(&front, queue, got.from);
        let leased = (got.answer.status == StatusCode::OK && !take.ack).then(|| got.answer.clone());
        let gone = told.send(got).is_err();
        if let Some(leased) = leased
            && (gone || left.await.is_err())
        {
            give_back(&front, queue, &leased, take.count.is_some());
        }
    });
    let got = result.await.ok()?;
    let waits = got.answer.status == StatusCode::NOT_FOUND || got.nobody;
    (!waits).then_some(got.answer)
}

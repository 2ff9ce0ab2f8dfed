//! `/evget`: a get that waits for something to get.
//!
//! A waiter takes its place, then looks at all live nodes, so nothing that comes meanwhile is missed. An inline waiter
//! that is woken gets for itself; if another was quicker it goes back to its place. What is to be acknowledged is so
//! before the waiting, and once.

use std::{sync::Arc, time::Duration};

use hust_wire::{Answer, Refusal, Request, client::Pool, queue::unknown_tokens};
use tokio::time::Instant;

use super::{IN_VAIN, Wake, give_back::lease, look::look_after, nothing, redirect, seat::Place, unburden};
use crate::{front::Front, get::Get, kind, show::is_nothing, view::Kind};

/// Parameters that are done with before the waiting begins.
const ACKING: [&str; 3] = ["token", "peer", "sync"];

/// `/evget`
pub async fn evget(front: &Arc<Front>, pool: &Pool, request: &mut Request) -> Result<Answer, Refusal> {
    // In a box: what is over takes no room in a client that waits.
    let (wanted, unknown, inline) = match Box::pin(prepare(front, pool, request)).await? {
        Ok(prepared) => prepared,
        Err(answer) => return Ok(*answer),
    };
    let until = Instant::now() + Duration::from_millis(front.config.long_polling_timeout_ms);
    let answer = if inline {
        wait_inline(front, pool, request, &wanted, until).await
    } else {
        wait(front, request, &wanted.queue, until).await
    };
    Ok(unknown_tokens(answer, &unknown))
}

/// What is done before the waiting: everything is checked, then acknowledged what is to be. Also answers which tokens of
/// that were not current, and whether the answer is to be that of the get; or the answer that ends the request.
async fn prepare(
    front: &Arc<Front>,
    pool: &Pool,
    request: &mut Request,
) -> Result<Result<(Arc<Get>, String, bool), Box<Answer>>, Refusal> {
    let mut wanted = Get::parse(front, request.query())?;
    let inline = request.query().boolean("inline")?.unwrap_or(false);
    unburden(request, &ACKING);
    kind::check(front, pool, &wanted.queue, Kind::Normal).await?;
    let unknown = match wanted.acks.take() {
        Some(acks) => acks.send(front, pool).await,
        None => Ok(String::new()),
    };
    Ok(unknown.map(|unknown| (Arc::new(wanted), unknown, inline)))
}

async fn wait(front: &Arc<Front>, request: &Request, queue: &str, until: Instant) -> Answer {
    let Some(place) = Place::for_message(front, queue, &mut None) else { return nothing() };
    look_after(front, queue, Duration::ZERO);
    match place.wait(until).await {
        Some(Wake::Go(_) | Wake::Astray) => redirect("/get", request),
        Some(Wake::Draining) | None => nothing(),
    }
}

async fn wait_inline(
    front: &Arc<Front>,
    pool: &Pool,
    request: &mut Request,
    wanted: &Arc<Get>,
    until: Instant,
) -> Answer {
    let (mut number, mut in_vain, mut pause) = (None, IN_VAIN, Duration::ZERO);
    loop {
        let Some(place) = Place::for_message(front, &wanted.queue, &mut number) else { return nothing() };
        look_after(front, &wanted.queue, pause);
        match place.wait(until).await {
            Some(Wake::Go(_) | Wake::Astray) => {}
            Some(Wake::Draining) | None => return nothing(),
        }
        match lease(front, pool, request, wanted.clone()).await {
            Some(answer) if !is_nothing(&answer) => return answer,
            _ => pause = in_vain.after_failure(),
        }
    }
}

//! `/evget`: a get that waits for something to get.
//!
//! A waiter takes its place, then looks at all live nodes, so nothing that comes meanwhile is missed. An inline waiter
//! that is woken gets for itself; if another was quicker it goes back to its place.

use std::{sync::Arc, time::Duration};

use hust_wire::{Answer, Refusal, Request, client::Pool};
use hyper::StatusCode;
use tokio::time::Instant;

use super::{
    IN_VAIN, Wake, give_back::lease, header, look::look_after, nothing, redirect, seat::Place, unburden,
};
use crate::{front::Front, get::Get, kind, view::Kind};

/// `/evget`
pub async fn evget(front: &Arc<Front>, pool: &Pool, request: &mut Request) -> Result<Answer, Refusal> {
    let wanted = Get::parse(front, request.query())?;
    let inline = request.query().boolean("inline")?.unwrap_or(false);
    unburden(request);
    // In a box: what is over takes no room in a client that waits.
    Box::pin(kind::check(front, pool, &wanted.queue, Kind::Normal)).await?;
    let until = Instant::now() + Duration::from_millis(front.config.long_polling_timeout_ms);
    if inline {
        return Ok(wait_inline(front, pool, request, Arc::new(wanted), until).await);
    }
    let queue = wanted.queue;
    let Some(place) = Place::for_message(front, &queue, &mut None) else { return Ok(nothing()) };
    look_after(front, &queue, Duration::ZERO);
    Ok(match place.wait(until).await {
        Some(Wake::Go(_) | Wake::Astray) => redirect("/get", request),
        Some(Wake::Draining) | None => nothing(),
    })
}

async fn wait_inline(
    front: &Arc<Front>,
    pool: &Pool,
    request: &mut Request,
    wanted: Arc<Get>,
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

/// Whether nothing was got, and certainly nothing lost.
fn is_nothing(answer: &Answer) -> bool {
    match answer.status {
        StatusCode::NOT_FOUND | StatusCode::PRECONDITION_FAILED => true,
        StatusCode::SERVICE_UNAVAILABLE => header(answer, "outcome") != Some("unknown"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use hust_wire::Refusal;

    use super::*;
    use crate::show;

    #[test]
    fn what_keeps_a_waiter_waiting() {
        let table = [
            (Answer::empty(StatusCode::NOT_FOUND), true),
            (Refusal::new(StatusCode::PRECONDITION_FAILED, "queue", "unknown").into(), true),
            (show::none_took(&[]), true),
            (show::busy("a:1", "full"), true),
            (show::unknown("a:1", "lost"), false),
            (Answer::empty(StatusCode::OK), false),
            (Answer::empty(StatusCode::BAD_REQUEST), false),
        ];
        for (answer, expected) in table {
            assert_eq!(is_nothing(&answer), expected, "{answer:?}");
        }
    }
}

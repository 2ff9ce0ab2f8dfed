//! `/evsub`: a sub that waits for the next index.
//!
//! A reader takes its place, then looks at all live nodes. What is published is there at once, the next index is waited
//! for, anything else is 403 with the window, so that a reader that was too slow, or ahead of a queue that was made
//! anew, learns where it stands. So does one that waits while its queue is deleted. A window that a node kept to itself
//! is no reason to send anybody back to the beginning.

use std::{sync::Arc, time::Duration};

use hust_wire::{
    Answer, Refusal, Request,
    client::{Pool, Target},
    queue,
};
use hyper::StatusCode;
use tokio::time::{Instant, sleep};

use super::{
    IN_VAIN, Wake, nothing,
    readers::{self, joint},
    redirect,
    seat::Place,
    unburden,
};
use crate::{
    backend::Outcome,
    front::Front,
    kind, push,
    view::{Kind, Row},
};

/// `/evsub`
pub async fn evsub(front: &Arc<Front>, pool: &Pool, request: &mut Request) -> Result<Answer, Refusal> {
    let query = request.query();
    let queue = queue::name(query)?.into_owned();
    let wanted = push::Wanted::read(query)?;
    let inline = query.boolean("inline")?.unwrap_or(false);
    unburden(request, &[]);
    // In a box, here and below: what is over takes no room in a client that waits.
    Box::pin(kind::check(front, pool, &queue, Kind::Push)).await?;
    let until = Instant::now() + Duration::from_millis(front.config.subscribe_timeout_ms);
    let mut in_vain = IN_VAIN;
    loop {
        let Some(place) = Place::for_index(front, &queue, wanted.idx) else { return Ok(nothing()) };
        let told = Box::pin(ask(front, pool, &queue)).await?;
        match readers::place(wanted.idx, told.window) {
            readers::Place::Inside => drop(place),
            readers::Place::Outside if told.is_partial => {
                return Err(Refusal::unavailable("queue", "a backend that may have it does not answer"));
            }
            readers::Place::Outside => return Ok(push::outside(StatusCode::FORBIDDEN, told.window)),
            readers::Place::Next => match place.wait(until).await {
                Some(Wake::Go(_)) => {}
                Some(Wake::Astray) => continue,
                Some(Wake::Draining) | None => return Ok(nothing()),
            },
        }
        if !inline {
            return Ok(redirect("/sub", request));
        }
        let answer = Box::pin(push::subscribe(front, pool, &queue, &wanted)).await;
        let waits = matches!(answer.status, StatusCode::UNAUTHORIZED | StatusCode::SERVICE_UNAVAILABLE);
        if !waits || Instant::now() >= until {
            return Ok(answer);
        }
        sleep(in_vain.after_failure()).await;
    }
}

/// What the nodes say of a queue.
struct Told {
    /// The joint window of those that answer; (0, 0) of a queue that is unknown.
    window: (u64, u64),
    /// Whether there may be more to it.
    is_partial: bool,
}

/// Asks the live nodes for the window of a queue.
async fn ask(front: &Arc<Front>, pool: &Pool, queue: &str) -> Result<Told, Refusal> {
    let call = Target::new("/hustmq/stat").plain("queue", queue).get()?;
    let call = call.timeout(front.keeper.health.timeout()).idempotent();
    let asked: Vec<_> = front
        .live()
        .into_iter()
        .map(|node| {
            let (front, pool, call) = (front.clone(), pool.clone(), call.clone());
            tokio::spawn(async move { front.ask(&pool, node, &call).await })
        })
        .collect();
    let (mut windows, mut answers, mut is_partial) = (Vec::new(), 0_usize, false);
    for asked in asked {
        match asked.await {
            Ok(Outcome::Answer(reply)) if reply.status == StatusCode::PRECONDITION_FAILED => answers += 1,
            Ok(Outcome::Answer(reply)) if reply.status == StatusCode::OK => {
                match serde_json::from_slice::<Row>(&reply.body) {
                    Ok(row) => {
                        answers += 1;
                        windows.extend(row.is_push().then_some((row.si, row.ci)));
                    }
                    Err(_) => is_partial = true,
                }
            }
            _ => is_partial = true,
        }
    }
    if answers == 0 {
        return Err(Refusal::unavailable("backends", "none answers"));
    }
    let is_down = |node| !front.is_live(node) && front.view.has(node, queue, Row::is_push);
    is_partial |= windows.is_empty() && (0..front.backends.len()).any(is_down);
    Ok(Told { window: joint(windows), is_partial })
}

//! `/evsub`: a sub that waits for the next index.
//!
//! A reader takes its place, then looks at all live nodes. What is published is there at once, the next index is waited
//! for, anything else is 403 with the window, so that a reader that was too slow, or ahead of a queue that was made
//! anew, learns where it stands.

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
    unburden(request);
    // In a box, here and below: what is over takes no room in a client that waits.
    Box::pin(kind::check(front, pool, &queue, Kind::Push)).await?;
    let until = Instant::now() + Duration::from_millis(front.config.subscribe_timeout_ms);
    let mut in_vain = IN_VAIN;
    loop {
        let Some(place) = Place::for_index(front, &queue, wanted.idx) else { return Ok(nothing()) };
        let window = Box::pin(window(front, pool, &queue)).await?;
        match readers::place(wanted.idx, window) {
            readers::Place::Inside => drop(place),
            readers::Place::Outside => return Ok(push::outside(StatusCode::FORBIDDEN, window)),
            readers::Place::Next => match place.wait(until).await {
                Some(Wake::Go(_)) => {}
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

/// The joint window of a queue on the live nodes; (0, 0) of one that is unknown.
async fn window(front: &Arc<Front>, pool: &Pool, queue: &str) -> Result<(u64, u64), Refusal> {
    let unavailable = |reason| Refusal::unavailable("backends", reason);
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
    let (mut windows, mut answered) = (Vec::new(), false);
    for asked in asked {
        let Ok(Outcome::Answer(reply)) = asked.await else { continue };
        match reply.status {
            StatusCode::OK => {
                if let Ok(row) = serde_json::from_slice::<Row>(&reply.body) {
                    answered = true;
                    windows.extend(row.is_push().then_some((row.si, row.ci)));
                }
            }
            StatusCode::PRECONDITION_FAILED => answered = true,
            _ => {}
        }
    }
    if answered { Ok(joint(windows)) } else { Err(unavailable("none answers")) }
}

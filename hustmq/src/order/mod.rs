//! Commands that all nodes are told at once: `/timeout lock max purge delete settings`, and `/worker`, which asks all.
//!
//! Once a node has been told all are, and a delete keeps publications waiting until then, whether the client waits or
//! not.

mod call;
mod round;
mod verdict;
mod workers;

use std::sync::Arc;

use hust_wire::{Answer, Refusal, Request, client::Pool};
use hyper::{
    StatusCode,
    header::{HeaderName, HeaderValue},
};

use self::{
    call::{Told, read},
    round::{Leg, ask_all, none_answered},
    verdict::{Said, Shown, verdict},
};
use crate::{
    front::{Front, Worker},
    kind, place, poll,
    routes::Order,
    show::show,
    view::Kind,
};

pub use workers::worker;

static SKIPPED: HeaderName = HeaderName::from_static("skipped");

/// Tells all nodes, or the owner.
pub async fn order(
    front: &Arc<Front>,
    worker: &Worker,
    order: Order,
    request: &Request,
) -> Result<Answer, Refusal> {
    let told = read(order, request)?;
    // Behind the publications under way; none is taken in until it is gone everywhere.
    let alone = match order {
        Order::Delete => Some(front.pushes.alone(&told.queue).await),
        _ => None,
    };
    let (front, pool) = (front.clone(), worker.pool.clone());
    let telling = async move {
        let answer = tell(&front, &pool, order, told).await;
        drop(alone);
        answer
    };
    worker.to_the_end("order", telling).await?
}

async fn tell(front: &Front, pool: &Pool, order: Order, told: Told) -> Result<Answer, Refusal> {
    let Told { queue, creates, call } = told;
    let owner = place::owner(&queue, front.backends.len());
    if creates && !front.view.has(owner, &queue, |_| true) {
        kind::check(front, pool, &queue, Kind::Normal).await?;
    }
    let said = ask_all(front, pool, &call, |at| !creates || at == owner).await;
    if creates && said.get(owner).and_then(Leg::status) == Some(StatusCode::OK) {
        front.view.declared(owner, &queue);
    }
    if order == Order::Delete {
        for (at, said) in said.iter().enumerate() {
            if matches!(said.status(), Some(StatusCode::OK | StatusCode::PRECONDITION_FAILED)) {
                front.view.forget(at, &queue);
            }
        }
        poll::astray(front, &queue);
    }
    let verdict = verdict(said.iter().map(Said::of));
    Ok(match verdict.shown {
        Shown::Answer(at) => {
            let shown = said.get(at).and_then(|said| said.reply()).map(show);
            let answer = shown.unwrap_or_else(|| none_answered(front, &said));
            let skipped = if creates { Vec::new() } else { verdict.skipped };
            with_skipped(answer, front, &skipped)
        }
        Shown::Unknown | Shown::Unreachable => none_answered(front, &said),
    })
}

fn with_skipped(answer: Answer, front: &Front, skipped: &[usize]) -> Answer {
    let hosts: Vec<&str> = skipped.iter().map(|at| front.host(*at)).collect();
    match HeaderValue::try_from(hosts.join(",")) {
        Ok(hosts) if !skipped.is_empty() => answer.with_header(SKIPPED.clone(), hosts),
        _ => answer,
    }
}

//! A name has one kind of queue in the whole cluster. The view tells who has it as the other kind; since it may be late,
//! a live node is asked before anything is refused for its sake.

use hust_wire::{
    Refusal,
    client::{Call, Pool, Target},
};
use hyper::StatusCode;

use crate::{
    backend::Outcome,
    front::Front,
    view::{Kind, Row},
};

/// Refuses what would make a queue of this kind where another node has the name as the other kind.
pub async fn check(front: &Front, pool: &Pool, queue: &str, kind: Kind) -> Result<(), Refusal> {
    let is_other = |row: &Row| row.kind() != kind;
    for at in 0..front.backends.len() {
        if front.view.counts(at)
            && front.view.has(at, queue, is_other)
            && !is_gone(front, pool, at, queue, kind).await
        {
            return Err(refusal(kind));
        }
    }
    Ok(())
}

/// Whether a node that had the name as the other kind no longer has.
async fn is_gone(front: &Front, pool: &Pool, at: usize, queue: &str, kind: Kind) -> bool {
    if !front.is_live(at) {
        return false;
    }
    let Ok(call) = call(queue) else { return false };
    let is_gone = match front.ask(pool, at, &call).await {
        Outcome::Answer(reply) if reply.status == StatusCode::PRECONDITION_FAILED => true,
        Outcome::Answer(reply) if reply.status == StatusCode::OK => {
            serde_json::from_slice::<Row>(&reply.body).is_ok_and(|row| row.kind() == kind)
        }
        _ => false,
    };
    if is_gone {
        front.view.forget(at, queue);
    }
    is_gone
}

fn call(queue: &str) -> Result<Call, Refusal> {
    Target::new("/hustmq/stat").plain("queue", queue).get()
}

fn refusal(wanted: Kind) -> Refusal {
    let reason = match wanted {
        Kind::Normal => "a push queue",
        Kind::Push => "a normal queue",
    };
    Refusal::new(StatusCode::PRECONDITION_FAILED, "queue", reason)
}

//! Reads: one master is asked, the other one where the first fails or its miss says nothing.

use std::sync::{Arc, atomic::Ordering::Relaxed};

use hust_wire::{
    Answer,
    client::{Call, Failure, Pool, Reply},
};
use hyper::StatusCode;

use crate::{
    health::{self, Node},
    plan::{self, AfterRead, Cast, ReadLeg, Shown},
    proxy::{Proxy, Worker},
    show::{no_master, refuses_us, show, told, why},
    table::Seats,
};

/// What a node answered.
pub struct Asked {
    pub leg: ReadLeg,
    pub reply: Option<Reply>,
    /// Why there is no answer.
    failure: String,
}

impl Asked {
    /// What the node did, for a reason line.
    pub fn why(&self) -> String {
        told(self.reply.as_ref(), &self.failure)
    }
}

/// Asks a node to read.
pub async fn ask(pool: &Pool, node: &Node, call: &Call) -> Asked {
    asked(node, pool.call(&node.host, call).await)
}

/// Takes in what came of asking a node.
fn asked(node: &Node, outcome: Result<Reply, Failure>) -> Asked {
    match outcome {
        Ok(reply) => {
            let leg = sort(&reply);
            if leg == ReadLeg::Failed {
                node.count(health::Leg::Refused);
                if reply.status.is_server_error() {
                    node.alarm.notify_one();
                }
            }
            Asked { leg, reply: Some(reply), failure: String::new() }
        }
        Err(failure) => {
            node.failed(&failure);
            Asked { leg: ReadLeg::Failed, reply: None, failure: why(&failure) }
        }
    }
}

fn sort(reply: &Reply) -> ReadLeg {
    match reply.status {
        StatusCode::OK => ReadLeg::Hit,
        StatusCode::NOT_FOUND | StatusCode::PRECONDITION_FAILED => ReadLeg::Miss,
        _ if refuses_us(reply) => ReadLeg::Failed,
        StatusCode::BAD_REQUEST | StatusCode::FORBIDDEN | StatusCode::PAYLOAD_TOO_LARGE => ReadLeg::Passed,
        _ => ReadLeg::Failed,
    }
}

/// Reads what lies in a slot.
pub async fn read(proxy: &Proxy, worker: &Worker, slot: u16, call: &Call) -> Answer {
    let places = worker.places.of(&proxy.tables);
    let Seats { acting, moving, .. } = places.seats(slot);
    let Some(cast) = plan::cast([acting[0].view(), acting[1].view()]) else {
        return no_master([(&acting[0], "is not up"), (&acting[1], "is not up")]);
    };
    let node = cast.first.of(acting);
    // What waits is moved about, all of it: so little is kept while the node is asked.
    let outcome = worker.pool.call(&node.host, call).await;
    match after_first(proxy, asked(node, outcome), cast, *moving) {
        First::Shown(answer) => answer,
        First::Doubted(first) => Box::pin(fall_back(proxy, &worker.pool, acting, cast, call, first)).await,
    }
}

/// What the first master said.
enum First {
    /// The answer, as the client gets it.
    Shown(Answer),
    /// The other one is to be asked.
    Doubted(Asked),
}

fn after_first(proxy: &Proxy, first: Asked, cast: Cast, moving: bool) -> First {
    match (plan::after_first_read(first.leg, proxy.fallback, cast.first_behind, moving), &first.reply) {
        (AfterRead::Show, Some(reply)) => First::Shown(show(reply)),
        _ => First::Doubted(first),
    }
}

async fn fall_back(
    proxy: &Proxy,
    pool: &Pool,
    acting: &[Arc<Node>; 2],
    cast: Cast,
    call: &Call,
    first: Asked,
) -> Answer {
    let (node, partner) = (cast.first.of(acting), cast.first.other().of(acting));
    let other = if cast.has_other {
        proxy.counts.fallback_reads.fetch_add(1, Relaxed);
        ask(pool, partner, call).await
    } else {
        Asked { leg: ReadLeg::Failed, reply: None, failure: "is not up".into() }
    };
    let Cast { first_behind, other_behind, .. } = cast;
    let shown = plan::after_both_reads(first.leg, other.leg, proxy.fallback, first_behind, other_behind);
    match (shown, &first.reply, &other.reply) {
        (Shown::First, Some(reply), _) | (Shown::Other, _, Some(reply)) => show(reply),
        // Its answer is not shown, in no form.
        _ if other.leg == ReadLeg::Hit => no_master([(node, &first.why()), (partner, "is behind")]),
        _ => no_master([(node, &first.why()), (partner, &other.why())]),
    }
}

//! Commands that one node is asked, whatever its health.

use hust_wire::{
    Answer, Refusal,
    client::{Call, Pool},
};
use hyper::StatusCode;

use crate::{
    health::Node,
    show::{show, status, why},
};

/// Asks a node; 503 if it does not answer, or not us.
pub async fn ask(pool: &Pool, node: &Node, call: &Call) -> Answer {
    let unavailable = |why: String| Refusal::unavailable("peer", format!("{} {why}", node.host)).into();
    match pool.call(&node.host, call).await {
        Ok(reply) => match reply.status {
            StatusCode::OK
            | StatusCode::BAD_REQUEST
            | StatusCode::NOT_FOUND
            | StatusCode::PRECONDITION_FAILED => show(&reply),
            _ => unavailable(status(&reply)),
        },
        Err(failure) => {
            node.failed(&failure);
            unavailable(why(&failure))
        }
    }
}

//! Asks a node about a queue somebody waits for, and wakes who can be served.
//!
//! One look at a time for each queue on each node; what happens meanwhile leads to one more. A look that fails is
//! repeated as long as the node is live: whoever waits behind it has nobody else to notice.

use std::{sync::Arc, time::Duration};

use hust_wire::client::Call;
use hyper::StatusCode;
use tokio::time::Instant;

use super::{State, Wake, agenda::Spot};
use crate::{
    backend::Outcome,
    front::Front,
    push,
    view::{Row, Rows},
};

/// A look that failed is repeated after this.
const AFTER_FAILURE: Duration = Duration::from_millis(200);

/// Something may have happened to a queue on a node: looks, if anybody waits.
pub fn look(front: &Arc<Front>, queue: &str, node: usize) {
    if !front.backends.get(node).is_some_and(|backend| backend.is_live()) {
        return;
    }
    let spot: Spot = {
        let mut state = front.polls.state.lock();
        if !state.lines.has(queue) && !state.readers.has(queue) {
            return;
        }
        let spot: Spot = (queue.into(), node);
        if let Some(again) = state.looks.get_mut(&spot) {
            *again = true;
            return;
        }
        state.looks.insert(spot.clone(), false);
        spot
    };
    let front_2 = front.clone();
    front.keeper.spawn(async move { look_until_quiet(&front_2, spot).await });
}

/// Somebody waits for a queue: looks at it on all live nodes, now or a little later.
pub fn look_after(front: &Arc<Front>, queue: &str, pause: Duration) {
    for node in 0..front.backends.len() {
        if pause.is_zero() {
            look(front, queue, node);
        } else {
            let (mut state, at) = (front.polls.state.lock(), Instant::now() + pause);
            front.polls.plan(&mut state, (queue.into(), node), at);
        }
    }
}

/// This front published an index.
pub fn published(front: &Front, queue: &str, ci: u64) {
    let mut state = front.polls.state.lock();
    let woken = state.readers.published(queue, ci);
    for seat in woken {
        // Nobody leaves without the lock.
        let _ = seat.send(Wake::Go(0));
    }
    front.polls.note_waiting(&state);
}

/// What is known of a queue may be less than it was: whoever waits for an index that is not the next any more looks where
/// it stands. Nobody knows of a deleted queue otherwise, since nothing is published that would wake its readers.
pub fn astray(front: &Front, queue: &str) {
    let ci = push::known(front, queue);
    let mut state = front.polls.state.lock();
    for seat in state.readers.astray(queue, ci) {
        // Nobody leaves without the lock.
        let _ = seat.send(Wake::Astray);
    }
    front.polls.note_waiting(&state);
}

/// A node, asked at `asked`, said this of all its queues.
pub fn polled(front: &Front, node: usize, rows: &Rows, asked: Instant) {
    let mut state = front.polls.state.lock();
    let waited: Vec<Arc<str>> = state.lines.queues().chain(state.readers.queues()).cloned().collect();
    for queue in waited {
        if let Some(row) = rows.get(&*queue) {
            tell(front, &mut state, &queue, node, row, asked);
        }
    }
    front.polls.note_waiting(&state);
}

/// The rows of a node were taken in: tells who is astray.
pub fn straighten(front: &Front) {
    let queues: Vec<Arc<str>> = front.polls.state.lock().readers.queues().cloned().collect();
    for queue in queues {
        astray(front, &queue);
    }
}

async fn look_until_quiet(front: &Arc<Front>, spot: Spot) {
    loop {
        let asked = Instant::now();
        let row = ask(front, &spot).await;
        let mut state = front.polls.state.lock();
        match &row {
            Ok(Some(row)) => tell(front, &mut state, &spot.0, spot.1, row, asked),
            Ok(None) => {}
            Err(()) => front.polls.plan(&mut state, spot.clone(), Instant::now() + AFTER_FAILURE),
        }
        front.polls.note_waiting(&state);
        let again = state.looks.insert(spot.clone(), false).unwrap_or(false);
        if !again || row.is_err() {
            state.looks.remove(&spot);
            return;
        }
    }
}

/// What the node says of the queue, if it knows it.
async fn ask(front: &Front, (queue, node): &Spot) -> Result<Option<Row>, ()> {
    let call = Call::get(format!("/hustmq/stat?queue={queue}")).map_err(drop)?;
    let call = call.timeout(front.keeper.health.timeout());
    match front.ask(&front.keeper.pool, *node, &call).await {
        Outcome::Answer(reply) if reply.status == StatusCode::OK => {
            serde_json::from_slice(&reply.body).map(Some).map_err(drop)
        }
        Outcome::Answer(reply) if reply.status == StatusCode::PRECONDITION_FAILED => Ok(None),
        _ => Err(()),
    }
}

fn tell(front: &Front, state: &mut State, queue: &Arc<str>, node: usize, row: &Row, asked: Instant) {
    let woken = if row.is_push() {
        state.readers.published(queue, row.ci)
    } else {
        let ready = row.ready.iter().fold(0, |sum: u64, count| sum.saturating_add(*count));
        let woken = state.lines.seen(queue, node, ready, asked, Instant::now());
        if let Some(again) = woken.again {
            front.polls.plan(state, (queue.clone(), node), again);
        }
        woken.waiters
    };
    for seat in woken {
        // Nobody leaves without the lock.
        let _ = seat.send(Wake::Go(node));
    }
}

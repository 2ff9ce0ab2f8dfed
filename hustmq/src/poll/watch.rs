//! One open `watch` a live node as long as anybody waits, and the looks whose time has come.
//!
//! The cursor is taken before all queues are looked at, so nothing falls between the two; it is kept while nobody waits.

use std::{sync::Arc, time::Duration};

use hust_wire::client::Call;
use hyper::StatusCode;
use serde::Deserialize;
use tokio::time::{Instant, sleep, timeout};

use super::look::{look, polled};
use crate::{backend::Outcome, front::Front, view};

/// How long a node holds a watch without news.
const WAIT: Duration = Duration::from_secs(20);
/// After an answer that was of no use, and between looks whether a node is live.
const PAUSE: Duration = Duration::from_millis(100);
/// Lines that are over are forgotten this often.
const SWEEP: Duration = Duration::from_secs(5);

/// The answer of a watch.
#[derive(Deserialize)]
struct News {
    cursor: u64,
    reset: bool,
    queues: Vec<String>,
}

/// Starts what runs for all waiters, on the keeper's thread.
pub fn start(front: &Arc<Front>) {
    for node in 0..front.backends.len() {
        front.keeper.spawn(watch(front.clone(), node));
    }
    front.keeper.spawn(keep_agenda(front.clone()));
}

/// Looks when it is time to.
async fn keep_agenda(front: Arc<Front>) {
    loop {
        let (due, next) = {
            let (mut state, now) = (front.polls.state.lock(), Instant::now());
            state.lines.sweep(now);
            (state.agenda.due(now), state.agenda.next())
        };
        for (queue, node) in due {
            look(&front, &queue, node);
        }
        let until = next.unwrap_or_else(|| Instant::now() + SWEEP);
        // Either way it is time.
        let _ = tokio::time::timeout_at(until, front.polls.sooner.notified()).await;
    }
}

async fn watch(front: Arc<Front>, node: usize) {
    let Some(backend) = front.backends.get(node).cloned() else { return };
    let mut somebody = front.polls.waits.subscribe();
    let mut cursor = None;
    // Fails when the front has gone.
    while somebody.wait_for(|waits| *waits).await.is_ok() {
        let began = Instant::now();
        let news = if backend.is_live() { ask(&front, node, cursor).await } else { None };
        let Some(news) = news else {
            cursor = None;
            sleep(PAUSE).await;
            continue;
        };
        if cursor.is_none() || news.reset {
            look_at_all(&front, node).await;
        }
        let is_idle = news.queues.is_empty() && cursor.is_some();
        cursor = Some(news.cursor);
        for queue in news.queues {
            look(&front, &queue, node);
        }
        if is_idle && began.elapsed() < WAIT / 2 {
            // It ends, or has too many watchers: it would answer at once again.
            sleep(PAUSE).await;
        }
    }
}

async fn ask(front: &Front, node: usize, cursor: Option<u64>) -> Option<News> {
    let call = match cursor {
        None => Call::get("/hustmq/watch"),
        Some(cursor) => Call::get(format!("/hustmq/watch?cursor={cursor}&wait={}", WAIT.as_millis())),
    };
    let call = call.ok()?.timeout(WAIT + front.keeper.health.timeout());
    match front.ask(&front.keeper.pool, node, &call).await {
        Outcome::Answer(reply) if reply.status == StatusCode::OK => serde_json::from_slice(&reply.body).ok(),
        _ => None,
    }
}

/// Everything somebody waits for may have changed on this node.
async fn look_at_all(front: &Arc<Front>, node: usize) {
    let Ok(call) = Call::get("/hustmq/stat_all") else { return };
    let asked = Instant::now();
    let limit = front.keeper.health.timeout();
    let told = timeout(limit, front.ask(&front.keeper.pool, node, &call)).await;
    if let Ok(Outcome::Answer(reply)) = told
        && let Some(rows) = view::rows(&reply.body)
    {
        polled(front, node, &rows, asked);
    }
}

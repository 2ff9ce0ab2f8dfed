//! Checks a node again and again: `GET /status.html`, 200 is good.

use std::{sync::Arc, time::Duration};

use hust_wire::client::Call;
use hyper::StatusCode;
use tokio::time::{sleep, timeout};

use super::{node::Node, track::Event};
use crate::{keeper::Keeper, plan::State};

/// A node that may only have restarted is checked this often.
const SUSPECT_INTERVAL: Duration = Duration::from_millis(500);
/// Alarms do not make checks more frequent than this.
const PAUSE: Duration = Duration::from_millis(50);

/// Checks a node once.
pub async fn check(keeper: &Keeper, node: &Node) -> bool {
    let event = match Call::get("/status.html") {
        Err(_) => Event::Bad,
        Ok(call) => match keeper.pool.call(&node.host, &call.timeout(keeper.health.timeout())).await {
            Ok(reply) if reply.status == StatusCode::OK => Event::Good,
            Ok(reply) if reply.status == StatusCode::SERVICE_UNAVAILABLE => Event::Ending,
            Ok(_) => Event::Bad,
            Err(failure) if failure.is_unreachable() => Event::Unreachable,
            Err(_) => Event::Bad,
        },
    };
    node.observe(event)
}

/// Checks a node until it is no longer of the fleet.
pub async fn watch(keeper: Arc<Keeper>, node: Arc<Node>) {
    let interval = keeper.health.interval();
    while keeper.fleet.has(&node) {
        let wait = match node.view().state {
            State::Suspect => interval.min(SUSPECT_INTERVAL),
            State::Up | State::Down => interval,
        };
        sleep(PAUSE.min(wait)).await;
        // Either way it is time.
        let _ = timeout(wait, node.alarm.notified()).await;
        if check(&keeper, &node).await {
            keeper.poll_soon.notify_one();
        }
    }
}

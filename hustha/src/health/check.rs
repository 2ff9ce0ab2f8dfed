//! Checks a node again and again: `GET /status.html`, 200 is good.

use std::{sync::Arc, time::Duration};

use hust_wire::health::{self, State};
use tokio::time::{sleep, timeout};

use super::node::Node;
use crate::keeper::Keeper;

/// A node that may only have restarted is checked this often.
const SUSPECT_INTERVAL: Duration = Duration::from_millis(500);
/// Alarms do not make checks more frequent than this.
const PAUSE: Duration = Duration::from_millis(50);

/// Checks a node once.
pub async fn check(keeper: &Keeper, node: &Node) -> bool {
    let event = health::check(&keeper.pool, &node.host, keeper.health.timeout()).await;
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

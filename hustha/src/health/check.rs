//! Checks a node again and again: `GET /status.html`, 200 is good.

use std::{sync::Arc, time::Duration};

use hust_wire::health::{self, State};
use tokio::time::{Instant, sleep, timeout_at};

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
        rest(&node, interval).await;
        if check(&keeper, &node).await {
            keeper.poll_soon.notify_one();
        }
    }
}

/// Waits until a node is to be checked again: its time has come, or something has happened to it.
async fn rest(node: &Node, interval: Duration) {
    let wait = match node.view().state {
        State::Suspect => interval.min(SUSPECT_INTERVAL),
        State::Up | State::Down => interval,
    };
    let due = Instant::now() + wait;
    sleep(PAUSE.min(wait)).await;
    // Either way it is time.
    let _ = timeout_at(due, node.alarm.notified()).await;
}

#[cfg(test)]
mod tests {
    use hust_wire::{
        client::{Call, Failure, Pool},
        health::{Event, Limits},
    };
    use tokio::time::pause;

    use super::*;

    /// How long it rested, to ten milliseconds.
    async fn rested(node: &Node, interval_ms: u64) -> u128 {
        let begun = Instant::now();
        rest(node, Duration::from_millis(interval_ms)).await;
        begun.elapsed().as_millis() / 10 * 10
    }

    async fn unreachable(node: &Node) -> Failure {
        let call = Call::get("/status.html").unwrap().timeout(Duration::from_secs(60));
        Pool::new(&Default::default()).call(&node.host, &call).await.unwrap_err()
    }

    #[tokio::test]
    async fn one_that_is_suspect_is_checked_at_once_and_then_often() {
        let node = Node::new("127.0.0.1:1".parse().unwrap(), Limits { rise: 1, fall: 3 });
        let refused = unreachable(&node).await;
        pause();
        node.observe(Event::Good);
        assert_eq!((rested(&node, 5000).await, rested(&node, 70).await), (5000, 70), "up");
        node.failed(&refused);
        assert_eq!(node.view().state, State::Suspect);
        assert!(rested(&node, 5000).await <= 50, "at once");
        assert_eq!((rested(&node, 5000).await, rested(&node, 300).await), (500, 300), "then often");
        let failing = async {
            sleep(Duration::from_millis(2000)).await;
            node.failed(&refused);
        };
        node.observe(Event::Good);
        let (took, ()) = tokio::join!(rested(&node, 5000), failing);
        assert_eq!(took, 2000, "also in the middle of the wait");
        node.observe(Event::Ending);
        assert_eq!((node.view().state, rested(&node, 5000).await), (State::Down, 5000));
    }
}

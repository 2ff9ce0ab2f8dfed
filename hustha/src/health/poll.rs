//! Asks all nodes what they owe, looks what hints there are, and tells each node whether it is behind.
//!
//! A node that cannot be asked is believed what it said last: what it owed is still owed.

use std::{collections::HashMap, sync::Arc, time::Duration};

use hust_wire::{Host, client::Call, hint};
use hyper::StatusCode;
use serde::Deserialize;
use tokio::{
    sync::Notify,
    time::{Instant, sleep, timeout_at},
};

use super::node::{Mark, Node};
use crate::keeper::Keeper;

/// Polled this often while a node is behind.
const BEHIND_INTERVAL: Duration = Duration::from_millis(500);
/// Polls asked for are not closer together than this.
const PAUSE: Duration = Duration::from_millis(20);

/// The first object of `stat_all`.
#[derive(Deserialize)]
struct First {
    #[serde(rename = "BINLOG", default)]
    binlog: HashMap<String, u64>,
}

/// Polls until the program ends.
pub async fn poll(keeper: Arc<Keeper>) {
    loop {
        let is_behind = || keeper.fleet.nodes().values().any(|node| node.view().behind);
        rest(&keeper.poll_soon, keeper.health.interval(), is_behind).await;
        round(&keeper).await;
    }
}

/// Waits until it is time for a poll: the interval is over, a node is behind, or a poll is asked for.
async fn rest(soon: &Notify, interval: Duration, is_behind: impl Fn() -> bool) {
    let due = Instant::now() + interval;
    let mut look = Instant::now();
    sleep(PAUSE.min(interval)).await;
    loop {
        look = due.min(look + BEHIND_INTERVAL);
        if timeout_at(look, soon.notified()).await.is_ok() || look == due || is_behind() {
            return;
        }
    }
}

/// One poll of all nodes.
pub async fn round(keeper: &Arc<Keeper>) {
    let nodes: Vec<Arc<Node>> = keeper.fleet.nodes().values().cloned().collect();
    let marks: Vec<Mark> = nodes.iter().map(|node| node.mark()).collect();
    let asking: Vec<_> = nodes
        .iter()
        .filter(|node| node.is_up())
        .map(|node| {
            let (keeper, node) = (keeper.clone(), node.clone());
            tokio::spawn(async move { ask(&keeper, &node).await })
        })
        .collect();
    for asked in asking {
        // Whatever goes wrong, the node stays as it was known.
        let _ = asked.await;
    }
    let hints = hints(keeper, &nodes).await;
    for (at, (node, mark)) in nodes.iter().zip(marks).enumerate() {
        let others = nodes.iter().filter(|other| !Arc::ptr_eq(other, node));
        let debts = others.map(|other| other.owes(&node.host)).sum();
        // A folder that cannot be looked into has what it had.
        let hints = hints.get(at).copied().flatten().unwrap_or_else(|| node.owed().1);
        node.polled(mark, debts, hints);
    }
}

/// Segments of hints for each node, as far as they can be seen.
async fn hints(keeper: &Keeper, nodes: &[Arc<Node>]) -> Vec<Option<u64>> {
    let hosts: Vec<Host> = nodes.iter().map(|node| node.host.clone()).collect();
    let dir = keeper.hints_dir.clone();
    let look = move || hosts.iter().map(|host| hint::segments(&dir, host)).collect::<Vec<_>>();
    let seen = tokio::task::spawn_blocking(look).await.unwrap_or_default();
    let wrong = seen.iter().find_map(|seen| seen.as_ref().err());
    let is_news = keeper.hints_unseen.is_news(wrong.is_some());
    if let Some(cause) = wrong.filter(|_| is_news) {
        tracing::error!(folder = %keeper.hints_dir.display(), "hints cannot be counted: {cause}");
    }
    seen.into_iter().map(|seen| seen.ok().map(|segments| segments.len() as u64)).collect()
}

async fn ask(keeper: &Keeper, node: &Node) {
    let Ok(call) = Call::get("/hustdb/stat_all") else { return };
    let mark = node.mark();
    match keeper.pool.call(&node.host, &call.timeout(keeper.health.timeout())).await {
        // What it says and is of no use counts as no debts.
        Ok(reply) if reply.status == StatusCode::OK => node.set_owes(mark, binlog(&reply.body)),
        // It says nothing of what it owes: that is as it was known.
        Ok(_) => {}
        Err(failure) => node.failed(&failure),
    }
}

/// The debts in an answer of `stat_all`.
fn binlog(body: &[u8]) -> HashMap<Host, u64> {
    let Some(rest) = body.strip_prefix(b"[") else { return HashMap::new() };
    let mut objects = serde_json::Deserializer::from_slice(rest).into_iter::<First>();
    let Some(Ok(first)) = objects.next() else { return HashMap::new() };
    first.binlog.into_iter().filter_map(|(host, debts)| Some((host.parse().ok()?, debts))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn as_long_as_one_is_behind_polls_are_frequent() {
        let soon = Notify::new();
        let rested = async |interval_ms: u64, behind_from_ms: u64| {
            let begun = Instant::now();
            let is_behind = || begun.elapsed() >= Duration::from_millis(behind_from_ms);
            rest(&soon, Duration::from_millis(interval_ms), is_behind).await;
            begun.elapsed().as_millis()
        };
        assert_eq!((rested(5000, u64::MAX).await, rested(70, u64::MAX).await), (5000, 70), "nobody is");
        assert_eq!((rested(5000, 0).await, rested(300, 0).await), (500, 300));
        let late = rested(5000, 1234).await;
        assert!((1234..=1734).contains(&late), "one falls behind meanwhile: {late} ms");
        soon.notify_one();
        assert_eq!(rested(5000, u64::MAX).await, 20, "asked for");
    }

    #[test]
    fn debts_are_in_the_first_object() {
        let body =
            br#"[{"TOTALIZE":{"KVPAIR":{"count":1}},"BINLOG":{"10.0.0.2:8085":17,"x":1}},{"table":"t"}]"#;
        let debts = binlog(body);
        assert_eq!(debts, HashMap::from([("10.0.0.2:8085".parse().unwrap(), 17)]));
        for useless in [&b""[..], b"[", b"[]", b"{}", b"[{\"TOTALIZE\":1}]", b"[{\"BINLOG\":3}]", b"\xff"] {
            assert!(binlog(useless).is_empty());
        }
    }
}

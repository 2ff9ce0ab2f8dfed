//! What the tests share: when a cluster is at rest and whole, and questions to it.

#![expect(clippy::disallowed_methods, reason = "the clock of the tests")]

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hust_testkit::{Cluster, Program, Reply, Shape, wait_until};
use serde_json::Value;

/// How long something may take that has no reason to.
pub const LONG: Duration = Duration::from_secs(60);
/// How long masters may stay different once everybody is back and nothing is owed.
pub const HEALING: Duration = Duration::from_secs(30);

pub fn start(shape: &Shape) -> Cluster {
    Cluster::start(env!("CARGO_BIN_EXE_hustsync"), shape).unwrap()
}

/// The wall clock, unix ms.
pub fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64
}

/// Asks a program.
pub fn ask(program: &Program, method: &str, target: &str, body: &[u8]) -> Reply {
    let reply = program.raw().unwrap().ask(method, target, &[], body);
    reply.unwrap_or_else(|error| panic!("{method} {target}: {error}"))
}

pub fn get(program: &Program, target: &str) -> Reply {
    ask(program, "GET", target, b"")
}

/// `status Version body`, `-` for a header that is not there.
pub fn brief(reply: &Reply) -> String {
    let line = format!("{} {} {}", reply.status, reply.header("version").unwrap_or("-"), reply.text());
    line.trim_end().to_owned()
}

fn json(program: &Program, target: &str) -> Value {
    let reply = get(program, target);
    serde_json::from_slice(&reply.body).unwrap_or_else(|error| panic!("{target}: {error}: {}", reply.text()))
}

/// Whether every proxy sees every node up, and nobody is owed anything.
fn is_drained(cluster: &Cluster) -> bool {
    let is_whole = |row: &Value| row["state"] == "up" && row["behind"] == false;
    let proxies =
        cluster.proxies.iter().all(|proxy| json(proxy, "/backends").as_array().unwrap().iter().all(is_whole));
    let owes = |node: &Program| get(node, "/hustdb/stat_all").text().contains("\"BINLOG\"");
    proxies
        && !cluster.nodes.iter().any(owes)
        && json(&cluster.sync, "/sync_status")["total_status"]["pending"] == 0
}

/// Waits until nothing is owed any more; nothing else may be wrong then.
pub fn drain(cluster: &Cluster) {
    if !wait_until(LONG, || is_drained(cluster)) {
        let backends: Vec<String> =
            cluster.proxies.iter().map(|proxy| get(proxy, "/backends").text()).collect();
        let debts: Vec<String> =
            cluster.nodes.iter().map(|node| get(node, "/hustdb/stat_all").text()).collect();
        panic!("still owed: {backends:#?} {debts:#?} {}", get(&cluster.sync, "/sync_status").text());
    }
}

/// Whether the masters of all pairs have equal digests.
pub fn are_equal(cluster: &Cluster) -> bool {
    cluster.pairs().into_iter().all(|(start, end, [one, two])| {
        let digest = |node: usize| {
            get(&cluster.nodes[node], &format!("/hustdb/digest?start={start}&end={end}")).text()
        };
        digest(one) == digest(two)
    })
}

/// Compares and repairs all pairs once, and waits for the end of that.
pub fn scrub(cluster: &Cluster) {
    let reply = ask(&cluster.sync, "POST", "/scrub", b"");
    let begun: Value = serde_json::from_slice(&reply.body).unwrap();
    let ended = || {
        let scrub = &json(&cluster.sync, "/sync_status")["scrub"];
        scrub["round"] == begun["round"] && scrub["running"] == false
    };
    assert!(wait_until(LONG, ended), "{}", get(&cluster.sync, "/sync_status").text());
    let scrub = &json(&cluster.sync, "/sync_status")["scrub"];
    assert_eq!(scrub["errors"], 0, "{scrub}");
}

/// Waits until nothing is owed and all masters are equal, without any help.
pub fn heal(cluster: &Cluster) {
    drain(cluster);
    assert!(wait_until(HEALING, || are_equal(cluster)), "masters stay different");
}

/// What both masters of a cluster of two nodes answer to a read, stamps included, if they agree.
pub fn both(cluster: &Cluster, target: &str) -> Reply {
    let [one, two] = [0, 1].map(|node| get(&cluster.nodes[node], &format!("/hustdb{target}&stamps=true")));
    assert_eq!(one, two, "{target}");
    one
}

//! When a node counts as up and as down.

use std::time::Duration;

use hust_testkit::{Fault, wait_until};

use crate::{
    cluster::{Cluster, LONG, now, start_front},
    stub::Stubs,
};

/// How many good or bad checks it takes.
const CHECKS: u32 = 4;
const INTERVAL: Duration = Duration::from_millis(100);

fn up(stubs: &Stubs) -> bool {
    let line = format!("hustmq_backend_up{{host=\"{}\"}} 1", stubs.nodes[0].host());
    stubs.client().get("/metrics").text().contains(&line)
}

#[test]
fn so_many_checks_in_a_row() {
    let settings = ["health.interval_ms=100", "health.rise=4", "health.fall=4"];
    let stubs = Stubs::with(1, &settings);
    let node = &stubs.nodes[0];
    assert!(up(&stubs), "the first check of all is enough");
    for (answer, state) in [("404|", false), ("200|ok\n", true)] {
        node.say("/status.html", answer);
        let began = now();
        assert!(wait_until(LONG, || up(&stubs) == state), "{answer}");
        assert!(began.elapsed() >= INTERVAL * (CHECKS - 2), "too soon: {:?}", began.elapsed());
    }
    node.say("/status.html", "503|");
    assert!(wait_until(LONG, || !up(&stubs)), "one that says it ends is believed");
}

#[test]
fn the_first_round_is_over_before_a_front_serves() {
    let stubs = Stubs::with(2, &[]);
    stubs.nodes[1].say("/status.html", "503|");
    for _ in 0..5 {
        let hosts = [0, 1].map(|node: usize| stubs.nodes[node].host().parse().unwrap());
        let front = start_front(&hosts, &[]);
        let text = front.http().get("/metrics").unwrap().text();
        let line =
            |node: usize, up: u8| format!("hustmq_backend_up{{host=\"{}\"}} {up}", stubs.nodes[node].host());
        assert!(text.contains(&line(0, 1)) && text.contains(&line(1, 0)), "{text}");
    }
}

#[test]
fn a_refused_connection_is_noticed_by_the_first_request() {
    let cluster = Cluster::with(2, &["health.interval_ms=60000", "autost_interval_ms=0"]);
    let (queue, mut client) = (cluster.owned_by(0), cluster.client());
    let put = format!("/put?queue={queue}&item=a");
    client.ok(&put);
    cluster.relays[0].set(Fault::Refuse);
    client.ok(&put);
    cluster.wait_live(0, false);
    assert_eq!(cluster.node(1).ok(&format!("/hustmq/get?queue={queue}&worker=w")).text(), "a");
    // Checked sooner than every minute, since it is down.
    cluster.relays[0].set(Fault::None);
    cluster.wait_live(0, true);
}

#[test]
fn a_node_that_never_answered_is_not_asked() {
    let mut cluster = Cluster::with(2, &["autost_interval_ms=0"]);
    let queue = cluster.owned_by(0);
    cluster.kill(0);
    let hosts = [cluster.host(0), cluster.host(1)];
    let front = start_front(&hosts, &["autost_interval_ms=0"]);
    assert_eq!(front.http().get(&format!("/put?queue={queue}&item=a")).unwrap().status, 200);
    let text = front.http().get("/metrics").unwrap().text();
    assert!(text.contains(&format!("hustmq_not_connected_total{{host=\"{}\"}} 0", hosts[0])), "{text}");
    cluster.revive(0);
    assert!(wait_until(LONG, || {
        let text = front.http().get("/metrics").unwrap().text();
        text.contains(&format!("hustmq_backend_up{{host=\"{}\"}} 1", hosts[0]))
    }));
}

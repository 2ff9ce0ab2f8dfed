//! How long it takes from a message to the answer of the one who waits for it.

use std::time::Duration;

use hust_testkit::wait_until;

use crate::{
    cluster::{Client, Cluster, LONG, now},
    stub::Stubs,
};

/// 50 ms on an idle machine; the tests share theirs.
const CEILING: Duration = Duration::from_millis(500);
const ROUNDS: usize = 11;

/// The median time from what `cause` does to the answer of a waiter.
fn median(cluster: &Cluster, target: &dyn Fn(usize) -> String, cause: &mut dyn FnMut(usize)) -> Duration {
    let mut times: Vec<Duration> = (0..ROUNDS)
        .map(|round| {
            let mut waiter = cluster.park(&target(round));
            let began = now();
            cause(round);
            let reply = waiter.reply();
            assert_eq!(reply.status, 200, "{}", reply.text());
            began.elapsed()
        })
        .collect();
    times.sort_unstable();
    times[ROUNDS / 2]
}

#[test]
fn wake_ups_are_quick() {
    let cluster = Cluster::with(2, &["autost_interval_ms=0"]);
    let (mut client, mut node) = (cluster.client(), cluster.node(1));
    let evget = |_| "/evget?queue=q&worker=w&inline=true".to_owned();
    let evsub = |round: usize| format!("/evsub?queue=p&idx={}&inline=true", round + 1);
    let evsub_node = |round: usize| format!("/evsub?queue=d&idx={}&inline=true", round + 1);
    let ask = |client: &mut Client, target: &str| drop(client.ok(target));
    let times = [
        ("put", median(&cluster, &evget, &mut |_| ask(&mut client, "/put?queue=q&item=m"))),
        ("put at a node", median(&cluster, &evget, &mut |_| ask(&mut node, "/hustmq/put?queue=q&item=m"))),
        ("pub", median(&cluster, &evsub, &mut |_| ask(&mut client, "/pub?queue=p&item=m"))),
        (
            "pub at a node",
            median(&cluster, &evsub_node, &mut |_| ask(&mut node, "/hustmq/pub?queue=d&item=m")),
        ),
    ];
    println!("{times:?}");
    for (what, time) in times {
        assert!(time < CEILING, "{what}: {time:?}");
    }
}

#[test]
fn nodes_are_watched_only_while_somebody_waits() {
    let stubs = Stubs::with(2, &["health.interval_ms=20"]);
    let watched = || [0, 1].map(|node: usize| stubs.nodes[node].routine("/hustmq/watch"));
    let checks = || stubs.nodes[0].routine("/status.html");
    let pass = || {
        let before = checks();
        assert!(wait_until(LONG, || checks() > before + 10));
    };
    pass();
    assert_eq!(watched(), [0, 0]);
    let mut waiter = stubs.client();
    waiter.send("GET", "/evget?queue=q&worker=w", "");
    assert!(wait_until(LONG, || watched().iter().all(|count| *count > 0)), "each by one");
    drop(waiter);
    let waits = || !stubs.client().get("/metrics").text().contains("hustmq_evget_waiting 0");
    assert!(wait_until(LONG, || !waits()));
    // What was on its way when the last one left.
    pass();
    let before = watched();
    pass();
    assert_eq!(watched(), before);
}

#[test]
fn the_polls_are_a_net_under_all_that_wakes() {
    // A node that answers no watch and no look tells of its messages in its rows alone.
    let stubs = Stubs::with(1, &["autost_interval_ms=50"]);
    let node = &stubs.nodes[0];
    node.say("/hustmq/watch", "500|");
    let mut waiter = stubs.client();
    waiter.send("GET", "/evget?queue=q&worker=w", "");
    assert!(wait_until(LONG, || node.asked_so_far("/hustmq/stat") > 0), "it looked, and there was nothing");
    node.rows(r#"[{"queue":"q","ready":[0,1,0]}]"#);
    assert_eq!(waiter.reply().status, 307);
}

#[test]
fn what_comes_while_a_node_is_looked_at_is_not_missed() {
    let stubs = Stubs::with(1, &[]);
    let node = &stubs.nodes[0];
    node.say("/hustmq/put", "200 index=1|");
    node.say("/hustmq/stat", r#"200|{"queue":"q","ready":[0,0,0]}"#);
    node.hold(Some("/hustmq/stat"));
    let mut waiter = stubs.client();
    waiter.send("GET", "/evget?queue=q&worker=w", "");
    assert!(wait_until(LONG, || node.held_at_once() == 1), "it looks");
    node.say("/hustmq/stat", r#"200|{"queue":"q","ready":[1,0,0]}"#);
    stubs.client().ok("/put?queue=q&item=a");
    // The answer to the first look is from before the put.
    node.hold(None);
    assert_eq!(waiter.reply().status, 307);
}

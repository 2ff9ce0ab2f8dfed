//! How the figures of all queues are kept: polls, nodes that are silent, `/autost`.

use hust_testkit::wait_until;

use crate::{
    cluster::{Cluster, LONG, brief, now, start_front},
    stub::Stubs,
};

#[test]
fn polls_keep_the_view() {
    let mut cluster = Cluster::with(2, &["autost_interval_ms=50"]);
    let mut client = cluster.client();
    cluster.node(1).ok("/hustmq/put?queue=q&item=a");
    let ready = "\"ready\":[1,0,0]";
    assert!(wait_until(LONG, || client.get("/stat?queue=q").text().contains(ready)));
    // A silent node stays in the view.
    cluster.kill(1);
    let reply = client.get("/autost");
    assert_eq!(brief(&reply), format!("503 backends: no answer from {}", cluster.host(1)));
    assert!(client.ok("/stat?queue=q").text().contains(ready));
    cluster.kill(0);
    assert!(client.ok("/stat_all").text().contains(ready), "while all are down too");
    let both = format!("503 backends: no answer from {},{}", cluster.host(0), cluster.host(1));
    assert_eq!(brief(&client.get("/autost")), both);
}

#[test]
fn what_was_got_is_merged_though_some_did_not_answer() {
    let mut cluster = Cluster::with(3, &["autost_interval_ms=0"]);
    let mut client = cluster.client();
    client.ok("/autost");
    for number in [0, 1, 2] {
        cluster.node(number).ok("/hustmq/put?queue=q&item=a");
    }
    cluster.kill(1);
    client.check(&[("/stat?queue=q", "412 queue: unknown")]);
    let reply = client.get("/autost");
    assert_eq!(brief(&reply), format!("503 backends: no answer from {}", cluster.host(1)));
    assert!(client.ok("/stat?queue=q").text().contains("\"ready\":[2,0,0]"), "of the two others");
}

#[test]
fn silent_nodes_may_be_left_out() {
    let mut cluster = Cluster::with(2, &["status_cache=false", "autost_interval_ms=0"]);
    let mut client = cluster.client();
    for (node, queue) in [(0, "a"), (1, "b")] {
        cluster.node(node).ok(&format!("/hustmq/put?queue={queue}&item=x"));
    }
    client.ok("/autost");
    client.ok("/stat?queue=b");
    cluster.kill(1);
    client.ok("/stat?queue=b");
    assert_eq!(client.get("/autost").status, 503);
    client.check(&[("/stat?queue=b", "412 queue: unknown")]);
    client.ok("/stat?queue=a");
    // What it had is still known: nobody says that the queue is unknown.
    assert_eq!(client.get("/get?queue=b&worker=w").status, 503);
    cluster.revive(1);
    assert!(wait_until(LONG, || client.get("/stat?queue=b").status == 200), "it is asked when it comes up");
}

#[test]
fn no_polls_but_on_request() {
    let stubs = Stubs::with(1, &["health.interval_ms=20"]);
    let (node, mut client) = (&stubs.nodes[0], stubs.client());
    // Once, since it came up.
    assert!(wait_until(LONG, || node.routine("/hustmq/stat_all") == 1));
    let checks = node.routine("/status.html");
    assert!(wait_until(LONG, || node.routine("/status.html") > checks + 10));
    assert_eq!(node.routine("/hustmq/stat_all"), 1);
    client.ok("/autost");
    client.send("HEAD", "/autost", "");
    assert_eq!(client.0.head().unwrap().status, 200);
    assert_eq!(node.routine("/hustmq/stat_all"), 3);
}

#[test]
fn nobody_ever_answered() {
    // Nobody listens on port 1.
    let front = start_front(&["127.0.0.1:1".parse().unwrap()], &["autost_interval_ms=0"]);
    for target in ["/stat?queue=q", "/stat_all"] {
        let reply = front.http().get(target).unwrap();
        assert_eq!(brief(&reply), "503 view: no backend has answered yet", "{target}");
    }
    assert_eq!(front.http().get("/status.html").unwrap().status, 200);
}

#[test]
fn a_slow_node_holds_up_nobody() {
    let cluster =
        Cluster::with(2, &["health.timeout_ms=20000", "autost_interval_ms=50", "backend.timeout_ms=20000"]);
    let (queue, mut client) = (cluster.owned_by(1), cluster.client());
    cluster.relays[0].set(hust_testkit::Fault::Swallow);
    let began = now();
    client.ok(&format!("/put?queue={queue}&item=a"));
    assert!(wait_until(LONG, || client.get(&format!("/stat?queue={queue}")).status == 200));
    assert!(began.elapsed().as_secs() < 15, "{:?}", began.elapsed());
}

#[test]
fn answers_that_are_none_change_nothing() {
    let stubs = Stubs::with(1, &["health.fall=1000"]);
    let (node, mut client) = (&stubs.nodes[0], stubs.client());
    node.rows(r#"[{"queue":"q"}]"#);
    client.ok("/autost");
    for wrong in
        ["200|", "200|{}", r#"200|[{"queue":"q","ready":[1]}]"#, "500|[]", "hang up", r#"200|[{"queue":7}]"#]
    {
        node.say("/hustmq/stat_all", wrong);
        assert_eq!(client.get("/autost").status, 503, "{wrong}");
        assert_eq!(client.get("/stat?queue=q").status, 200, "{wrong}");
    }
}

#[test]
fn rounds_never_overlap_on_one_node() {
    let settings = ["autost_interval_ms=10", "health.timeout_ms=20000", "health.interval_ms=20"];
    let stubs = Stubs::with(2, &settings);
    let [slow, quick] = &stubs.nodes[..] else { panic!("two nodes") };
    let path = "/hustmq/stat_all";
    slow.hold(Some(path));
    assert!(wait_until(LONG, || slow.held_at_once() == 1));
    // Many more want a round of it, the polls and clients; rounds of the other go on.
    let mut clients: Vec<_> = (0..5).map(|_| stubs.client()).collect();
    for client in &mut clients {
        client.send("GET", "/autost", "");
    }
    let (begun, others) = (slow.routine(path), quick.routine(path));
    assert!(wait_until(LONG, || quick.routine(path) > others + 20));
    assert_eq!((slow.held_at_once(), slow.routine(path)), (1, begun), "one at a time");
    slow.hold(None);
    for client in &mut clients {
        assert_eq!(client.reply().status, 200);
    }
    assert_eq!(slow.held_at_once(), 1);
}

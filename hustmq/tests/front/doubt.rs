//! Nodes that take a request and give no answer, or say that they take nothing: what is asked again, and of whom.

use hust_testkit::{Fault, wait_until};

use crate::{
    cluster::{Cluster, LONG, brief, owned_by},
    stub::Stubs,
};

const COMMANDS: [(&str, &str); 5] = [
    ("/put?queue=Q&item=a", "/hustmq/put"),
    ("/get?queue=Q&worker=w", "/hustmq/get"),
    ("/pub?queue=Q&item=a", "/hustmq/pub"),
    ("/lock?queue=Q&on=true", "/hustmq/lock"),
    ("/ack?queue=Q&token=1:2:3&peer=P", "/hustmq/ack"),
];

/// Commands about a queue that the first of the nodes owns.
fn commands(stubs: &Stubs) -> impl Iterator<Item = (String, &'static str)> {
    let queue = owned_by(0, stubs.nodes.len());
    let peer = stubs.nodes[0].host();
    COMMANDS.into_iter().map(move |(target, path)| (target.replace('Q', &queue).replace('P', &peer), path))
}

#[test]
fn what_was_sent_is_not_sent_again() {
    let stubs = Stubs::with(2, &["health.fall=1000"]);
    for (target, path) in commands(&stubs) {
        stubs.say(path, &["hang up", "hang up"]);
        let reply = stubs.client().get(&target);
        assert_eq!((reply.status, reply.header("outcome")), (503, Some("unknown")), "{target}");
        assert!(reply.text().contains("outcome unknown"), "{}", reply.text());
        // Only a command for all nodes reaches the second.
        let expected = if path == "/hustmq/lock" { [1, 1] } else { [1, 0] };
        assert_eq!(stubs.asked_for(path), expected, "{target}");
    }
}

#[test]
fn a_node_that_takes_nothing_is_passed_over() {
    let stubs = Stubs::with(2, &[]);
    for (target, path) in commands(&stubs) {
        stubs.say(path, &["503|server: draining\n", "200 index=1 expire=9|"]);
        let reply = stubs.client().get(&target);
        let asked = stubs.asked_for(path);
        if path == "/hustmq/ack" {
            // Nobody else knows the token.
            assert_eq!((brief(&reply), asked), ("503 server: draining".into(), vec![1, 0]));
        } else {
            assert_eq!((reply.status, asked), (200, vec![1, 1]), "{target}");
        }
        stubs.say(path, &["503|server: draining\n", "503|server: draining\n"]);
        let reply = stubs.client().get(&target);
        let expected = if path == "/hustmq/ack" { None } else { Some("refused") };
        assert_eq!((reply.status, reply.header("outcome")), (503, expected), "{target}");
    }
}

#[test]
fn a_node_that_is_overloaded_keeps_its_queues() {
    let stubs = Stubs::with(2, &[]);
    stubs.say("/hustmq/put", &["503 retry-after=1|engine: busy\n", "200 index=1|"]);
    let reply = stubs.client().get(&format!("/put?queue={}&item=a", owned_by(0, 2)));
    assert_eq!((brief(&reply), reply.header("retry-after")), ("503 engine: busy".into(), Some("1")));
    assert_eq!(stubs.asked(), [1, 0]);
}

#[test]
fn a_kept_connection_that_was_closed_is_as_none() {
    let cluster = Cluster::with(2, &["health.interval_ms=60000", "autost_interval_ms=0"]);
    let (queue, mut client) = (cluster.owned_by(0), cluster.client());
    let put = format!("/put?queue={queue}&item=a");
    for index in 1..=20 {
        let reply = client.get(&put);
        assert_eq!((reply.status, reply.number("index")), (200, Some(index)), "{}", brief(&reply));
        // A new connection to the same node takes its place.
        cluster.relays[0].cut();
    }
    client.ok(&put);
    // The connection is closed, and no new one can be made: the next node has it.
    cluster.relays[0].set(Fault::Refuse);
    assert_eq!(client.ok(&put).number("index"), Some(1));
    assert!(cluster.node(0).ok(&format!("/hustmq/stat?queue={queue}")).text().contains("\"ready\":[21,0,0]"));
}

#[test]
fn a_put_whose_answer_was_lost_is_there_once() {
    let cluster = Cluster::with(2, &["backend.timeout_ms=700"]);
    let (mut client, mut node) = (cluster.client(), cluster.node(0));
    let queue = cluster.owned_by(0);
    client.ok(&format!("/put?queue={queue}&item=a"));
    for fault in [Fault::Mute, Fault::Truncate(20)] {
        cluster.relays[0].set(Fault::None);
        cluster.wait_live(0, true);
        cluster.relays[0].set(fault);
        let target = format!("/put?queue={queue}&item=b&id={fault:?}");
        let reply = client.get(&target.replace(['(', ')'], ""));
        assert_eq!((reply.status, reply.header("outcome")), (503, Some("unknown")), "{fault:?}");
    }
    assert!(node.ok(&format!("/hustmq/stat?queue={queue}")).text().contains("\"ready\":[3,0,0]"));
    assert_eq!(cluster.node(1).get(&format!("/hustmq/stat?queue={queue}")).status, 412, "nobody else has it");
    cluster.relays[0].set(Fault::None);
    cluster.wait_live(0, true);
    let again = client.ok(&format!("/put?queue={queue}&item=b&id=Mute"));
    assert_eq!((again.header("duplicate"), again.header("index")), (Some("true"), Some("2")));
}

#[test]
fn a_lost_lease_comes_back() {
    let cluster = Cluster::with(1, &["backend.timeout_ms=700"]);
    let mut client = cluster.client();
    client.ok("/put?queue=q&item=a");
    client.ok("/timeout?queue=q&second=1");
    cluster.relays[0].set(Fault::Mute);
    assert_eq!(client.get("/get?queue=q&worker=w&ack=false").header("outcome"), Some("unknown"));
    cluster.relays[0].set(Fault::None);
    cluster.wait_live(0, true);
    let mut got = client.get("/get?queue=q&worker=w&ack=false");
    let came = wait_until(LONG, || {
        if got.status == 404 {
            got = client.get("/get?queue=q&worker=w&ack=false");
        }
        got.status == 200
    });
    assert!(came, "{}", brief(&got));
    assert_eq!(got.header("redelivered"), Some("1"));
}

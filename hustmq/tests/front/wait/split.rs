//! Two fronts that see different leads at one moment give one index to two messages. Each node keeps its own; who meets
//! the other counts it.

use hust_testkit::{Fault, Program, Relay};

use super::publish::copies;
use crate::cluster::{Client, Cluster, start_front};

/// A front that does not reach the first node, whatever others do, as long as the relay lives.
fn half_blind(cluster: &Cluster) -> (Program, Relay) {
    let broken = Relay::start(cluster.nodes[0].address()).unwrap();
    broken.set(Fault::Refuse);
    (start_front(&[broken.address(), cluster.host(1)], &["autost_interval_ms=0"]), broken)
}

fn items(cluster: &Cluster, queue: &str) -> [String; 2] {
    [0, 1].map(|node| String::from_utf8_lossy(&copies(&mut cluster.node(node), queue, 1)).into_owned())
}

#[test]
fn one_index_for_two_messages() {
    let cluster = Cluster::with(2, &["autost_interval_ms=0"]);
    let queue = cluster.owned_by(0);
    let (other, _broken) = half_blind(&cluster);
    let mut client = cluster.client();
    let publish = |client: &mut Client, item: &str| {
        let reply = client.ok(&format!("/pub?queue={queue}&item={item}"));
        (reply.number("index"), reply.number("count"))
    };
    let mut blind = Client(other.raw().unwrap());
    assert_eq!(publish(&mut blind, "two"), (Some(1), Some(1)), "the second node leads");
    assert_eq!(cluster.figure("hustmq_conflicts_total"), 0);
    assert_eq!(publish(&mut client, "one"), (Some(1), None), "the first one leads");
    assert_eq!(cluster.figure("hustmq_conflicts_total"), 1, "the copy met the other");
    let merged = cluster.node(1).ok("/metrics").text();
    let line = merged.lines().find(|line| line.contains("conflicts") && !line.starts_with('#')).unwrap();
    assert!(line.ends_with(" 1"), "the node counts it too: {line}");
    // Each keeps its own, whatever comes later.
    assert_eq!(publish(&mut client, "next"), (Some(2), None));
    client.ok("/autost");
    let [first, second] = items(&cluster, &queue);
    assert!(first.contains("\none\n") && !first.contains("\ntwo\n"), "{first}");
    assert!(second.contains("\ntwo\n") && !second.contains("\none\n"), "{second}");
    assert!(first.contains("\nnext\n") && second.contains("\nnext\n"), "{first} {second}");
    assert_eq!(cluster.figure("hustmq_conflicts_total"), 1, "counted once");
}

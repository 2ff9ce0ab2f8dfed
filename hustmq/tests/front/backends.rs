//! Another list of backends than before: what lies elsewhere is found and drained first, and a node that is new to a
//! queue learns its settings.

use crate::cluster::{Client, Cluster, owner};

/// A name that the second of two nodes owns, and the third of three.
fn moved() -> String {
    let mut names = (0..).map(|at| format!("moved{at}"));
    names.find(|name| (owner(name, 2), owner(name, 3)) == (1, 2)).unwrap()
}

fn items(client: &mut Client, queue: &str, count: usize) -> Vec<String> {
    (0..count).map(|_| client.ok(&format!("/get?queue={queue}&worker=w")).text()).collect()
}

#[test]
fn what_is_on_a_former_owner_is_drained_first() {
    let cluster = Cluster::with(3, &["autost_interval_ms=0"]);
    let queue = moved();
    let before = cluster.front_of(&[0, 1], &[]);
    let mut client = Client(before.raw().unwrap());
    client.ok(&format!("/settings?queue={queue}&create=true&second=7&max=5&max_deliveries=4"));
    for item in ["leased", "b", "c"] {
        client.ok(&format!("/put?queue={queue}&item={item}"));
    }
    let lease = client.ok(&format!("/get?queue={queue}&worker=w&ack=false"));
    // A node more, and another order: it owns the queue now. The old list is still in use elsewhere.
    for (list, owns) in [(&[0, 1, 2][..], 2), (&[1, 0][..], 0)] {
        let after = cluster.front_of(list, &[]);
        let mut client = Client(after.raw().unwrap());
        client.ok(&format!("/put?queue={queue}&item=new"));
        let stat = cluster.node(owns).ok(&format!("/hustmq/settings?queue={queue}")).text();
        for part in ["\"second\":7,", "\"max\":5,", "\"max_deliveries\":4,"] {
            assert!(stat.contains(part), "the new owner knows the settings: {stat}");
        }
        client.ok("/autost");
        let stray = if owns == 2 { "b" } else { "c" };
        assert_eq!(items(&mut client, &queue, 1), [stray], "before what the owner has");
        let strays = format!("hustmq_stray_gets_total{{host=\"{}\"}} 1", cluster.host(1));
        assert!(client.ok("/metrics").text().contains(&strays));
        if owns == 2 {
            let (token, peer) = (lease.header("ack-token").unwrap(), lease.header("ack-peer").unwrap());
            client.ok(&format!("/ack?queue={queue}&token={token}&peer={peer}"));
        } else {
            assert_eq!(items(&mut client, &queue, 1), ["new"], "the strays of its list are gone");
        }
    }
    // What the other list's owner has is a stray, or the owner's, by the list.
    let after = cluster.front_of(&[0, 1, 2], &[]);
    let mut client = Client(after.raw().unwrap());
    assert_eq!(items(&mut client, &queue, 1), ["new"]);
    client.check(&[(&format!("/get?queue={queue}&worker=w"), "404")]);
    for node in 0..3 {
        let stat = cluster.node(node).ok(&format!("/hustmq/stat?queue={queue}")).text();
        assert!(stat.contains("\"ready\":[0,0,0],\"unacked\":0,"), "nothing is stranded: {stat}");
    }
}

#[test]
fn a_stray_that_no_poll_has_shown_is_found() {
    let cluster = Cluster::with(3, &["autost_interval_ms=0"]);
    let (queue, mut client) = (cluster.owned_by(0), cluster.client());
    for node in [2, 1] {
        cluster.node(node).ok(&format!("/hustmq/put?queue={queue}&item=at{node}"));
    }
    let mut found = items(&mut client, &queue, 2);
    found.sort();
    assert_eq!(found, ["at1", "at2"], "though the owner does not know the queue");
}

#[test]
fn a_batch_comes_from_one_node() {
    let cluster = Cluster::with(2, &["autost_interval_ms=0"]);
    let (queue, mut client) = (cluster.owned_by(0), cluster.client());
    for (node, count) in [(0, 3), (1, 2)] {
        for _ in 0..count {
            cluster.node(node).ok(&format!("/hustmq/put?queue={queue}&item=i"));
        }
    }
    client.ok("/autost");
    for (node, count) in [(1, "2"), (0, "3")] {
        let batch = client.ok(&format!("/get?queue={queue}&worker=w&ack=false&count=9"));
        let peer = cluster.host(node).to_string();
        assert_eq!((batch.header("count"), batch.header("ack-peer")), (Some(count), Some(peer.as_str())));
    }
}

#[test]
fn a_node_that_joins_learns_the_settings() {
    let cluster = Cluster::with(3, &["autost_interval_ms=0"]);
    let settings = |node: usize| cluster.node(node).get("/hustmq/settings?queue=q");
    let before = cluster.front_of(&[0, 1], &["queue_hash=false"]);
    let mut client = Client(before.raw().unwrap());
    for item in ["a", "b"] {
        client.ok(&format!("/put?queue=q&item={item}"));
    }
    client.ok("/settings?queue=q&second=9&max=50&max_deliveries=3&dead_letter=morgue&ttl=500&dedup=60");
    assert_eq!(settings(2).status, 412);
    // Its list is longer by a node that knows nothing of the queue.
    let after = cluster.front_of(&[0, 1, 2], &["queue_hash=false"]);
    let mut client = Client(after.raw().unwrap());
    for item in ["c", "d", "e"] {
        client.ok(&format!("/put?queue=q&item={item}"));
    }
    let expected = settings(0).text();
    assert!(expected.contains("\"second\":9,\"max\":50,") && expected.contains("\"dedup\":60"), "{expected}");
    assert_eq!([settings(1).text(), settings(2).text()], [expected.clone(), expected]);
    client.ok("/autost");
    assert!(client.ok("/stat?queue=q").text().contains("\"ready\":[5,0,0],\"max\":50,"));
    let mut all = items(&mut client, "q", 5);
    all.sort();
    assert_eq!(all, ["a", "b", "c", "d", "e"]);
}

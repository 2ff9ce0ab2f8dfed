//! Acknowledgements on the way to the next message: whom the front asks for what, and what the client is told.

use hust_testkit::Reply;

use crate::{
    cluster::{Client, Cluster, brief, owned_by},
    stub::Stubs,
};

/// A get that acknowledges this delivery before.
fn next(queue: &str, got: &Reply) -> String {
    let (token, peer) = (got.header("ack-token").unwrap(), got.header("ack-peer").unwrap());
    format!("queue={queue}&worker=w&ack=false&token={token}&peer={peer}")
}

/// Messages of which nothing has become yet.
fn left(cluster: &Cluster, node: usize, queue: &str) -> String {
    let stat = cluster.node(node).ok(&format!("/hustmq/stat?queue={queue}")).text();
    stat.split(",\"max\"").next().unwrap().split("\"ready\":").nth(1).unwrap().to_owned()
}

fn put(client: &mut Client, queue: &str, items: &[&str]) {
    for item in items {
        client.ok(&format!("/put?queue={queue}&item={item}"));
    }
}

#[test]
fn a_get_acknowledges_what_went_before() {
    let mut cluster = Cluster::of(2, &["engine.sync=always"], &["long_polling_timeout_ms=100"]);
    let queue = cluster.owned_by(1);
    let mut client = cluster.client();
    put(&mut client, &queue, &["a", "b", "c", "d"]);
    let mut got = client.ok(&format!("/get?queue={queue}&worker=w&ack=false"));
    for (path, more, item) in
        [("get", "", "b"), ("get", "&sync=false", "c"), ("evget", "&sync=true&inline=true", "d")]
    {
        let old = next(&queue, &got);
        got = client.ok(&format!("/{path}?{old}{more}"));
        assert_eq!((got.text().as_str(), got.header("unknown-tokens")), (item, None));
        assert_eq!(left(&cluster, 1, &queue).split("unacked").nth(1), Some("\":1"), "{item}");
        let again = format!("/{path}?{old}{more}");
        assert_eq!(brief(&client.get(&again)), "412 token: not current", "nothing is taken");
    }
    // Nothing is ready: the acknowledgement holds, whatever becomes of the node.
    let last = next(&queue, &got);
    assert_eq!(brief(&client.get(&format!("/get?{last}&sync=false"))), "404");
    cluster.kill(1);
    let reply = client.get(&format!("/get?{last}"));
    assert_eq!((reply.status, reply.header("outcome")), (503, Some("refused")), "{}", reply.text());
    cluster.revive(1);
    assert_eq!(left(&cluster, 1, &queue), "[0,0,0],\"unacked\":0");
    assert_eq!(brief(&client.get(&format!("/get?{last}"))), "412 token: not current");
}

#[test]
fn a_waiter_acknowledges_before_it_waits() {
    let cluster = Cluster::with(2, &["long_polling_timeout_ms=300"]);
    let (queue, mut client) = (cluster.owned_by(0), cluster.client());
    for inline in [false, true] {
        put(&mut client, &queue, &["a"]);
        let got = client.ok(&format!("/get?queue={queue}&worker=w&ack=false"));
        let acking = next(&queue, &got);
        let list = acking.replacen("token=", "token=9:9:9,", 1);
        let reply = client.get(&format!("/evget?inline={inline}&{list}"));
        assert_eq!((reply.status, reply.header("unknown-tokens")), (404, Some("9:9:9")), "the time was over");
        assert_eq!(left(&cluster, 0, &queue), "[0,0,0],\"unacked\":0");
        assert_eq!(brief(&client.get(&format!("/evget?inline={inline}&{acking}"))), "412 token: not current");
    }
    let long = Cluster::one();
    let mut client = long.client();
    put(&mut client, "q", &["a"]);
    let got = client.ok("/get?queue=q&worker=w&ack=false");
    let (token, peer) = (got.header("ack-token").unwrap(), got.header("ack-peer").unwrap());
    let target =
        format!("/evget?token=1:2:3&queue=q&sync=false&worker=%C3%A9&&peer={peer}&x=%2F&token={token}");
    let mut waiter = long.park(&target);
    assert_eq!(left(&long, 0, "q"), "[0,0,0],\"unacked\":0", "it waits with nothing to acknowledge");
    put(&mut client, "q", &["b"]);
    let reply = waiter.reply();
    assert_eq!((reply.status, reply.header("location")), (307, Some("/get?queue=q&worker=%C3%A9&&x=%2F")));
    assert_eq!(brief(&client.get(reply.header("location").unwrap())), "200 b");
}

#[test]
fn what_is_wrong_costs_no_node_anything() {
    let stubs = Stubs::with(2, &[]);
    let peer = format!("peer={}", stubs.nodes[0].host());
    let mut client = stubs.client();
    for path in ["get", "evget"] {
        for (query, reason) in [
            ("token=1:2:3".to_owned(), "peer: missing"),
            ("token=1:2:3&peer=nobody".to_owned(), "peer: no such backend"),
            ("sync=false".to_owned(), "sync: not without token"),
            (peer.clone(), "peer: not without token"),
            (format!("{peer}&token=1:2:3,"), "token: not of 3 to 64 bytes"),
            (format!("{peer}&token=%00:2:3"), "token: illegal"),
            (format!("{peer}&token={}", ["1:2:3"; 1001].join(",")), "token: over 1000 of them"),
            (format!("{peer}&token=1:2:3&sync=later"), "sync: not true, false, 1 or 0"),
            (format!("{peer}&token=1:2:3&worker="), "worker: not of 1 to 64 bytes"),
            (format!("{peer}&token=1:2:3&count=0"), "count: not in 1..1000"),
        ] {
            let reply = client.get(&format!("/{path}?queue=q&worker=w&{query}"));
            assert_eq!(brief(&reply), format!("400 {reason}"), "{path}");
        }
    }
    let inline = client.get(&format!("/evget?queue=q&worker=w&{peer}&token=1:2:3&inline=x"));
    assert_eq!(brief(&inline), "400 inline: not true, false, 1 or 0");
    assert_eq!(stubs.asked(), [0, 0]);
}

#[test]
fn one_request_does_both_where_the_same_node_is_first() {
    let stubs = Stubs::with(2, &[]);
    let (mut client, queue) = (stubs.client(), owned_by(0, 2));
    let peer = |at: usize| stubs.nodes[at].host();
    let target = |at, more: &str| format!("/get?queue={queue}&worker=w&peer={}&token=1:2:3{more}", peer(at));
    let both = format!("POST /hustmq/get?queue={queue}&worker=w&token=1:2:3");
    let alone = format!("POST /hustmq/ack?queue={queue}");
    let get = format!("POST /hustmq/get?queue={queue}&worker=w");
    let asked = |stubs: &Stubs| [stubs.nodes[0].take(), stubs.nodes[1].take()];
    stubs.say("/hustmq/get", &["200 ack-token=7:7:7|a", "404|"]);
    assert_eq!(brief(&client.get(&target(0, ""))), "200 a");
    assert_eq!(asked(&stubs), [vec![both.clone()], vec![]]);
    assert_eq!(brief(&client.get(&target(0, "&sync=0&count=5"))), "200 a");
    let counted = format!("POST /hustmq/get?queue={queue}&worker=w&count=5&token=1:2:3&sync=false");
    assert_eq!(asked(&stubs), [vec![counted], vec![]]);
    // The owner is asked for a message first, the peer is another.
    stubs.nodes[1].say("/hustmq/ack", "200|");
    assert_eq!(brief(&client.get(&target(1, ""))), "200 a");
    assert_eq!(asked(&stubs), [vec![get.clone()], vec![format!("{alone} 1:2:3")]]);
    assert_eq!(brief(&client.get(&target(1, "&sync=false"))), "200 a");
    assert_eq!(asked(&stubs), [vec![get.clone()], vec![format!("{alone}&sync=false 1:2:3")]]);
    // It acknowledged and has nothing: the others are asked for a message alone.
    stubs.say("/hustmq/get", &["404 unknown-tokens=4:5:6|", "200|b"]);
    let reply = client.get(&target(0, ",4:5:6"));
    assert_eq!((brief(&reply).as_str(), reply.header("unknown-tokens")), ("200 b", Some("4:5:6")));
    assert_eq!(asked(&stubs), [vec![format!("{both}%2C4:5:6")], vec![get.clone()]]);
    // As many tokens as are too long for a target go in a body, before.
    let many = ["1:2:3"].repeat(1000).join(",");
    let pad = "w".repeat(60);
    let long = format!(
        "/get?queue={queue}&worker={pad}&peer={}&token={}",
        peer(0),
        vec!["9".repeat(63); 1000].join(",")
    );
    stubs.nodes[0].say("/hustmq/ack", r#"200|{"done":999,"unknown":["5:5:5"]}"#);
    let reply = client.get(&long);
    assert_eq!((brief(&reply).as_str(), reply.header("unknown-tokens")), ("200 b", Some("5:5:5")));
    assert!(asked(&stubs)[0][0].starts_with(&format!("{alone} 999")));
    assert_eq!(client.get(&target(0, &format!(",{many}"))).status, 400);
    assert_eq!(stubs.asked(), [0, 0]);
}

#[test]
fn what_ends_the_acknowledgement_ends_the_request() {
    let stubs = Stubs::with(2, &["backend.timeout_ms=1000"]);
    let (mut client, queue) = (stubs.client(), owned_by(0, 2));
    let peer = |at: usize| stubs.nodes[at].host();
    let target = |at| format!("/get?queue={queue}&worker=w&token=1:2:3&peer={}", peer(at));
    for answer in
        ["412|token: not current\n", "412|{\"done\":0}", "503|engine: busy\n", "500|engine: broken\n"]
    {
        for (at, path) in [(0, "/hustmq/get"), (1, "/hustmq/ack")] {
            stubs.say("/hustmq/get", &["200|a", "200|a"]);
            stubs.nodes[at].say(path, answer);
            let reply = client.get(&target(at));
            assert_eq!(brief(&reply), answer.replace('|', " ").trim_end(), "{path}");
            assert_eq!(stubs.asked()[1 - at], 0, "nobody else is asked: {path} {answer}");
        }
    }
    // Acknowledged, and then nobody gives anything: 404, for 412 and `refused` would say that nothing was done.
    stubs.nodes[1].say("/hustmq/ack", "200|");
    for answer in ["404|", "412|queue: unknown\n", "503|engine: busy\n"] {
        stubs.say("/hustmq/get", &[answer, answer]);
        assert_eq!(brief(&client.get(&target(1))), "404", "{answer}");
    }
    for (at, path) in [(0, "/hustmq/get"), (1, "/hustmq/ack")] {
        stubs.say("/hustmq/get", &["200|a", "200|a"]);
        stubs.nodes[at].say(path, "hang up");
        let reply = client.get(&target(at));
        assert_eq!((reply.status, reply.header("outcome")), (503, Some("unknown")), "{}", reply.text());
        assert_eq!(stubs.asked()[1 - at], 0, "{path}");
    }
}

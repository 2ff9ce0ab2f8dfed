//! Where messages go and are looked for: owners, stand-ins, strays, and queues without an owner.

use hust_testkit::wait_until;

use crate::{
    cluster::{Client, Cluster, LONG, brief, owned_by},
    stub::Stubs,
};

/// How many messages a node has ready; `None` if it does not know the queue.
fn ready(cluster: &Cluster, node: usize, queue: &str) -> Option<u64> {
    let reply = cluster.node(node).get(&format!("/hustmq/stat?queue={queue}"));
    reply.text().split("\"ready\":[").nth(1)?.split(',').next()?.parse().ok()
}

/// Gets until nothing is left.
fn drain(client: &mut Client, queue: &str) -> Vec<String> {
    let mut items = Vec::new();
    loop {
        let reply = client.get(&format!("/get?queue={queue}&worker=w"));
        match reply.status {
            200 => items.push(reply.text()),
            404 => return items,
            _ => panic!("{}", brief(&reply)),
        }
    }
}

#[test]
fn a_queue_has_one_owner_and_is_in_order() {
    let cluster = Cluster::with(3, &[]);
    for owner in 0..3 {
        let (queue, mut client) = (cluster.owned_by(owner), cluster.client());
        for item in ["1", "2", "3", "4"] {
            client.ok(&format!("/put?queue={queue}&item={item}"));
        }
        for node in 0..3 {
            assert_eq!(ready(&cluster, node, &queue), (node == owner).then_some(4), "{queue} {node}");
        }
        assert_eq!(drain(&mut cluster.client(), &queue), ["1", "2", "3", "4"]);
    }
}

#[test]
fn the_next_round_the_list_stands_in() {
    let mut cluster = Cluster::with(3, &[]);
    let (queue, mut client) = (cluster.owned_by(2), cluster.client());
    client.ok(&format!("/settings?queue={queue}&create=true&second=7&max=3&max_deliveries=4&ttl=500"));
    client.ok(&format!("/put?queue={queue}&item=hidden"));
    client.ok("/autost");
    cluster.kill(2);
    client.ok(&format!("/put?queue={queue}&item=a"));
    assert_eq!((ready(&cluster, 0, &queue), ready(&cluster, 1, &queue)), (Some(1), None));
    let settings = cluster.node(0).get(&format!("/hustmq/settings?queue={queue}")).text();
    for part in ["\"second\":7,", "\"max\":3,", "\"max_deliveries\":4,", "\"ttl\":500,"] {
        assert!(settings.contains(part), "as at the owner: {settings}");
    }
    cluster.kill(0);
    client.ok(&format!("/put?queue={queue}&item=b"));
    assert_eq!(ready(&cluster, 1, &queue), Some(1));
    cluster.kill(1);
    let reply = client.get(&format!("/put?queue={queue}&item=c"));
    assert_eq!((reply.status, reply.header("outcome")), (503, Some("refused")));
    let reply = client.get(&format!("/get?queue={queue}&worker=w"));
    assert_eq!((reply.status, reply.header("outcome")), (503, Some("refused")));
    for node in 0..3 {
        cluster.revive(node);
    }
    client.ok("/autost");
    client.ok(&format!("/put?queue={queue}&item=d"));
    assert_eq!(ready(&cluster, 2, &queue), Some(2), "the owner takes puts again");
    client.ok("/autost");
    assert_eq!(drain(&mut client, &queue), ["a", "b", "hidden", "d"], "strays first, then the owner");
    assert_eq!(cluster.figure(&format!("hustmq_stray_gets_total{{host=\"{}\"}}", cluster.host(0))), 1);
    assert_eq!(cluster.figure(&format!("hustmq_stand_in_puts_total{{host=\"{}\"}}", cluster.host(1))), 1);
}

#[test]
fn an_owner_that_comes_back_has_lost_nothing() {
    let mut cluster = Cluster::with(2, &[]);
    let (queue, mut client) = (cluster.owned_by(0), cluster.client());
    client.ok(&format!("/put?queue={queue}&item=leased"));
    client.ok(&format!("/timeout?queue={queue}&second=2"));
    let leased = client.ok(&format!("/get?queue={queue}&worker=w&ack=false"));
    client.ok(&format!("/put?queue={queue}&item=acked"));
    let acked = client.ok(&format!("/get?queue={queue}&worker=w&ack=false"));
    let settle = |reply: &hust_testkit::Reply| {
        let token = reply.header("ack-token").unwrap();
        format!("/ack?queue={queue}&token={token}&peer={}", cluster.host(0))
    };
    let (late, done) = (settle(&leased), settle(&acked));
    client.ok(&done);
    client.ok("/autost");
    cluster.kill(0);
    let reply = client.get(&late);
    assert_eq!((reply.status, reply.header("outcome")), (503, Some("refused")), "{}", reply.text());
    let get = format!("/get?queue={queue}&worker=w&ack=false");
    assert_eq!(brief(&client.get(&get)).split(' ').next(), Some("503"), "known, but nobody has it now");
    cluster.revive(0);
    let mut got = client.get(&get);
    assert!(wait_until(LONG, || {
        if got.status != 200 {
            got = client.get(&get);
        }
        got.status == 200
    }));
    assert_eq!((brief(&got).as_str(), got.header("redelivered")), ("200 leased", Some("1")));
    client.check(&[(&late, "412 token: not current"), (&done, "412 token: not current"), (&get, "404")]);
}

#[test]
fn unknown_empty_or_hidden() {
    let stubs = Stubs::with(3, &["status_cache=false", "health.fall=1"]);
    let mut client = stubs.client();
    let (unknown, empty, down) = ("412|queue: unknown\n", "404|", "503|server: draining\n");
    for (answers, expected) in [
        ([unknown, unknown, unknown], "412 queue: unknown"),
        ([empty, unknown, unknown], "404"),
        ([unknown, unknown, empty], "404"),
        ([down, empty, unknown], "404"),
        ([down, unknown, unknown], "412 queue: unknown"),
    ] {
        stubs.say("/hustmq/get", &answers);
        assert_eq!(brief(&client.get("/get?queue=q&worker=w")), expected, "{answers:?}");
        assert_eq!(stubs.asked(), [1, 1, 1]);
    }
    stubs.nodes[0].rows(r#"[{"queue":"q","unacked":1}]"#);
    client.ok("/autost");
    stubs.say("/hustmq/get", &[down, unknown, unknown]);
    let hidden = client.get("/get?queue=q&worker=w");
    assert_eq!((hidden.status, hidden.text().contains("a backend that has it is down")), (503, true));
    stubs.say("/hustmq/get", &[down, unknown, empty]);
    assert_eq!(client.get("/get?queue=q&worker=w").status, 404, "an answer counts before a guess");
}

#[test]
fn the_view_only_orders_whom_to_ask() {
    let stubs = Stubs::with(3, &[]);
    let mut client = stubs.client();
    let queue = owned_by(1, 3);
    let order = |stubs: &Stubs| -> Vec<usize> {
        // Each in turn gives one, and is then empty.
        stubs.say("/hustmq/get", &["404|"; 3]);
        let mut order: Vec<usize> = Vec::new();
        while order.len() < 3 {
            stubs.say("/hustmq/get", &["200|x"; 3]);
            for node in &order {
                stubs.nodes[*node].say("/hustmq/get", "404|");
            }
            assert_eq!(stubs.client().get(&format!("/get?queue={queue}&worker=w")).status, 200);
            let asked = stubs.asked();
            let new = (0..3).find(|node| asked[*node] == 1 && !order.contains(node));
            order.push(new.unwrap());
        }
        order
    };
    assert_eq!(order(&stubs), [1, 0, 2], "the owner, then the others");
    let shows = |ready: u8| format!(r#"[{{"queue":"{queue}","ready":[0,0,{ready}]}}]"#);
    stubs.nodes[2].rows(&shows(1));
    client.ok("/autost");
    assert_eq!(order(&stubs), [2, 1, 0], "a stray first");
    stubs.nodes[1].rows(&shows(1));
    client.ok("/autost");
    assert_eq!(order(&stubs), [2, 1, 0]);
}

#[test]
fn queues_without_an_owner_go_round() {
    let mut cluster = Cluster::with(3, &["queue_hash=false"]);
    let mut client = cluster.client();
    for item in 1..=6 {
        client.ok(&format!("/put?queue=q&item={item}"));
    }
    let counts = |cluster: &Cluster| [0, 1, 2].map(|node| ready(cluster, node, "q"));
    assert_eq!(counts(&cluster), [Some(2); 3]);
    client.ok("/autost");
    assert_eq!(drain(&mut client, "q"), ["1", "4", "2", "5", "3", "6"], "in list order");
    cluster.kill(1);
    for _ in 0..6 {
        client.ok("/put?queue=q&item=x");
    }
    assert_eq!([0, 2].map(|node| ready(&cluster, node, "q").unwrap()).iter().sum::<u64>(), 6);
    cluster.revive(1);
    assert_eq!(ready(&cluster, 1, "q"), Some(0));
    client.ok("/max?queue=q&num=5");
    client.ok("/autost");
    client.check(&[("/put?queue=q&item=x", "403 queue: 5 messages are the limit")]);
    client.ok("/max?queue=q&num=0");
    // At one node only.
    cluster.node(2).ok("/hustmq/lock?queue=q&on=true");
    client.ok("/autost");
    for _ in 0..3 {
        client.check(&[("/put?queue=q&item=x", "403 queue: locked")]);
    }
}

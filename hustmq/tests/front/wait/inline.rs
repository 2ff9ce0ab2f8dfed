//! `inline=true`: the answer of the get or sub itself.

use std::time::Duration;

use hust_testkit::{Fault, wait_until};

use crate::cluster::{Cluster, LONG, brief};

#[test]
fn the_answer_is_that_of_a_get() {
    let cluster = Cluster::one();
    let mut client = cluster.client();
    client.ok("/settings?queue=q&create=true&max_deliveries=2&dead_letter=dead");
    let mut waiter = cluster.park("/evget?queue=q&worker=w&ack=false&inline=true");
    client.ok("/put?queue=q&item=a&priori=2");
    let reply = waiter.reply();
    assert_eq!((brief(&reply).as_str(), reply.header("index")), ("200 a", Some("1")));
    let peer = reply.header("ack-peer").unwrap();
    assert_eq!(peer, cluster.host(0).to_string());
    client.ok(&format!("/nack?queue=q&peer={peer}&token={}", reply.header("ack-token").unwrap()));
    let reply = client.ok("/evget?queue=q&worker=w&ack=false&inline=true");
    assert_eq!(reply.header("redelivered"), Some("1"), "at once too");
    let mut dead = cluster.park("/evget?queue=dead&worker=w&inline=true");
    client.ok(&format!("/nack?queue=q&peer={peer}&token={}", reply.header("ack-token").unwrap()));
    let reply = dead.reply();
    assert_eq!((brief(&reply).as_str(), reply.header("dead-from")), ("200 a", Some("q")));
    let mut batch = cluster.park("/evget?queue=q&worker=w&count=5&inline=true");
    client.ask("POST", "/put?queue=q&batch=true", "len=1\nx\nlen=1\ny\n");
    let reply = batch.reply();
    assert_eq!((reply.header("count"), reply.header("ack-peer")), (Some("2"), None));
    assert_eq!(reply.header("content-type"), Some("application/x-hustmq-frames"));
}

#[test]
fn n_messages_serve_the_n_oldest() {
    let cluster = Cluster::with(2, &[]);
    let mut client = cluster.client();
    let mut waiters: Vec<_> = (0..5).map(|_| cluster.park("/evget?queue=q&worker=w&inline=true")).collect();
    let queue = |items: &str| items.split(' ').map(|item| format!("len=1\n{item}\n")).collect::<String>();
    client.ask("POST", "/put?queue=q&batch=true", queue("a b"));
    let mut two = [brief(&waiters.remove(0).reply()), brief(&waiters.remove(0).reply())];
    two.sort();
    assert_eq!(two, ["200 a", "200 b"]);
    cluster.wait_for(3);
    for item in ["c", "d", "e"] {
        client.ok(&format!("/put?queue=q&item={item}"));
        assert_eq!(brief(&waiters.remove(0).reply()), format!("200 {item}"), "in the order of arrival");
    }
}

#[test]
fn who_was_too_slow_stays_in_its_place() {
    let cluster = Cluster::one();
    let mut node = cluster.node(0);
    let park = || cluster.park("/evget?queue=q&worker=w&inline=true");
    let [mut first, mut second] = [park(), park()];
    let mut snatched = 0;
    for _ in 0..100 {
        // Put and taken past the front.
        node.send("GET", "/hustmq/put?queue=q&item=snatched", "");
        node.send("GET", "/hustmq/get?queue=q&worker=thief", "");
        assert_eq!(node.reply().status, 200);
        if node.reply().status == 200 {
            snatched += 1;
            continue;
        }
        assert_eq!(brief(&first.reply()), "200 snatched", "for once the front was quicker");
        first = std::mem::replace(&mut second, park());
    }
    assert!(snatched > 10, "{snatched} were snatched");
    cluster.wait_for(2);
    for (waiter, item) in [(&mut first, "a"), (&mut second, "b")] {
        node.ok(&format!("/hustmq/put?queue=q&item={item}"));
        assert_eq!(brief(&waiter.reply()), format!("200 {item}"));
    }
}

#[test]
fn what_a_client_did_not_take_is_given_back() {
    let cluster = Cluster::one();
    let mut node = cluster.node(0);
    for count in ["", "&count=2"] {
        let waiter = cluster.park(&format!("/evget?queue=q&worker=w&ack=false&inline=true{count}"));
        cluster.relays[0].set(Fault::Delay(Duration::from_millis(400)));
        node.ok("/hustmq/put?queue=q&item=a");
        // It has been woken: its get is under way, and slow.
        cluster.wait_for(0);
        drop(waiter);
        for figures in ["\"ready\":[0,0,0],\"unacked\":1", "\"ready\":[1,0,0],\"unacked\":0"] {
            let shown = || node.ok("/hustmq/stat?queue=q").text().contains(figures);
            assert!(wait_until(LONG, shown), "{figures}");
        }
        cluster.relays[0].set(Fault::None);
        let reply = node.ok("/hustmq/get?queue=q&worker=w");
        assert_eq!((brief(&reply).as_str(), reply.header("redelivered")), ("200 a", Some("1")));
        node.ok("/hustmq/delete?queue=q");
    }
}

#[test]
fn what_a_plain_get_leased_for_a_client_that_left_is_given_back() {
    let cluster = Cluster::one();
    let mut node = cluster.node(0);
    node.ok("/hustmq/put?queue=q&item=a");
    cluster.relays[0].set(Fault::Delay(Duration::from_millis(800)));
    let requests = format!("hustmq_requests_total{{host=\"{}\"}}", cluster.host(0));
    let before = cluster.figure(&requests);
    let mut client = cluster.client();
    client.send("GET", "/get?queue=q&worker=w&ack=false", "");
    assert!(wait_until(LONG, || cluster.figure(&requests) > before), "it is on its way to the node");
    drop(client);
    for figures in ["\"ready\":[0,0,0],\"unacked\":1", "\"ready\":[1,0,0],\"unacked\":0"] {
        let shown = || node.ok("/hustmq/stat?queue=q").text().contains(figures);
        assert!(wait_until(LONG, shown), "{figures}");
    }
    let reply = node.ok("/hustmq/get?queue=q&worker=w");
    assert_eq!((brief(&reply).as_str(), reply.header("redelivered")), ("200 a", Some("1")));
}

#[test]
fn an_answer_that_was_lost_is_told() {
    let cluster = Cluster::with(1, &["backend.timeout_ms=1000", "health.timeout_ms=400"]);
    let mut node = cluster.node(0);
    let mut waiter = cluster.park("/evget?queue=q&worker=w&inline=true");
    cluster.relays[0].set(Fault::Delay(Duration::from_millis(200)));
    node.ok("/hustmq/put?queue=q&item=a");
    cluster.wait_for(0);
    cluster.relays[0].set(Fault::Mute);
    let reply = waiter.reply();
    assert_eq!((reply.status, reply.header("outcome")), (503, Some("unknown")), "{}", reply.text());
}

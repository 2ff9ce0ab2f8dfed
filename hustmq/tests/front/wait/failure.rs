//! Nodes, and the front itself, die and come back while clients wait.

use std::io::ErrorKind;

use hust_testkit::wait_until;

use super::rpc::token;
use crate::cluster::{Client, Cluster, LONG, brief};

#[test]
fn waiters_outlive_a_node() {
    let mut cluster = Cluster::with(2, &[]);
    let mut client = cluster.client();
    let queue = cluster.owned_by(0);
    let mut waiters: Vec<_> =
        (0..4).map(|_| cluster.park(&format!("/evget?queue={queue}&worker=w&inline=true"))).collect();
    let serve = |waiter: &mut Client, item: &str| {
        assert_eq!(brief(&waiter.reply()), format!("200 {item}"));
    };
    cluster.kill(0);
    client.ok(&format!("/put?queue={queue}&item=stand-in"));
    serve(&mut waiters.remove(0), "stand-in");
    cluster.node(1).ok(&format!("/hustmq/put?queue={queue}&item=direct"));
    serve(&mut waiters.remove(0), "direct");
    cluster.revive(0);
    client.ok(&format!("/put?queue={queue}&item=owner"));
    serve(&mut waiters.remove(0), "owner");
    cluster.node(0).ok(&format!("/hustmq/put?queue={queue}&item=watched"));
    serve(&mut waiters.remove(0), "watched");
}

#[test]
fn messages_that_were_there_when_a_node_came_back_wake() {
    let mut cluster = Cluster::with(2, &["autost_interval_ms=0"]);
    cluster.node(0).ok("/hustmq/put?queue=q&item=a");
    cluster.kill(0);
    let mut waiter = cluster.park("/evget?queue=q&worker=w&inline=true");
    cluster.revive(0);
    assert_eq!(brief(&waiter.reply()), "200 a");
}

#[test]
fn all_nodes_down() {
    let mut cluster = Cluster::with(2, &[]);
    let mut client = cluster.client();
    let queue = cluster.owned_by(1);
    let target = format!("/evget?queue={queue}&worker=w&inline=true");
    let mut waiters = vec![cluster.park(&target)];
    let mut reader = cluster.park("/evsub?queue=p&idx=1&inline=true");
    for node in [0, 1] {
        let prefix = "hust_requests_total{command=\"/hustmq/stat\"} ";
        let looks = || -> u64 {
            let text = cluster.node(node).get("/metrics").text();
            text.lines().find_map(|line| line.strip_prefix(prefix)?.parse().ok()).unwrap_or(0)
        };
        assert!(wait_until(LONG, || looks() >= 2), "both have looked: {}", looks());
    }
    for node in [0, 1] {
        cluster.kill(node);
    }
    assert_eq!(cluster.waiting(), 2, "they stay");
    waiters.push(cluster.park(&target));
    assert_eq!(client.get("/evsub?queue=p&idx=1").status, 503, "nobody knows the window");
    let mut caller = cluster.call("q", "x", 1);
    let task = client.ask("POST", "/do_post", "");
    client.ask("POST", &format!("/do_post?token={}", token(&task)), "done");
    assert_eq!(brief(&caller.reply()), "200 done");
    cluster.revive(1);
    for (waiter, item) in waiters.iter_mut().zip(["a", "b"]) {
        client.ok(&format!("/put?queue={queue}&item={item}"));
        assert_eq!(brief(&waiter.reply()), format!("200 {item}"));
    }
    client.ok("/pub?queue=p&item=first");
    assert_eq!(brief(&reader.reply()), "200 first");
}

#[test]
fn a_front_that_is_killed_takes_its_clients_with_it_and_no_message() {
    let mut cluster = Cluster::with(2, &["autost_interval_ms=0"]);
    let other = cluster.front_of(&[0, 1], &[]);
    let (mut client, mut survivor) = (cluster.client(), Client(other.raw().unwrap()));
    for item in ["leased", "batch", "stays"] {
        client.ok(&format!("/put?queue=q&item={item}"));
    }
    client.ok("/pub?queue=p&item=first");
    let lease = client.ok("/get?queue=q&worker=w&ack=false");
    let batch = client.ok("/get?queue=q&worker=w&ack=false&count=1");
    let mut waiting = [
        cluster.park("/evget?queue=empty&worker=w"),
        cluster.park("/evget?queue=empty&worker=w&inline=true"),
        cluster.park("/evsub?queue=p&idx=2&inline=true"),
        cluster.call("jobs", "arguments", 1),
        cluster.work("?queue=other", 1),
    ];
    cluster.front.kill().unwrap();
    for client in &mut waiting {
        // No answer before that.
        let closed = client.0.is_closed();
        let reset = closed.as_ref().is_err_and(|error| error.kind() == ErrorKind::ConnectionReset);
        assert!(reset || matches!(closed, Ok(true)), "{closed:?}");
    }
    let peer = lease.header("ack-peer").unwrap();
    let token = lease.header("ack-token").unwrap();
    let text = batch.text();
    let batched = text.split("token=").nth(1).and_then(|rest| rest.split('&').next()).unwrap();
    survivor.check(&[
        (&format!("/touch?queue=q&token={token}&peer={peer}"), "200"),
        (&format!("/ack?queue=q&token={token}&peer={peer}"), "200"),
        (&format!("/nack?queue=q&token={batched}&peer={peer}"), "200"),
        ("/get?queue=q&worker=w", "200 batch"),
        ("/get?queue=q&worker=w", "200 stays"),
        ("/get?queue=q&worker=w", "404"),
        // Nobody waits any more: what comes is there for those who ask.
        ("/put?queue=empty&item=new", "200"),
        ("/get?queue=empty&worker=w", "200 new"),
        ("/sub?queue=p&idx=1", "200 first"),
    ]);
    assert_eq!(survivor.ok("/pub?queue=p&item=second").header("index"), Some("2"), "indices go on");
    let status = survivor.ok("/do_get_status").text();
    assert!(status.starts_with(r#"{"unassigned_tasks":0,"assigned_tasks":0,"#), "not shared: {status}");
    // A front of the same address serves again.
    cluster.front.restart().unwrap();
    assert_eq!(cluster.client().ok("/sub?queue=p&idx=2").text(), "second");
}

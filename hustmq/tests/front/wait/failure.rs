//! Nodes die and come back while clients wait.

use super::rpc::token;
use crate::cluster::{Cluster, brief};

#[test]
fn waiters_outlive_a_node() {
    let mut cluster = Cluster::with(2, &[]);
    let mut client = cluster.client();
    let queue = cluster.owned_by(0);
    let mut waiters: Vec<_> =
        (0..4).map(|_| cluster.park(&format!("/evget?queue={queue}&worker=w&inline=true"))).collect();
    let serve = |waiter: &mut crate::cluster::Client, item: &str| {
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

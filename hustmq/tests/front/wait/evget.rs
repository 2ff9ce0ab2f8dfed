//! `/evget`: what is answered at once, what waits and for what, who is woken.

use std::time::Duration;

use hust_testkit::wait_until;

use crate::cluster::{Cluster, LONG, brief, now};

/// A moment more than a claim lasts, with room for a busy machine.
const CLAIM: Duration = Duration::from_millis(900);

#[test]
fn what_is_ready_is_answered_at_once() {
    let cluster = Cluster::with(2, &[]);
    let mut client = cluster.client();
    client.ok("/put?queue=q&item=a");
    for query in ["queue=q&worker=w", "worker=%C3%A9%20x&inline=false&queue=q&ack=false&&x=%2F&count=3"] {
        let reply = client.get(&format!("/evget?{query}"));
        assert_eq!((reply.status, reply.text().as_str()), (307, ""));
        assert_eq!(reply.header("location"), Some(format!("/get?{query}").as_str()));
        let followed = client.ok(reply.header("location").unwrap());
        assert!(followed.text().ends_with('a') || followed.header("count") == Some("1"));
        client.ok("/put?queue=q&item=a");
    }
    let long = format!("queue=q&worker=w&pad={}", "p".repeat(60_000));
    let reply = client.get(&format!("/evget?{long}"));
    assert_eq!(reply.header("location").map(str::len), Some(long.len() + 5));
}

#[test]
fn a_wrong_request_does_not_wait() {
    let cluster = Cluster::one();
    let mut client = cluster.client();
    client.ok("/pub?queue=p&item=a");
    client.check(&[
        ("/evget?worker=w", "400 queue: missing"),
        ("/evget?queue=a-b&worker=w", "400 queue: illegal name"),
        ("/evget?queue=q", "400 worker: missing"),
        ("/evget?queue=q&worker=w&ack=maybe", "400 ack: not true, false, 1 or 0"),
        ("/evget?queue=q&worker=w&count=0", "400 count: not in 1..1000"),
        ("/evget?queue=q&worker=w&inline=x", "400 inline: not true, false, 1 or 0"),
    ]);
    assert!(wait_until(LONG, || client.get("/stat?queue=p").status == 200));
    client.check(&[("/evget?queue=p&worker=w", "412 queue: a push queue")]);
    for method in ["POST", "HEAD", "PUT"] {
        client.send(method, "/evget?queue=q&worker=w", "");
        let reply = client.0.head().unwrap();
        assert_eq!((reply.status, reply.header("allow")), (405, Some("GET")), "{method}");
        client = cluster.client();
    }
}

#[test]
fn nothing_in_time_is_404() {
    let cluster = Cluster::with(1, &["long_polling_timeout_ms=400"]);
    let mut client = cluster.client();
    for inline in [false, true] {
        let began = now();
        let reply = client.get(&format!("/evget?queue=unknown&worker=w&inline={inline}"));
        assert_eq!((reply.status, reply.body.len()), (404, 0));
        assert!(began.elapsed() >= Duration::from_millis(400));
    }
    assert_eq!(cluster.waiting(), 0);
}

#[test]
fn everything_that_makes_a_message_fetchable_wakes() {
    let cluster = Cluster::with(2, &["autost_interval_ms=0"]);
    let (mut client, mut node) = (cluster.client(), cluster.node(1));
    let wakes = |name: &str, mut cause: Box<dyn FnMut() + '_>| {
        let mut waiter = cluster.park(&format!("/evget?queue={name}&worker=w&inline=true"));
        cause();
        assert_eq!(brief(&waiter.reply()), "200 m", "{name}");
    };
    wakes("put", Box::new(|| drop(client.ok("/put?queue=put&item=m"))));
    wakes("batch", Box::new(|| drop(client.ask("POST", "/put?queue=batch&batch=true", "len=1\nm\n"))));
    wakes("delay", Box::new(|| drop(client.ok("/put?queue=delay&item=m&delay=1"))));
    wakes("direct", Box::new(|| drop(node.ok("/hustmq/put?queue=direct&item=m"))));
    wakes("later", Box::new(|| drop(node.ok("/hustmq/put?queue=later&item=m&delay=1"))));
    for name in ["nack", "late", "lease"] {
        client.ok(&format!(
            "/settings?queue={name}&create=true&second={}",
            if name == "lease" { 2 } else { 300 }
        ));
        client.ok(&format!("/put?queue={name}&item=m"));
        let leased = client.ok(&format!("/get?queue={name}&worker=w&ack=false"));
        let (token, peer) = (leased.header("ack-token").unwrap(), leased.header("ack-peer").unwrap());
        let delay = if name == "late" { "&delay=1" } else { "" };
        let nack = format!("/nack?queue={name}&token={token}&peer={peer}{delay}");
        wakes(
            name,
            Box::new(|| {
                if name != "lease" {
                    drop(client.ok(&nack))
                }
            }),
        );
    }
}

#[test]
fn a_message_wakes_one_who_has_a_second_to_come() {
    let cluster = Cluster::one();
    let mut client = cluster.client();
    let mut waiters: Vec<_> = (0..3).map(|_| cluster.park("/evget?queue=q&worker=w")).collect();
    client.ok("/put?queue=q&item=a");
    let began = now();
    assert_eq!(waiters.remove(0).reply().status, 307);
    assert_eq!(waiters.remove(0).reply().status, 307, "the first did not come");
    assert!(began.elapsed() >= CLAIM, "{:?}", began.elapsed());
    assert_eq!(brief(&client.get("/get?queue=q&worker=w")), "200 a");
    assert_eq!(cluster.waiting(), 1, "the message has gone");
    let began = now();
    client.ok("/put?queue=q&item=b");
    assert_eq!(waiters.remove(0).reply().status, 307);
    assert!(began.elapsed() < CLAIM, "nothing was claimed any more: {:?}", began.elapsed());
}

#[test]
fn who_hangs_up_leaves_the_line() {
    let cluster = Cluster::one();
    let gone = cluster.park("/evget?queue=q&worker=gone&inline=true");
    let mut stays = cluster.park("/evget?queue=q&worker=stays&inline=true");
    drop(gone);
    cluster.wait_for(1);
    cluster.client().ok("/put?queue=q&item=a");
    assert_eq!(brief(&stays.reply()), "200 a");
    assert_eq!(cluster.waiting(), 0);
}

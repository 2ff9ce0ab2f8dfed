//! `/pub` and `/sub`: the lead, the copies, the line, and what readers are told.

use std::{sync::Mutex, thread, time::Duration};

use hust_testkit::{Fault, wait_until};

use crate::cluster::{Client, Cluster, LONG, brief, now};

fn runs(client: &mut Client, queue: &str) -> String {
    client.get(&format!("/hustmq/runs?queue={queue}")).text()
}

/// Everything a node has of a queue, items and expiries.
pub fn copies(client: &mut Client, queue: &str, from: u64) -> Vec<u8> {
    client.get(&format!("/hustmq/sub?queue={queue}&idx={from}&count=1000")).body
}

#[test]
fn every_node_has_the_same_copy() {
    let cluster = Cluster::with(3, &[]);
    let mut client = cluster.client();
    for number in 1..=5_u64 {
        let reply =
            client.ask("POST", &format!("/pub?queue=p&ttl={}", number * 100), format!("item {number}"));
        assert_eq!((reply.status, reply.number("index"), reply.header("count")), (200, Some(number), None));
        assert!(reply.number("expire").is_some());
    }
    assert_eq!(client.ask("PUT", "/pub?queue=p", "").number("index"), Some(6), "an empty one");
    let expected = r#"{"floor":0,"si":0,"ci":6,"runs":[[1,6]]}"#;
    let first = copies(&mut cluster.node(0), "p", 1);
    for node in 0..3 {
        assert_eq!(runs(&mut cluster.node(node), "p"), expected);
        assert_eq!(
            copies(&mut cluster.node(node), "p", 1),
            first,
            "under the same index, with the same expiry"
        );
    }
    client.check(&[("/pub?queue=p", "400 item: missing"), ("/pub?item=a", "400 queue: missing")]);
    client.check(&[("/pub?queue=p&item=a&idx=x", "400 idx: not a number")]);
}

#[test]
fn an_index_asked_for_drops_everywhere_what_is_before() {
    let cluster = Cluster::with(2, &[]);
    let mut client = cluster.client();
    for _ in 0..4 {
        client.ok("/pub?queue=p&item=a");
    }
    assert_eq!(client.ok("/pub?queue=p&item=b&idx=3").header("index"), Some("5"));
    for node in 0..2 {
        assert_eq!(runs(&mut cluster.node(node), "p"), r#"{"floor":2,"si":2,"ci":5,"runs":[[3,5]]}"#);
    }
    assert_eq!(client.ok("/pub?queue=p&item=b&idx=20").header("index"), Some("20"));
    assert_eq!(client.ok("/pub?queue=p&item=b&base=30").header("index"), Some("31"));
    for node in 0..2 {
        assert_eq!(
            runs(&mut cluster.node(node), "p"),
            r#"{"floor":19,"si":19,"ci":31,"runs":[[20,20],[31,31]]}"#
        );
    }
    client.check(&[("/pub?queue=p&item=x&idx=19", "400 idx: not over 19")]);
    client.ok("/lock?queue=p&on=true");
    client.check(&[("/pub?queue=p&item=x", "403 queue: locked")]);
    client.ok("/lock?queue=p&on=false");
    client.ok("/put?queue=n&item=a");
    client.ok("/autost");
    client.check(&[("/pub?queue=n&item=a", "412 queue: a normal queue")]);
}

#[test]
fn pubs_at_the_same_time_are_one_line() {
    let cluster = Cluster::with(2, &[]);
    let seen = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for number in 0..6 {
            let (cluster, seen) = (&cluster, &seen);
            scope.spawn(move || {
                let mut client = cluster.client();
                let indices =
                    (0..20).map(|_| client.ok(&format!("/pub?queue=p&item=of{number}")).number("index"));
                let indices: Vec<u64> = indices.map(Option::unwrap).collect();
                assert!(indices.is_sorted());
                seen.lock().unwrap().extend(indices);
            });
        }
    });
    let mut seen = seen.into_inner().unwrap();
    seen.sort_unstable();
    assert_eq!(seen, (1..=120).collect::<Vec<u64>>());
    assert_eq!(copies(&mut cluster.node(0), "p", 1), copies(&mut cluster.node(1), "p", 1));
}

#[test]
fn a_node_that_is_down_is_counted_out() {
    let mut cluster = Cluster::with(3, &[]);
    let mut client = cluster.client();
    let queue = cluster.owned_by(1);
    client.ok(&format!("/pub?queue={queue}&item=a"));
    cluster.kill(2);
    assert_eq!(client.ok(&format!("/pub?queue={queue}&item=b")).header("count"), Some("2"));
    cluster.kill(1);
    let reply = client.ok(&format!("/pub?queue={queue}&item=c"));
    assert_eq!((reply.header("index"), reply.header("count")), (Some("3"), Some("1")), "another leads");
    cluster.kill(0);
    let reply = client.get(&format!("/pub?queue={queue}&item=d"));
    assert_eq!((reply.status, reply.header("outcome")), (503, Some("refused")), "{}", reply.text());
    assert_eq!(client.get(&format!("/sub?queue={queue}&idx=1")).status, 503);
}

#[test]
fn an_answer_that_is_lost_is_in_doubt() {
    let cluster = Cluster::with(2, &["backend.timeout_ms=700"]);
    let mut client = cluster.client();
    let queue = cluster.owned_by(0);
    client.ok(&format!("/pub?queue={queue}&item=a"));
    cluster.relays[0].set(Fault::Mute);
    let reply = client.get(&format!("/pub?queue={queue}&item=b"));
    assert_eq!((reply.status, reply.header("outcome")), (503, Some("unknown")), "{}", reply.text());
    cluster.relays[0].set(Fault::None);
    // It was done; what one node has goes to all.
    let both = || (runs(&mut cluster.node(0), &queue), runs(&mut cluster.node(1), &queue));
    let expected = r#"{"floor":0,"si":0,"ci":2,"runs":[[1,2]]}"#;
    assert!(wait_until(LONG, || both() == (expected.into(), expected.into())), "{:?}", both());
}

#[test]
fn one_that_waits_too_long_in_line_was_not_sent() {
    let cluster = Cluster::with(1, &["publish_timeout_ms=300", "backend.timeout_ms=3000"]);
    let mut client = cluster.client();
    client.ok("/pub?queue=p&item=a");
    cluster.relays[0].set(Fault::Delay(Duration::from_secs(2)));
    let mut deleting = cluster.client();
    deleting.send("GET", "/delete?queue=p", "");
    assert!(wait_until(LONG, || {
        let reply = client.get("/pub?queue=p&item=b");
        assert_eq!(reply.status, 503);
        reply.text() == "pub: not sent: too long in line\n"
    }));
    cluster.relays[0].set(Fault::None);
    assert_eq!(deleting.reply().status, 200);
}

#[test]
fn sending_ends_with_the_time_to_publish() {
    let cluster =
        Cluster::with(1, &["publish_timeout_ms=300", "backend.timeout_ms=20000", "health.fall=1000"]);
    let mut client = cluster.client();
    client.ok("/pub?queue=p&item=a");
    cluster.relays[0].set(Fault::Mute);
    let began = now();
    let reply = client.get("/pub?queue=p&item=b");
    assert_eq!((reply.status, reply.header("outcome")), (503, Some("unknown")), "{}", reply.text());
    assert!((300..15_000).contains(&began.elapsed().as_millis()), "{:?}", began.elapsed());
}

#[test]
fn a_delete_waits_behind_the_pubs() {
    let cluster = Cluster::with(2, &[]);
    let mut client = cluster.client();
    let queue = cluster.owned_by(0);
    client.ok(&format!("/pub?queue={queue}&item=a"));
    cluster.relays[0].set(Fault::Delay(Duration::from_millis(500)));
    let (mut publishing, mut deleting) = (cluster.client(), cluster.client());
    let asked = cluster.figure(&format!("hustmq_requests_total{{host=\"{}\"}}", cluster.host(0)));
    publishing.send("GET", &format!("/pub?queue={queue}&item=b"), "");
    let under_way =
        || cluster.figure(&format!("hustmq_requests_total{{host=\"{}\"}}", cluster.host(0))) > asked;
    assert!(wait_until(LONG, under_way));
    deleting.send("GET", &format!("/delete?queue={queue}"), "");
    assert_eq!(publishing.reply().number("index"), Some(2));
    assert_eq!(deleting.reply().status, 200);
    cluster.relays[0].set(Fault::None);
    for node in 0..2 {
        assert_eq!(
            cluster.node(node).get(&format!("/hustmq/stat?queue={queue}")).status,
            412,
            "not even a copy"
        );
    }
    client.ok("/autost");
    assert_eq!(client.ok(&format!("/pub?queue={queue}&item=a")).header("index"), Some("1"));
}

#[test]
fn a_delete_goes_on_when_its_client_has_gone() {
    let cluster = Cluster::with(2, &["autost_interval_ms=0"]);
    let mut client = cluster.client();
    let queue = cluster.owned_by(0);
    client.ok(&format!("/pub?queue={queue}&item=a"));
    client.ok("/autost");
    cluster.relays[1].set(Fault::Delay(Duration::from_millis(500)));
    let mut deleting = cluster.client();
    deleting.send("GET", &format!("/delete?queue={queue}"), "");
    let stat = format!("/hustmq/stat?queue={queue}");
    assert!(wait_until(LONG, || cluster.node(0).get(&stat).status == 412), "the near one has deleted it");
    drop(deleting);
    let published = client.ok(&format!("/pub?queue={queue}&item=b"));
    assert_eq!(published.header("index"), Some("1"), "behind the delete");
    for node in 0..2 {
        assert_eq!(runs(&mut cluster.node(node), &queue), r#"{"floor":0,"si":0,"ci":1,"runs":[[1,1]]}"#);
    }
}

#[test]
fn readers_find_it_wherever_it_is() {
    let cluster = Cluster::with(2, &["autost_interval_ms=0"]);
    let mut client = cluster.client();
    let queue = cluster.owned_by(0);
    for item in ["a", "b"] {
        client.ok(&format!("/pub?queue={queue}&item={item}"));
    }
    // Each node has one that the other has not, and nobody catches up.
    cluster.node(0).ask("POST", &format!("/hustmq/merge?queue={queue}"), "index=4&len=1\nd\n");
    cluster.node(1).ask("POST", &format!("/hustmq/merge?queue={queue}"), "index=6&len=1\nf\n");
    for (idx, expected, window) in [
        (1, "200 a", "0-4"),
        (4, "200 d", "0-4"),
        (6, "200 f", "0-6"),
        (5, "404", "0-6"),
        (7, "401 idx: outside the window", "0-6"),
        (0, "401 idx: outside the window", "0-6"),
    ] {
        for method in ["GET", "POST"] {
            let reply = client.ask(method, &format!("/sub?queue={queue}&idx={idx}"), "");
            assert_eq!(brief(&reply), expected, "{idx}");
            let shown = reply.header("index");
            assert!(shown == Some(window) || reply.status == 200, "{idx}: {shown:?}");
        }
    }
    client.send("HEAD", &format!("/sub?queue={queue}&idx=1"), "");
    assert_eq!(client.0.head().unwrap().status, 200);
    let batch = client.ok(&format!("/sub?queue={queue}&idx=1&count=10"));
    let next = batch.header("next");
    assert!(matches!(next, Some("5" | "7")), "what one of them has: {next:?}");
    client.check(&[
        ("/sub?queue=none&idx=1", "412 queue: unknown"),
        (&format!("/sub?queue={queue}"), "400 idx: missing"),
        (&format!("/sub?queue={queue}&idx=1&count=0"), "400 count: not in 1..1000"),
    ]);
}

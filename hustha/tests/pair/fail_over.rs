//! One master dies: answers, debts, roles, and that both are equal again afterwards.

use hust_testkit::{Fault, Program, Signal, wait_until};

use crate::{
    cluster::{Cluster, LONG, brief},
    stub::{DONE, Part, Stubs},
};

#[test]
fn a_dead_follower_is_owed_what_it_misses() {
    let mut cluster = Cluster::start();
    let mut client = cluster.client();
    client.check(&[("/put?key=a&val=1", "", "200 1 false"), ("/hset?tb=h&key=f&val=1", "", "200 1 false")]);
    cluster.kill(1);
    let owed = cluster.host(1);
    for (target, expected) in [
        ("/put?key=b&val=2", "200 1 false"),
        ("/put?key=a&val=2&ver=1", "200 2 false"),
        ("/hincrby?tb=h&key=f&val=4", "200 2 false 5"),
        ("/sadd?tb=s&key=m", "200 1 false"),
        ("/zadd?tb=z&score=3&key=m", "200 1 false 3"),
        ("/hdel?tb=h&key=f", "200 2 false"),
    ] {
        let reply = client.get(target);
        assert_eq!(
            (brief(&reply).as_str(), reply.header("sync")),
            (expected, Some(owed.as_str())),
            "{target}"
        );
    }
    assert_eq!(brief(&client.get("/get?key=b")), "200 1 - 2");
    cluster.revive(1);
    cluster.wait_for_healing();
    for target in ["/hustdb/get?key=a", "/hustdb/get?key=b", "/hustdb/zscore?tb=z&key=m"] {
        assert_eq!(cluster.equal(target).status, 200);
    }
    assert_eq!(client.get("/put?key=b&val=3").header("sync"), None);
}

#[test]
fn a_dead_serialiser_is_replaced_and_comes_back() {
    let mut cluster = Cluster::start();
    let mut client = cluster.client();
    client.check(&[("/put?key=a&val=1", "", "200 1 false"), ("/put?key=b&val=1", "", "200 1 false")]);
    cluster.kill(0);
    let owed = cluster.host(0);
    let reply = client.get("/put?key=a&val=2&ver=1");
    assert_eq!((brief(&reply).as_str(), reply.header("sync")), ("200 2 false", Some(owed.as_str())));
    assert_eq!(brief(&client.get("/get?key=a")), "200 2 - 2");
    assert_eq!(brief(&client.get("/get?key=none")), "404 0 -");
    assert_eq!(brief(&client.get("/del?key=b")), "200 1 false");
    assert_eq!(brief(&client.get("/put?key=a&val=x&ver=1")), "401 2 true");
    cluster.revive(0);
    // Never from old data, whoever is asked.
    assert!(wait_until(LONG, || {
        assert_eq!(brief(&client.get("/get?key=a")), "200 2 - 2");
        assert_eq!(brief(&client.get("/get?key=b")), "404 0 -");
        assert_eq!(client.get("/put?key=a&val=x&ver=1").status, 401);
        !client.get("/backends").text().contains("\"behind\":true")
    }));
    cluster.wait_for_healing();
    assert_eq!(brief(&client.get("/put?key=a&val=3&ver=2")), "200 3 false");
    cluster.equal("/hustdb/get?key=a");
    assert_eq!(cluster.equal("/hustdb/get?key=b").status, 404);
}

#[test]
fn nobody_is_up() {
    let mut cluster = Cluster::start();
    let mut client = cluster.client();
    cluster.kill(0);
    cluster.kill(1);
    let reply = client.get("/put?key=a&val=1");
    assert_eq!(reply.status, 503);
    assert!(
        reply.text().starts_with("pair: ") && reply.text().contains(&cluster.host(0)),
        "{}",
        reply.text()
    );
    assert!(wait_until(LONG, || {
        let reply = client.get("/put?key=a&val=1");
        (reply.status, reply.header("outcome")) == (503, Some("none"))
    }));
    assert_eq!(client.get("/get?key=a").status, 503);
    cluster.revive(0);
    cluster.revive(1);
    cluster.wait_for(0, "up", false);
    assert_eq!(client.get("/put?key=a&val=1").status, 200);
}

#[test]
fn a_stalled_serialiser_does_not_write_late() {
    let cluster = Cluster::start();
    let mut client = cluster.client();
    client.check(&[("/put?key=a&val=1", "", "200 1 false"), ("/hset?tb=h&key=n&val=1", "", "200 1 false")]);
    cluster.nodes[0].signal(Signal::STOP).unwrap();
    let relative = client.get("/hincrby?tb=h&key=n&val=1");
    assert_eq!((relative.status, relative.header("outcome")), (503, Some("unknown")));
    let reply = client.get("/put?key=a&val=2");
    assert_eq!(
        (brief(&reply).as_str(), reply.header("sync")),
        ("200 2 false", Some(cluster.host(0).as_str()))
    );
    assert!(wait_until(LONG, || client.get("/get?key=a").status == 200));
    cluster.wait_for(0, "down", false);
    assert_eq!(brief(&client.get("/put?key=a&val=3")), "200 3 false");
    cluster.nodes[0].signal(Signal::CONT).unwrap();
    cluster.wait_for_healing();
    assert_eq!(cluster.equal("/hustdb/get?key=a").text(), "3");
    assert_eq!(cluster.equal("/hustdb/hget?tb=h&key=n").text(), "1", "what timed out was not done later");
}

#[test]
fn a_delete_reaches_the_master_that_has_the_record() {
    let cluster = Cluster::start();
    cluster.node(1).get("/hustdb/put?key=a&val=1");
    assert_eq!(brief(&cluster.client().get("/del?key=a")), "200 1 false");
    assert_eq!(cluster.equal("/hustdb/get?key=a").status, 404);
    let scan = |number| cluster.node(number).get("/hustdb/scan").body;
    assert_eq!(scan(0), scan(1), "both have the tombstone");
}

#[test]
fn a_cut_answer_is_never_shown() {
    let cluster = Cluster::start();
    let mut client = cluster.client();
    let value = "v".repeat(300_000);
    assert_eq!(client.ask("PUT", "/put?key=big", &value).status, 200);
    for limit in [0, 10, 200, 100_000, 299_999] {
        cluster.relays[0].cut();
        cluster.relays[0].set(Fault::Truncate(limit));
        let reply = client.get("/get?key=big");
        assert_eq!((reply.status, reply.body.len()), (200, value.len()), "{limit}");
    }
}

#[test]
fn a_second_proxy_takes_over_the_port() {
    let mut cluster = Cluster::start();
    let listen = cluster.proxy.address().to_string();
    let path = |name: &str| cluster.folder.path().join(name).display().to_string();
    let settings = [format!("table={}", path("table.json")), format!("hints.dir={}", path("hints"))];
    let mut args = vec!["--listen".to_owned(), listen];
    args.extend(settings.into_iter().flat_map(|setting| ["--set".to_owned(), setting]));
    let second = Program::start(env!("CARGO_BIN_EXE_hustha"), args).unwrap();
    assert_eq!(second.address(), cluster.proxy.address());
    assert!(cluster.proxy.stop().unwrap().success());
    for number in 0..20 {
        let reply = cluster.client().get(&format!("/put?key=k{number}&val=1"));
        assert_eq!(brief(&reply), "200 1 false");
    }
    cluster.equal("/hustdb/get?key=k7");
}

/// A conditional write came to the other master while that had just missed an acknowledged one, and met its condition.
#[test]
fn a_master_that_fell_behind_meanwhile_does_not_decide() {
    let stubs = Stubs::pair(&["backend.timeout_ms=60000"]);
    stubs.calm();
    stubs.say(Part::Plain, &[DONE, DONE]);
    stubs.nodes[1].say(Part::Copy, "wait");
    let asked = |number: usize, part: Part| {
        let is_there = || stubs.nodes[number].take().iter().any(|asked| asked.part == part);
        assert!(wait_until(LONG, is_there), "{part:?}");
    };
    let put = "GET /put?key=k&val=v&ver=5 HTTP/1.1\r\nHost: x\r\n\r\n";
    let (mut first, mut second) = (stubs.client(), stubs.client());
    first.0.send(put).unwrap();
    asked(1, Part::Copy);
    stubs.nodes[0].say(Part::Plain, "drop");
    stubs.nodes[0].take();
    second.0.send(put).unwrap();
    asked(0, Part::Plain);
    let binlog = format!("200|[{{\"BINLOG\":{{\"{}\":1}}}}]", stubs.nodes[1].host());
    stubs.nodes[0].say(Part::Owes, &binlog);
    stubs.wait_for(1, "up", true);
    stubs.nodes[1].say(Part::Copy, "503|x\n");
    let reply = first.0.reply().unwrap();
    assert_eq!((reply.status, reply.header("sync")), (200, Some(stubs.nodes[1].host().as_str())));
    let reply = second.0.reply().unwrap();
    assert_eq!((reply.status, reply.header("outcome")), (503, Some("unknown")), "{}", reply.text());
    assert!(!stubs.nodes[1].took().contains('P'), "it was not asked");
}

#[test]
fn a_master_that_cannot_write_any_more_is_replaced() {
    let cluster = Cluster::of(2, &["engine.partitions=1", "engine.memtable=1MiB"], &[]);
    let mut client = cluster.client();
    client.check(&[("/hincrby?tb=h&key=n&val=1", "", "200 1 false 1")]);
    // Its first table cannot be made.
    std::fs::remove_dir(cluster.folder.path().join("node0/table")).unwrap();
    let (mut node, mut number, value) = (cluster.node(0), 0, "v".repeat(250));
    let stopped = wait_until(LONG, || {
        for _ in 0..200 {
            number += 1;
            node.ask("PUT", &format!("/hustdb/put?key={number}"), &value);
        }
        node.get("/status.html").status == 503
    });
    assert!(stopped, "{number} writes");
    cluster.wait_for(0, "down", false);
    client
        .check(&[("/hincrby?tb=h&key=n&val=1", "", "200 2 false 2"), ("/hget?tb=h&key=n", "", "200 2 - 2")]);
}

//! Two real nodes that have drifted apart become equal.

use hust_testkit::{Node, Program, wait_until};
use serde_json::Value;

use crate::support::{Home, LONG, node, status};

struct Pair {
    home: Home,
    nodes: [Node; 2],
}

impl Pair {
    fn new() -> Pair {
        let (home, nodes) = (Home::new(), [node(), node()]);
        let [first, second] = [&nodes[0], &nodes[1]].map(|node| node.address().to_string());
        home.table([&first, &second]);
        Pair { home, nodes }
    }

    fn write(&self, node: usize, target: &str, body: &[u8]) {
        let reply = self.nodes[node].http().put(&format!("/hustdb/{target}"), body).unwrap();
        assert_eq!(reply.status, 200, "{target} {}", reply.text());
    }

    fn digests(&self) -> [String; 2] {
        [0, 1].map(|node| self.nodes[node].http().get("/hustdb/digest?start=0&end=1024").unwrap().text())
    }

    /// What both nodes answer.
    fn ask(&self, target: &str) -> [(u16, String, Option<u64>, Option<u64>); 2] {
        [0, 1].map(|node| {
            let reply = self.nodes[node].http().get(&format!("/hustdb/{target}")).unwrap();
            (reply.status, reply.text(), reply.number("version"), reply.number("expire"))
        })
    }
}

/// Runs a round to its end.
fn round(sync: &Program) -> Value {
    let reply = sync.http().request("POST", "/scrub", Some(b"")).unwrap();
    assert_eq!(reply.status, 200);
    let number: Value = serde_json::from_slice(&reply.body).unwrap();
    let done = || {
        let scrub = &status(sync)["scrub"];
        scrub["round"] == number["round"] && scrub["running"] == false
    };
    assert!(wait_until(LONG, done), "{}", status(sync));
    status(sync)["scrub"].clone()
}

#[test]
fn all_kinds_tombstones_and_expiry_become_equal() {
    let pair = Pair::new();
    for node in 0..2 {
        for number in 0..40 {
            pair.write(node, &format!("put?key=k{node}.{number}"), format!("value {number}").as_bytes());
            pair.write(node, &format!("hset?tb=h{node}&key=f{number}"), b"field");
            pair.write(node, &format!("sadd?tb=s&key=m{node}.{number}"), b"");
            pair.write(node, &format!("zadd?tb=z{node}&key=r{number}&score={number}"), b"");
        }
        pair.write(node, &format!("put?key=mortal{node}&ttl=3600"), b"x");
        // Both have it, and disagree.
        pair.write(node, "put?key=both", format!("of {node}").as_bytes());
    }
    // Deleted at one node after both had it.
    for key in 0..5 {
        pair.write(0, &format!("put?key=dead{key}"), b"v");
        pair.write(1, &format!("put?key=dead{key}"), b"v");
        pair.write(key % 2, &format!("del?key=dead{key}"), b"");
    }
    pair.write(1, "put?key=large", &vec![b'l'; 5 << 20]);
    let [first, second] = pair.digests();
    assert_ne!(first, second);
    let sync = pair.home.sync(&["scrub.rate=0"]);
    let scrub = round(&sync);
    assert_eq!((&scrub["pairs"], &scrub["pairs_done"], &scrub["errors"]), (&1.into(), &1.into(), &0.into()));
    assert!(scrub["slots_different"].as_u64().unwrap() > 50, "{scrub}");
    assert!(scrub["bytes_sent"].as_u64().unwrap() > 5 << 20, "{scrub}");
    let [first, second] = pair.digests();
    assert_eq!(first, second);
    for target in [
        "get?key=k0.7&stamps=true",
        "get?key=k1.7&stamps=true",
        "hget?tb=h0&key=f3",
        "hget?tb=h1&key=f3",
        "sismember?tb=s&key=m0.1",
        "sismember?tb=s&key=m1.1",
        "zscore?tb=z0&key=r9",
        "zscore?tb=z1&key=r9",
        "get?key=mortal0&stamps=true",
        "get?key=mortal1&stamps=true",
        "get?key=both&stamps=true",
        "get?key=large",
    ] {
        let [first, second] = pair.ask(target);
        assert!(first == second && first.0 == 200, "{target}");
    }
    assert_eq!(pair.ask("get?key=both")[0].1, "of 1", "the later write");
    assert!(pair.ask("get?key=mortal0&stamps=true")[1].3.is_some(), "expiry travels");
    for key in 0..5 {
        let [first, second] = pair.ask(&format!("get?key=dead{key}"));
        let expected = if first.0 == 404 { first.clone() } else { second.clone() };
        assert_eq!((first, second), (expected.clone(), expected), "dead{key}");
    }
    assert_eq!(pair.ask("get?key=dead4").map(|seen| seen.0), [404, 404]);
    let again = round(&sync);
    assert_eq!(
        (&again["round"], &again["slots_different"], &again["records_sent"]),
        (&2.into(), &0.into(), &0.into())
    );
}

#[test]
fn only_what_differs_is_sent_and_within_the_rate() {
    let pair = Pair::new();
    let value = vec![b'v'; 100_000];
    for number in 0..20 {
        pair.write(0, &format!("put?key=only{number}"), &value);
    }
    const RATE: u64 = 2 << 20;
    let sync = pair.home.sync(&[&format!("scrub.rate={RATE}")]);
    let first = round(&sync);
    let bytes = first["bytes_sent"].as_u64().unwrap();
    assert_eq!(first["records_sent"], 20);
    assert!((2_000_000..2_100_000).contains(&bytes), "{bytes}");
    // Each record is read and written: twice its bytes are moved. Two seconds pass between the digests.
    let least_ms = 2000 + bytes * 2 * 1000 / RATE - 200;
    let took_ms = first["finished_ms"].as_u64().unwrap() - first["started_ms"].as_u64().unwrap();
    assert!(took_ms >= least_ms, "{took_ms} of {least_ms} ms");
    // One record more in a slot with others: it goes alone.
    pair.write(1, "put?key=only3", b"new");
    let second = round(&sync);
    assert_eq!((&second["slots_different"], &second["records_sent"]), (&1.into(), &1.into()));
    let [first, second] = pair.digests();
    assert_eq!(first, second);
}

#[test]
fn a_pair_with_a_dead_node_is_skipped_and_counted() {
    let mut pair = Pair::new();
    pair.write(0, "put?key=k", b"v");
    pair.nodes[1].kill().unwrap();
    let sync = pair.home.sync(&[]);
    let scrub = round(&sync);
    assert_eq!((&scrub["pairs_done"], &scrub["errors"]), (&1.into(), &1.into()));
    pair.nodes[1].restart().unwrap();
    assert!(wait_until(LONG, || round(&sync)["errors"] == 0));
    let [first, second] = pair.digests();
    assert_eq!(first, second);
}

#[test]
fn a_round_that_is_killed_leaves_nothing_half_done() {
    let pair = Pair::new();
    let value = vec![b'v'; 20_000];
    for number in 0..60 {
        pair.write(number % 2, &format!("put?key=k{number}"), &value);
    }
    for _ in 0..3 {
        let mut sync = pair.home.sync(&["scrub.rate=256KiB"]);
        assert_eq!(sync.http().request("POST", "/scrub", None).unwrap().status, 200);
        let begun = |scrub: &Value| scrub["records_sent"].as_u64() >= Some(5) || scrub["running"] == false;
        assert!(wait_until(LONG, || begun(&status(&sync)["scrub"])));
        sync.kill().unwrap();
    }
    let sync = pair.home.sync(&["scrub.rate=0"]);
    let scrub = round(&sync);
    let sent = scrub["records_sent"].as_u64().unwrap();
    assert!((1..=45).contains(&sent), "15 and more were sent before: {scrub}");
    let [first, second] = pair.digests();
    assert_eq!(first, second);
    assert_eq!(pair.ask("get?key=k1").map(|seen| seen.1.len()), [20_000; 2]);
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a file of the repairer")]
fn a_node_away_for_too_long_is_left_out_until_it_is_empty() {
    let pair = Pair::new();
    pair.write(0, "put?key=k", b"v");
    pair.write(1, "put?key=old", b"v");
    let host = pair.nodes[1].address().to_string();
    let away = pair.home.folder_of("hustsync.away");
    std::fs::create_dir_all(away.parent().unwrap()).unwrap();
    let stale = format!(r#"{{"{host}":{{"away_since_ms":null,"last_silent_ms":0,"is_stale":true}}}}"#);
    std::fs::write(away, stale).unwrap();
    let sync = pair.home.sync(&[]);
    let scrub = round(&sync);
    assert_eq!(
        (&scrub["pairs_done"], &scrub["errors"], &scrub["records_sent"]),
        (&1.into(), &1.into(), &0.into())
    );
    assert!(sync.http().get("/metrics").unwrap().text().contains("hustsync_stale_hosts 1\n"));
    assert_eq!(pair.ask("get?key=old").map(|seen| seen.0), [404, 200], "nothing came back");
    let forgotten = pair.nodes[1].http().request("POST", "/hustdb/forget?start=0&end=1024", Some(b""));
    assert_eq!(forgotten.unwrap().status, 200);
    assert!(wait_until(LONG, || round(&sync)["errors"] == 0), "{}", status(&sync));
    assert_eq!(pair.ask("get?key=k").map(|seen| seen.0), [200, 200]);
    assert_eq!(pair.ask("get?key=old").map(|seen| seen.0), [404, 404]);
}

#[test]
fn two_that_compare_the_same_pair_do_no_harm() {
    let pair = Pair::new();
    for number in 0..200 {
        pair.write(number % 2, &format!("put?key=k{number}"), format!("{number}").as_bytes());
    }
    let other = Home::new();
    let [first, second] = [&pair.nodes[0], &pair.nodes[1]].map(|node| node.address().to_string());
    other.table([&first, &second]);
    let (one, two) = (pair.home.sync(&["scrub.rate=0"]), other.sync(&["scrub.rate=0"]));
    let errors = std::thread::scope(|scope| {
        let beside = scope.spawn(|| round(&two)["errors"].clone());
        [round(&one)["errors"].clone(), beside.join().unwrap()]
    });
    assert_eq!(errors, [0, 0]);
    let [first, second] = pair.digests();
    assert_eq!(first, second);
    assert_eq!(
        pair.ask("get?key=k7").map(|seen| (seen.1, seen.2)),
        [7, 7].map(|_| ("7".to_owned(), Some(1)))
    );
}

#[test]
fn rounds_begin_by_themselves() {
    let pair = Pair::new();
    pair.write(0, "put?key=k", b"v");
    let sync = pair.home.sync(&["scrub.interval_s=1"]);
    assert!(wait_until(LONG, || {
        let [first, second] = pair.digests();
        first == second
    }));
    assert!(wait_until(LONG, || status(&sync)["scrub"]["round"].as_u64() >= Some(2)));
    let metrics = sync.http().get("/metrics").unwrap().text();
    assert!(metrics.contains("hustsync_scrub_records_total 1"), "{metrics}");
}

//! A node whose clock is ahead.
//!
//! A node's stamps are greater than every stamp it has seen; one record from the future puts its clock there, as a
//! wrong wall clock would.

use hust_testkit::{Cluster, Shape, wait_until};
use hust_wire::frame::{Form, Kind, RecordRef, encode_one};

use crate::support::{LONG, are_equal, ask, both, brief, get, heal, now_ms, start};

/// Puts a node's clock ahead.
fn advance(cluster: &Cluster, node: usize, by_ms: u64) -> u64 {
    let stamp = (now_ms() + by_ms) << 16;
    let record = RecordRef {
        kind: Kind::Kv,
        form: Form::Tombstone,
        stamp,
        version: 1,
        expire_ms: 0,
        table: "",
        key: b"from the future",
        value: b"",
    };
    let frame = encode_one(&record).unwrap();
    assert_eq!(ask(&cluster.nodes[node], "POST", "/hustdb/merge", &frame).status, 200);
    stamp
}

#[test]
fn within_the_limit_nothing_is_noticed() {
    let cluster = start(&Shape::default());
    let ahead = advance(&cluster, 0, 20_000);
    // Keys of both halves: each master decides some.
    for key in ["a", "b", "c", "d", "e", "f"] {
        for (target, expected) in
            [("/put?key={}&val=1", "200 1"), ("/put?key={}&val=2&ver=1", "200 2"), ("/get?key={}", "200 2 2")]
        {
            let reply = get(&cluster.proxies[0], &target.replace("{}", key));
            assert_eq!((brief(&reply).as_str(), reply.header("sync")), (expected, None), "{target} {key}");
        }
    }
    assert_eq!(get(&cluster.proxies[0], "/del?key=a").status, 200);
    // `a` is decided by node 0, whose stamps are ahead; node 1 learns of them and stays ahead itself.
    assert!(
        get(&cluster.proxies[0], "/put?key=b&val=3").number("stamp") > Some(ahead),
        "node 1 has seen them"
    );
    heal(&cluster);
    assert_eq!(both(&cluster, "/get?key=a").status, 404);
}

#[test]
fn beyond_the_limit_replicas_wait_until_the_clock_is_right() {
    let single = vec![(1, "store.max_clock_skew_ms=1000".to_owned())];
    let cluster = start(&Shape { single, ..Shape::default() });
    let proxy = &cluster.proxies[0];
    for target in ["/put?key=a&val=old", "/put?key=gone&val=old", "/hset?tb=h&key=n&val=4"] {
        assert_eq!(get(proxy, target).status, 200);
    }
    let ahead = advance(&cluster, 0, 12_000);
    let host = cluster.host(1);
    // `a` is decided by node 0.
    let table = [
        ("/put?key=a&val=new", "200 2"),
        ("/hincrby?tb=h&key=n&val=3", "200 2 7"),
        ("/del?key=gone", "200 1"),
        ("/put?key=ttl&val=v&ttl=3600", "200 1"),
    ];
    let mut owed = 0;
    for (target, expected) in table {
        let reply = get(proxy, target);
        assert_eq!(brief(&reply), expected, "{target}");
        owed += u64::from(reply.header("sync") == Some(&host));
        assert!(reply.header("sync").is_none() || reply.header("sync") == Some(&host));
    }
    assert!(owed > 0, "node 1 takes nothing from the future");
    let metrics = get(proxy, "/metrics").text();
    let alarm = format!("hustha_clock_skew_total{{host=\"{host}\"}} ");
    let count = metrics.lines().find_map(|line| line.strip_prefix(&alarm)?.parse::<u64>().ok());
    assert_eq!(count, Some(owed), "an alarm for each");
    // Nothing is lost, nobody reads old data.
    for (read, expected) in
        [("/get?key=a", "200 2 new"), ("/hget?tb=h&key=n", "200 2 7"), ("/get?key=gone", "404 0")]
    {
        assert_eq!(brief(&get(proxy, read)), expected);
    }
    assert!(!are_equal(&cluster) || now_ms() << 16 > ahead - (1000 << 16));
    assert!(wait_until(LONG, || now_ms() << 16 > ahead));
    heal(&cluster);
    for (read, expected) in [
        ("/get?key=a", "200 2 new"),
        ("/hget?tb=h&key=n", "200 2 7"),
        ("/get?key=gone", "404 0"),
        ("/get?key=ttl", "200 1 v"),
    ] {
        assert_eq!(brief(&both(&cluster, read)), expected, "{read}");
    }
    assert_eq!(get(proxy, "/put?key=a&val=newer").header("sync"), None, "all is well again");
}

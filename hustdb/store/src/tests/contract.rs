//! Commands on kv pairs, row by row of the contract.

use super::*;

fn refused(result: Result<Written>) -> String {
    match result {
        Err(error @ Error::Invalid { .. }) => error.to_string(),
        other => panic!("{other:?}"),
    }
}

fn put_to(node: &Node, key: &[u8], origin: Origin, lifetime: Lifetime) -> Result<Written> {
    node.store().kv().write(key, Change::Put(b"v"), Terms::new(origin, lifetime))
}

#[test]
fn versions_stamps_and_expiry_of_a_life() {
    let node = Node::new(|_| ());
    let first = applied(node.put(b"k", b"v1", LOCAL, FOR_EVER));
    assert_eq!(first, Shown { version: 1, stamp: START_MS << 16, expire_ms: 0 });
    let second = applied(node.put(b"k", b"v2", Origin::Local { ver: 1 }, Lifetime::Ttl(60)));
    assert_eq!(second, Shown { version: 2, stamp: first.stamp + 1, expire_ms: START_MS + 60_000 });
    assert_eq!(node.put(b"k", b"x", Origin::Local { ver: 1 }, FOR_EVER), Answer::Conflict { current: 2 });
    let record = node.get(b"k").unwrap();
    assert_eq!((record.shown, &*record.value), (second, &b"v2"[..]));
    let deleted = applied(node.delete(b"k", LOCAL));
    assert_eq!((deleted.version, deleted.expire_ms), (2, 0));
    assert!(deleted.stamp > second.stamp);
    assert!(node.get(b"k").is_none());
    assert_eq!(node.delete(b"k", LOCAL), Answer::Absent);
    assert_eq!(applied(node.put(b"k", b"", LOCAL, FOR_EVER)).version, 1);
    assert_eq!(&*node.get(b"k").unwrap().value, b"");
}

#[test]
fn a_put_without_ttl_is_permanent_again() {
    let node = Node::new(|_| ());
    node.put(b"k", b"v", LOCAL, Lifetime::Ttl(1));
    assert_eq!(applied(node.put(b"k", b"v", LOCAL, FOR_EVER)).expire_ms, 0);
    node.clock.advance(5000);
    node.sweep();
    assert_eq!(node.get(b"k").unwrap().shown.version, 2);
}

#[test]
fn an_expired_record_is_absent_at_once() {
    let node = Node::new(|_| ());
    for key in [b"a", b"b", b"c", b"d"] {
        node.put(key, b"v", LOCAL, Lifetime::Ttl(1));
    }
    node.clock.advance(999);
    assert!(node.get(b"a").is_some());
    node.clock.advance(1);
    assert!(node.get(b"a").is_none());
    assert_eq!(node.delete(b"b", LOCAL), Answer::Absent);
    assert_eq!(node.put(b"c", b"v", Origin::Local { ver: 1 }, FOR_EVER), Answer::Conflict { current: 0 });
    assert_eq!(applied(node.put(b"d", b"v", LOCAL, FOR_EVER)).version, 1);
}

#[test]
fn replicas_are_merged() {
    let node = Node::new(|_| ());
    let stamp = (START_MS + 50_000) << 16;
    let replica = |ver, stamp| Origin::Replica { ver, stamp };
    let until = START_MS + 9_000_000;
    let shown = Shown { version: 7, stamp, expire_ms: until };
    assert_eq!(node.put(b"k", b"m", replica(7, stamp), Lifetime::Until(until)), Answer::Applied(shown));
    let same = Answer::Ignored { winner: shown, greater: false };
    assert_eq!(node.put(b"k", b"m", replica(7, stamp), Lifetime::Until(until)), same);
    let greater = Answer::Ignored { winner: shown, greater: true };
    assert_eq!(node.put(b"k", b"long before m", replica(7, stamp), Lifetime::Until(until)), greater);
    assert_eq!(node.put(b"k", b"z", replica(9, stamp - 1), FOR_EVER), greater);
    assert_eq!(node.delete(b"k", replica(9, stamp - 1)), greater);
    assert!(matches!(node.put(b"k", b"not short", replica(7, stamp), FOR_EVER), Answer::Applied(_)));
    let local = applied(node.put(b"k", b"l", LOCAL, FOR_EVER));
    assert!(local.stamp > stamp && local.version == 8, "a local write passes what it replaces");
    assert_eq!(
        node.delete(b"new", replica(0, 5)),
        Answer::Applied(Shown { version: 0, stamp: 5, expire_ms: 0 })
    );
    let kept = Answer::Ignored { winner: Shown { version: 0, stamp: 5, expire_ms: 0 }, greater: true };
    assert_eq!(node.put(b"new", b"v", replica(3, 4), FOR_EVER), kept);
}

#[test]
fn stamps_pass_the_greatest_stored_one_after_a_restart() {
    let mut node = Node::new(|_| ());
    let stamp = (START_MS + 50_000) << 16;
    node.put(b"k", b"m", Origin::Replica { ver: 7, stamp }, FOR_EVER);
    node.kill();
    let next = applied(node.put(b"other", b"l", LOCAL, FOR_EVER)).stamp;
    assert!(next > stamp);
    node.restart();
    assert!(applied(node.put(b"another", b"l", LOCAL, FOR_EVER)).stamp > next);
}

#[test]
fn illegal_requests_change_nothing() {
    let node = Node::new(|options| options.max_clock_skew_ms = 10);
    let long = vec![b'k'; 65_537];
    let put = |origin, lifetime| refused(put_to(&node, b"k", origin, lifetime));
    let replica = |ver, stamp| Origin::Replica { ver, stamp };
    assert_eq!(put(LOCAL, Lifetime::Ttl(2_592_001)), "ttl: over 2592000");
    assert_eq!(put(replica(0, 5), FOR_EVER), format!("ver: not in 1..{}", i64::MAX));
    assert_eq!(put(replica(1, 0), FOR_EVER), "stamp: 0");
    assert_eq!(put(replica(1, (START_MS + 11) << 16), FOR_EVER), "stamp: too far ahead of this node's clock");
    assert_eq!(put(Origin::Unstamped { ver: 0 }, FOR_EVER), format!("ver: not in 1..{}", i64::MAX));
    assert_eq!(put(Origin::Local { ver: 1 << 63 }, FOR_EVER), format!("ver: not in 0..{}", i64::MAX));
    assert_eq!(refused(put_to(&node, b"", LOCAL, FOR_EVER)), "key: empty");
    assert_eq!(refused(put_to(&node, &long, LOCAL, FOR_EVER)), "key: over 65536 bytes");
    assert!(put_to(&node, &long[1..], LOCAL, Lifetime::Ttl(2_592_000)).is_ok());
    assert!(node.get(b"k").is_none());
    assert_eq!(node.store().kv_stat().count, 1);
}

#[test]
fn a_second_key_with_the_same_md5_is_refused() {
    // The first published pair of md5 collisions (Wang, Feng, Lai, Yu 2004), 128 bytes each.
    let one = hex(concat!(
        "d131dd02c5e6eec4693d9a0698aff95c2fcab58712467eab4004583eb8fb7f89",
        "55ad340609f4b30283e488832571415a085125e8f7cdc99fd91dbdf280373c5b",
        "d8823e3156348f5bae6dacd436c919c6dd53e2b487da03fd02396306d248cda0",
        "e99f33420f577ee8ce54b67080a80d1ec69821bcb6a8839396f9652b6ff72a70",
    ));
    let mut two = one.clone();
    for (at, bit) in [(19, 0x80), (45, 0x80), (59, 0x80), (83, 0x80), (109, 0x80), (123, 0x80)] {
        two[at] ^= bit;
    }
    assert_eq!(crate::md5(&one), crate::md5(&two));
    let node = Node::new(|_| ());
    node.put(&one, b"1", LOCAL, FOR_EVER);
    assert!(matches!(put_to(&node, &two, LOCAL, FOR_EVER), Err(Error::Collision)));
    assert_eq!(node.delete(&two, LOCAL), Answer::Absent);
    let replica = Terms::new(Origin::Replica { ver: 1, stamp: 9 }, FOR_EVER);
    assert!(matches!(node.store().kv().write(&two, Change::Delete, replica), Err(Error::Collision)));
    assert!(node.get(&two).is_none());
    assert_eq!(&*node.get(&one).unwrap().value, b"1");
    assert_eq!(node.store().kv_stat().count, 1);
}

fn hex(digits: &str) -> Vec<u8> {
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
}

#[test]
fn of_writers_with_one_version_exactly_one_wins() {
    let node = Node::new(|_| ());
    node.put(b"k", b"0", LOCAL, FOR_EVER);
    for ver in 1..50 {
        let put = || node.put(b"k", b"v", Origin::Local { ver }, FOR_EVER);
        let answers =
            std::thread::scope(|scope| [scope.spawn(put), scope.spawn(put)].map(|t| t.join().unwrap()));
        let wins = answers.iter().filter(|answer| matches!(answer, Answer::Applied(_))).count();
        assert_eq!(wins, 1, "{answers:?}");
    }
}

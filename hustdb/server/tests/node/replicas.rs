//! Replicated writes: merged where they bring a stamp, ordered by version where they do not.

use std::time::Duration;

use hust_testkit::{Node, Reply, wait_until};

use crate::support::{Client, Random, brief, builder, node, now_ms, stamp};

/// A replicated record: stamp after a base, version, value or tombstone, expiry after a base (0 = never).
#[derive(Clone, Copy, Debug, PartialEq)]
struct Replica {
    stamp: u64,
    ver: u64,
    value: Option<&'static str>,
    expire: u64,
}

const fn put(stamp: u64, ver: u64, value: &'static str, expire: u64) -> Replica {
    Replica { stamp, ver, value: Some(value), expire }
}

const fn del(stamp: u64, ver: u64) -> Replica {
    Replica { stamp, ver, value: None, expire: 0 }
}

struct Peer {
    client: Client,
    stamp: u64,
    expire_ms: u64,
}

impl Peer {
    fn of(node: &Node) -> Peer {
        let now = now_ms();
        Peer { client: Client::of(node), stamp: stamp(now), expire_ms: now + 3_600_000 }
    }

    fn send(&mut self, key: &str, replica: Replica) -> Reply {
        let Replica { stamp, ver, value, expire } = replica;
        let common = format!("key={key}&is_dup=true&ver={ver}&stamp={}", self.stamp + stamp);
        match value {
            Some(value) => {
                let expire_ms = if expire == 0 { 0 } else { self.expire_ms + expire };
                self.client.put(&format!("/hustdb/put?{common}&expire={expire_ms}"), value)
            }
            None => self.client.get(&format!("/hustdb/del?{common}")),
        }
    }

    /// The record as a reader sees it: stamp and expiry after the bases.
    fn read(&mut self, key: &str) -> Option<Replica> {
        let reply = self.client.get(&format!("/hustdb/get?key={key}&stamps=true"));
        let value = ["l", "m", "n", "z"].into_iter().find(|value| value.as_bytes() == reply.body);
        (reply.status == 200).then(|| Replica {
            stamp: reply.number("stamp").unwrap() - self.stamp,
            ver: reply.number("version").unwrap(),
            value,
            expire: reply.number("expire").map_or(0, |expire_ms| expire_ms - self.expire_ms),
        })
    }
}

/// Ascending in the order of the contract: stamp, version, tombstone over live, value, expiry with never greatest.
const ASCENDING: [Replica; 11] = [
    put(10, 9, "z", 0),
    put(11, 5, "z", 0),
    put(11, 6, "l", 0),
    put(11, 6, "m", 2),
    put(11, 6, "m", 3),
    put(11, 6, "m", 0),
    put(11, 6, "n", 2),
    del(11, 6),
    put(11, 7, "l", 2),
    put(12, 1, "l", 2),
    del(13, 0),
];

#[test]
fn of_two_records_the_greater_wins_whole() {
    let node = node();
    let mut peer = Peer::of(&node);
    for (lesser_at, lesser) in ASCENDING.into_iter().enumerate() {
        for (greater_at, greater) in ASCENDING.into_iter().enumerate().skip(lesser_at) {
            let key = format!("{lesser_at}-{greater_at}");
            let first = peer.send(&key, greater);
            let expire = (greater.expire != 0).then_some(peer.expire_ms + greater.expire);
            let winner = (200, Some(greater.ver), Some(peer.stamp + greater.stamp), expire);
            let shown = |reply: &Reply| {
                (reply.status, reply.number("version"), reply.number("stamp"), reply.number("expire"))
            };
            assert_eq!(shown(&first), winner, "{greater:?}");
            assert_eq!(first.header("vererror"), Some("false"));
            let second = peer.send(&key, lesser);
            assert_eq!(shown(&second), winner, "{lesser:?} after {greater:?}");
            let refused = if lesser_at == greater_at { "false" } else { "true" };
            assert_eq!(second.header("vererror"), Some(refused), "{lesser:?} after {greater:?}");
            let third = peer.send(&key, greater);
            assert_eq!((shown(&third), third.header("vererror")), (winner, Some("false")));
            assert_eq!(peer.read(&key), Some(greater).filter(|record| record.value.is_some()));
        }
    }
}

#[test]
fn any_order_any_number_of_times_ends_with_the_same() {
    const SEED: u64 = 0x5eed_0001;
    println!("seed {SEED:#x}");
    let (node, mut random) = (node(), Random(SEED));
    let mut peer = Peer::of(&node);
    for round in 0..30 {
        let greatest = random.below(ASCENDING.len() as u64) as usize;
        let mut sent: Vec<usize> = (0..12).map(|_| random.below(greatest as u64 + 1) as usize).collect();
        sent[random.below(12) as usize] = greatest;
        for at in &sent {
            assert_eq!(peer.send(&format!("r{round}"), ASCENDING[*at]).status, 200);
        }
        let expected = Some(ASCENDING[greatest]).filter(|record| record.value.is_some());
        assert_eq!(peer.read(&format!("r{round}")), expected, "round {round}: {sent:?}");
    }
}

#[test]
fn a_delete_of_nothing_leaves_its_tombstone() {
    let node = node();
    let mut peer = Peer::of(&node);
    assert_eq!(brief(&peer.send("k", del(5, 0))), "200 0 false");
    assert_eq!(brief(&peer.client.get("/hustdb/exist?key=k")), "404 0 -");
    let older = peer.send("k", put(4, 3, "l", 0));
    assert_eq!((brief(&older).as_str(), older.number("stamp")), ("200 0 true", Some(peer.stamp + 5)));
    assert_eq!(brief(&peer.client.get("/hustdb/exist?key=k")), "404 0 -");
    let local = peer.client.put("/hustdb/put?key=k", "m");
    assert_eq!(brief(&local), "200 1 false", "a client finds it absent");
    assert!(local.number("stamp") > Some(peer.stamp + 5));
    assert_eq!(brief(&peer.client.get("/hustdb/del?key=k")), "200 1 false");
    assert_eq!(
        brief(&peer.send("k", put(6, 9, "l", 0))),
        "200 1 true",
        "nor does an older put undo a local delete"
    );
}

#[test]
fn a_winner_that_has_expired_hides_the_loser() {
    let node = node();
    let mut peer = Peer::of(&node);
    let past = now_ms() - 1000;
    let at = peer.stamp + 9;
    let expired =
        peer.client.put(&format!("/hustdb/put?key=k&is_dup=true&ver=2&stamp={at}&expire={past}"), "m");
    assert_eq!((brief(&expired).as_str(), expired.number("expire")), ("200 2 false", Some(past)));
    assert_eq!(brief(&peer.client.get("/hustdb/get?key=k")), "404 0 -");
    assert_eq!(brief(&peer.send("k", put(8, 7, "l", 0))), "200 2 true");
    assert_eq!(brief(&peer.client.get("/hustdb/get?key=k")), "404 0 -");
    assert_eq!(brief(&peer.send("k", put(10, 1, "l", 0))), "200 1 false");
    assert_eq!(brief(&peer.client.get("/hustdb/get?key=k")), "200 1 - l");
}

#[test]
fn without_a_stamp_the_version_decides() {
    let node = node();
    let mut client = Client::of(&node);
    client.check(&[
        ("PUT", "/hustdb/put?key=k&is_dup=true&ver=3", "a", "200 3 false"),
        ("PUT", "/hustdb/put?key=k&is_dup=1&ver=3", "b", "200 3 false"),
        ("PUT", "/hustdb/put?key=k&is_dup=true&ver=2", "c", "200 3 true"),
        ("GET", "/hustdb/get?key=k", "", "200 3 - b"),
        ("PUT", "/hustdb/put?key=k&is_dup=true&ver=9", "d", "200 9 false"),
        ("GET", "/hustdb/del?key=k&is_dup=true&ver=8", "", "200 9 true"),
        ("GET", "/hustdb/get?key=k", "", "200 9 - d"),
        ("GET", "/hustdb/del?key=k&is_dup=true&ver=12", "", "200 9 false"),
        ("GET", "/hustdb/del?key=k&is_dup=true&ver=12", "", "404 0 false"),
        ("PUT", "/hustdb/put?key=k&is_dup=true&ver=1", "e", "200 1 false"),
        ("PUT", "/hustdb/put?key=k", "f", "200 2 false"),
    ]);
    client.check_bad(&[
        ("/hustdb/put?key=k&val=v&is_dup=true", "ver: missing"),
        ("/hustdb/put?key=k&val=v&is_dup=true&ver=0", "ver: not in 1..9223372036854775807"),
        ("/hustdb/del?key=k&is_dup=true", "ver: missing"),
        ("/hustdb/del?key=k&is_dup=true&ver=0", "ver: not in 1..9223372036854775807"),
        ("/hustdb/put?key=k&val=v&is_dup=true&ver=3&ttl=x", "ttl: not a number"),
        ("/hustdb/put?key=k&val=v&is_dup=true&ver=3&expire=x", "expire: not a number"),
    ]);
    let before = now_ms();
    let by_ttl = client.put("/hustdb/put?key=k&is_dup=true&ver=5&ttl=60", "v");
    let expire = by_ttl.number("expire").unwrap();
    assert!((before + 60_000..=now_ms() + 60_000).contains(&expire));
    assert!(by_ttl.number("stamp").unwrap() >= stamp(before), "its stamp is fresh");
    let until = before + 90_000;
    let by_time = client.put(&format!("/hustdb/put?key=k&is_dup=true&ver=5&expire={until}"), "v");
    assert_eq!(by_time.number("expire"), Some(until));
}

#[test]
fn what_a_replica_must_bring() {
    let node = node();
    let mut client = Client::of(&node);
    client.check_bad(&[
        ("/hustdb/put?key=k&val=v&is_dup=true&stamp=1", "ver: missing"),
        ("/hustdb/put?key=k&val=v&is_dup=true&ver=0&stamp=1", "ver: not in 1..9223372036854775807"),
        ("/hustdb/put?key=k&val=v&is_dup=true&ver=1&stamp=0", "stamp: not in 1..18446744073709551615"),
        ("/hustdb/put?key=k&val=v&is_dup=true&ver=1&stamp=", "stamp: empty"),
        ("/hustdb/put?key=k&val=v&is_dup=true&ver=1&stamp=1&expire=-1", "expire: negative"),
        ("/hustdb/put?key=k&is_dup=true&ver=1&stamp=1", "val: missing"),
        ("/hustdb/del?key=k&is_dup=true&stamp=1", "ver: missing"),
        ("/hustdb/del?key=k&is_dup=true&ver=1&stamp=x", "stamp: not a number"),
        (
            "/hustdb/del?key=k&is_dup=true&ver=9223372036854775808&stamp=1",
            "ver: not in 0..9223372036854775807",
        ),
    ]);
    client.check(&[
        ("PUT", "/hustdb/put?key=k&stamp=x&expire=y", "local", "200 1 false"),
        ("PUT", "/hustdb/put?key=k&is_dup=false&stamp=0&expire=1", "local", "200 2 false"),
        ("GET", "/hustdb/get?key=k", "", "200 2 - local"),
        (
            "PUT",
            "/hustdb/put?key=t&is_dup=true&ver=9223372036854775807&stamp=1&ttl=x",
            "v",
            "200 9223372036854775807 false",
        ),
    ]);
}

#[test]
fn stamps_too_far_ahead_are_refused_and_others_followed() {
    let node = node();
    let mut client = Client::of(&node);
    let (ahead, too_far) = (stamp(now_ms() + 50_000), stamp(now_ms() + 120_000));
    for command in ["put?val=v&", "del?"] {
        let refused = client.get(&format!("/hustdb/{command}key=k&is_dup=true&ver=1&stamp={too_far}"));
        assert_eq!(brief(&refused), "400 - - stamp: too far ahead of this node's clock");
    }
    assert_eq!(client.get("/hustdb/exist?key=k").status, 404);
    assert!(
        client.put("/hustdb/put?key=a", "v").number("stamp") < Some(ahead),
        "the refused one left no trace"
    );
    client.check(&[(
        "PUT",
        &format!("/hustdb/put?key=k&is_dup=true&ver=1&stamp={ahead}"),
        "v",
        "200 1 false",
    )]);
    let local = client.put("/hustdb/put?key=a", "v").number("stamp").unwrap();
    assert!(local > ahead, "greater than every stamp seen");
    let mut node = node;
    node.kill().unwrap();
    node.restart().unwrap();
    let later = Client::of(&node).put("/hustdb/put?key=b", "v").number("stamp").unwrap();
    assert!(later > local, "also than those before a restart");
}

#[test]
fn versions_end_at_the_greatest_signed_number_without_a_wrap() {
    let node = node();
    let mut client = Client::of(&node);
    const MOST: u64 = i64::MAX as u64;
    let at = stamp(now_ms() - 1000);
    for (put, get, del) in [("put?", "get?", "del?"), ("hset?tb=h&", "hget?tb=h&", "hdel?tb=h&")] {
        let before = format!("/hustdb/{put}key=k&val=v&is_dup=true&ver={}&stamp={at}", MOST - 1);
        client.check(&[
            ("GET", &before, "", &format!("200 {} false", MOST - 1)),
            ("GET", &format!("/hustdb/{put}key=k&val=w&ver={}", MOST - 1), "", &format!("200 {MOST} false")),
            ("GET", &format!("/hustdb/{put}key=k&val=x"), "", &format!("200 {MOST} false")),
            ("GET", &format!("/hustdb/{put}key=k&val=y&ver={MOST}"), "", &format!("200 {MOST} false")),
            ("GET", &format!("/hustdb/{get}key=k"), "", &format!("200 {MOST} - y")),
            ("GET", &format!("/hustdb/{put}key=k&val=z&ver=1"), "", &format!("401 {MOST} true")),
            ("GET", &format!("/hustdb/{del}key=k"), "", &format!("200 {MOST} false")),
            ("GET", &format!("/hustdb/{put}key=k&val=a"), "", "200 1 false"),
        ]);
        for over in ["9223372036854775808", "18446744073709551615", "18446744073709551616"] {
            for target in [format!("{put}key=k&val=v&ver={over}"), format!("{del}key=k&ver={over}")] {
                let refused = brief(&client.get(&format!("/hustdb/{target}")));
                assert!(refused.starts_with("400 - - ver: "), "{target}: {refused}");
            }
        }
    }
}

#[test]
fn tombstones_go_after_their_grace_and_not_before() {
    const COUNT: usize = 6000;
    let small = || builder().set("engine.partitions=1").set("engine.memtable=1MiB");
    let nodes = [small().set("store.tombstone_grace=1").start().unwrap(), small().start().unwrap()];
    let mut clients = nodes.each_ref().map(Client::of);
    for client in &mut clients {
        for number in 0..COUNT {
            client.put(&format!("/hustdb/put?key={number}"), [b'v'; 200]);
            client.get(&format!("/hustdb/del?key={number}"));
        }
    }
    let left = |client: &mut Client| client.get("/hustdb/scan?limit=10000&digest=true").number("keys");
    let [short, long] = &mut clients;
    // Those that no table has yet stay; a memtable holds fewer than half of them.
    assert!(
        wait_until(Duration::from_secs(60), || left(short) < Some(COUNT as u64 / 2)),
        "{:?}",
        left(short)
    );
    assert_eq!(left(long), Some(COUNT as u64));
}

//! Hints reach their node: all kinds, whatever was written before, meanwhile, and for hosts that appear later.

use hust_testkit::wait_until;
use hust_wire::{
    frame::{Form, Kind, RecordRef, score_to_bytes},
    hint::Writer,
};

use crate::{
    fake::{Fake, Mood},
    support::{
        Home, LONG, drained, figures, free_address, hinted, kv, node, node_at, now_ms, numbered, of, status,
    },
};

#[test]
fn every_kind_reaches_a_real_node() {
    let (home, node) = (Home::new(), node());
    let host = node.address().to_string();
    let http = node.http();
    let plain = kv("kv", b"value");
    let member = |kind, key: &'static str, value| RecordRef {
        kind,
        key: key.as_bytes(),
        value,
        table: match kind {
            Kind::Hash => "h",
            Kind::Set => "s",
            _ => "z",
        },
        ..kv("", b"")
    };
    let score = score_to_bytes(-7);
    let expire_ms = now_ms() + 3_600_000;
    http.put("/hustdb/put?key=dead", b"old").unwrap();
    let dead = RecordRef { form: Form::Tombstone, stamp: (now_ms() + 10_000) << 16, ..kv("dead", b"") };
    let hints: Vec<Vec<u8>> = [
        plain,
        member(Kind::Hash, "field", b"in a hash"),
        member(Kind::Set, "member", b""),
        member(Kind::SortedSet, "ranked", &score),
        RecordRef { expire_ms, version: 9, ..kv("mortal", b"for an hour") },
        dead,
    ]
    .iter()
    .map(hinted)
    .collect();
    home.segment(&host, &hints);
    let sync = home.sync(&[]);
    drained(&home, &sync, &host);
    assert_eq!(figures(&sync, &host), [6, 6, 0, 0]);
    for (target, status, body) in [
        ("/hustdb/get?key=kv", 200, "value"),
        ("/hustdb/hget?tb=h&key=field", 200, "in a hash"),
        ("/hustdb/sismember?tb=s&key=member", 200, ""),
        ("/hustdb/zscore?tb=z&key=ranked", 200, "-7"),
        ("/hustdb/get?key=mortal", 200, "for an hour"),
        ("/hustdb/get?key=dead", 404, ""),
    ] {
        let reply = http.get(target).unwrap();
        assert_eq!((reply.status, reply.text().as_str()), (status, body), "{target}");
    }
    let mortal = http.get("/hustdb/get?key=mortal&stamps=true").unwrap();
    assert_eq!((mortal.number("version"), mortal.number("expire")), (Some(9), Some(expire_ms)));
}

#[test]
fn what_is_owed_to_a_dead_node_is_counted_until_it_comes_back() {
    let home = Home::new();
    let address = free_address();
    let host = address.to_string();
    home.segment(&host, &numbered("a", 0..2500));
    home.segment(&host, &numbered("b", 0..10));
    // Written before the start: known at once.
    let sync = home.sync(&[]);
    assert_eq!(figures(&sync, &host), [2510, 0, 2510, 0]);
    assert!((5..60).contains(&of(&sync, &host, "oldest_age_s")));
    home.segment(&host, &numbered("c", 0..7));
    assert!(wait_until(LONG, || figures(&sync, &host) == [2517, 0, 2517, 0]));
    let node = node_at(address);
    drained(&home, &sync, &host);
    assert_eq!(figures(&sync, &host), [2517, 2517, 0, 0]);
    assert_eq!(of(&sync, &host, "oldest_age_s"), 0);
    let stat = node.http().get("/hustdb/stat").unwrap().text();
    assert!(stat.contains(r#""KVPAIR":{"count":2517,"#), "{stat}");
    let total = &status(&sync)["total_status"];
    assert_eq!((&total["processed_items"], &total["pending"]), (&2517.into(), &0.into()));
}

#[test]
fn new_hosts_need_no_restart_and_batches_are_bounded() {
    let home = Home::new();
    let sync = home.sync(&[]);
    let fake = Fake::start(Mood::default());
    home.segment("not a host", &numbered("x", 0..3));
    home.segment(&fake.host, &numbered("k", 0..2300));
    let large: Vec<Vec<u8>> =
        (0..5).map(|number| hinted(&kv(&format!("large{number}"), &vec![b'v'; 3 << 20]))).collect();
    home.segment(&fake.host, &large);
    assert!(wait_until(LONG, || status(&sync)["status"][&fake.host]["synced_items"] == 2305));
    drained(&home, &sync, &fake.host);
    assert_eq!((fake.keys().len(), fake.merges()), (2305, 2305));
    let (records, bytes) = fake.largest();
    assert!(records == 1000 && bytes <= 4 << 20, "{records} {bytes}");
    assert_eq!(status(&sync)["status"]["not a host"], serde_json::Value::Null);
}

#[test]
fn a_value_longer_than_a_batch_goes_alone() {
    let (home, fake) = (Home::new(), Fake::start(Mood::default()));
    let value = vec![b'v'; 12 << 20];
    home.segment(&fake.host, &[hinted(&kv("a", b"1")), hinted(&kv("b", &value)), hinted(&kv("c", b"3"))]);
    let sync = home.sync(&[]);
    drained(&home, &sync, &fake.host);
    assert_eq!((fake.keys(), fake.attempts()), (vec!["a".into(), "b".into(), "c".into()], 3));
}

#[test]
fn old_hints_are_dropped() {
    let (home, fake) = (Home::new(), Fake::start(Mood::default()));
    let old = hust_wire::hint::encode(now_ms() - 950_401_000, &kv("old", b"v")).unwrap();
    home.segment(&fake.host, &[old.clone(), hinted(&kv("new", b"v")), old]);
    let sync = home.sync(&[]);
    drained(&home, &sync, &fake.host);
    assert_eq!((fake.keys(), figures(&sync, &fake.host)), (vec!["new".into()], [3, 1, 0, 0]));
    let metrics = sync.http().get("/metrics").unwrap().text();
    assert!(metrics.contains("hustsync_expired_total 2"), "{metrics}");
}

#[test]
fn a_segment_is_replayed_while_a_proxy_writes_it_and_removed_when_it_is_closed() {
    let (home, fake) = (Home::new(), Fake::start(Mood::default()));
    let sync = home.sync(&[]);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let host = fake.host.parse().unwrap();
    let writer = Writer::start(home.folder_of("")).unwrap();
    for number in 0..20 {
        let key = format!("k{number}");
        runtime.block_on(writer.write(&host, now_ms(), &kv(&key, b"v"))).unwrap();
        assert!(wait_until(LONG, || fake.keys().contains(&key)), "{key}");
    }
    drop(writer);
    drained(&home, &sync, &fake.host);
    assert_eq!((figures(&sync, &fake.host), fake.merges()), ([20, 20, 0, 0], 20));
    assert!(wait_until(LONG, || home.names(&fake.host).is_empty()));
}

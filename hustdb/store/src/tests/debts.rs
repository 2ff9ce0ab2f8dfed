//! Debts: noted once, sent as the record is now, settled only as they were read, kept through crashes.

use std::collections::BTreeSet;

use hust_engine::vfs::Fault;

use super::{
    world::{Owned, delete, write},
    *,
};
use crate::{CREDITORS_MAX, Creditor, Debt, HostName, Kind, Noted, OwedRecord, SLOTS, debts::debt_key};

const HOST: HostName<'_> = HostName { spelling: "Node:8085", identity: "node 8085" };

fn owe_to(node: &Node, host: &HostName<'_>, kind: Kind, table: &str, key: &str) -> Option<Creditor> {
    let record = OwedRecord { kind, table: table.as_bytes(), key: key.as_bytes() };
    let debts = node.store().debts();
    let noted = node.call(|| ready_or(debts.try_owe(host, &record), || debts.owe(host, &record))).unwrap();
    noted.map(|Noted { creditor, ticket }| {
        ticket.wait().unwrap();
        creditor
    })
}

fn owe(node: &Node, kind: Kind, table: &str, key: &str) -> bool {
    owe_to(node, &HOST, kind, table, key).is_some()
}

/// Hosts and their numbers of debts.
fn open(node: &Node) -> Vec<(String, u64)> {
    node.store().debts().creditors().iter().map(|host| (host.name().to_owned(), host.open())).collect()
}

/// All debts to the first host, read in batches of this size.
fn owed(node: &Node, limit: usize) -> (Vec<(Debt, Owned)>, Vec<Debt>) {
    let debts = node.store().debts();
    let (mut owed, mut gone, mut after) = (Vec::new(), Vec::new(), None);
    let Some(host) = debts.creditors().first().cloned() else { return (owed, gone) };
    loop {
        let batch = debts.batch(&host, after, limit, 1 << 20).unwrap();
        assert!(batch.owed.len() + batch.gone.len() <= limit);
        owed.extend(batch.owed.iter().map(|owed| (owed.debt, Owned::of(&owed.record))));
        gone.extend(batch.gone);
        match batch.last {
            Some(_) => after = batch.last,
            None => return (owed, gone),
        }
    }
}

#[test]
fn a_debt_is_the_record_as_it_is_now() {
    let mut node = Node::new(|_| ());
    assert!(!owe(&node, Kind::Kv, "", "k"), "an unknown record is not owed");
    assert!(!owe(&node, Kind::Hash, "t", "f"));
    assert_eq!(open(&node), []);
    for kind in [Kind::Hash, Kind::Set, Kind::Zset, Kind::Kv] {
        let table = format!("{kind:?}");
        write(&node, kind, &table, "a", b"v1", FOR_EVER).unwrap();
        write(&node, kind, &table, "b", b"v1", Lifetime::Ttl(1)).unwrap();
        assert!(owe(&node, kind, &table, "a"));
        assert!(owe(&node, kind, &table, "a"), "owed again");
        assert!(owe(&node, kind, &table, "b"));
        assert!(!owe(&node, kind, &table, "c"));
        delete(&node, kind, &table, "a").unwrap();
        assert!(owe(&node, kind, &table, "a"), "a tombstone is owed like any record");
        write(&node, kind, &table, "a", b"v2", FOR_EVER).unwrap();
    }
    node.clock.advance(1000);
    node.sweep();
    for _ in 0..2 {
        assert_eq!(open(&node), [("Node:8085".to_owned(), 8)]);
        for limit in [1, 3, 100] {
            let (owed, gone) = owed(&node, limit);
            let mut records: Vec<Owned> = owed.into_iter().map(|(_, record)| record).collect();
            records.sort();
            assert_eq!(records, world::scan_all(node.store(), 0..SLOTS));
            assert_eq!(gone, []);
        }
        node.kill();
    }
}

#[test]
fn only_what_was_not_noted_again_is_settled() {
    let mut node = Node::new(|_| ());
    for key in ["a", "b", "c"] {
        write(&node, Kind::Kv, "", key, b"v", FOR_EVER).unwrap();
        assert!(owe(&node, Kind::Kv, "", key));
    }
    let host = node.store().debts().creditors()[0].clone();
    let read: Vec<Debt> = owed(&node, 10).0.into_iter().map(|(debt, _)| debt).collect();
    assert!(owe(&node, Kind::Kv, "", "b"));
    node.store().debts().settle(&host, &read).unwrap();
    assert_eq!(open(&node), [("Node:8085".to_owned(), 1)]);
    node.store().debts().settle(&host, &read).unwrap();
    node.restart();
    assert_eq!(open(&node), [("Node:8085".to_owned(), 1)]);
    let rest: Vec<(Debt, Owned)> = owed(&node, 10).0;
    assert_eq!(rest.iter().map(|(_, record)| record.key.as_str()).collect::<Vec<_>>(), ["b"]);
    let host = node.store().debts().creditors()[0].clone();
    node.store().debts().settle(&host, &[rest[0].0]).unwrap();
    assert_eq!(open(&node), []);
    node.restart();
    assert_eq!(open(&node), []);
}

#[test]
fn a_debt_is_counted_before_it_can_be_seen() {
    const DEBTS: u64 = 20_000;
    let node = Node::new(|options| options.engine.memtable_bytes = 64 << 20);
    let name = |number: u64| format!("k{number}");
    for number in 0..=DEBTS {
        node.put(name(number).as_bytes(), b"", LOCAL, FOR_EVER);
    }
    let host = owe_to(&node, &HOST, Kind::Kv, "", &name(0)).unwrap();
    let row = |number| debt_key(0, crate::Address::kv(name(number).as_bytes()).key);
    let is_there = |number| node.store().engine().head(&row(number)).unwrap().is_some();
    assert!(is_there(0), "the row of a debt to the first host");
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for number in 1..=DEBTS {
                let key = name(number);
                let record = OwedRecord { kind: Kind::Kv, table: b"", key: key.as_bytes() };
                assert!(node.store().debts().owe(&HOST, &record).unwrap().is_some());
            }
        });
        for number in 1..=DEBTS {
            while !is_there(number) {
                assert!(!writer.is_finished() || is_there(number), "debt {number} was not noted");
            }
            assert!(host.open() > number, "debt {number} can be seen and is not counted");
        }
    });
    assert_eq!(host.open(), DEBTS + 1);
}

#[test]
fn a_debt_counts_until_its_end_is_durable() {
    let mut node = Node::new(|_| ());
    for key in ["a", "b"] {
        write(&node, Kind::Kv, "", key, b"v", FOR_EVER).unwrap();
        assert!(owe(&node, Kind::Kv, "", key));
    }
    let host = node.store().debts().creditors()[0].clone();
    let debts: Vec<Debt> = owed(&node, 10).0.into_iter().map(|(debt, _)| debt).collect();
    node.store().debts().settle(&host, &debts[..1]).unwrap();
    assert_eq!(open(&node), [("Node:8085".to_owned(), 1)]);
    node.vfs.fail_from(node.vfs.ops(), Fault::Eio);
    assert!(node.store().debts().settle(&host, &debts[1..]).is_err(), "the disk fails");
    assert_eq!(open(&node), [("Node:8085".to_owned(), 1)]);
    node.kill();
    assert_eq!(open(&node), [("Node:8085".to_owned(), 1)], "as before");
}

#[test]
fn a_debt_that_cannot_be_noted_is_not_counted() {
    let node = Node::new(|_| ());
    for key in ["a", "b", "c"] {
        write(&node, Kind::Kv, "", key, b"v", FOR_EVER).unwrap();
    }
    assert!(owe(&node, Kind::Kv, "", "a"));
    node.vfs.fail_from(node.vfs.ops(), Fault::Eio);
    let record = |key| OwedRecord { kind: Kind::Kv, table: b"", key };
    let noted = node.store().debts().owe(&HOST, &record(b"b")).unwrap().unwrap();
    assert!(noted.ticket.wait().is_err(), "the disk fails");
    assert_eq!(noted.creditor.open(), 2, "it can be seen");
    // From now on nothing is taken, which shows after the debt was judged new.
    assert!(node.store().debts().owe(&HOST, &record(b"c")).is_err());
    assert!(node.store().debts().try_owe(&HOST, &record(b"c")).is_err());
    assert_eq!(noted.creditor.open(), 2);
}

#[test]
fn debts_end_with_their_time_out_and_with_their_slots() {
    let node = Node::new(|options| {
        options.debt_timeout_ms = 10_000;
        options.engine.memtable_bytes = 4 << 20;
    });
    for number in 0..300 {
        write(&node, Kind::Kv, "", &format!("k{number}"), b"v", FOR_EVER).unwrap();
        assert!(owe(&node, Kind::Kv, "", &format!("k{number}")));
    }
    write(&node, Kind::Zset, "test_table", "m", b"v", FOR_EVER).unwrap();
    assert!(owe(&node, Kind::Zset, "test_table", "m"));
    assert_eq!(node.call(|| node.store().debts().drop_overdue()).unwrap(), 0);
    world::forget(&node, 902..903);
    let left = owed(&node, 1000);
    assert!(left.1.is_empty() && left.0.iter().all(|(_, record)| record.slot() != 902));
    assert_eq!(left.0.len() as u64, open(&node)[0].1);
    node.clock.advance(10_000);
    assert!(owe(&node, Kind::Kv, "", &left.0[0].1.key));
    node.clock.advance(2);
    assert_eq!(node.call(|| node.store().debts().drop_overdue()).unwrap(), left.0.len() as u64 - 1);
    assert_eq!(open(&node), [("Node:8085".to_owned(), 1)]);
}

#[test]
fn a_record_that_is_no_more_is_no_more_owed() {
    let node = Node::new(|_| ());
    write(&node, Kind::Kv, "", "k", b"v", FOR_EVER).unwrap();
    write(&node, Kind::Kv, "", "l", b"v", FOR_EVER).unwrap();
    assert!(owe(&node, Kind::Kv, "", "k") && owe(&node, Kind::Kv, "", "l"));
    let key = crate::Address::kv(b"k").key;
    let purge = hust_engine::Meta {
        flags: hust_engine::row::TOMBSTONE | hust_engine::row::PURGE,
        ..Default::default()
    };
    let gone = node.store().engine().update(&[key], |_, batch| {
        batch.put(key, purge, b"k", b"");
        Ok(())
    });
    gone.unwrap();
    let (owed, gone) = owed(&node, 10);
    assert_eq!((owed.len(), gone.len()), (1, 1));
    let host = node.store().debts().creditors()[0].clone();
    node.store().debts().settle(&host, &gone).unwrap();
    assert_eq!(open(&node), [("Node:8085".to_owned(), 1)]);
}

#[test]
fn hosts_have_places_while_something_is_owed_to_them() {
    let mut node = Node::new(|_| ());
    write(&node, Kind::Kv, "", "k", b"v", FOR_EVER).unwrap();
    let names: Vec<String> = (0..CREDITORS_MAX).map(|number| format!("h{number}:1")).collect();
    let host = |name| HostName { spelling: name, identity: name };
    for name in &names {
        assert_eq!(owe_to(&node, &host(name), Kind::Kv, "", "k").unwrap().name(), name);
    }
    let record = OwedRecord { kind: Kind::Kv, table: b"", key: b"k" };
    let one_more = node.store().debts().owe(&host("one:1"), &record);
    assert_eq!(one_more.unwrap_err().to_string(), "host: too many hosts are owed to");
    let open: BTreeSet<String> = open(&node).into_iter().map(|(name, _)| name).collect();
    assert_eq!(open, names.iter().cloned().collect());
    let held = node.store().debts().creditors()[7].clone();
    let debts: Vec<Debt> =
        node.store().debts().batch(&held, None, 10, 100).unwrap().owed.iter().map(|owed| owed.debt).collect();
    node.store().debts().settle(&held, &debts).unwrap();
    assert!(node.store().debts().owe(&host("one:1"), &record).is_err(), "somebody holds the idle one");
    drop(held);
    assert_eq!(owe_to(&node, &host("one:1"), Kind::Kv, "", "k").unwrap().name(), "one:1");
    node.kill();
    assert_eq!(node.store().debts().creditors().len(), CREDITORS_MAX);
    assert_eq!(owe_to(&node, &host("one:1"), Kind::Kv, "", "k").unwrap().open(), 1);
}

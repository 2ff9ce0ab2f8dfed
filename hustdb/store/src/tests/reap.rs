//! Names that nothing needs any more leave; all others stay.

use hust_engine::{Direction, Key};

use super::{
    world::{change_record, delete, write},
    *,
};
use crate::{Kind, tables::name_key};

const DAY_MS: u64 = 24 * 3600 * 1000;

/// Name and number rows that stand.
fn rows(node: &Node) -> usize {
    let first = name_key([0; 16]);
    let last = Key::new(Kind::Meta.table(1), [0xff; 20]);
    let (mut from, mut standing) = (first, 0);
    loop {
        let engine = node.store().engine();
        let page = engine.page_without_values(from, last, Direction::Forward, 1000).unwrap();
        standing += page.rows.iter().filter(|(_, row)| !row.meta.is_tombstone()).count();
        match page.next {
            Some(next) => from = next,
            None => return standing,
        }
    }
}

/// Writes until compaction has had enough to do to pass by everything.
fn churn(node: &Node, round: u64) {
    for number in 0..400 {
        write(node, Kind::Kv, "", &format!("churn{number}"), &[b'a' + (round % 20) as u8; 60], FOR_EVER)
            .unwrap();
    }
    node.work().unwrap();
}

fn reap(node: &Node) -> usize {
    node.call(|| node.store().reap(usize::MAX)).unwrap().names
}

#[test]
fn tables_may_come_and_go_for_ever() {
    let mut node = Node::new(|_| ());
    write(&node, Kind::Hash, "stays", "f", b"v", FOR_EVER).unwrap();
    let mut most = 0;
    for round in 0..12 {
        for (at, kind) in [Kind::Hash, Kind::Set, Kind::Zset].into_iter().enumerate() {
            for number in 0..15 {
                let table = format!("t{round}_{at}_{number}");
                write(&node, kind, &table, "k", b"v", FOR_EVER).unwrap();
                delete(&node, kind, &table, "k").unwrap();
            }
        }
        node.clock.advance(12 * DAY_MS);
        churn(&node, round);
        reap(&node);
        most = most.max(rows(&node));
        if round == 5 {
            node.restart();
        }
    }
    assert!(most <= 2 * (1 + 3 * 45), "{most} rows of names and numbers");
    for round in 12..20 {
        node.clock.advance(12 * DAY_MS);
        churn(&node, round);
        reap(&node);
    }
    assert_eq!(rows(&node), 2, "of the table that stays");
    assert_eq!(node.store().table_count(), 1);
    write(&node, Kind::Set, "t0_0_0", "k", b"", FOR_EVER).unwrap();
    assert_eq!(rows(&node), 4);
}

#[test]
fn a_name_stays_while_a_tombstone_needs_it() {
    let node = Node::new(|_| ());
    write(&node, Kind::Hash, "t", "f", b"v", FOR_EVER).unwrap();
    delete(&node, Kind::Hash, "t", "f").unwrap();
    assert_eq!(reap(&node), 0, "too young");
    node.clock.advance(12 * DAY_MS);
    assert_eq!(reap(&node), 0, "the tombstone is there still");
    assert_eq!(world::scan_all(node.store(), 0..1024).len(), 1);
    write(&node, Kind::Hash, "t", "f", b"v", FOR_EVER).unwrap();
    assert_eq!(reap(&node), 0, "it lives again");
    world::forget(&node, 0..1024);
    assert_eq!(reap(&node), 1, "of what was forgotten nothing is left");
    assert_eq!(rows(&node), 0);
}

#[test]
fn a_stale_row_of_the_expiry_index_outlives_its_table() {
    let node = Node::new(|_| ());
    write(&node, Kind::Hash, "t", "f", b"v", Lifetime::Ttl(20)).unwrap();
    world::forget(&node, 0..1024);
    assert_eq!(reap(&node), 1);
    node.clock.advance(20_000);
    let swept = node.store().sweep(node.clock_ms(), 10).unwrap();
    assert_eq!((swept.expired, swept.stale), (0, 1));
}

#[test]
fn writers_and_the_reaper_do_not_lose_each_others_work() {
    let node = Node::new(|options| {
        options.engine.background = hust_engine::Background::Threads;
        options.engine.memtable_bytes = 16 << 20;
    });
    let store = node.store();
    let rounds = 400;
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..2)
            .map(|writer| {
                let node = &node;
                scope.spawn(move || {
                    for round in 0..rounds {
                        let table = format!("t{}", round % 5);
                        let key = format!("{writer}_{round}");
                        // Also a tombstone that comes alone, which changes no count.
                        let replica = Terms::new(
                            Origin::Replica { ver: 1, stamp: (START_MS << 16) + round },
                            Lifetime::Until(0),
                        );
                        change_record(node, Kind::Hash, &table, &key, Change::Delete, replica).unwrap();
                    }
                })
            })
            .collect();
        let mut gone = 0;
        while !writers.iter().all(|writer| writer.is_finished()) {
            node.clock.advance(12 * DAY_MS / 100);
            // What was forgotten makes room for the reaper between the writers.
            world::forget(&node, 0..1024);
            gone += store.reap(usize::MAX).unwrap().names;
        }
        println!("{gone} names went meanwhile");
    });
    // Every row that is left has a name.
    let left = world::scan_all(store, 0..1024);
    assert!(left.iter().all(|record| record.table.starts_with('t')));
    world::assert_exact(&node);
}

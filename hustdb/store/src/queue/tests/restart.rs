//! What restarts, kills and losses of power keep, and what a long queue costs.

use hust_engine::{Direction, Key};

use super::*;

#[test]
fn leases_delays_and_returns_survive() {
    let mut node = Node::new(|_| {});
    for item in ["a", "b", "c", "d", "e"] {
        node.put("q", item.as_bytes());
    }
    node.try_put("q", NewMessage { delay_s: 60, ..new(b"f") }).unwrap();
    let [a, b, c] = [(); 3].map(|()| node.lease("q").unwrap());
    node.nack("q", &c, 0).unwrap();
    node.nack("q", &b, 30).unwrap();
    for restart in [Node::kill, Node::restart, Node::kill] {
        restart(&mut node);
        let stat = node.stat("q");
        assert_eq!((stat.ready, stat.in_flight, stat.delayed), ([3, 0, 0], 1, [2, 0, 0]));
        assert_eq!(stat.window, Window { si: 3, ci: 6 });
    }
    node.ack("q", &a).unwrap();
    let again = node.lease("q").unwrap();
    assert_eq!((text(&again).as_str(), again.redelivered), ("c", 1));
    node.pass(30_000);
    assert_eq!(node.drain("q"), ["b", "d", "e"]);
    node.pass(30_000);
    assert_eq!(node.drain("q"), ["f"]);
    node.pass(240_000);
    assert_eq!(node.drain("q"), ["c"]);
    assert_eq!((node.rows(), node.guarded()), (0, 0));
}

#[test]
fn a_deadline_that_passed_while_the_node_was_down_is_noticed() {
    let mut node = Node::new(|_| {});
    node.put("q", b"a");
    node.lease("q").unwrap();
    node.move_to(node.vfs.kill());
    node.clock.advance(Duration::from_secs(1000));
    node.open();
    assert_eq!(node.stat("q").in_flight, 1);
    node.tick();
    assert_eq!((node.stat("q").in_flight, node.stat("q").ready), (0, [1, 0, 0]));
}

#[test]
fn a_lease_outlives_the_process_and_an_ack_the_power() {
    for kill in [true, false] {
        let mut node = Node::new(|options| options.engine.sync = SyncMode::Always);
        node.put("q", b"a");
        node.put("q", b"b");
        let a = node.lease("q").unwrap();
        node.ack("q", &a).unwrap();
        let b = node.lease("q").unwrap();
        if kill {
            node.kill();
            assert_eq!(node.stat("q").in_flight, 1);
            node.ack("q", &b).unwrap();
        } else {
            node.crash();
            assert!(node.stat("q").in_flight + node.stat("q").ready[0] == 1, "b is kept, a is gone");
        }
    }
}

#[test]
fn a_token_of_a_lost_delivery_matches_no_later_one() {
    // The delivery is not synced: some crashes lose it, and the slot is used again.
    for seed in 0..20 {
        let mut node = Node::seeded(seed, |options| options.engine.sync = SyncMode::Always);
        node.put("q", b"a");
        node.put("q", b"b");
        let before = node.lease("q").unwrap();
        node.crash();
        if node.stat("q").in_flight == 0 {
            let a = node.lease("q").unwrap();
            assert_ne!(a.token, before.token);
            assert!(matches!(node.ack("q", &before), Err(QueueError::NotCurrent)), "seed {seed}");
        }
    }
}

#[test]
fn nothing_is_handed_out_before_its_put_is_durable() {
    for seed in 0..20 {
        let mut node = Node::seeded(seed, |options| options.engine.sync = SyncMode::Always);
        node.put("q", b"first");
        let unsettled = node.queues().put("q", &[new(b"a")]).unwrap();
        let get = Get { worker: "w", ack: false, count: 2 };
        let taken = node.queues().get("q", &get).unwrap();
        assert_eq!(taken.messages.len(), 2);
        taken.promise.wait().unwrap();
        drop(unsettled);
        node.crash();
        assert_eq!(node.stat("q").window.ci, 2, "seed {seed}: what was handed out is kept");
    }
}

/// Rows that a walk over all of a queue's tables meets, tombstones included.
fn remains(node: &Node) -> usize {
    let engine = node.store.as_ref().unwrap().engine();
    let layout = layout::Layout::new(node.options.engine.partition_bits);
    let count = |table: u32| {
        let (mut from, to) = layout::Tables::whole(table);
        let mut count = 0;
        loop {
            let page = engine.page_without_values(from, to, Direction::Forward, 1000).unwrap();
            count += page.rows.len();
            match page.next {
                Some(next) => from = next,
                None => return count,
            }
        }
    };
    layout.partitions().iter().map(|tables| count(tables.slots)).sum()
}

#[test]
fn a_start_reads_as_many_slots_as_were_ever_used_at_once() {
    let mut node = Node::new(|_| {});
    for number in 0..2000u32 {
        node.put("q", &number.to_be_bytes());
        if number % 4 == 3 {
            let taken = node.try_get("q", false, 4).unwrap();
            let tokens: Vec<Token> = taken.iter().filter_map(|d| d.token).collect();
            assert_eq!(tokens.len(), 4);
            assert_eq!(node.settle("q", &tokens, ACK).unwrap(), [true; 4]);
        }
    }
    assert!(remains(&node) <= 4, "{} rows", remains(&node));
    node.kill();
    assert!(remains(&node) <= 4);
    assert_eq!(node.put("q", b"x"), 2001);
    assert_eq!(node.drain("q"), ["x"]);
}

#[test]
fn the_head_of_a_long_queue_is_found_without_a_walk() {
    let mut node = Node::new(|_| {});
    for number in 0..3000u32 {
        node.put("q", &number.to_be_bytes());
    }
    for _ in 0..2990 {
        node.try_get("q", true, 1).unwrap();
    }
    node.kill();
    let inner = node.stat("q");
    assert_eq!((inner.window, inner.ready), (Window { si: 2990, ci: 3000 }, [10, 0, 0]));
    // The cursor stands at the head: the first look-up is the message.
    let next = node.lease("q").unwrap();
    assert_eq!(next.index, 2991);
    assert_eq!(node.drain("q").len(), 9);
}

#[test]
fn holes_left_by_expiry_are_searched_once() {
    let node = Node::new(|_| {});
    node.put("q", b"first");
    for number in 0..500u32 {
        node.try_put("q", NewMessage { ttl_s: Some(1), ..new(&number.to_be_bytes()) }).unwrap();
    }
    node.put("q", b"last");
    node.pass(2_000);
    assert_eq!(node.stat("q").ready, [2, 0, 0]);
    assert_eq!(text(&node.try_get("q", true, 1).unwrap()[0]), "first");
    assert_eq!(text(&node.try_get("q", true, 1).unwrap()[0]), "last");
    assert_eq!((node.rows(), node.guarded()), (0, 0));
}

#[test]
fn many_delayed_and_expired_messages_hide_nothing() {
    let mut node = Node::new(|options| options.engine.memtable_bytes = 16 << 20);
    let delayed = |node: &Node, number: u32| {
        let item = number.to_be_bytes();
        node.try_put("q", NewMessage { delay_s: 3600, ..new(&item) }).unwrap();
    };
    node.put("q", b"one");
    (0..150).for_each(|number| delayed(&node, number));
    node.put("q", b"two");
    (0..150).for_each(|number| delayed(&node, number));
    node.put("q", b"three");
    node.kill();
    let taken = node.try_get("q", true, 100).unwrap();
    assert_eq!(taken.iter().map(text).collect::<Vec<_>>(), ["one"], "a long search ends a batch");
    assert_eq!(node.drain("q"), ["two", "three"]);
    assert_eq!(node.stat("q").delayed, [300, 0, 0]);
    for number in 0..6000u32 {
        let item = number.to_be_bytes();
        node.call(|| node.queues().put("e", &[NewMessage { ttl_s: Some(1), ..new(&item) }])).unwrap();
    }
    node.put("e", b"alive");
    node.clock.advance(Duration::from_secs(2));
    let get = Get { worker: "w", ack: true, count: 1 };
    let cold = node.queues().try_get("e", &get).unwrap();
    assert!(matches!(cold, crate::Fetch::Cold), "not on the event loop");
    assert_eq!(node.drain("e"), ["alive"]);
    assert_eq!((node.stat("e").expired, node.stat("e").bytes), (6000, 0));
}

#[test]
fn a_queue_that_cannot_be_read_ends_the_start() {
    type Which = fn(&layout::QueueKeys) -> Key;
    let rows: [(Which, &str); 3] = [
        (|keys| keys.settings(), "the settings of a queue"),
        (|keys| keys.counters(), "the counters of a queue"),
        (|keys| keys.slot(0, 0), "a lease of a queue"),
    ];
    for (which, what) in rows {
        let mut node = Node::new(|_| {});
        node.put("q", b"a");
        node.lease("q").unwrap();
        let engine = node.store.as_ref().unwrap().engine();
        let layout = layout::Layout::new(node.options.engine.partition_bits);
        let identity = engine.get(&layout.keys("q", 0).settings()).unwrap().unwrap();
        let identity: settings::Identity = settings::decode(identity.value()).unwrap();
        let key = which(&layout.keys("q", identity.incarnation));
        let ruined = engine.update(&[key], |heads, batch| {
            let head = heads[0].as_ref().expect("the queue has this row");
            batch.put(key, *head.meta(), b"q", b"\xff");
            Ok(())
        });
        ruined.unwrap().1.wait().unwrap();
        node.move_to(node.vfs.kill());
        let refused = Store::open(node.options.clone()).expect_err("the start ends");
        assert!(matches!(refused, Error::Damaged(found) if found == what), "{what}: {refused}");
    }
}

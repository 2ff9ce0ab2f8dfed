//! Order, leases, redelivery, delay, expiry, dead letters.

use super::*;

#[test]
fn priorities_then_indices() {
    let node = Node::new(|_| {});
    for (priority, item) in [(0, "a"), (1, "b"), (2, "c"), (0, "d"), (2, "e")] {
        node.put_priority("q", priority, item.as_bytes());
    }
    assert_eq!(node.stat("q").ready, [2, 1, 2]);
    assert_eq!(node.drain("q"), ["c", "e", "b", "a", "d"]);
    assert_eq!(node.stat("q").ready, [0, 0, 0]);
    assert_eq!(node.put("q", b"f"), 3);
    assert_eq!(node.stat("q").window, Window { si: 2, ci: 3 });
}

#[test]
fn a_lease_ends_at_its_deadline_and_not_before() {
    let node = Node::new(|_| {});
    node.put("q", b"a");
    node.put("q", b"b");
    let first = node.lease("q").unwrap();
    assert_eq!((text(&first).as_str(), first.redelivered, node.stat("q").in_flight), ("a", 0, 1));
    node.pass(299_999);
    assert_eq!(node.stat("q").in_flight, 1);
    node.pass(1);
    assert_eq!((node.stat("q").in_flight, node.stat("q").ready), (0, [2, 0, 0]));
    let again = node.lease("q").unwrap();
    assert_eq!((text(&again).as_str(), again.redelivered, again.index), ("a", 1, 1));
    assert!(matches!(node.ack("q", &first), Err(QueueError::NotCurrent)), "another delivery's token");
    node.ack("q", &again).unwrap();
    assert!(matches!(node.ack("q", &again), Err(QueueError::NotCurrent)));
    assert_eq!((node.drain("q"), node.stat("q").redelivered), (vec!["b".into()], 1));
}

#[test]
fn a_late_ack_spares_the_redelivery() {
    let node = Node::new(|_| {});
    node.put("q", b"a");
    let delivered = node.lease("q").unwrap();
    node.pass(400_000);
    assert_eq!(node.stat("q").ready, [1, 0, 0]);
    node.ack("q", &delivered).unwrap();
    assert_eq!(node.lease("q").map(|d| d.index), None);
    assert_eq!(node.rows(), 0);
}

#[test]
fn a_changed_timeout_holds_for_what_is_in_flight() {
    let node = Node::new(|_| {});
    node.put("q", b"a");
    node.lease("q").unwrap();
    node.set("q", Change { timeout_s: Some(10), ..Change::default() });
    node.pass(9_999);
    assert_eq!(node.stat("q").in_flight, 1);
    node.set("q", Change { timeout_s: Some(20), ..Change::default() });
    node.pass(10_000);
    assert_eq!(node.stat("q").in_flight, 1);
    node.pass(1);
    assert_eq!(node.stat("q").in_flight, 0);
}

#[test]
fn touch_prolongs_and_nack_gives_back() {
    let node = Node::new(|_| {});
    for item in ["a", "b", "c"] {
        node.put("q", item.as_bytes());
    }
    let a = node.lease("q").unwrap();
    let b = node.lease("q").unwrap();
    node.pass(200_000);
    node.settle("q", &[a.token.unwrap()], Verdict::Touch).unwrap();
    node.pass(150_000);
    assert_eq!(node.stat("q").in_flight, 1, "b is back, a is not");
    assert!(matches!(node.settle("q", &[b.token.unwrap()], Verdict::Touch), Err(QueueError::NotCurrent)));
    node.nack("q", &a, 0).unwrap();
    assert_eq!(node.drain("q"), ["b", "a", "c"], "in the order of their return");
}

#[test]
fn a_nack_with_delay_waits() {
    let node = Node::new(|_| {});
    node.put("q", b"a");
    let a = node.lease("q").unwrap();
    node.nack("q", &a, 5).unwrap();
    assert_eq!((node.stat("q").delayed, node.stat("q").ready), ([1, 0, 0], [0, 0, 0]));
    node.pass(4_999);
    assert!(node.lease("q").is_none());
    node.pass(1);
    assert_eq!(node.lease("q").unwrap().redelivered, 1);
}

#[test]
fn a_delayed_message_takes_the_place_of_its_index() {
    let node = Node::new(|_| {});
    node.put("q", b"a");
    node.try_put("q", NewMessage { delay_s: 5, ..new(b"b") }).unwrap();
    node.put("q", b"c");
    node.put("q", b"d");
    assert_eq!(node.stat("q").delayed, [1, 0, 0]);
    assert_eq!(text(&node.try_get("q", true, 1).unwrap()[0]), "a");
    assert_eq!(text(&node.try_get("q", true, 1).unwrap()[0]), "c");
    node.pass(5_000);
    assert_eq!(node.stat("q").window, Window { si: 1, ci: 4 });
    assert_eq!(node.drain("q"), ["b", "d"]);
    assert_eq!(node.rows(), 0);
}

#[test]
fn what_has_expired_is_never_shown_and_leaves_the_counts() {
    let node = Node::new(|_| {});
    let with_ttl = |ttl_s, delay_s, item| NewMessage { ttl_s: Some(ttl_s), delay_s, ..new(item) };
    node.try_put("q", with_ttl(1, 0, b"a")).unwrap();
    node.try_put("q", with_ttl(0, 0, b"b")).unwrap();
    node.try_put("q", with_ttl(1, 0, b"c")).unwrap();
    node.try_put("q", with_ttl(1, 3, b"d")).unwrap();
    node.clock.advance(Duration::from_millis(1000));
    assert_eq!(node.drain("q"), ["b"], "before anybody swept");
    node.pass(1000);
    assert_eq!((node.stat("q").ready, node.stat("q").expired), ([0, 0, 0], 2));
    node.pass(1000);
    assert_eq!(node.stat("q").ready, [1, 0, 0], "d is due and its life begins");
    node.pass(999);
    assert_eq!(node.stat("q").ready, [1, 0, 0]);
    node.pass(1);
    assert_eq!((node.stat("q").ready, node.stat("q").expired), ([0, 0, 0], 3));
    node.pass(1000);
    assert_eq!(node.rows(), 0);
    assert_eq!(node.guarded(), 0);
}

#[test]
fn the_sweep_counts_out_what_nobody_asks_for() {
    let node = Node::new(|_| {});
    for number in 0..600u32 {
        let ttl_s = Some(u64::from(number % 3));
        node.try_put("q", NewMessage { ttl_s, ..new(&number.to_be_bytes()) }).unwrap();
    }
    node.pass(1_600);
    assert_eq!((node.stat("q").ready, node.stat("q").expired), ([400, 0, 0], 200));
    node.pass(1_000);
    assert_eq!((node.stat("q").ready, node.stat("q").expired), ([200, 0, 0], 400));
    assert_eq!(node.drain("q").len(), 200);
    assert_eq!((node.rows(), node.guarded()), (0, 0));
}

#[test]
fn an_expired_lease_can_be_acknowledged_and_does_not_come_back() {
    let node = Node::new(|_| {});
    node.try_put("q", NewMessage { ttl_s: Some(1), ..new(b"a") }).unwrap();
    node.try_put("q", NewMessage { ttl_s: Some(1), ..new(b"b") }).unwrap();
    let a = node.lease("q").unwrap();
    let b = node.lease("q").unwrap();
    node.pass(10_000);
    node.ack("q", &a).unwrap();
    node.pass(290_000);
    assert!(matches!(node.ack("q", &b), Err(QueueError::NotCurrent)));
    assert_eq!((node.stat("q").in_flight, node.stat("q").expired, node.rows()), (0, 1, 0));
}

#[test]
fn dead_letters_move_whole_and_are_named() {
    let node = Node::new(|_| {});
    node.set(
        "q",
        Change { max_deliveries: Some(2), dead_letter: Some("a.dead".into()), ..Change::default() },
    );
    node.put_priority("q", 1, b"bad");
    let first = node.lease("q").unwrap();
    node.nack("q", &first, 0).unwrap();
    node.lease("q").unwrap();
    node.pass(300_000);
    assert_eq!((node.stat("q").ready, node.stat("q").in_flight, node.stat("q").dead), ([0; 3], 0, 1));
    assert_eq!(node.stat("a.dead").ready, [0, 1, 0]);
    let dead = node.lease("a.dead").unwrap();
    assert_eq!((text(&dead).as_str(), dead.dead_from.as_deref()), ("bad", Some("q")));
    assert_eq!((dead.index, dead.redelivered, dead.priority), (1, 0, 1));
    assert_eq!(node.guarded(), 3 + 64);
}

#[test]
fn a_dead_letter_stays_where_its_queue_cannot_take_it() {
    let node = Node::new(|options| options.queue.maximum = 2);
    node.call(|| node.queues().publish("push", &Publication { item: b"x", ..Publication::default() }))
        .unwrap();
    for target in ["push", "no.room"] {
        node.set(
            "q",
            Change { max_deliveries: Some(1), dead_letter: Some(target.into()), ..Change::default() },
        );
        node.put("q", b"bad");
        let delivered = node.lease("q").unwrap();
        node.nack("q", &delivered, 0).unwrap();
        assert_eq!((node.stat("q").ready, node.stat("q").dead), ([1, 0, 0], 0), "{target}");
        assert!(matches!(node.queues().stat("no.room"), Err(QueueError::Unknown)));
        assert_eq!(node.drain("q"), ["bad"]);
    }
    node.set("q", Change { dead_letter: Some(String::new()), ..Change::default() });
    node.put("q", b"bad");
    let delivered = node.lease("q").unwrap();
    node.nack("q", &delivered, 0).unwrap();
    assert_eq!((node.stat("q").ready, node.stat("q").dead), ([0; 3], 1), "dropped");
}

#[test]
fn a_batch_is_in_order_and_ends_before_it_is_too_long() {
    let node = Node::new(|options| {
        options.engine.memtable_bytes = 64 << 20;
        options.engine.segment_bytes = 64 << 20;
    });
    let item = vec![7; 3 << 20];
    for _ in 0..4 {
        node.put("q", &item);
    }
    let sizes = |messages: &[Delivered]| messages.iter().map(|d| d.index).collect::<Vec<_>>();
    assert_eq!(sizes(&node.try_get("q", false, 1000).unwrap()), [1, 2]);
    assert_eq!(sizes(&node.try_get("q", true, 1000).unwrap()), [3, 4]);
    let big = vec![7; 9 << 20];
    node.put("q", &big);
    assert_eq!(sizes(&node.try_get("q", true, 1000).unwrap()), [5], "at least one");
}

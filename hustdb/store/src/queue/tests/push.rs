//! Push queues: window, expiry, merge, drops, restarts.

use super::*;

fn publish(node: &Node, item: &[u8]) -> u64 {
    publish_at(node, item, None, None).unwrap()
}

fn publish_at(node: &Node, item: &[u8], idx: Option<u64>, ttl_s: Option<u64>) -> QueueResult<u64> {
    let done = node.call(|| node.queues().publish("p", &Publication { item, idx, base: 0, ttl_s }))?;
    done.promise.wait()?;
    Ok(done.index)
}

/// The item at an index, `None` in a hole; an error with the window outside of it.
fn sub(node: &Node, idx: u64) -> Result<Option<String>, (u64, u64)> {
    let done = node.queues().subscribe("p", idx, None).unwrap();
    done.promise.wait().unwrap();
    if !done.inside {
        return Err((done.window.si, done.window.ci));
    }
    Ok(done.messages.first().map(|read| String::from_utf8(read.item.to_vec()).unwrap()))
}

fn sub_many(node: &Node, idx: u64, count: usize) -> (Vec<u64>, u64) {
    let done = node.queues().subscribe("p", idx, Some(count)).unwrap();
    (done.messages.iter().map(|read| read.index).collect(), done.next)
}

fn runs(node: &Node) -> Vec<(u64, u64)> {
    node.queues().runs("p").unwrap().runs
}

#[test]
fn readers_count_up_and_wait_at_the_end() {
    let mut node = Node::new(|_| {});
    for item in ["a", "b", "c"] {
        publish(&node, item.as_bytes());
    }
    let check = |node: &Node| {
        assert_eq!(sub(node, 1), Ok(Some("a".into())));
        assert_eq!(sub(node, 3), Ok(Some("c".into())));
        assert_eq!((sub(node, 0), sub(node, 4)), (Err((0, 3)), Err((0, 3))));
        assert_eq!(sub_many(node, 1, 2), (vec![1, 2], 3));
        assert_eq!(sub_many(node, 2, 9), (vec![2, 3], 4));
        assert_eq!(runs(node), [(1, 3)]);
    };
    check(&node);
    node.kill();
    check(&node);
    assert_eq!(node.stat("p").time_s, START_MS / 1000);
}

#[test]
fn expired_messages_leave_the_head_and_holes_are_skipped() {
    let mut node = Node::new(|_| {});
    for (item, ttl_s) in [("a", 2), ("b", 9), ("c", 2), ("d", 9), ("e", 2)] {
        publish_at(&node, item.as_bytes(), None, Some(ttl_s)).unwrap();
    }
    node.clock.advance(Duration::from_secs(2));
    assert_eq!(sub(&node, 1), Ok(None), "no reader gets it, though nobody swept");
    assert_eq!(sub_many(&node, 1, 9), (vec![2, 4], 6));
    node.pass(900);
    assert_eq!((sub(&node, 1), sub(&node, 3)), (Err((1, 5)), Ok(None)));
    let stat = node.stat("p");
    assert_eq!((stat.ready, stat.expired, stat.bytes), ([2, 0, 0], 3, 2));
    node.restart();
    assert_eq!(runs(&node), [(2, 2), (4, 4)]);
    node.pass(9_000);
    assert_eq!((node.stat("p").window, node.stat("p").ready), (Window { si: 5, ci: 5 }, [0; 3]));
    assert_eq!(sub(&node, 5), Err((5, 5)));
    assert_eq!((node.rows(), node.guarded()), (0, 0));
    assert_eq!(publish(&node, b"f"), 6, "indices never go back");
}

#[test]
fn idx_drops_what_is_before_and_base_only_lifts() {
    let mut node = Node::new(|_| {});
    for item in ["a", "b", "c", "d"] {
        publish(&node, item.as_bytes());
    }
    let invalid = |done: QueueResult<u64>| matches!(done, Err(QueueError::Store(Error::Invalid { .. })));
    assert!(invalid(publish_at(&node, b"x", Some(0), None)));
    assert_eq!(publish_at(&node, b"e", Some(3), None).unwrap(), 5);
    assert_eq!((runs(&node), node.stat("p").floor), (vec![(3, 5)], 2));
    assert!(invalid(publish_at(&node, b"x", Some(2), None)));
    let lifted = Publication { item: b"f", base: 9, ..Publication::default() };
    let done = node.queues().publish("p", &lifted).unwrap();
    done.promise.wait().unwrap();
    assert_eq!(done.index, 10);
    assert_eq!(runs(&node), [(3, 5), (10, 10)]);
    assert_eq!(node.stat("p").bytes, 6, "counted until it is deleted");
    node.kill();
    node.reclaim();
    assert_eq!((node.stat("p").bytes, node.guarded()), (4, 4 * 65));
    assert_eq!(publish_at(&node, b"g", Some(50), None).unwrap(), 50);
    assert_eq!((runs(&node), node.stat("p").floor), (vec![(50, 50)], 49));
    node.queues().purge("p", Purge::All).unwrap().wait().unwrap();
    assert_eq!((node.stat("p").window, node.stat("p").floor), (Window { si: 50, ci: 50 }, 50));
    assert_eq!(node.guarded(), 0, "at once");
    node.reclaim();
    node.pass(10_000_000);
    assert_eq!((node.rows(), node.guarded()), (0, 0));
}

#[test]
fn a_rising_floor_is_reclaimed_again_and_again() {
    let node = Node::new(|_| {});
    publish(&node, b"first");
    for round in 0..5 {
        for _ in 0..20 {
            let next = node.stat("p").window.ci + 1;
            publish_at(&node, b"x", Some(next), None).unwrap();
        }
        node.reclaim();
        assert_eq!((node.guarded(), node.stat("p").bytes), (65, 1), "round {round}");
    }
}

#[test]
fn purge_upto_keeps_the_rest() {
    let node = Node::new(|_| {});
    for item in ["a", "b", "c"] {
        publish(&node, item.as_bytes());
    }
    node.queues().purge("p", Purge::UpTo(2)).unwrap();
    assert_eq!(
        (runs(&node), sub(&node, 2), sub(&node, 3)),
        (vec![(3, 3)], Err((2, 3)), Ok(Some("c".into())))
    );
    node.reclaim();
    assert_eq!((node.guarded(), node.stat("p").ready), (65, [1, 0, 0]));
}

#[test]
fn max_counts_what_is_left_after_the_drop() {
    let node = Node::new(|_| {});
    publish(&node, b"a");
    node.set("p", Change { max: Some(2), ..Change::default() });
    publish(&node, b"b");
    assert!(matches!(publish_at(&node, b"c", None, None), Err(QueueError::Length(2))));
    assert_eq!(publish_at(&node, b"c", Some(2), None).unwrap(), 3);
    assert_eq!(runs(&node), [(2, 3)]);
}

#[test]
fn merging_is_idempotent_and_keeps_what_is_here() {
    let expire_ms = START_MS + 60_000;
    let copies = |items: &[(u64, &'static str)]| -> Vec<Copy<'static>> {
        items.iter().map(|(index, item)| Copy { index: *index, expire_ms, item: item.as_bytes() }).collect()
    };
    let node = Node::new(|_| {});
    let merge = |floor, items: &[(u64, &'static str)]| {
        let done = node.queues().merge("p", floor, &copies(items)).unwrap();
        (done.applied, done.ignored, done.conflicts)
    };
    assert_eq!(merge(0, &[(3, "c"), (5, "e"), (3, "c"), (5, "x")]), (2, 2, 1));
    assert_eq!(merge(0, &[(3, "c"), (4, "d"), (5, "y")]), (1, 2, 1));
    assert_eq!(runs(&node), [(3, 5)]);
    assert_eq!((sub(&node, 5), node.stat("p").conflicts), (Ok(Some("e".into())), 2));
    assert_eq!(merge(4, &[(2, "b"), (4, "d"), (9, "i")]), (1, 2, 0));
    assert_eq!((runs(&node), node.stat("p").floor), (vec![(5, 5), (9, 9)], 4));
    assert_eq!(merge(20, &[]), (0, 0, 0));
    assert_eq!(node.stat("p").window, Window { si: 20, ci: 20 });
    let late = [Copy { index: 30, expire_ms: START_MS, item: b"z" }];
    assert_eq!(node.queues().merge("p", 0, &late).unwrap().ignored, 1);
    assert_eq!(publish(&node, b"n"), 31, "behind all that was published, expired copies too");
    node.reclaim();
    node.pass(61_000);
    assert_eq!((node.rows(), node.guarded()), (3, 65), "the published one: item, expiry, run");
}

#[test]
fn a_merge_that_could_not_read_changed_nothing() {
    let (mut node, item) = (Node::new(|_| {}), [0xb3; 500]);
    publish(&node, &item);
    node.restart();
    crate::tests::damage(&node.vfs, &item);
    let copy = |index, item| Copy { index, expire_ms: START_MS + 900_000, item };
    let merge = |copies: &[Copy<'_>]| node.queues().merge("p", 0, copies);
    // It stores the first, and cannot compare the second with what is here.
    let failed = merge(&[copy(2, b"two"), copy(1, &item)]);
    assert!(failed.is_err(), "{failed:?}");
    assert_eq!((runs(&node), node.stat("p").window.ci), (vec![(1, 1)], 1));
    assert_eq!(merge(&[copy(2, b"two")]).unwrap().applied, 1, "it is not taken for stored");
    assert_eq!(sub(&node, 2), Ok(Some("two".into())));
}

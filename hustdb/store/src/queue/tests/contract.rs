//! Refusals, ids, settings, purge, delete, workers, watch.

use super::*;

#[test]
fn a_refused_put_creates_nothing() {
    let node = Node::new(|options| options.queue.maximum = 1);
    let wrong = [
        NewMessage { priority: 3, ..new(b"x") },
        NewMessage { ttl_s: Some(2_592_001), ..new(b"x") },
        NewMessage { delay_s: 2_592_001, ..new(b"x") },
        NewMessage { id: Some(b""), ..new(b"x") },
        NewMessage { id: Some(&[b'x'; 129]), ..new(b"x") },
    ];
    for message in wrong {
        assert!(matches!(node.try_put("q", message), Err(QueueError::Store(Error::Invalid { .. }))));
    }
    for name in ["", "a-b", "a b", &"x".repeat(65)] {
        assert!(node.try_put(name, new(b"x")).is_err(), "{name}");
    }
    assert!(node.queues().stat_all().is_empty());
    node.put("q", b"x");
    assert!(matches!(node.try_put("r", new(b"x")), Err(QueueError::Limit(1))));
    assert!(matches!(node.queues().stat("r"), Err(QueueError::Unknown)));
    node.queues().delete("q").unwrap().wait().unwrap();
    node.put("r", b"x");
    assert_eq!(node.queues().stat_all().len(), 1);
}

#[test]
fn lock_and_max_refuse_puts_and_nothing_else() {
    let node = Node::new(|_| {});
    node.put("q", b"a");
    node.set("q", Change { max: Some(2), ..Change::default() });
    node.put("q", b"b");
    assert!(matches!(node.try_put("q", new(b"c")), Err(QueueError::Length(2))));
    let delivered = node.lease("q").unwrap();
    node.put("q", b"c");
    node.nack("q", &delivered, 0).unwrap();
    assert_eq!(node.stat("q").ready, [3, 0, 0], "what comes back is never refused");
    node.set("q", Change { max: Some(0), lock: Some(true), ..Change::default() });
    assert!(matches!(node.try_put("q", new(b"d")), Err(QueueError::Locked)));
    assert_eq!(node.drain("q"), ["a", "b", "c"]);
}

#[test]
fn a_known_id_answers_the_first_put() {
    let mut node = Node::new(|_| {});
    let put = |node: &Node, id: &[u8], item: &[u8]| {
        let stored = node.try_put("q", NewMessage { id: Some(id), ..new(item) }).unwrap();
        (stored.index, stored.duplicate)
    };
    assert_eq!(put(&node, b"one", b"a"), (1, false));
    assert_eq!(put(&node, b"two", b"b"), (2, false));
    assert_eq!(put(&node, b"one", b"other"), (1, true));
    assert_eq!(node.drain("q"), ["a", "b"]);
    node.set("q", Change { lock: Some(true), ..Change::default() });
    assert_eq!(put(&node, b"one", b"a"), (1, true), "also locked, and when it is gone");
    node.set("q", Change { lock: Some(false), ..Change::default() });
    node.kill();
    assert_eq!(put(&node, b"two", b"b"), (2, true));
    node.pass(299_999);
    assert_eq!(put(&node, b"two", b"b"), (2, true));
    node.pass(1);
    assert_eq!(put(&node, b"two", b"c"), (3, false), "its time is over");
    node.pass(1_000);
    assert_eq!(put(&node, b"two", b"c"), (3, true), "the sweep took the old one only");
    node.pass(400_000);
    assert_eq!(node.drain("q"), ["c"]);
    assert_eq!(node.rows(), 0, "ids are forgotten");
    node.set("q", Change { dedup_s: Some(0), ..Change::default() });
    assert_eq!(put(&node, b"two", b"d"), (4, false));
    assert_eq!(put(&node, b"two", b"d"), (5, false), "ids are ignored");
}

#[test]
fn a_batch_is_one_and_knows_its_own_ids() {
    let node = Node::new(|_| {});
    let with = |id, item| NewMessage { id, ..new(item) };
    let batch = [with(Some(&b"i"[..]), b"a"), with(None, b"b"), with(Some(b"i"), b"c")];
    let done = node.queues().put("q", &batch).unwrap();
    let stored: Vec<_> = done.stored.iter().map(|stored| (stored.index, stored.duplicate)).collect();
    assert_eq!(stored, [(1, false), (2, false), (1, true)]);
    node.set("q", Change { max: Some(3), ..Change::default() });
    let done = node.queues().put("q", &[new(b"x"), new(b"y")]);
    assert!(matches!(done, Err(QueueError::Length(3))));
    assert_eq!(node.drain("q"), ["a", "b"]);
    assert!(node.queues().put("q", &[]).is_err());
}

#[test]
fn kinds_do_not_mix() {
    let node = Node::new(|_| {});
    node.put("n", b"a");
    let publication = Publication { item: b"x", ..Publication::default() };
    node.queues().publish("p", &publication).unwrap();
    let other = |done: QueueResult<()>| matches!(done, Err(QueueError::OtherKind(_)));
    assert!(other(node.queues().publish("n", &publication).map(drop)));
    assert!(other(node.queues().subscribe("n", 1, None).map(drop)));
    assert!(other(node.queues().runs("n").map(drop)));
    assert!(other(node.try_put("p", new(b"x")).map(drop)));
    assert!(other(node.try_get("p", true, 1).map(drop)));
    assert!(other(node.queues().workers("p").map(drop)));
    assert!(matches!(node.queues().subscribe("none", 1, None), Err(QueueError::Unknown)));
    assert!(matches!(node.try_get("none", true, 1), Err(QueueError::Unknown)));
}

#[test]
fn purge_takes_one_priority_with_its_leases() {
    let mut node = Node::new(|_| {});
    for priority in [0, 1] {
        for item in ["a", "b", "c"] {
            node.put_priority("q", priority, item.as_bytes());
        }
    }
    node.try_put("q", NewMessage { delay_s: 9, ..new(b"d") }).unwrap();
    let high = node.lease("q").unwrap();
    let rest = node.try_get("q", false, 3).unwrap();
    assert_eq!((high.priority, rest[2].priority), (1, 0));
    node.queues().purge("q", Purge::Priority(0)).unwrap().wait().unwrap();
    assert!(matches!(node.ack("q", &rest[2]), Err(QueueError::NotCurrent)));
    let check = |node: &Node| {
        let stat = node.stat("q");
        assert_eq!((stat.ready, stat.in_flight, stat.delayed), ([0, 0, 0], 3, [0, 0, 0]));
    };
    check(&node);
    assert_eq!(node.guarded(), 3 * 65);
    node.kill();
    check(&node);
    assert_eq!(node.put("q", b"new"), 5, "indices go on");
    node.reclaim();
    node.ack("q", &high).unwrap();
    assert_eq!(node.drain("q"), ["new"]);
    let purge = || node.queues().purge("q", Purge::Priority(1));
    purge().unwrap().wait().unwrap();
    assert!(matches!(purge(), Err(QueueError::Unknown)), "nothing was left, so the queue went");
    node.reclaim();
    assert_eq!((node.rows(), node.guarded()), (0, 0));
}

#[test]
fn a_queue_made_again_is_new() {
    let mut node = Node::new(|_| {});
    node.try_put("q", NewMessage { id: Some(b"i"), ..new(b"a") }).unwrap();
    node.set("q", Change { timeout_s: Some(7), ..Change::default() });
    let delivered = node.lease("q").unwrap();
    node.queues().delete("q").unwrap().wait().unwrap();
    assert!(matches!(node.ack("q", &delivered), Err(QueueError::Unknown)));
    for _ in 0..2 {
        let stored = node.try_put("q", NewMessage { id: Some(b"i"), ..new(b"b") }).unwrap();
        assert_eq!(stored.index, 1);
    }
    assert_eq!(node.stat("q").settings.timeout_s, 300);
    node.lease("q").unwrap();
    assert!(matches!(node.ack("q", &delivered), Err(QueueError::NotCurrent)));
    node.kill();
    node.reclaim();
    assert_eq!(node.rows(), 4, "item, slot, id, id time of the second life");
    assert!(matches!(node.ack("q", &delivered), Err(QueueError::NotCurrent)));
    node.pass(300_000);
    assert_eq!(node.drain("q"), ["b"]);
}

#[test]
fn settings_are_set_together_and_survive() {
    let mut node = Node::new(|_| {});
    let queues = node.queues();
    assert!(matches!(queues.configure("q", &Change::default(), false), Err(QueueError::Unknown)));
    let bad = Change { max: Some(9), timeout_s: Some(0), ..Change::default() };
    assert!(queues.configure("q", &bad, true).is_err());
    assert!(matches!(queues.configure("q", &Change::default(), false), Err(QueueError::Unknown)));
    node.set("q", Change { max: Some(9), ..Change::default() });
    assert!(node.queues().configure("q", &bad, false).is_err());
    assert_eq!(node.stat("q").settings, Settings { max: 9, ..Settings::new(300) });
    node.set("q", Change { dedup_s: Some(1), dead_letter: Some("d".into()), ..Change::default() });
    node.kill();
    let settings = Settings { max: 9, dedup_s: 1, dead_letter: "d".into(), ..Settings::new(300) };
    assert_eq!(node.stat("q").settings, settings);
}

#[test]
fn workers_are_those_who_asked() {
    let node = Node::new(|_| {});
    node.put("q", b"a");
    assert_eq!(node.queues().workers("q").unwrap(), []);
    for worker in ["b", "a"] {
        node.queues().get("q", &Get { worker, ack: true, count: 1 }).unwrap();
        node.clock.advance(Duration::from_secs(1));
    }
    let workers = node.queues().workers("q").unwrap();
    let shown: Vec<_> = workers.iter().map(|w| (&*w.name, w.seen_s - START_MS / 1000)).collect();
    assert_eq!(shown, [("a", 1), ("b", 0)]);
    assert!(node.queues().get("q", &Get { worker: "", ack: true, count: 1 }).is_err());
}

#[test]
fn watchers_hear_of_all_that_becomes_fetchable() {
    let mut node = Node::new(|_| {});
    let mut cursor = node.queues().changes(None).cursor;
    let mut heard = |node: &Node| {
        let changes = node.queues().changes(Some(cursor));
        cursor = changes.cursor;
        assert!(!changes.reset);
        changes.queues.iter().map(|name| name.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(heard(&node), [""; 0]);
    node.set("q", Change { max_deliveries: Some(2), dead_letter: Some("d".into()), ..Change::default() });
    assert_eq!(heard(&node), [""; 0]);
    node.put("q", b"a");
    node.put("r", b"a");
    assert_eq!(heard(&node), ["q", "r"]);
    let first = node.lease("q").unwrap();
    assert_eq!(heard(&node), [""; 0]);
    node.nack("q", &first, 0).unwrap();
    assert_eq!(heard(&node), ["q"], "came back");
    node.lease("q").unwrap();
    node.pass(300_000);
    assert_eq!(heard(&node), ["d"], "a dead letter arrived");
    node.try_put("q", NewMessage { delay_s: 3, ..new(b"b") }).unwrap();
    assert_eq!(heard(&node), [""; 0]);
    node.pass(3_000);
    assert_eq!(heard(&node), ["q"], "due");
    node.queues().publish("p", &Publication { item: b"x", ..Publication::default() }).unwrap();
    assert_eq!(heard(&node), ["p"]);
    node.restart();
    let changes = node.queues().changes(Some(cursor));
    assert!(changes.reset && changes.queues.is_empty());
}

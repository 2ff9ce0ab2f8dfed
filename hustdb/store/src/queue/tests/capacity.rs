//! The capacity limit counts messages, and follows purges at once.

use super::*;

#[test]
fn messages_count_and_leave() {
    let mut node = Node::new(|options| options.disk_capacity_bytes = 10 * 1000);
    let item = [7; 936];
    for number in 0..11 {
        assert_eq!(node.put("q", &item), number + 1);
    }
    assert!(matches!(node.try_put("q", new(&item)), Err(QueueError::Store(Error::Capacity(_)))));
    let full = |node: &Node| {
        let publication = Publication { item: b"x", ..Publication::default() };
        matches!(node.queues().publish("p", &publication), Err(QueueError::Store(Error::Capacity(_))))
    };
    assert!(full(&node) && node.queues().stat("p").is_err(), "and nothing was created");
    node.kill();
    assert!(full(&node));
    let delivered = node.lease("q").unwrap();
    assert!(full(&node), "a lease frees nothing");
    node.ack("q", &delivered).unwrap();
    node.put("q", &item);
    node.queues().purge("q", Purge::Priority(0)).unwrap();
    assert_eq!(node.guarded(), 0);
    node.put("q", &item);
    node.reclaim();
    assert_eq!(node.guarded(), 1000);
}

#[test]
fn capacity_is_looked_at_last() {
    let node = Node::new(|options| {
        options.disk_capacity_bytes = 2000;
        options.queue.maximum = 2;
    });
    let item = [7; 936];
    let known = NewMessage { id: Some(b"known"), ..new(&item) };
    assert_eq!(node.try_put("q", known.clone()).unwrap().index, 1);
    let publication = Publication { item: b"x", ..Publication::default() };
    node.queues().publish("p", &publication).unwrap();
    while node.try_put("q", new(&item)).is_ok() {}
    let refused =
        |queue: &str, message: NewMessage<'_>| node.try_put(queue, message).unwrap_err().to_string();
    assert!(refused("q", new(&item)).starts_with("capacity: "));
    let long = node.stat("q").ready[0];
    node.set("q", Change { max: Some(long), ..Change::default() });
    assert_eq!(refused("q", new(&item)), format!("queue: {long} messages are the limit"));
    node.set("q", Change { lock: Some(true), ..Change::default() });
    assert_eq!(refused("q", new(&item)), "queue: locked");
    assert!(node.try_put("q", known).unwrap().duplicate, "a known id stores nothing");
    assert_eq!(refused("new", new(&item)), "queue: 2 queues are the limit");
    assert_eq!(refused("p", new(&item)), "queue: a push queue");
    let illegal = NewMessage { priority: 3, ..new(&item) };
    assert!(refused("new", illegal).starts_with("priori: "));
}

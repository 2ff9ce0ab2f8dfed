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

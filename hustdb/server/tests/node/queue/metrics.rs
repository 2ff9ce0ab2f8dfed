//! The metrics of queues.

use crate::{
    cache::metric,
    support::{Client, node},
};

#[test]
fn sums_are_kept_beyond_the_end_of_a_queue_and_few_queues_are_named() {
    let node = node();
    let mut client = Client::of(&node);
    for number in 0..120 {
        client.mq(&format!("put?queue=q{number:03}&item=xx"), "");
    }
    for item in 0..3 {
        client.mq(&format!("put?queue=q119&item=y{item}"), "");
    }
    client.mq("put?queue=q118&item=later&delay=60", "");
    client.mq("pub?queue=p&item=xx", "");
    client.mq("settings?queue=q119&max_deliveries=2", "");
    for _ in 0..2 {
        let (_, token, _) = client.take("q119").unwrap();
        client.mq(&format!("nack?queue=q119&token={token}"), "");
    }
    client.take("q119").unwrap();
    for (name, expected) in [
        ("hustdb_queues{type=\"normal\"}", 120),
        ("hustdb_queues{type=\"push\"}", 1),
        ("hustdb_queues_ready", 119 + 2 + 1),
        ("hustdb_queues_in_flight", 1),
        ("hustdb_queues_delayed", 1),
        ("hustdb_queues_redelivered_total", 1),
        ("hustdb_queues_dead_lettered_total", 1),
        ("hustdb_queues_expired_total", 0),
        ("hustdb_queue_ready{queue=\"q119\"}", 2),
        ("hustdb_queue_in_flight{queue=\"q119\"}", 1),
        ("hustdb_queue_delayed{queue=\"q118\"}", 1),
        ("hustdb_queue_bytes{queue=\"q118\"}", 7),
    ] {
        assert_eq!(metric(&mut client, name), expected, "{name}");
    }
    let text = client.get("/metrics").text();
    assert_eq!(text.matches("hustdb_queue_ready{").count(), 100);
    client.mq("delete?queue=q119", "");
    assert_eq!(metric(&mut client, "hustdb_queues_redelivered_total"), 1);
    assert_eq!(metric(&mut client, "hustdb_queues_dead_lettered_total"), 1);
    assert_eq!(metric(&mut client, "hustdb_queues_in_flight"), 0);
}

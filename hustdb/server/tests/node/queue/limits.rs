//! Limits: queues, capacity, the configuration.

use hust_testkit::wait_until;

use super::{frame, told};
use crate::support::{Client, builder};

#[test]
fn so_many_queues_and_no_more() {
    let node = builder().set("store.queue_maximum=3").start().unwrap();
    let mut client = Client::of(&node);
    client.mq_check(&[
        ("put?queue=a&item=i", "200  [index: 1]"),
        ("pub?queue=b&item=i", "200  [index: 1] [expire]"),
        ("settings?queue=c&create=true&max=5", r#"200 {"queue":"c","type":0,"second":300,"max":5,"lock":0,"max_deliveries":0,"dead_letter":"","ttl":0,"dedup":300}"#),
        ("put?queue=d&item=i", "412 queue: 3 queues are the limit"),
        ("pub?queue=d&item=i", "412 queue: 3 queues are the limit"),
        ("settings?queue=d&create=true", "412 queue: 3 queues are the limit"),
        ("put?queue=d&item=i&priori=3", "400 priori: not in 0..2"),
        ("put?queue=a&item=i", "200  [index: 2]"),
    ]);
    assert_eq!(told(&client.ask("POST", "/hustmq/merge?queue=d", "")), "412 queue: 3 queues are the limit");
    client.mq_check(&[("delete?queue=b", "200 "), ("put?queue=d&item=i", "200  [index: 1]")]);
}

#[test]
fn over_capacity_is_403_and_consuming_makes_room() {
    let node = builder().set("store.disk_capacity=1MiB").start().unwrap();
    let mut client = Client::of(&node);
    let item = vec![b'x'; 100_000];
    let mut stored = 0;
    let refused = loop {
        let reply = client.put("/hustmq/put?queue=q", &item);
        if reply.status != 200 {
            break reply;
        }
        stored += 1;
        assert!(stored < 100);
    };
    assert!(told(&refused).starts_with("403 capacity: "), "{}", told(&refused));
    let pubbed = client.put("/hustmq/pub?queue=p", &item);
    let merged = client.ask("POST", "/hustmq/merge?queue=p", frame("index=1", "x"));
    let batch = client.ask("POST", "/hustmq/put?queue=q&batch=true", frame("", "x"));
    for reply in [pubbed, merged, batch] {
        assert!(told(&reply).starts_with("403 capacity: "), "{}", told(&reply));
    }
    client.mq_check(&[("stat?queue=p", "412 queue: unknown"), ("lock?queue=q&on=false", "200 ")]);
    for _ in 0..stored {
        assert_eq!(client.mq("get?queue=q&worker=w", "").status, 200, "gets go on");
    }
    assert!(wait_until(std::time::Duration::from_secs(10), || {
        client.put("/hustmq/put?queue=q", &item).status == 200
    }));
}

#[test]
fn the_configuration_is_followed() {
    let node = builder()
        .set("queue.redelivery_timeout=7")
        .set("queue.ttl_maximum=20")
        .set("store.ttl_maximum=30")
        .start()
        .unwrap();
    let mut client = Client::of(&node);
    let begun_ms = crate::support::now_ms();
    client.mq_check(&[
        ("put?queue=q&item=i&ttl=30&delay=30", "200  [index: 1]"),
        ("put?queue=q&item=i&ttl=31", "400 ttl: over 30"),
        ("put?queue=q&item=i&delay=31", "400 delay: over 30"),
        ("nack?queue=q&token=1:2:3&delay=31", "400 delay: over 30"),
        ("pub?queue=p&item=i&ttl=21", "400 ttl: not in 1..20"),
        ("settings?queue=q&ttl=31", "400 ttl: not in 0..30"),
    ]);
    assert_eq!(client.figure("q", "second"), 7);
    let reply = client.mq("pub?queue=p&item=i", "");
    let life_ms = reply.number("expire").unwrap() - begun_ms;
    assert!((20_000..22_000).contains(&life_ms), "the maximum, since 900 is over it: {life_ms}");
    for wrong in ["queue.redelivery_timeout=0", "queue.redelivery_timeout=15301", "queue.ttl_maximum=0"] {
        assert!(builder().set(wrong).start().is_err(), "{wrong}");
    }
}

//! `store.disk_capacity` and `store.disk_reserve`: what is refused, with which headers, and when no more.

use std::time::Duration;

use hust_testkit::wait_until;

use crate::support::{Client, brief, builder, now_ms, stamp};

#[test]
fn over_capacity_writes_are_refused_until_deletes_make_room() {
    let mut node = builder().set("store.disk_capacity=3000").start().unwrap();
    let mut client = Client::of(&node);
    let value = "v".repeat(999);
    // Each counts key + value + 64 = 1064 bytes.
    for key in ["a", "b", "c"] {
        assert_eq!(brief(&client.put(&format!("/hustdb/put?key={key}"), &value)), "200 1 false");
    }
    let reason = "capacity: 3192 bytes stored, limit 3000";
    for (target, ver) in [
        ("/hustdb/put?key=d", 0),
        ("/hustdb/put?key=d&ver=7", 7),
        ("/hustdb/put?key=a", 0),
        ("/hustdb/put?key=a&ver=1", 1),
        ("/hustdb/put?key=d&is_dup=true&ver=4", 4),
        (&format!("/hustdb/put?key=d&is_dup=true&ver=4&stamp={}", stamp(now_ms())), 4),
    ] {
        assert_eq!(brief(&client.put(target, "v")), format!("403 {ver} false {reason}"), "{target}");
    }
    client.check_bad(&[("/hustdb/put?key=d&val=v&ttl=x", "ttl: not a number")]);
    client.check(&[
        ("GET", "/hustdb/get?key=a", "", &format!("200 1 - {value}")),
        ("GET", "/hustdb/exist?key=d", "", "404 0 -"),
        ("GET", "/hustdb/keys?file=0&offset=0&size=1", "", r#"200 - - [{"key":"YQ==","ver":1}]"#),
    ]);
    node.kill().unwrap();
    node.restart().unwrap();
    let mut client = Client::of(&node);
    assert_eq!(
        brief(&client.put("/hustdb/put?key=d", "v")),
        format!("403 0 false {reason}"),
        "after a restart"
    );
    let newer = stamp(now_ms() + 1000);
    let replica = client.get(&format!("/hustdb/del?key=x&is_dup=true&ver=0&stamp={newer}"));
    assert_eq!(brief(&replica), "200 0 false", "replicated deletes are not refused");
    assert_eq!(brief(&client.get("/hustdb/del?key=c")), "200 1 false");
    let open = wait_until(Duration::from_secs(5), || client.put("/hustdb/put?key=d", "v").status == 200);
    assert!(open);
}

#[test]
fn with_too_little_space_left_writes_are_refused() {
    let mut node = builder().start().unwrap();
    Client::of(&node).put("/hustdb/put?key=k", "v");
    node.stop().unwrap();
    let full = builder().data(node.data()).set("store.disk_reserve=1048576GiB").start().unwrap();
    let mut client = Client::of(&full);
    let refused = brief(&client.put("/hustdb/put?key=k&ver=1", "w"));
    assert!(
        refused.starts_with("403 1 false capacity: ") && refused.contains(" bytes free, reserve "),
        "{refused}"
    );
    client.check(&[
        ("GET", "/hustdb/get?key=k", "", "200 1 - v"),
        ("GET", "/hustdb/del?key=k", "", "200 1 false"),
    ]);
}

#[test]
fn bodies_up_to_the_limit() {
    let node = builder().set("server.max_body_size=10000").start().unwrap();
    let mut client = Client::of(&node);
    let most = "m".repeat(10_000);
    client.check(&[
        ("PUT", "/hustdb/put?key=k", &most, "200 1 false"),
        ("GET", "/hustdb/get?key=k", "", &format!("200 1 - {most}")),
    ]);
    let over = client.put("/hustdb/put?key=k", format!("{most}x"));
    assert_eq!(brief(&over), "413 - - body: over 10000 bytes");
    assert!(client.0.is_closed().unwrap());
    let mut client = Client::of(&node);
    let many = format!("{:x}\r\n{most}x\r\n0\r\n\r\n", 10_001);
    client.0.send("PUT /hustdb/put?key=k HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n").unwrap();
    client.0.send(many).unwrap();
    assert_eq!(brief(&client.0.reply().unwrap()), "413 - - body: over 10000 bytes");
    let mut client = Client::of(&node);
    let head = "PUT /hustdb/put?key=k HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length:";
    client.0.send(format!("{head} 10001\r\n\r\n")).unwrap();
    assert_eq!(client.0.reply().unwrap().status, 413, "and no 100");
    let mut client = Client::of(&node);
    client.0.send(format!("{head} 3\r\n\r\n")).unwrap();
    assert_eq!(client.0.head().unwrap().status, 100);
    client.0.send("abc").unwrap();
    assert_eq!(brief(&client.0.reply().unwrap()), "200 2 false");
    let mut client = Client::of(&node);
    for (method, target) in
        [("PUT", "/hustdb/none"), ("DELETE", "/hustdb/put?key=k"), ("PUT", "/hustdb/put?ver=x")]
    {
        assert!(client.ask(method, target, &most).status >= 400);
        assert_eq!(brief(&client.get("/hustdb/get?key=k")), "200 2 - abc", "usable after {method} {target}");
    }
}

#[test]
fn the_largest_value_of_the_defaults() {
    let node = builder().start().unwrap();
    let mut client = Client::of(&node);
    let mut value: Vec<u8> = (0..=255).cycle().take(32 << 20).collect();
    assert_eq!(brief(&client.put("/hustdb/put?key=k", &value)), "200 1 false");
    assert!(client.get("/hustdb/get?key=k").body == value);
    value.push(0);
    assert_eq!(brief(&client.put("/hustdb/put?key=k", &value)), "413 - - body: over 33554432 bytes");
}

//! Rows of the table of endpoints: methods, parameters, refusals.

use super::{COMMANDS, told};
use crate::support::{Client, brief, node};

#[test]
fn each_command_takes_its_methods_and_no_other() {
    let node = node();
    let mut client = Client::of(&node);
    for (name, query, methods) in COMMANDS {
        for method in ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH"] {
            let reply = client.0.ask(method, &format!("/hustmq/{name}?{query}"), &[], b"").unwrap();
            let allowed = methods.split(", ").any(|known| known == method);
            assert_eq!(reply.status == 405, !allowed, "{method} {name}: {reply:?}");
            assert_eq!(reply.header("allow"), (!allowed).then_some(methods), "{method} {name}");
        }
        assert_eq!(client.get(&format!("/hustmq/{name}/?{query}")).status, 404, "{name}");
    }
}

#[test]
fn every_command_but_two_needs_a_legal_name() {
    let node = node();
    let mut client = Client::of(&node);
    let long = "q".repeat(65);
    for (name, query, methods) in COMMANDS {
        if query.is_empty() {
            continue;
        }
        let (_, rest) = query.split_once('&').unwrap_or_default();
        let method = if methods.starts_with("GET") { "GET" } else { "POST" };
        for (queue, reason) in [
            ("none=1", "queue: missing"),
            ("queue=", "queue: empty"),
            ("queue=a-b", "queue: illegal name"),
            ("queue=a%2Fb", "queue: illegal name"),
            ("queue=%C3%A4", "queue: illegal name"),
            ("queue=%4", "queue: bad escape"),
            (&format!("queue={long}"), "queue: over 64 bytes"),
        ] {
            let reply = client.ask(method, &format!("/hustmq/{name}?{rest}&{queue}"), "");
            assert_eq!(brief(&reply), format!("400 - - {reason}"), "{name} {queue}");
        }
    }
    client.mq_check(&[
        ("put?queue=aZ09_:.&item=i", "200  [index: 1]"),
        (&format!("put?queue={}&item=i", &long[1..]), "200  [index: 1]"),
        ("get?queue=%61Z09_:.&worker=w", "200 i [index: 1]"),
    ]);
}

#[test]
fn parameters_have_their_ranges() {
    let node = node();
    let mut client = Client::of(&node);
    client.mq("put?queue=q&item=i", "");
    client.mq("pub?queue=p&item=i", "");
    let table = [
        ("put?queue=q", "item: missing"),
        ("put?queue=q&item=i&priori=3", "priori: not in 0..2"),
        ("put?queue=q&item=i&priori=", "priori: empty"),
        ("put?queue=q&item=i&ttl=2592001", "ttl: over 2592000"),
        ("put?queue=q&item=i&delay=2592001", "delay: over 2592000"),
        ("put?queue=q&item=i&delay=-1", "delay: negative"),
        ("put?queue=q&item=i&id=", "id: not of 1 to 128 bytes"),
        ("put?queue=q&item=i&batch=yes", "batch: not true, false, 1 or 0"),
        ("put?queue=q&item=i&batch=true", "batch: no frames"),
        ("get?queue=q", "worker: missing"),
        ("get?queue=q&worker=", "worker: not of 1 to 64 bytes"),
        ("get?queue=q&worker=%FF", "worker: not UTF-8"),
        ("get?queue=q&worker=w&ack=maybe", "ack: not true, false, 1 or 0"),
        ("get?queue=q&worker=w&count=0", "count: not in 1..1000"),
        ("get?queue=q&worker=w&count=1001", "count: not in 1..1000"),
        ("ack?queue=q", "token: missing"),
        ("ack?queue=q&token=", "token: not of 3 to 64 bytes"),
        ("ack?queue=q&token=1-2-3", "token: illegal"),
        ("nack?queue=q&token=1:2:3&delay=2592001", "delay: over 2592000"),
        ("timeout?queue=q", "minute: missing, and no second either"),
        ("timeout?queue=q&minute=1&second=1", "minute: not with second"),
        ("timeout?queue=q&minute=0", "minute: not in 1..255"),
        ("timeout?queue=q&minute=256", "minute: not in 1..255"),
        ("timeout?queue=q&second=15301", "second: not in 1..15300"),
        ("lock?queue=q", "on: missing"),
        ("lock?queue=q&on=2", "on: not true, false, 1 or 0"),
        ("max?queue=q", "num: missing"),
        ("max?queue=q&num=5000001", "num: not in 0..5000000"),
        ("purge?queue=q", "priori: missing"),
        ("purge?queue=q&priori=3", "priori: not in 0..2"),
        ("purge?queue=q&upto=1", "upto: not of a normal queue"),
        ("purge?queue=p&priori=1", "priori: not 0"),
        ("purge?queue=p&priori=1&upto=1", "priori: not with upto"),
        ("settings?queue=q&max_deliveries=65536", "max_deliveries: not in 0..65535"),
        ("settings?queue=q&dead_letter=q", "dead_letter: the queue itself"),
        ("settings?queue=q&dead_letter=a-b", "dead_letter: illegal name"),
        ("settings?queue=q&ttl=2592001", "ttl: not in 0..2592000"),
        ("settings?queue=q&dedup=86401", "dedup: not in 0..86400"),
        ("settings?queue=q&create=x", "create: not true, false, 1 or 0"),
        ("settings?queue=p&second=9", "second: not of a push queue"),
        ("settings?queue=p&ttl=7201", "ttl: not in 0..7200"),
        ("stat?queue=q&detail=x", "detail: not true, false, 1 or 0"),
        ("stat_all?detail=x", "detail: not true, false, 1 or 0"),
        ("pub?queue=p", "item: missing"),
        ("pub?queue=p&item=i&idx=0", "idx: not over 0"),
        ("pub?queue=p&item=i&ttl=0", "ttl: not in 1..7200"),
        ("pub?queue=p&item=i&ttl=7201", "ttl: not in 1..7200"),
        ("pub?queue=p&item=i&base=9223372036854775807", "base: not below 9223372036854775807"),
        ("sub?queue=p", "idx: missing"),
        ("sub?queue=p&idx=9223372036854775808", "idx: over 9223372036854775807"),
        ("sub?queue=p&idx=1&count=1001", "count: not in 1..1000"),
        ("watch?wait=60001", "wait: over 60000"),
        ("watch?cursor=x", "cursor: not a number"),
    ];
    for (target, reason) in table {
        assert_eq!(told(&client.mq(target, "")), format!("400 {reason}"), "{target}");
    }
    assert_eq!(client.figure("q", "bytes") + client.figure("p", "bytes"), 2, "nothing was done");
}

#[test]
fn what_is_unknown_or_of_the_other_kind_is_412() {
    let node = node();
    let mut client = Client::of(&node);
    for (name, query, methods) in COMMANDS {
        if query.is_empty() || ["put", "pub", "merge"].contains(&name) {
            continue;
        }
        let method = if methods.starts_with("GET") { "GET" } else { "POST" };
        let reply = client.ask(method, &format!("/hustmq/{name}?{query}"), "");
        assert_eq!(told(&reply), "412 queue: unknown", "{name}");
    }
    assert_eq!(client.get("/hustmq/stat_all").text(), "[]", "asking made none");
    client.mq_check(&[
        ("put?queue=n&item=i", "200  [index: 1]"),
        ("pub?queue=p&item=i", "200  [index: 1] [expire]"),
        ("put?queue=p&item=i", "412 queue: a push queue"),
        ("get?queue=p&worker=w", "412 queue: a push queue"),
        ("ack?queue=p&token=1:2:3", "412 queue: a push queue"),
        ("nack?queue=p&token=1:2:3", "412 queue: a push queue"),
        ("touch?queue=p&token=1:2:3", "412 queue: a push queue"),
        ("timeout?queue=p&second=9", "412 queue: a push queue"),
        ("worker?queue=p", "412 queue: a push queue"),
        ("pub?queue=n&item=i", "412 queue: a normal queue"),
        ("sub?queue=n&idx=1", "412 queue: a normal queue"),
        ("runs?queue=n", "412 queue: a normal queue"),
    ]);
    assert_eq!(told(&client.ask("POST", "/hustmq/merge?queue=n", "")), "412 queue: a normal queue");
}

#[test]
fn items_come_in_the_body_or_the_query_and_put_alone_may_be_empty() {
    let node = node();
    let mut client = Client::of(&node);
    for (method, target, body, item) in [
        ("GET", "put?queue=q&item=a%00b", "", Some("a\0b")),
        ("GET", "put?queue=q&item=c", "body", Some("body")),
        ("POST", "put?queue=q", "posted", Some("posted")),
        ("PUT", "put?queue=q", "", Some("")),
        ("POST", "put?queue=q&item=", "", Some("")),
        ("POST", "put?queue=q", "", None),
        ("GET", "put?queue=q", "", None),
    ] {
        let reply = client.ask(method, &format!("/hustmq/{target}"), body);
        assert_eq!(reply.status, if item.is_some() { 200 } else { 400 }, "{method} {target}");
        if let Some(item) = item {
            assert_eq!(client.mq("get?queue=q&worker=w", "").text(), item, "{method} {target}");
        }
    }
    let bytes: Vec<u8> = (0..=255).cycle().take(1 << 20).collect();
    assert_eq!(client.put("/hustmq/put?queue=q", &bytes).status, 200);
    assert!(client.mq("get?queue=q&worker=w&ack=true", "").body == bytes);
    let node = crate::support::builder().set("server.max_body_size=1024").start().unwrap();
    let mut client = Client::of(&node);
    assert_eq!(client.put("/hustmq/put?queue=q", [b'x'; 1024]).status, 200);
    assert_eq!(client.put("/hustmq/put?queue=q", [b'x'; 1025]).status, 413);
}

#[test]
fn authentication_covers_queues() {
    let node = crate::support::builder().set("security.user=u").set("security.password=p").start().unwrap();
    for (name, query, methods) in COMMANDS {
        let method = if methods.starts_with("GET") { "GET" } else { "POST" };
        let reply = Client::of(&node).ask(method, &format!("/hustmq/{name}?{query}"), "");
        assert_eq!(brief(&reply), "401 - - auth: credentials missing", "{name}");
    }
}

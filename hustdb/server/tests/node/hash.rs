//! hget, hexist, hset, hincrby, hdel: examples, versions, bodies and methods, numbers, expiry, replicas.

use std::time::Duration;

use hust_testkit::wait_until;

use crate::support::{Client, brief, node, now_ms, stamp};

#[test]
fn the_examples_of_the_contract() {
    let node = node();
    let mut client = Client::of(&node);
    client.check(&[
        ("GET", "/hustdb/hset?tb=t&key=f&val=5", "", "200 1 false"),
        ("GET", "/hustdb/hget?tb=t&key=f", "", "200 1 - 5"),
        ("GET", "/hustdb/hexist?tb=t&key=none", "", "404 0 -"),
        ("GET", "/hustdb/hincrby?tb=t&key=f&val=-8", "", "200 2 false -3"),
        ("GET", "/hustdb/hdel?tb=t&key=f", "", "200 2 false"),
        ("GET", "/hustdb/hget?tb=t&key=f", "", "412 0 - tb: no such table"),
    ]);
}

#[test]
fn versions_of_every_state() {
    let node = node();
    Client::of(&node).check(&[
        ("PUT", "/hustdb/hset?tb=t&key=f&ver=1", "v", "401 0 true"),
        ("GET", "/hustdb/hexist?tb=t&key=f", "", "412 0 - tb: no such table"),
        ("GET", "/hustdb/hdel?tb=t&key=f&ver=4", "", "412 4 false tb: no such table"),
        ("PUT", "/hustdb/hset?tb=t&key=f&ver=0", "v", "200 1 false"),
        ("PUT", "/hustdb/hset?tb=t&key=g&ver=1", "v", "401 0 true"),
        ("GET", "/hustdb/hdel?tb=t&key=g", "", "404 0 false"),
        ("GET", "/hustdb/hdel?tb=t&key=g&ver=1", "", "404 0 false"),
        ("PUT", "/hustdb/hset?tb=t&key=f", "w", "200 2 false"),
        ("PUT", "/hustdb/hset?tb=t&key=f&ver=2", "x", "200 3 false"),
        ("PUT", "/hustdb/hset?tb=t&key=f&ver=2", "y", "401 3 true"),
        ("GET", "/hustdb/hincrby?tb=t&key=f&val=1&ver=2", "", "401 3 true"),
        ("GET", "/hustdb/hincrby?tb=t&key=n&val=1&ver=2", "", "401 0 true"),
        ("GET", "/hustdb/hdel?tb=t&key=f&ver=9223372036854775807", "", "401 3 true"),
        ("GET", "/hustdb/hget?tb=t&key=f", "", "200 3 - x"),
        ("GET", "/hustdb/hdel?tb=t&key=f&ver=3", "", "200 3 false"),
        ("PUT", "/hustdb/hset?tb=t&key=f&ver=3", "v", "401 0 true"),
        ("PUT", "/hustdb/hset?tb=t&key=f", "v", "200 1 false"),
    ]);
}

#[test]
fn bodies_are_values_and_hdel_ignores_them() {
    let node = node();
    let mut client = Client::of(&node);
    client.check(&[
        ("PUT", "/hustdb/hset?tb=t&key=a&val=query", "body", "200 1 false"),
        ("GET", "/hustdb/hget?tb=t&key=a", "ignored", "200 1 - body"),
        ("GET", "/hustdb/hset?tb=t&key=a&val=query", "get body", "200 2 false"),
        ("GET", "/hustdb/hget?tb=t&key=a", "", "200 2 - get body"),
        ("POST", "/hustdb/hset?tb=t&key=a&val=by%20post", "", "200 3 false"),
        ("GET", "/hustdb/hget?tb=t&key=a", "", "200 3 - by post"),
        ("GET", "/hustdb/hset?tb=t&key=a", "", "400 - - val: missing"),
        ("POST", "/hustdb/hset?tb=t&key=a", "", "400 - - val: missing"),
        ("GET", "/hustdb/hset?tb=t&key=a&val=", "", "200 4 false"),
        ("GET", "/hustdb/hget?tb=t&key=a", "", "200 4 -"),
        ("PUT", "/hustdb/hset?tb=t&key=a", "", "200 5 false"),
        ("POST", "/hustdb/hincrby?tb=t&key=n&val=1", "40", "200 1 false 40"),
        ("GET", "/hustdb/hincrby?tb=t&key=n&val=1", "2", "200 2 false 42"),
        ("PUT", "/hustdb/hincrby?tb=t&key=n&val=-2", "", "200 3 false 40"),
        ("POST", "/hustdb/hdel?tb=t&key=a", "n", "200 5 false"),
        ("PUT", "/hustdb/hdel?tb=t", "n", "400 - - key: missing"),
        ("GET", "/hustdb/hget?tb=t&key=n", "", "200 3 - 40"),
    ]);
    for path in ["hget", "hexist"] {
        for method in ["POST", "PUT", "DELETE"] {
            let reply = client.ask(method, &format!("/hustdb/{path}?tb=t&key=n"), "");
            assert_eq!(brief(&reply), "405 - - method: use GET or HEAD", "{method} {path}");
        }
        let head = client.ask("HEAD", &format!("/hustdb/{path}?tb=t&key=n&stamps=true"), "");
        let length = if path == "hget" { "2" } else { "0" };
        assert_eq!((head.status, head.header("content-length")), (200, Some(length)));
        assert!(head.header("stamp").is_some());
    }
    for path in ["hset", "hincrby", "hdel"] {
        for method in ["HEAD", "DELETE", "PATCH"] {
            let reply = client.ask(method, &format!("/hustdb/{path}?tb=t&key=n&val=1"), "");
            assert_eq!(
                (reply.status, reply.header("allow")),
                (405, Some("GET, POST, PUT")),
                "{method} {path}"
            );
        }
    }
}

#[test]
fn what_is_missing_or_illegal() {
    let node = node();
    let mut client = Client::of(&node);
    client.put("/hustdb/hset?tb=t&key=f", "1");
    for path in ["hget?", "hexist?", "hset?val=1&", "hincrby?val=1&", "hdel?"] {
        for (query, reason) in [
            ("key=f", "tb: missing"),
            ("tb=&key=f", "tb: empty"),
            ("tb=a-b&key=f", "tb: illegal name"),
            ("tb=%ff&key=f", "tb: illegal name"),
            ("tb=t", "key: missing"),
            ("tb=t&key=", "key: empty"),
            ("tb=t&key=%z", "key: bad escape"),
        ] {
            client.check_bad(&[(&format!("/hustdb/{path}{query}"), reason)]);
        }
    }
    let not_signed = "val: not in -9223372036854775808..9223372036854775807";
    client.check_bad(&[
        ("/hustdb/hget?tb=t&key=f&stamps=x", "stamps: not true, false, 1 or 0"),
        ("/hustdb/hset?tb=t&key=f&val=v&ttl=2592001", "ttl: over 2592000"),
        ("/hustdb/hset?tb=t&key=f&val=v&ver=-1", "ver: negative"),
        ("/hustdb/hincrby?tb=t&key=f&val=1&ttl=x", "ttl: not a number"),
        ("/hustdb/hincrby?tb=t&key=f", "val: missing"),
        ("/hustdb/hincrby?tb=t&key=f&val=", "val: empty"),
        ("/hustdb/hincrby?tb=t&key=f&val=-", "val: empty"),
        ("/hustdb/hincrby?tb=t&key=f&val=+1", "val: not a number"),
        ("/hustdb/hincrby?tb=t&key=f&val=1.0", "val: not a number"),
        ("/hustdb/hincrby?tb=t&key=f&val=9223372036854775808", not_signed),
        (
            "/hustdb/hincrby?tb=t&key=f&val=1&is_dup=true&ver=3",
            "is_dup: not with hincrby: replicate its result with hset",
        ),
        (
            "/hustdb/hincrby?tb=t&key=f&val=1&is_dup=1&ver=3&stamp=9",
            "is_dup: not with hincrby: replicate its result with hset",
        ),
    ]);
    assert_eq!(brief(&client.get("/hustdb/hget?tb=t&key=f")), "200 1 - 1");
}

#[test]
fn increments_are_strict_and_never_wrap() {
    let node = node();
    let mut client = Client::of(&node);
    let (no_integer, overflow) =
        ("val: what is stored is not a signed integer", "val: the sum leaves the range of int64");
    for stored in ["", "-", "+1", " 1", "1 ", "1.0", "0x1", "9223372036854775808", "x", "1\n"] {
        let version = client.put("/hustdb/hset?tb=t&key=f", stored).number("version").unwrap();
        let refused = client.get("/hustdb/hincrby?tb=t&key=f&val=1");
        assert_eq!(brief(&refused), format!("403 0 false {no_integer}"), "{stored:?}");
        assert_eq!((refused.header("stamp"), refused.header("expire")), (None, None));
        let refused = client.get(&format!("/hustdb/hincrby?tb=t&key=f&val=1&ver={version}"));
        assert_eq!(brief(&refused), format!("403 {version} false {no_integer}"), "{stored:?}");
        let kept = client.get("/hustdb/hget?tb=t&key=f");
        assert_eq!((kept.text().as_str(), kept.number("version")), (stored, Some(version)));
    }
    client.check(&[
        ("GET", "/hustdb/hincrby?tb=t&key=absent&val=-7", "", "200 1 false -7"),
        ("PUT", "/hustdb/hset?tb=t&key=z", "-0007", "200 1 false"),
        ("GET", "/hustdb/hincrby?tb=t&key=z&val=0", "", "200 2 false -7"),
        ("GET", "/hustdb/hget?tb=t&key=z", "", "200 2 - -7"),
        ("PUT", "/hustdb/hset?tb=t&key=m", "9223372036854775806", "200 1 false"),
        ("GET", "/hustdb/hincrby?tb=t&key=m&val=1", "", "200 2 false 9223372036854775807"),
        ("GET", "/hustdb/hincrby?tb=t&key=m&val=1", "", &format!("403 0 false {overflow}")),
        ("GET", "/hustdb/hincrby?tb=t&key=m&val=-9223372036854775808", "", "200 3 false -1"),
        (
            "GET",
            "/hustdb/hincrby?tb=t&key=m&val=-9223372036854775808",
            "",
            &format!("403 0 false {overflow}"),
        ),
    ]);
    let summed = client.get("/hustdb/hincrby?tb=t&key=m&val=0");
    assert_eq!(
        (summed.header("content-type"), summed.header("content-length")),
        (Some("text/plain"), Some("2"))
    );
}

#[test]
fn increments_keep_the_expiry_and_other_writes_do_not() {
    let node = node();
    let mut client = Client::of(&node);
    let first = client.put("/hustdb/hset?tb=t&key=f&ttl=60", "1");
    let expire = first.number("expire").unwrap();
    let kept = client.get("/hustdb/hincrby?tb=t&key=f&val=1");
    assert_eq!((brief(&kept).as_str(), kept.number("expire")), ("200 2 false 2", Some(expire)));
    assert!(kept.number("stamp") > first.number("stamp"));
    let read = client.get("/hustdb/hget?tb=t&key=f&stamps=true");
    for name in ["stamp", "expire", "version"] {
        assert_eq!(read.header(name), kept.header(name), "{name}");
    }
    let before = now_ms();
    let longer = client.get("/hustdb/hincrby?tb=t&key=f&val=1&ttl=600").number("expire").unwrap();
    assert!((before + 600_000..=now_ms() + 600_000).contains(&longer));
    assert_eq!(client.get("/hustdb/hincrby?tb=t&key=f&val=1&ttl=0").header("expire"), None);
    assert_eq!(client.get("/hustdb/hincrby?tb=t&key=f&val=1").header("expire"), None);
    client.get("/hustdb/hincrby?tb=t&key=f&val=1&ttl=60");
    assert_eq!(client.put("/hustdb/hset?tb=t&key=f", "1").header("expire"), None, "permanent again");
    assert_eq!(client.get("/hustdb/hexist?tb=t&key=f&stamps=1").header("expire"), None);
}

#[test]
fn expired_fields_are_absent_to_every_command() {
    let node = node();
    let mut client = Client::of(&node);
    let expire = now_ms() + 400;
    client.put("/hustdb/hset?tb=t&key=kept", "v");
    for key in ["get", "del", "cas", "incr"] {
        let target = format!("/hustdb/hset?tb=t&key={key}&is_dup=true&ver=9&expire={expire}");
        assert_eq!(brief(&client.put(&target, "5")), "200 9 false");
    }
    let gone = wait_until(Duration::from_secs(3), || {
        let reply = client.get("/hustdb/hget?tb=t&key=get");
        assert!(reply.status == 200 || now_ms() >= expire, "{} too early", reply.status);
        reply.status == 404
    });
    assert!(gone && now_ms() < expire + 1000);
    client.check(&[
        ("GET", "/hustdb/hexist?tb=t&key=get", "", "404 0 -"),
        ("GET", "/hustdb/hdel?tb=t&key=del", "", "404 0 false"),
        ("PUT", "/hustdb/hset?tb=t&key=cas&ver=9", "w", "401 0 true"),
        ("GET", "/hustdb/hincrby?tb=t&key=incr&val=3", "", "200 1 false 3"),
        ("GET", "/hustdb/hget?tb=t&key=incr", "", "200 1 - 3"),
    ]);
    assert_eq!(client.get("/hustdb/hget?tb=t&key=incr&stamps=1").header("expire"), None);
    let figures = r#"{"table":"t","type":"H","count":2,"size":10,"capacity":2048}"#;
    let followed = wait_until(Duration::from_secs(5), || client.get("/hustdb/stat?tb=t").text() == figures);
    assert!(followed, "{}", client.get("/hustdb/stat?tb=t").text());
}

#[test]
fn replicas_of_fields() {
    let node = node();
    let mut client = Client::of(&node);
    let at = stamp(now_ms()) + 10;
    let send = |client: &mut Client, path: &str, ver: u64, stamp: u64, value: &str| {
        client.put(&format!("/hustdb/{path}?tb=t&key=f&is_dup=true&ver={ver}&stamp={stamp}"), value)
    };
    let tombstone = send(&mut client, "hdel", 4, at, "");
    assert_eq!((brief(&tombstone).as_str(), tombstone.number("stamp")), ("200 4 false", Some(at)));
    client.check(&[("GET", "/hustdb/hget?tb=t&key=f", "", "412 0 - tb: no such table")]);
    assert_eq!(brief(&send(&mut client, "hset", 9, at - 1, "older")), "200 4 true");
    client.check(&[("GET", "/hustdb/stat?tb=t", "", "404 - - tb: no such table")]);
    assert_eq!(brief(&send(&mut client, "hset", 5, at + 1, "b")), "200 5 false");
    assert_eq!(brief(&send(&mut client, "hset", 5, at + 1, "b")), "200 5 false", "the same again");
    assert_eq!(brief(&send(&mut client, "hset", 5, at + 1, "a")), "200 5 true");
    assert_eq!(brief(&send(&mut client, "hset", 5, at + 1, "c")), "200 5 false");
    client.check(&[("GET", "/hustdb/hget?tb=t&key=f", "", "200 5 - c")]);
    assert_eq!(brief(&send(&mut client, "hdel", 0, at + 2, "")), "200 0 false");
    client.check(&[
        ("GET", "/hustdb/hexist?tb=t&key=f", "", "412 0 - tb: no such table"),
        ("PUT", "/hustdb/hset?tb=t&key=f&is_dup=true&ver=7", "v", "200 7 false"),
        ("PUT", "/hustdb/hset?tb=t&key=f&is_dup=true&ver=6", "w", "200 7 true"),
        ("GET", "/hustdb/hdel?tb=t&key=f&is_dup=true&ver=6", "", "200 7 true"),
        ("GET", "/hustdb/hdel?tb=t&key=none&is_dup=true&ver=6", "", "404 0 false"),
        ("GET", "/hustdb/hdel?tb=none&key=f&is_dup=true&ver=6", "", "412 6 false tb: no such table"),
        ("GET", "/hustdb/hdel?tb=t&key=f&is_dup=true&ver=7", "", "200 7 false"),
        ("GET", "/hustdb/hget?tb=t&key=f", "", "412 0 - tb: no such table"),
    ]);
    let far = stamp(now_ms() + 120_000);
    assert_eq!(
        brief(&send(&mut client, "hset", 1, far, "v")),
        "400 - - stamp: too far ahead of this node's clock"
    );
}

//! sismember, sadd, srem: examples, versions, members in bodies, binary and long members, expiry, replicas.

use std::time::Duration;

use hust_testkit::wait_until;

use crate::support::{Client, brief, node, now_ms, stamp};

#[test]
fn the_examples_of_the_contract() {
    let node = node();
    let mut client = Client::of(&node);
    client.check(&[
        ("POST", "/hustdb/sadd?tb=s", "m", "200 1 false"),
        ("POST", "/hustdb/sismember?tb=s", "m", "200 1 -"),
        ("GET", "/hustdb/hset?tb=s&key=f&val=v", "", "412 0 false tb: is a set"),
        ("GET", "/hustdb/srem?tb=s&key=m", "", "200 1 false"),
        ("GET", "/hustdb/sismember?tb=s&key=m", "", "412 0 - tb: no such table"),
    ]);
}

#[test]
fn versions_of_every_state() {
    let node = node();
    let mut client = Client::of(&node);
    client.check(&[
        ("GET", "/hustdb/sadd?tb=s&key=m&ver=1", "", "401 0 true"),
        ("GET", "/hustdb/stat?tb=s", "", "404 - - tb: no such table"),
        ("GET", "/hustdb/srem?tb=s&key=m&ver=2", "", "412 2 false tb: no such table"),
        ("GET", "/hustdb/sadd?tb=s&key=m", "", "200 1 false"),
        ("GET", "/hustdb/sadd?tb=s&key=m", "", "200 2 false"),
        ("GET", "/hustdb/sadd?tb=s&key=m&ver=2", "", "200 3 false"),
        ("GET", "/hustdb/sadd?tb=s&key=m&ver=2", "", "401 3 true"),
        ("GET", "/hustdb/sismember?tb=s&key=m", "", "200 3 -"),
        ("GET", "/hustdb/sismember?tb=s&key=none", "", "404 0 -"),
        ("GET", "/hustdb/srem?tb=s&key=none&ver=3", "", "404 0 false"),
        ("GET", "/hustdb/srem?tb=s&key=m&ver=2", "", "401 3 true"),
        ("GET", "/hustdb/srem?tb=s&key=m&ver=3", "", "200 3 false"),
        ("GET", "/hustdb/sadd?tb=s&key=m&ver=3", "", "401 0 true"),
        ("GET", "/hustdb/sadd?tb=s&key=m", "", "200 1 false"),
    ]);
    let added = client.get("/hustdb/sadd?tb=s&key=m");
    let stamped = client.get("/hustdb/sismember?tb=s&key=m&stamps=true");
    assert_eq!(stamped.number("stamp"), added.number("stamp"));
    assert_eq!((stamped.header("expire"), stamped.body.len()), (None, 0));
    assert_eq!(client.get("/hustdb/sismember?tb=s&key=m").header("stamp"), None);
}

#[test]
fn members_in_bodies_take_the_place_of_key() {
    let node = node();
    let mut client = Client::of(&node);
    client.check(&[
        ("PUT", "/hustdb/sadd?tb=s&key=query", "body", "200 1 false"),
        ("GET", "/hustdb/sadd?tb=s&key=%zz", "get body", "200 1 false"),
        ("GET", "/hustdb/sadd?tb=s&key=query", "", "200 1 false"),
        ("GET", "/hustdb/sismember?tb=s&key=query", "none", "404 0 -"),
        ("GET", "/hustdb/sismember?tb=s&key=none", "body", "200 1 -"),
        ("POST", "/hustdb/sismember?tb=s&key=%zz", "get body", "200 1 -"),
        ("POST", "/hustdb/sismember?tb=s&key=query", "", "200 1 -"),
        ("POST", "/hustdb/sismember?tb=s", "", "400 - - key: missing"),
        ("PUT", "/hustdb/sadd?tb=s", "", "400 - - key: missing"),
        ("PUT", "/hustdb/sadd?tb=s&key=", "", "400 - - key: empty"),
        ("GET", "/hustdb/srem?tb=s&key=query", "body", "200 1 false"),
        ("GET", "/hustdb/sismember?tb=s&key=body", "", "404 0 -"),
        ("GET", "/hustdb/sismember?tb=s&key=query", "", "200 1 -"),
        ("GET", "/hustdb/stat?tb=s", "", r#"200 - - {"table":"s","type":"S","count":2}"#),
    ]);
    for method in ["PUT", "DELETE"] {
        let reply = client.ask(method, "/hustdb/sismember?tb=s", "body");
        assert_eq!((reply.status, reply.header("allow")), (405, Some("GET, HEAD, POST")), "{method}");
    }
    let head = client.ask("HEAD", "/hustdb/sismember?tb=s&key=query", "");
    assert_eq!(
        (head.status, head.header("content-length"), head.number("version")),
        (200, Some("0"), Some(1))
    );
    for (path, method) in [("sadd", "HEAD"), ("srem", "DELETE")] {
        let reply = client.ask(method, &format!("/hustdb/{path}?tb=s&key=m"), "");
        assert_eq!((reply.status, reply.header("allow")), (405, Some("GET, POST, PUT")));
    }
}

#[test]
fn members_of_any_bytes_and_of_full_length() {
    let node = node();
    let mut client = Client::of(&node);
    for (encoded, bytes) in [
        ("a%20b", &b"a b"[..]),
        ("a+b", b"a+b"),
        ("%00", b"\0"),
        ("%ff%80", b"\xff\x80"),
        ("%2541", b"%41"),
        ("%E4%B8%AD", "中".as_bytes()),
        ("a=b", b"a=b"),
    ] {
        assert_eq!(brief(&client.get(&format!("/hustdb/sadd?tb=s&key={encoded}"))), "200 1 false");
        assert_eq!(client.ask("POST", "/hustdb/sismember?tb=s", bytes).status, 200, "{encoded}");
        assert_eq!(brief(&client.ask("POST", "/hustdb/srem?tb=s", bytes)), "200 1 false", "{encoded}");
    }
    let longest: Vec<u8> = (0..=255).cycle().take(65_536).collect();
    for (path, read) in [("sadd?tb=s", "sismember?tb=s"), ("zadd?tb=z&score=1", "zismember?tb=z")] {
        assert_eq!(client.ask("POST", &format!("/hustdb/{path}"), &longest).status, 200, "{path}");
        assert_eq!(client.ask("POST", &format!("/hustdb/{read}"), &longest).status, 200, "{path}");
        assert_eq!(client.ask("POST", &format!("/hustdb/{read}"), &longest[1..]).status, 404, "{path}");
        let over = client.ask("POST", &format!("/hustdb/{path}"), [&longest[..], b"x"].concat());
        assert_eq!(brief(&over), "400 - - key: over 65536 bytes");
    }
}

#[test]
fn ttl_of_members() {
    let node = node();
    let mut client = Client::of(&node);
    let before = now_ms();
    let expire = client.get("/hustdb/sadd?tb=s&key=m&ttl=60").number("expire").unwrap();
    assert!((before + 60_000..=now_ms() + 60_000).contains(&expire));
    assert_eq!(client.get("/hustdb/sismember?tb=s&key=m&stamps=1").number("expire"), Some(expire));
    assert_eq!(client.get("/hustdb/sadd?tb=s&key=m").header("expire"), None, "permanent again");
    let soon = now_ms() + 300;
    client.get(&format!("/hustdb/sadd?tb=s2&key=m&is_dup=1&ver=3&expire={soon}"));
    let gone =
        wait_until(Duration::from_secs(3), || client.get("/hustdb/sismember?tb=s2&key=m").status != 200);
    assert!(gone && (soon..soon + 1000).contains(&now_ms()));
    let swept = wait_until(Duration::from_secs(5), || client.get("/hustdb/stat?tb=s2").status == 404);
    assert!(swept);
    client.check(&[
        ("GET", "/hustdb/sismember?tb=s2&key=m", "", "412 0 - tb: no such table"),
        ("GET", "/hustdb/zadd?tb=s2&key=m&score=5", "", "200 1 false 5"),
    ]);
    client.check_bad(&[("/hustdb/sadd?tb=s&key=m&ttl=2592001", "ttl: over 2592000")]);
}

#[test]
fn replicas_of_members() {
    let node = node();
    let mut client = Client::of(&node);
    let at = stamp(now_ms()) + 10;
    let dup = |ver: u64, stamp: u64| format!("tb=s&key=m&is_dup=true&ver={ver}&stamp={stamp}");
    client.check(&[
        ("GET", &format!("/hustdb/sadd?{}", dup(4, at)), "", "200 4 false"),
        ("GET", &format!("/hustdb/sadd?{}", dup(4, at)), "", "200 4 false"),
        ("GET", &format!("/hustdb/sadd?{}", dup(9, at - 1)), "", "200 4 true"),
        ("GET", &format!("/hustdb/srem?{}", dup(4, at)), "", "200 4 false"),
        ("GET", "/hustdb/sismember?tb=s&key=m", "", "412 0 - tb: no such table"),
        ("GET", &format!("/hustdb/sadd?{}", dup(4, at)), "", "200 4 true"),
        ("GET", &format!("/hustdb/sadd?{}", dup(1, at + 1)), "", "200 1 false"),
        ("GET", "/hustdb/sadd?tb=s&key=m&is_dup=true&ver=3", "", "200 3 false"),
        ("GET", "/hustdb/sadd?tb=s&key=m&is_dup=true&ver=2", "", "200 3 true"),
        ("GET", "/hustdb/srem?tb=s&key=m&is_dup=true&ver=2", "", "200 3 true"),
        ("GET", "/hustdb/srem?tb=s&key=m&is_dup=true&ver=3", "", "200 3 false"),
    ]);
    client.check_bad(&[
        ("/hustdb/sadd?tb=s&key=m&is_dup=true", "ver: missing"),
        ("/hustdb/sadd?tb=s&key=m&is_dup=true&ver=0&stamp=1", "ver: not in 1..9223372036854775807"),
        ("/hustdb/srem?tb=s&key=m&is_dup=true&ver=1&stamp=0", "stamp: not in 1..18446744073709551615"),
    ]);
    // `expire` of a replica is data; an earlier one loses to a later one, and to none.
    let until = now_ms() + 60_000;
    let send = |client: &mut Client, expire_ms: u64| {
        client.get(&format!("/hustdb/sadd?tb=e&key=m&is_dup=1&ver=1&stamp={at}&expire={expire_ms}"))
    };
    assert_eq!(send(&mut client, until).number("expire"), Some(until));
    assert_eq!(brief(&send(&mut client, until - 1)), "200 1 true");
    assert_eq!(send(&mut client, until + 1).number("expire"), Some(until + 1));
    assert_eq!(send(&mut client, 0).header("expire"), None);
    assert_eq!(brief(&send(&mut client, until + 2)), "200 1 true");
}

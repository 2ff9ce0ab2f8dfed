//! get, exist, put, del: the examples of the contract, versions and stamps, bodies and methods, limits.

use std::sync::Barrier;

use crate::support::{Client, brief, node, now_ms, stamp};

#[test]
fn the_examples_of_the_contract() {
    let node = node();
    let mut client = Client::of(&node);
    let first = client.ask("POST", "/hustdb/put?key=k", "v1");
    assert_eq!(brief(&first), "200 1 false");
    let second = client.get("/hustdb/put?key=k&val=v2&ttl=60");
    assert_eq!(brief(&second), "200 2 false");
    assert!(second.number("stamp") > first.number("stamp"));
    assert!(first.header("expire").is_none() && second.number("expire") > Some(now_ms()));
    client.check(&[("PUT", "/hustdb/put?key=k&ver=1", "x", "401 2 true")]);
    let plain = client.get("/hustdb/get?key=k");
    assert_eq!((brief(&plain).as_str(), plain.header("content-type")), ("200 2 - v2", Some("text/plain")));
    assert_eq!((plain.header("stamp"), plain.header("expire")), (None, None));
    let stamped = client.get("/hustdb/get?key=k&stamps=true");
    assert_eq!(brief(&stamped), "200 2 - v2");
    for name in ["stamp", "expire"] {
        assert_eq!(stamped.header(name), second.header(name));
    }
    client.check(&[
        ("GET", "/hustdb/get?key=none", "", "404 0 -"),
        ("GET", "/hustdb/get", "", "400 - - key: missing"),
        ("GET", "/hustdb/exist?key=none", "", "404 0 -"),
    ]);
    let deleted = client.get("/hustdb/del?key=k");
    assert_eq!(brief(&deleted), "200 2 false");
    assert!(deleted.number("stamp") > second.number("stamp") && deleted.header("expire").is_none());
    client.check(&[("GET", "/hustdb/del?key=k", "", "404 0 false")]);
    let replica = stamp(now_ms() + 1000);
    let dup = client.ask("POST", &format!("/hustdb/put?key=k&is_dup=true&ver=7&stamp={replica}"), "z");
    assert_eq!((brief(&dup).as_str(), dup.number("stamp")), ("200 7 false", Some(replica)));
    let refused = client.ask("DELETE", "/hustdb/put?key=k", "");
    assert_eq!(brief(&refused), "405 - - method: use GET, POST or PUT");
    assert_eq!(refused.header("allow"), Some("GET, POST, PUT"));
}

#[test]
fn versions_of_every_state() {
    let node = node();
    Client::of(&node).check(&[
        ("PUT", "/hustdb/put?key=k&ver=1", "v", "401 0 true"),
        ("GET", "/hustdb/exist?key=k", "", "404 0 -"),
        ("GET", "/hustdb/del?key=k&ver=1", "", "404 0 false"),
        ("GET", "/hustdb/del?key=k", "", "404 0 false"),
        ("GET", "/hustdb/del?key=k&ver=0", "", "404 0 false"),
        ("PUT", "/hustdb/put?key=k&ver=0", "v", "200 1 false"),
        ("PUT", "/hustdb/put?key=k", "v", "200 2 false"),
        ("PUT", "/hustdb/put?key=k&ver=0", "v", "200 3 false"),
        ("PUT", "/hustdb/put?key=k&ver=3", "w", "200 4 false"),
        ("PUT", "/hustdb/put?key=k&ver=3", "x", "401 4 true"),
        ("PUT", "/hustdb/put?key=k&ver=5", "x", "401 4 true"),
        ("PUT", "/hustdb/put?key=k&ver=9223372036854775807", "x", "401 4 true"),
        ("GET", "/hustdb/del?key=k&ver=3", "", "401 4 true"),
        ("GET", "/hustdb/get?key=k", "", "200 4 - w"),
        ("GET", "/hustdb/exist?key=k", "", "200 4 -"),
        ("GET", "/hustdb/del?key=k&ver=4", "", "200 4 false"),
        ("GET", "/hustdb/get?key=k", "", "404 0 -"),
        ("PUT", "/hustdb/put?key=k&ver=4", "v", "401 0 true"),
        ("PUT", "/hustdb/put?key=k", "v", "200 1 false"),
        ("GET", "/hustdb/del?key=k&ver=0", "", "200 1 false"),
    ]);
}

#[test]
fn a_refused_write_changes_nothing() {
    let node = node();
    let mut client = Client::of(&node);
    client.put("/hustdb/put?key=k&ttl=60", "v");
    let before = client.get("/hustdb/get?key=k&stamps=true");
    let refused = client.put("/hustdb/put?key=k&ver=9", "w");
    assert_eq!((refused.status, refused.header("stamp"), refused.header("expire")), (401, None, None));
    assert_eq!(refused.header("www-authenticate"), None, "this 401 asks for no credentials");
    client.get("/hustdb/del?key=k&ver=9");
    let after = client.get("/hustdb/get?key=k&stamps=true");
    assert_eq!(after.body, before.body);
    for name in ["version", "stamp", "expire"] {
        assert_eq!(after.header(name), before.header(name));
    }
}

#[test]
fn versions_grow_by_one_past_the_powers_of_two() {
    let node = node();
    let mut client = Client::of(&node);
    for version in 1..=300 {
        assert_eq!(brief(&client.put("/hustdb/put?key=k", "v")), format!("200 {version} false"));
    }
}

#[test]
fn of_writers_with_one_version_exactly_one_wins() {
    let node = node();
    Client::of(&node).put("/hustdb/put?key=k", "v");
    for version in 1..=20 {
        let start = Barrier::new(4);
        let won: usize = std::thread::scope(|scope| {
            let writer = || {
                let mut client = Client::of(&node);
                start.wait();
                let reply = client.put(&format!("/hustdb/put?key=k&ver={version}"), "w");
                match brief(&reply) {
                    line if line == format!("200 {} false", version + 1) => 1,
                    line => {
                        assert_eq!(line, format!("401 {} true", version + 1));
                        0
                    }
                }
            };
            let writers: Vec<_> = (0..4).map(|_| scope.spawn(writer)).collect();
            writers.into_iter().map(|writer| writer.join().unwrap()).sum()
        });
        assert_eq!(won, 1, "version {version}");
    }
}

#[test]
fn stamps_are_times_that_grow() {
    let node = node();
    let mut client = Client::of(&node);
    let before = stamp(now_ms());
    let mut last = 0;
    for number in 0..50 {
        let reply = client.put(&format!("/hustdb/put?key=k{}", number % 7), "v");
        let stamp = reply.number("stamp").unwrap();
        assert!(stamp > last && stamp >= before, "{stamp} after {last}");
        last = stamp;
    }
    assert!(last < stamp(now_ms() + 1));
}

#[test]
fn bodies_take_the_place_of_val() {
    let node = node();
    let mut client = Client::of(&node);
    client.check(&[
        ("PUT", "/hustdb/put?key=a&val=query", "body", "200 1 false"),
        ("GET", "/hustdb/get?key=a", "", "200 1 - body"),
        ("GET", "/hustdb/put?key=a&val=query", "get body", "200 2 false"),
        ("GET", "/hustdb/get?key=a", "ignored", "200 2 - get body"),
        ("PUT", "/hustdb/put?key=a&val=query", "", "200 3 false"),
        ("GET", "/hustdb/get?key=a", "", "200 3 - query"),
        ("POST", "/hustdb/put?key=a&val=by%20post", "", "200 4 false"),
        ("GET", "/hustdb/get?key=a", "", "200 4 - by post"),
        ("POST", "/hustdb/del?key=a", "ignored", "200 4 false"),
        ("PUT", "/hustdb/put?key=a", "v", "200 1 false"),
        ("PUT", "/hustdb/del?key=a", "", "200 1 false"),
        ("GET", "/hustdb/put?key=b", "", "400 - - val: missing"),
        ("POST", "/hustdb/put?key=b", "", "400 - - val: missing"),
        ("GET", "/hustdb/exist?key=b", "", "404 0 -"),
    ]);
    for (method, target) in [
        ("GET", "/hustdb/put?key=b&val="),
        ("GET", "/hustdb/put?key=b&val"),
        ("POST", "/hustdb/put?key=b&val="),
        ("PUT", "/hustdb/put?key=b&val="),
        ("PUT", "/hustdb/put?key=b"),
    ] {
        client.put("/hustdb/put?key=b", "full");
        assert_eq!(client.ask(method, target, "").status, 200, "{method} {target}");
        let reply = client.get("/hustdb/get?key=b");
        assert_eq!((reply.status, reply.header("content-length")), (200, Some("0")), "{method} {target}");
    }
}

#[test]
fn chunked_and_binary_bodies_come_back_whole() {
    let node = node();
    let mut client = Client::of(&node);
    client
        .0
        .send("PUT /hustdb/put?key=c HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
        .unwrap();
    assert_eq!(client.0.reply().unwrap().status, 200);
    assert_eq!(client.get("/hustdb/get?key=c").body, b"abcde");
    let every_byte: Vec<u8> = (0..=255).cycle().take(70_000).collect();
    for len in [1, 255, 256, 257, 4095, 4096, 4097, 65_536, 70_000] {
        client.put("/hustdb/put?key=bin", &every_byte[..len]);
        assert!(client.get("/hustdb/get?key=bin").body == every_byte[..len], "{len} bytes");
    }
}

#[test]
fn methods() {
    let node = node();
    let mut client = Client::of(&node);
    client.put("/hustdb/put?key=k", "value");
    for path in ["/hustdb/get?key=k", "/hustdb/exist?key=k", "/hustdb/keys?file=0&offset=0&size=1"] {
        for method in ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"] {
            let reply = client.ask(method, path, "");
            assert_eq!(brief(&reply), "405 - - method: use GET or HEAD", "{method} {path}");
            assert_eq!(reply.header("allow"), Some("GET, HEAD"));
        }
    }
    for path in ["/hustdb/put?key=k", "/hustdb/del?key=k"] {
        for method in ["DELETE", "OPTIONS", "PATCH"] {
            let reply = client.ask(method, path, "");
            assert_eq!(brief(&reply), "405 - - method: use GET, POST or PUT", "{method} {path}");
            assert_eq!(reply.header("allow"), Some("GET, POST, PUT"));
        }
        assert_eq!(client.ask("HEAD", path, "").status, 405);
    }
    let head = client.ask("HEAD", "/hustdb/get?key=k&stamps=true", "");
    assert_eq!((head.status, head.header("content-length")), (200, Some("5")));
    assert_eq!((head.number("version"), head.body.len()), (Some(1), 0));
    assert!(head.header("stamp").is_some());
    let absent = client.ask("HEAD", "/hustdb/get?key=none", "");
    assert_eq!((absent.status, absent.number("version")), (404, Some(0)));
    assert_eq!(client.ask("HEAD", "/hustdb/exist?key=k", "").status, 200);
    for path in
        ["/", "/hustdb", "/hustdb/get/", "/hustdb/GET", "/Hustdb/get", "/hustdb/nothing", "/hustdb//get"]
    {
        assert_eq!(brief(&client.get(&format!("{path}?key=k"))), "404 - - path: unknown", "{path}");
    }
}

#[test]
fn connections() {
    let node = node();
    let mut client = Client::of(&node);
    client
        .0
        .send(
            "PUT /hustdb/put?key=k HTTP/1.1\r\nContent-Length: 1\r\n\r\nvGET /hustdb/get?key=k HTTP/1.1\r\n\r\n\
             GET /hustdb/del?key=k HTTP/1.1\r\n\r\nGET /hustdb/get?key=k HTTP/1.1\r\nConnection: close\r\n\r\n",
        )
        .unwrap();
    for expected in ["200 1 false", "200 1 - v", "200 1 false", "404 0 -"] {
        assert_eq!(brief(&client.0.reply().unwrap()), expected);
    }
    assert!(client.0.is_closed().unwrap());
    let mut old = Client::of(&node);
    old.0.send("GET /hustdb/exist?key=k HTTP/1.0\r\n\r\n").unwrap();
    assert_eq!(brief(&old.0.reply().unwrap()), "404 0 -");
    assert!(old.0.is_closed().unwrap());
}

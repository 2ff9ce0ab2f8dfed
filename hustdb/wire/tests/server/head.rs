//! Heads: keep-alive, pipelining, versions, limits, malformed ones.

use std::{io::Read, net::SocketAddr};

use crate::support::{Client, Server, big, config};

#[test]
fn answers_in_order_and_keeps_the_connection() {
    let server = Server::start();
    let mut client = server.connect();
    let requests: String =
        (0..100).map(|n| format!("GET /get?key=k{n} HTTP/1.1\r\nHost: h\r\n\r\n")).collect();
    client.send(requests);
    for n in 0..100 {
        let reply = client.reply();
        assert_eq!((reply.status, reply.text()), (200, format!("k{n}").as_str()));
        assert_eq!((reply.header("version"), reply.header("content-type")), (Some("1"), Some("text/plain")));
        assert_eq!((reply.header("date"), reply.header("connection")), (None, None));
    }
    assert_eq!(client.get("/get?key=%00%e4").body, b"\0\xe4", "still usable, and decoded once");
    let bad = client.get("/get?key=%zz");
    assert_eq!((bad.status, bad.text(), bad.header("version")), (400, "key: bad escape\n", None));
    assert_eq!(client.get("/get?key=a+b").text(), "a+b");
}

#[test]
fn closes_when_asked_to() {
    let server = Server::start();
    for request in [
        "GET /get?key=v HTTP/1.0\r\n\r\n",
        "GET /get?key=v HTTP/1.1\r\nConnection: close\r\n\r\n",
        "GET /get?key=v HTTP/1.1\r\nConnection: Keep-Alive, Close\r\n\r\n",
    ] {
        let mut client = server.connect();
        assert_eq!(client.ask(request).text(), "v");
        assert!(client.is_closed(), "{request}");
    }
    let mut old = server.connect();
    for _ in 0..3 {
        assert_eq!(old.ask("GET /get?key=v HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").text(), "v");
    }
}

#[test]
fn head_is_get_without_the_body() {
    let server = Server::start();
    let mut client = server.connect();
    for (target, length) in [("/get?key=abc", "3"), ("/get", "0"), ("/get?key=", "11"), ("/none", "14")] {
        client.send(format!("HEAD {target} HTTP/1.1\r\n\r\n"));
        let (_, head) = client.head();
        assert!(head.contains(&format!("content-length: {length}\r\n")), "{head}");
    }
    assert_eq!(client.get("/get?key=next").text(), "next", "no body came in between");
}

#[test]
fn both_families() {
    let server = Server::with(
        &hust_wire::config::ServerConfig { listen: "[::]:0".into(), ..config() },
        &Default::default(),
    );
    let port = server.address.port();
    for address in [format!("127.0.0.1:{port}"), format!("[::1]:{port}")] {
        let address: SocketAddr = address.parse().unwrap();
        assert_eq!(Client::to(address).get("/get?key=v").text(), "v");
    }
}

#[test]
fn malformed_is_400_with_a_reason() {
    let server = Server::start();
    for request in [
        "nonsense\r\n\r\n",
        "GET\r\n\r\n",
        "GET /get HTTP/9.9\r\n\r\n",
        "GET /g et HTTP/1.1\r\n\r\n",
        "GET /get HTTP/1.1\r\nbad header\r\n\r\n",
        "GET /get HTTP/1.1\r\nA: \0\r\n\r\n",
        "POST /put HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        "POST /put HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        "POST /put HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        "POST /put HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n",
        "POST /put HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ] {
        let got = server.whole(request);
        assert!(got.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{request:?}: {got}");
        assert!(got.contains("\r\nconnection: close\r\n"), "{got}");
        assert!(got.ends_with("\r\n\r\nrequest: malformed\n"), "{got}");
        assert_eq!(got.matches("HTTP/1.1").count(), 1, "{got}");
    }
}

#[test]
fn what_came_before_the_malformed_is_answered() {
    let server = Server::start();
    let got = server.whole("GET /get?key=v HTTP/1.1\r\n\r\nHEAD /get HTTP/1.1\r\n\r\n\0\r\n\r\n");
    let (first, second) = got.split_once("\r\n\r\nv").unwrap();
    assert!(first.starts_with("HTTP/1.1 200 OK\r\n"));
    assert!(second.starts_with("HTTP/1.1 200 OK\r\n"));
    assert!(second.ends_with("\r\n\r\nrequest: malformed\n"), "{second}");
}

#[test]
fn a_value_that_looks_like_an_answer_is_sent_whole() {
    let server = Server::start();
    let mut client = server.connect();
    client.send("GET /big HTTP/1.1\r\n\r\nGET /get?key=v HTTP/1.1\r\n\r\n");
    let reply = client.reply();
    assert!(reply.body == big(), "24 MiB in many writes, ending in an answer of hyper's");
    assert_eq!(client.reply().text(), "v");
}

#[test]
fn long_targets_are_414_and_long_heads_431() {
    let server = Server::start();
    let target = |length: usize| format!("/get?x={}", "a".repeat(length - 7));
    let mut client = server.connect();
    assert_eq!(client.get(&target(65_534)).status, 200);
    for length in [65_535, 70_000] {
        let got = server.whole(format!("GET {} HTTP/1.1\r\n\r\n", target(length)));
        assert!(got.starts_with("HTTP/1.1 414 URI Too Long\r\n"), "{length}: {got}");
        assert!(got.ends_with("target: over 65534 bytes\n"), "{got}");
    }
    let headers = |count: usize| "A: b\r\n".repeat(count);
    assert_eq!(client.ask(format!("GET /get HTTP/1.1\r\n{}\r\n", headers(100))).status, 200);
    let fat = format!("GET /get HTTP/1.1\r\nA: {}\r\n\r\n", "b".repeat(131_072));
    for request in [format!("GET /get HTTP/1.1\r\n{}\r\n", headers(101)), fat] {
        let got = server.whole(request);
        assert!(got.starts_with("HTTP/1.1 431 "), "{got}");
        assert!(got.ends_with("head: over 131072 bytes or 100 headers\n"), "{got}");
    }
}

#[test]
fn an_endless_target_is_414() {
    let server = Server::start();
    let got = server.whole(format!("GET /{}", "a".repeat(200_000)));
    assert!(got.starts_with("HTTP/1.1 414 "), "{got}");
}

#[test]
fn a_client_that_goes_leaves_the_others() {
    let server = Server::start();
    drop(server.connect());
    let mut half = server.connect();
    half.send("GET /get?key=");
    drop(half);
    let mut rude = server.connect();
    rude.send("POST /put HTTP/1.1\r\nContent-Length: 100\r\n\r\nabc");
    rude.end_sending();
    let mut rest = Vec::new();
    let _ = rude.0.read_to_end(&mut rest);
    assert_eq!(server.connect().get("/get?key=v").text(), "v");
}

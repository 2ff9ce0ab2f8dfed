//! What a real node refuses before any command: slow and malformed requests, too many connections; and where it listens.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use hust_testkit::wait_until;

use crate::support::{Client, brief, builder, node};

#[test]
fn a_slow_request_is_408_and_holds_up_nobody() {
    let node = builder().set("server.request_timeout_ms=1500").start().unwrap();
    let mut quick = Client::of(&node);
    for part in [
        "GET /hustdb/get?key=k HTT",
        "PUT /hustdb/put?key=k HTTP/1.1\r\nHost: node\r\nContent-Length: 5\r\n\r\nab",
        "PUT /hustdb/put?key=k HTTP/1.1\r\nHost: node\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
    ] {
        let mut slow = Client::of(&node);
        slow.0.send(part).unwrap();
        assert_eq!(brief(&quick.get("/hustdb/get?key=k")), "404 0 -");
        let reply = slow.0.reply().unwrap();
        assert_eq!(brief(&reply), "408 - - request: not complete in time", "{part}");
        assert_eq!(reply.header("connection"), Some("close"));
        assert!(slow.0.is_closed().unwrap());
        assert_eq!(brief(&quick.get("/hustdb/exist?key=k")), "404 0 -", "nothing was done");
    }
}

#[test]
fn malformed_requests_are_400_and_end_their_connection() {
    let node = node();
    let mut other = Client::of(&node);
    for malformed in [
        "\0\0\0\0\r\n\r\n",
        "GET\r\n\r\n",
        "GET /hustdb/get?key=k\r\n\r\n",
        "GET  /hustdb/get?key=k HTTP/1.1\r\n\r\n",
        "GET /hustdb/get?key=k HTTP/2.0\r\n\r\n",
        "GET /hustdb/get?key=k HTTP/1.1\r\nNo colon\r\n\r\n",
        "GET /hustdb/get?key=k HTTP/1.1\r\n: no name\r\n\r\n",
        "GET /hustdb/get?key=k HTTP/1.1\r\nName : v\r\n\r\n",
        "GET /hustdb/get?key=a b HTTP/1.1\r\n\r\n",
        "PUT /hustdb/put?key=k HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        "PUT /hustdb/put?key=k HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        "PUT /hustdb/put?key=k HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        "PUT /hustdb/put?key=k HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "PUT /hustdb/put?key=k HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n",
        "\x16\x03\x01\x02\x00\x01\x00\x01\u{7f}\x03\x03\r\n\r\n",
    ] {
        let mut client = Client::of(&node);
        client.0.send(malformed).unwrap();
        let reply = client.0.reply().unwrap_or_else(|error| panic!("{malformed:?}: {error}"));
        assert_eq!((reply.status, reply.header("connection")), (400, Some("close")), "{malformed:?}");
        assert!(reply.text().ends_with('\n') && reply.text().contains(": "), "{malformed:?}");
        assert!(client.0.is_closed().unwrap(), "{malformed:?}");
        assert_eq!(brief(&other.get("/hustdb/exist?key=k")), "404 0 -", "{malformed:?}");
    }
}

#[test]
fn connections_over_the_limit_are_told_so() {
    let node = builder().set("server.max_connections=2").start().unwrap();
    let mut inside = [Client::of(&node), Client::of(&node)];
    inside.iter_mut().for_each(|client| assert_eq!(client.get("/status.html").status, 200));
    let mut third = Client::of(&node);
    let refused = third.get("/hustdb/get?key=k");
    assert_eq!(brief(&refused), "503 - - server: too many connections");
    assert_eq!((refused.header("connection"), refused.header("retry-after")), (Some("close"), None));
    assert!(third.0.is_closed().unwrap());
    let [mut first, second] = inside;
    assert_eq!(first.get("/status.html").status, 200);
    drop(second);
    let again =
        || Client::of(&node).0.ask("GET", "/status.html", &[], b"").is_ok_and(|reply| reply.status == 200);
    assert!(wait_until(Duration::from_secs(20), again));
}

#[test]
fn ipv6_and_both_families_on_one_socket() {
    let six: SocketAddr = "[::1]:0".parse().unwrap();
    let node = builder().listen(six).set("security.access_allow=[\"::1\"]").start().unwrap();
    assert!(node.address().is_ipv6());
    Client::of(&node).check(&[
        ("PUT", "/hustdb/put?key=k", "v", "200 1 false"),
        ("GET", "/hustdb/get?key=k", "", "200 1 - v"),
    ]);
    let all = builder().listen("[::]:0".parse().unwrap()).set("security.access_allow=[\"127.0.0.1\"]");
    let all = all.start().unwrap();
    let at = |address: &str| SocketAddr::new(address.parse::<IpAddr>().unwrap(), all.address().port());
    assert_eq!(brief(&Client::to(at("127.0.0.1")).get("/hustdb/get?key=k")), "404 0 -", "counts as IPv4");
    assert_eq!(Client::to(at("::1")).get("/hustdb/get?key=k").status, 403);
}

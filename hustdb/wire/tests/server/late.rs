//! Slow clients: 408, idle connections, and that nobody waits for them.

use std::io::Read;

use hust_wire::config::ServerConfig;

use crate::support::{Server, config};

fn impatient() -> ServerConfig {
    ServerConfig { request_timeout_ms: 200, keepalive_timeout_ms: 60_000, ..config() }
}

#[test]
fn slow_heads_and_bodies_are_408() {
    let server = Server::with(&impatient(), &Default::default());
    for start in [
        "G",
        "GET /get?key=v HTTP/1.1\r\nHost:",
        "PUT /put HTTP/1.1\r\nContent-Length: 10\r\n\r\nabc",
        "PUT /put HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
        "PUT /none HTTP/1.1\r\nContent-Length: 10\r\n\r\nabc",
    ] {
        let mut slow = server.connect();
        slow.send(start);
        let mut other = server.connect();
        assert_eq!(other.get("/get?key=v").text(), "v", "nobody waits for the slow");
        let reply = slow.reply();
        assert_eq!((reply.status, reply.text()), (408, "request: not complete in time\n"), "{start}");
        assert_eq!(reply.header("connection"), Some("close"));
        slow.end_sending();
        assert!(slow.is_closed());
    }
}

#[test]
fn a_slow_second_request_is_408_after_the_first_answer() {
    let server = Server::with(&impatient(), &Default::default());
    let mut client = server.connect();
    assert_eq!(client.get("/get?key=v").text(), "v");
    client.send("GET /get");
    assert_eq!(client.reply().status, 408);
}

#[test]
fn idle_connections_are_closed_silently() {
    let config = ServerConfig { keepalive_timeout_ms: 100, ..config() };
    let server = Server::with(&config, &Default::default());
    let mut fresh = server.connect();
    let mut used = server.connect();
    assert_eq!(used.get("/get?key=v").text(), "v");
    assert!(fresh.is_closed() && used.is_closed());
}

#[test]
fn a_client_that_does_not_read_is_cut_off() {
    let server = Server::with(&impatient(), &Default::default());
    let mut client = server.connect();
    client.send("GET /big HTTP/1.1\r\n\r\n");
    client.head();
    // The first waiter that gets a turn on the same worker after the timeout sees the connection gone.
    let mut late = server.connect();
    late.send("G");
    assert_eq!(late.reply().status, 408);
    let connections = || server.connect().get("/metrics").text().contains("hust_connections 1\n");
    drop(late);
    while !connections() {
        std::thread::yield_now();
    }
    let mut rest = Vec::new();
    let whole = client.0.read_to_end(&mut rest).is_ok() && rest.len() > 24 << 20;
    assert!(!whole, "what did not fit into the socket never came");
}

#[test]
fn a_handler_may_take_longer_than_a_request() {
    let server = Server::with(&impatient(), &Default::default());
    let mut client = server.connect();
    client.send("GET /wait HTTP/1.1\r\n\r\n");
    server.entered();
    let mut slow = server.connect();
    slow.send("G");
    assert_eq!(slow.reply().status, 408, "the timeout has passed");
    server.gate.add_permits(1);
    assert_eq!(client.reply().text(), "waited");
}

//! Bodies: limits, chunked, `Expect`, and clients that keep sending.

use std::io::Write;

use crate::support::{Server, config};
use hust_wire::config::Size;

fn put(body: &str) -> String {
    format!("PUT /put HTTP/1.1\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

fn chunked(body: &str, piece: usize) -> String {
    let mut request = "POST /put HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n".to_owned();
    for chunk in body.as_bytes().chunks(piece) {
        request += &format!("{:x}\r\n{}\r\n", chunk.len(), std::str::from_utf8(chunk).unwrap());
    }
    request + "0\r\n\r\n"
}

#[test]
fn a_body_of_exactly_the_limit_is_fine() {
    let server = Server::start();
    let mut client = server.connect();
    let body = "b".repeat(1000);
    for request in [put(&body), chunked(&body, 1000), chunked(&body, 7)] {
        let reply = client.ask(&request);
        assert_eq!((reply.status, reply.text()), (200, body.as_str()));
        assert_eq!(reply.header("content-type"), Some("application/octet-stream"));
    }
    assert_eq!(client.ask(put("")).text(), "");
    let more = "m".repeat(1100);
    let reply = client.ask(format!("POST /merge HTTP/1.1\r\nContent-Length: 1100\r\n\r\n{more}"));
    assert_eq!((reply.status, reply.text()), (200, more.as_str()), "a route may allow more");
}

#[test]
fn one_byte_more_is_413() {
    let server = Server::start();
    let body = "b".repeat(1001);
    let get = format!("GET /get HTTP/1.1\r\nContent-Length: 1001\r\n\r\n{body}");
    for request in [put(&body), chunked(&body, 1001), chunked(&body, 10), get] {
        let got = server.whole(&request);
        assert!(got.starts_with("HTTP/1.1 413 Payload Too Large\r\n"), "{got}");
        assert!(got.contains("connection: close\r\n"), "{got}");
        assert!(got.ends_with("body: over 1000 bytes\n"), "{got}");
    }
}

#[test]
fn a_client_still_sending_reads_its_413() {
    let server = Server::start();
    for head in ["Content-Length: 33554432", "Transfer-Encoding: chunked"] {
        let mut client = server.connect();
        client.send(format!("PUT /put HTTP/1.1\r\n{head}\r\n\r\n"));
        let chunk = [b"100000\r\n".as_slice(), &vec![b'x'; 1 << 20], b"\r\n"].concat();
        for _ in 0..32 {
            match client.0.write_all(&chunk) {
                Ok(()) => {}
                Err(error) => panic!("{head}: reset while sending: {:?}", error.kind()),
            }
        }
        let reply = client.reply();
        assert_eq!((reply.status, reply.text()), (413, "body: over 1000 bytes\n"));
        client.end_sending();
        assert!(client.is_closed());
    }
}

#[test]
fn continue_is_sent_only_for_what_will_be_read() {
    let server = Server::start();
    let expect = |method: &str, path: &str, length: usize| {
        format!("{method} {path} HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: {length}\r\n\r\n")
    };
    let mut client = server.connect();
    client.send(expect("PUT", "/put", 3));
    assert_eq!(client.head().0, 100);
    let reply = client.ask("abc");
    assert_eq!((reply.status, reply.text()), (200, "abc"));
    assert_eq!(client.get("/get?key=v").text(), "v", "the connection goes on");
    for (request, status) in [
        (expect("PUT", "/put", 1001), "413"),
        (expect("PUT", "/none", 3), "404"),
        (expect("DELETE", "/put", 3), "405"),
    ] {
        let got = server.whole(&request);
        assert!(got.starts_with(&format!("HTTP/1.1 {status} ")), "{got}");
        assert!(
            got.contains("connection: close\r\n"),
            "the body can no longer be told from a request: {got}"
        );
    }
}

#[test]
fn a_refused_request_leaves_the_connection_usable() {
    let server = Server::start();
    let mut client = server.connect();
    let none = client.ask("POST /none HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc");
    assert_eq!((none.status, none.text()), (404, "path: unknown\n"));
    let method =
        client.ask("DELETE /put HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n");
    assert_eq!((method.status, method.text()), (405, "method: use GET, POST or PUT\n"));
    assert_eq!(method.header("allow"), Some("GET, POST, PUT"));
    let ignored = client.ask("GET /get?key=v HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc");
    assert_eq!((ignored.status, ignored.text()), (200, "v"));
    assert_eq!(client.get("/get?key=w").text(), "w");
}

#[test]
fn broken_chunks_are_400() {
    let server = Server::start();
    for chunks in ["zz\r\n", "3\r\nabcd\r\n0\r\n\r\n", "fffffffffffffffff\r\n"] {
        let got = server.whole(format!("POST /put HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}"));
        assert!(got.starts_with("HTTP/1.1 400 "), "{chunks:?}: {got}");
        assert!(got.ends_with("body: malformed or cut short\n"), "{chunks:?}: {got}");
    }
}

#[test]
fn large_bodies_come_back_whole() {
    let mut config = config();
    config.max_body_size = Size::mib(32);
    let server = Server::with(&config, &Default::default());
    let body: Vec<u8> = (0..16 << 20).map(|n: u32| (n % 251) as u8).collect();
    let mut client = server.connect();
    let mut sender = client.0.try_clone().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let head = format!("PUT /put HTTP/1.1\r\nContent-Length: {}\r\n\r\n", body.len());
            let sent = sender.write_all(head.as_bytes()).and_then(|()| sender.write_all(&body));
            sent.unwrap();
        });
        assert!(client.reply().body == body);
    });
}

//! What a client sends that changes nothing, and what it may go on sending: encodings it accepts, bodies over the limit.

use std::time::Duration;

use hust_testkit::wait_until;

use crate::support::{Client, brief, builder, node};

#[test]
fn what_a_client_accepts_changes_nothing() {
    let node = node();
    let mut client = Client::of(&node);
    let value = "compressible ".repeat(1000);
    client.put("/hustdb/put?key=k", &value);
    client.put("/hustdb/hset?tb=h&key=f", &value);
    for target in ["/hustdb/get?key=k", "/hustdb/hkeys?tb=h&offset=0&size=9&noval=false", "/metrics"] {
        let plain = client.get(target);
        for (name, accepted) in [
            ("Accept-Encoding", "gzip, deflate, br, zstd"),
            ("Accept-Encoding", "identity;q=0, *"),
            ("TE", "trailers, gzip"),
            ("Accept", "application/xml"),
            ("Range", "bytes=0-3"),
            ("If-None-Match", "*"),
        ] {
            let reply = client.ask_with("GET", target, &[(name, accepted)], b"");
            assert_eq!((reply.status, reply.header("content-encoding")), (200, None), "{target} {name}");
            if target != "/metrics" {
                assert_eq!(reply.body, plain.body, "{target} {name}");
            }
        }
    }
}

#[test]
fn who_goes_on_sending_too_large_a_body_reads_413() {
    let node = builder().set("server.max_body_size=10000").start().unwrap();
    for head in ["Content-Length: 1000000000", "Transfer-Encoding: chunked"] {
        let mut client = Client::of(&node);
        client.0.send(format!("PUT /hustdb/put?key=k HTTP/1.1\r\n{head}\r\n\r\n")).unwrap();
        let chunk = [b"10000\r\n".as_slice(), &[b'v'; 0x10000], b"\r\n"].concat();
        for _ in 0..64 {
            client.0.send(&chunk).unwrap_or_else(|error| panic!("{head}: {error}"));
        }
        assert_eq!(brief(&client.0.reply().unwrap()), "413 - - body: over 10000 bytes", "{head}");
        assert_eq!(brief(&Client::of(&node).get("/hustdb/exist?key=k")), "404 0 -");
    }
}

#[test]
fn an_expired_record_leaves_the_digest() {
    let node = node();
    let mut client = Client::of(&node);
    let digest = |client: &mut Client| client.get("/hustdb/digest?start=0&end=1024").text();
    let empty = digest(&mut client);
    assert_eq!(empty, format!("[{}]", vec!["\"0000000000000000\""; 1024].join(",")));
    for target in ["put?key=k&val=v", "hset?tb=h&key=f&val=v", "sadd?tb=s&key=m", "zadd?tb=z&key=m&score=1"] {
        assert_eq!(client.get(&format!("/hustdb/{target}&ttl=2")).status, 200);
    }
    assert_ne!(digest(&mut client), empty);
    assert!(wait_until(Duration::from_secs(30), || digest(&mut client) == empty));
}

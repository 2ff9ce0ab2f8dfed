//! What cannot be delivered and cannot be noted at a node goes to the hint log.

use hust_testkit::Fault;
use hust_wire::{
    frame::decode_one,
    hint::{Growth, HEADER_BYTES, Piece, Reader},
};

use crate::cluster::{Cluster, brief};

#[test]
fn a_debt_that_cannot_be_noted_becomes_a_hint() {
    let mut cluster = Cluster::start();
    let mut client = cluster.client();
    cluster.kill(1);
    cluster.wait_for(1, "down", false);
    // The answer to the write fits; the answer to the debt on the same connection does not.
    let answer = raw_length(&cluster, "/hustdb/put?key=probe&val=1");
    cluster.relays[0].cut();
    cluster.relays[0].set(Fault::Truncate(answer + 8));
    let reply = client.get("/put?key=a&val=1");
    assert_eq!(
        (brief(&reply).as_str(), reply.header("sync")),
        ("200 1 false", Some(cluster.host(1).as_str()))
    );
    let folder = cluster.folder.path().join("hints").join(cluster.host(1));
    #[expect(clippy::disallowed_methods, reason = "looks at a file of the proxy")]
    let segments: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(segments.len(), 1);
    #[expect(clippy::disallowed_methods, reason = "looks at a file of the proxy")]
    let bytes = std::fs::read(&segments[0]).unwrap();
    let (from, end) = (HEADER_BYTES as u64, bytes.len() as u64);
    let mut reader = Reader::new(&bytes[..], from, end, Growth::Open, 1 << 20);
    assert!(matches!(reader.read().unwrap(), Piece::Hint { .. }), "no hint");
    let frame = reader.frame().to_vec();
    let record = decode_one(&frame).unwrap();
    assert_eq!((record.key, record.value, record.version), (&b"a"[..], &b"1"[..], 1));
    assert_eq!(reply.number("stamp"), Some(record.stamp));
    assert_eq!(reader.read().unwrap(), Piece::End);
    cluster.relays[0].set(Fault::None);
    cluster.revive(1);
    cluster.wait_for(1, "up", true);
    assert_eq!(cluster.node(1).ask("POST", "/hustdb/merge", &frame).status, 200);
    cluster.equal("/hustdb/get?key=a");
}

/// How many bytes a node answers.
fn raw_length(cluster: &Cluster, target: &str) -> usize {
    let reply = cluster.node(0).get(target);
    let headers: usize = reply.headers.iter().map(|(name, value)| name.len() + value.len() + 4).sum();
    "HTTP/1.1 200 OK\r\n\r\n".len() + headers + reply.body.len()
}

#[test]
fn alone_and_behind_it_does_not_know() {
    let mut cluster = Cluster::start();
    let mut client = cluster.client();
    client.check(&[("/put?key=old&val=1", "", "200 1 false"), ("/hset?tb=h&key=n&val=1", "", "200 1 false")]);
    cluster.kill(1);
    assert_eq!(client.get("/put?key=new&val=1").status, 200);
    // Nothing passes from node 0 to node 1, and then node 0 goes too.
    cluster.nodes[0].signal(hust_testkit::Signal::STOP).unwrap();
    cluster.revive(1);
    cluster.wait_for(1, "up", true);
    cluster.wait_for(0, "down", false);
    assert_eq!(brief(&client.get("/get?key=old")), "200 1 - 1");
    assert_eq!(client.get("/get?key=new").status, 503);
    for target in [
        "/put?key=old&val=2&ver=1",
        "/hincrby?tb=h&key=n&val=1",
        "/del?key=new",
        "/zadd?tb=z&key=m&score=1&opt=1",
    ] {
        let reply = client.get(target);
        assert_eq!(
            (reply.status, reply.header("outcome")),
            (503, Some("none")),
            "{target}: {}",
            reply.text()
        );
    }
    let reply = client.get("/put?key=other&val=1");
    assert_eq!((reply.status, reply.header("sync")), (200, Some(cluster.host(0).as_str())));
    cluster.nodes[0].signal(hust_testkit::Signal::CONT).unwrap();
    cluster.wait_for_healing();
    assert_eq!(brief(&client.get("/get?key=new")), "200 1 - 1");
}

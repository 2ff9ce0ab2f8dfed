//! Put, get and what becomes of a delivery, through a front before real nodes.

use hust_testkit::Reply;

use crate::{
    cluster::{Client, Cluster, brief},
    stub::Stubs,
};

/// The token and the peer of a delivery, as parameters.
fn settled(reply: &Reply) -> String {
    assert_eq!(reply.status, 200, "{}", reply.text());
    format!("token={}&peer={}", reply.header("ack-token").unwrap(), reply.header("ack-peer").unwrap())
}

fn lease(client: &mut Client) -> Reply {
    client.get("/get?queue=q&worker=w&ack=false")
}

#[test]
fn put_get_ack() {
    let cluster = Cluster::with(2, &[]);
    let mut client = cluster.client();
    let put = client.ask("POST", "/put?queue=q&priori=1", b"\0\xff\r\n");
    assert_eq!((put.header("index"), put.header("ack-peer"), put.body.is_empty()), (Some("1"), None, true));
    client.ok("/put?queue=q&item=a%20b");
    client.ask("PUT", "/put?queue=q&priori=2", "");
    assert_eq!(client.ok("/get?queue=q&worker=w").body, b"", "the empty one first");
    let got = lease(&mut client);
    assert_eq!((&got.body[..], got.header("index")), (&b"\0\xff\r\n"[..], Some("1")));
    assert_eq!(brief(&client.ask("POST", "/get?queue=q&worker=w", "")), "200 a b");
    let target = format!("/ack?queue=q&{}", settled(&got));
    assert_eq!(brief(&client.get(&target)), "200");
    assert_eq!(brief(&client.get(&target)), "412 token: not current");
    client.check(&[("/get?queue=q&worker=w", "404"), ("/get?queue=none&worker=w", "412 queue: unknown")]);
    let put = |client: &mut Client| client.ok("/put?queue=q&item=x&id=one%26two");
    assert_eq!(put(&mut client).header("duplicate"), None);
    let again = put(&mut client);
    assert_eq!((again.header("duplicate"), again.header("index")), (Some("true"), Some("2")));
}

#[test]
fn nack_and_touch() {
    let cluster = Cluster::with(2, &[]);
    let mut client = cluster.client();
    client.ok("/put?queue=q&item=a");
    let got = lease(&mut client);
    assert_eq!(brief(&client.ask("POST", &format!("/touch?queue=q&{}", settled(&got)), "")), "200");
    assert_eq!(brief(&client.ask("PUT", &format!("/nack?queue=q&{}", settled(&got)), "")), "200");
    let got = lease(&mut client);
    assert_eq!((brief(&got).as_str(), got.header("redelivered")), ("200 a", Some("1")));
    client.ok(&format!("/nack?queue=q&{}&delay=3600", settled(&got)));
    client.check(&[("/get?queue=q&worker=w", "404")]);
    assert!(client.get(&format!("/touch?queue=q&{}", settled(&got))).status == 412, "not in flight");
    client.ok("/put?queue=q&item=later&delay=3600");
    client.ok("/put?queue=q&item=short&ttl=1");
    let peer = got.header("ack-peer").unwrap();
    client.check(&[
        (&format!("/ack?queue=q&token=9:9:9&peer={peer}"), "412 token: not current"),
        (&format!("/ack?queue=none&token=9:9:9&peer={peer}"), "412 queue: unknown"),
        ("/ack?queue=q&token=9:9:9&peer=127.0.0.1:1", "400 peer: no such backend"),
        ("/ack?queue=q&token=9:9:9", "400 peer: missing"),
    ]);
}

#[test]
fn batches() {
    let cluster = Cluster::with(2, &[]);
    let mut client = cluster.client();
    let body = "len=1\na\npriori=2&id=i%2F7&len=2\nbb\npriori=2&id=i%2F7&len=1\nx\n";
    let put = client.ask("POST", "/put?queue=q&batch=true&ttl=600", body);
    assert_eq!(brief(&put), r#"200 {"stored":2,"duplicates":1,"index":[1,1,1]}"#);
    assert_eq!(put.header("content-type"), Some("application/json"));
    let got = client.ok("/get?queue=q&worker=w&ack=false&count=1000");
    assert_eq!(got.header("count"), Some("2"));
    let text = got.text();
    let tokens: Vec<&str> =
        text.split("token=").skip(1).map(|rest| rest.split('&').next().unwrap()).collect();
    assert_eq!(tokens.len(), 2, "{text}");
    let (peer, list) = (got.header("ack-peer").unwrap(), tokens.join(","));
    // Percent-encoded or not, in the query or the body.
    let target = format!("/touch?queue=q&peer={peer}&token={list}");
    assert_eq!(brief(&client.get(&target)), r#"200 {"done":2,"unknown":[]}"#);
    let done = client.ask("POST", &format!("/ack?queue=q&peer={peer}"), format!("{list},9:9:9"));
    assert_eq!(brief(&done), r#"200 {"done":2,"unknown":["9:9:9"]}"#);
    let none = client.ask("POST", &format!("/nack?queue=q&peer={peer}"), list);
    assert_eq!(none.status, 412, "{}", none.text());
    assert!(none.text().starts_with("{\"done\":0"), "{}", none.text());
    let refused = client.ask("POST", "/put?queue=q&batch=true", "len=1\na\npriori=3&len=1\nb\n");
    assert_eq!(brief(&refused), "400 frame 2: priori: not in 0..2");
    assert_eq!(client.ask("POST", "/put?queue=q&batch=true", "len=9\na\n").status, 400);
    client.check(&[("/get?queue=q&worker=w&count=1", "404")]);
}

#[test]
fn large_messages() {
    // What is as large as a body may be comes back with a line before it.
    let stubs = Stubs::with(1, &["server.max_body_size=63MiB", "backend.timeout_ms=60000"]);
    let frame = format!("index=1&len={}\n{}\n", 63 << 20, "x".repeat(63 << 20));
    for path in ["get", "sub"] {
        stubs.say(&format!("/hustmq/{path}"), &[&format!("200 count=1 next=2|{frame}")]);
        let reply = stubs.client().get(&format!("/{path}?queue=q&worker=w&idx=1&count=1"));
        assert!(reply.status == 200 && reply.text() == frame, "{path}: {}", reply.status);
    }
    let small = Stubs::with(1, &["server.max_body_size=1KiB"]);
    assert_eq!(small.client().ask("PUT", "/put?queue=q", vec![b'x'; 1025]).status, 413);
    assert_eq!(small.asked(), [0]);
}

//! Requests that come in one packet: their answers leave in one, and none waits for another for long.

use std::io::Read;

use crate::support::{Client, Server};

fn put(body: &str) -> String {
    format!("PUT /put HTTP/1.1\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

fn get(target: &str) -> String {
    format!("GET {target} HTTP/1.1\r\n\r\n")
}

/// The bodies of the answers that the next read brings.
fn packet(client: &mut Client) -> Vec<String> {
    let mut bytes = vec![0; 64 << 10];
    let read = client.0.read(&mut bytes).unwrap();
    let text = String::from_utf8(bytes[..read].to_vec()).unwrap();
    text.split("HTTP/1.1 200 OK\r\n")
        .skip(1)
        .map(|answer| answer.split_once("\r\n\r\n").unwrap().1.into())
        .collect()
}

#[test]
fn answers_to_one_packet_leave_in_one() {
    let server = Server::start();
    server.gate.add_permits(1);
    let mut client = server.connect();
    for (requests, bodies) in [
        ([put("a"), put("b"), put("c")], ["a", "b", "c"]),
        ([get("/get?key=a"), get("/get?key=b"), get("/get?key=c")], ["a", "b", "c"]),
        ([put("a"), get("/get?key=b"), get("/wait")], ["a", "b", "waited"]),
        ([put("a"), get("/turn"), get("/turn")], ["a", "turned", "turned"]),
        ([get("/turn"), put("a"), get("/turn")], ["turned", "a", "turned"]),
    ] {
        client.send(requests.concat());
        assert_eq!(packet(&mut client), bodies, "{requests:?}");
    }
}

#[test]
fn what_follows_one_that_took_long_leaves_with_it() {
    let server = Server::start();
    let mut client = server.connect();
    client.send([get("/wait"), get("/turn"), put("a"), get("/turn")].concat());
    server.entered();
    server.gate.add_permits(1);
    assert_eq!(packet(&mut client), ["waited", "turned", "a", "turned"]);
}

#[test]
fn no_answer_waits_for_one_that_takes_long() {
    let server = Server::start();
    let mut client = server.connect();
    for behind in ["", "GET /get?k", "GET /get?key=b HTTP/1.1\r\n\r\n"] {
        let rest = &"GET /get?key=b HTTP/1.1\r\n\r\n"[behind.len()..];
        client.send([put("a"), get("/turn"), get("/wait"), behind.to_owned()].concat());
        server.entered();
        assert_eq!(client.reply().text(), "a");
        assert_eq!(client.reply().text(), "turned");
        server.gate.add_permits(1);
        assert_eq!(client.reply().text(), "waited");
        client.send(rest);
        assert_eq!(client.reply().text(), "b");
        server.gate.try_acquire().unwrap().forget();
    }
}

#[test]
fn what_is_held_leaves_before_the_end() {
    let server = Server::start();
    for (last, status) in
        [("GET /get?key=z HTTP/1.1\r\nConnection: close\r\n\r\n", 200), ("bad\r\n\r\n", 400)]
    {
        let mut client = server.connect();
        client.send([put("a"), get("/turn"), last.to_owned()].concat());
        assert_eq!(client.reply().text(), "a");
        assert_eq!(client.reply().text(), "turned");
        assert_eq!(client.reply().status, status);
        assert!(client.is_closed());
    }
}

#[test]
fn a_bad_request_behind_an_answer_that_does_not_fit_is_refused_once() {
    let server = Server::start();
    for first in [get("/big"), get("/big") + &put("a")] {
        let mut client = server.connect();
        client.send(&first);
        assert_eq!(client.head().0, 200);
        client.send("bad\r\n\r\n");
        let rest = client.rest();
        let (before, refusal) = rest.split_at(crate::support::big().len());
        assert!(before.as_bytes() == crate::support::big());
        let refusals: Vec<_> = refusal.matches("HTTP/1.1 400").collect();
        assert!(refusals.len() == 1 && refusal.ends_with("request: malformed\n"), "{refusal}");
    }
}

#[test]
fn many_answers_keep_their_order_whatever_their_sizes() {
    let server = Server::start();
    let mut client = server.connect();
    let body = |n: usize| format!("{n} {}", "x".repeat(n * 7 % 900));
    let requests: String =
        (0..2000).map(|n| [put(&body(n)), get(&format!("/get?key={n}"))].concat()).collect();
    let big = get("/big");
    client.send([requests.as_str(), &big, &requests].concat());
    for half in 0..2 {
        for n in 0..2000 {
            assert_eq!(client.reply().text(), body(n));
            assert_eq!(client.reply().text(), n.to_string());
        }
        if half == 0 {
            assert_eq!(client.reply().body.len(), crate::support::big().len());
        }
    }
}

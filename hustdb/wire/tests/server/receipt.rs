//! Clients that go: their handler is dropped at once, and a receipt tells whether an answer left.

use crate::support::{Server, big};

const REQUEST: &str = "GET /receipt HTTP/1.1\r\n\r\n";

#[test]
fn an_answer_that_was_read_has_left() {
    let server = Server::start();
    server.gate.add_permits(10);
    let mut client = server.connect();
    for _ in 0..2 {
        assert_eq!(client.ask(REQUEST).body.len(), big().len());
        assert!(server.left());
        assert_eq!(client.get("/get?key=v").text(), "v");
    }
    client.send("HEAD /receipt HTTP/1.1\r\n\r\n");
    assert_eq!(client.head().0, 200);
    assert!(server.left());
}

#[test]
fn a_client_that_goes_while_it_waits_is_noticed_at_once() {
    let server = Server::start();
    for half in [false, true] {
        let mut client = server.connect();
        client.send(REQUEST);
        server.entered();
        if half {
            client.end_sending();
        } else {
            drop(client);
        }
        assert!(!server.left(), "nobody opened the gate: only the end of the connection can tell");
    }
}

#[test]
fn an_answer_cut_short_has_not_left() {
    let server = Server::start();
    server.gate.add_permits(10);
    let mut client = server.connect();
    client.send(REQUEST);
    assert_eq!(client.head().0, 200);
    drop(client);
    assert!(!server.left());
}

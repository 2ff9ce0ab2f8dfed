//! The end of a server.

use std::{
    net::TcpStream,
    sync::atomic::{AtomicBool, Ordering::SeqCst},
    thread,
};

use hust_wire::{
    config::ServerConfig,
    server::{self, Program, StartError},
};

use crate::support::{Client, Nothing, PROGRAM, Server, config};

#[test]
fn requests_in_flight_finish_and_idle_connections_close() {
    let server = Server::starting(&ServerConfig { workers: 2, ..config() }, &Default::default());
    server.control.ready();
    let mut idle = server.connect();
    assert_eq!(idle.get("/get").status, 200);
    let mut busy = server.connect();
    busy.send("GET /wait HTTP/1.1\r\n\r\nGET /get?key=never HTTP/1.1\r\n\r\n");
    let mut sending = server.connect();
    sending.send("GET /status.html HTTP/1.1\r\n");
    server.entered();
    let address = server.address;
    server.control.drain();
    assert!(idle.is_closed());
    while TcpStream::connect(address).is_ok() {
        std::thread::yield_now();
    }
    sending.send("\r\n");
    assert_eq!(sending.reply().text(), "status: draining\n", "what was begun in time is answered");
    server.gate.add_permits(1);
    let reply = busy.reply();
    assert_eq!((reply.text(), reply.header("connection")), ("waited", Some("close")));
    assert!(busy.is_closed());
    server.join();
}

#[test]
fn idle_connections_to_a_shared_port_are_answered_once_more() {
    let server = Server::with(&ServerConfig { drain_timeout_ms: 600_000, ..config() }, &Default::default());
    let mut idle = [server.connect(), server.connect()];
    for idle in &mut idle {
        assert_eq!(idle.get("/get").header("connection"), None);
    }
    server.control.drain();
    while TcpStream::connect(server.address).is_ok() {
        std::thread::yield_now();
    }
    for mut idle in idle {
        let reply = idle.get("/get?key=late");
        assert_eq!((reply.text(), reply.header("connection")), ("late", Some("close")));
        assert!(idle.is_closed());
    }
    server.join();
}

#[test]
fn idle_connections_end_with_the_drain() {
    let server = Server::with(&ServerConfig { drain_timeout_ms: 200, ..config() }, &Default::default());
    let mut idle = server.connect();
    assert_eq!(idle.get("/get").status, 200);
    server.control.drain();
    assert!(idle.is_closed());
    server.join();
}

#[test]
fn a_request_half_sent_is_told_that_we_drain() {
    let server = Server::start();
    let mut client = server.connect();
    client.send("PUT /put HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
    assert_eq!(client.head().0, 100);
    let mut health = server.connect();
    assert_eq!(health.get("/status.html").text(), "ok\n");
    health.send("GET /wait HTTP/1.1\r\n\r\n");
    server.entered();
    let mut status = server.connect();
    status.send("PUT /status.html HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n");
    assert_eq!(status.head().0, 100);
    server.control.drain();
    let reply = status.ask("x");
    assert_eq!((reply.status, reply.text()), (503, "status: draining\n"));
    assert_eq!(client.ask("abc").text(), "abc");
    server.gate.add_permits(1);
    assert_eq!(health.reply().text(), "waited");
    server.join();
}

#[test]
fn the_drain_ends_even_if_a_request_does_not() {
    let server = Server::with(&ServerConfig { drain_timeout_ms: 100, ..config() }, &Default::default());
    let mut stuck = server.connect();
    stuck.send("GET /wait HTTP/1.1\r\n\r\n");
    server.entered();
    server.control.drain();
    assert!(stuck.is_closed());
    server.join();
}

#[test]
fn a_port_that_drains_can_be_bound_again() {
    let old = Server::start();
    let mut busy = old.connect();
    busy.send("GET /wait HTTP/1.1\r\n\r\n");
    old.entered();
    let listen = old.address.to_string();
    let new = Server::with(&ServerConfig { listen, ..config() }, &Default::default());
    old.control.drain();
    old.gate.add_permits(1);
    assert_eq!(busy.reply().text(), "waited");
    old.join();
    assert_eq!(new.connect().get("/get?key=new").text(), "new");
}

#[test]
fn a_port_changes_hands_without_a_reset() {
    const ROUNDS: usize = 20;
    let mut server = Server::start();
    let (address, stop) = (server.address, AtomicBool::new(false));
    let ask = || {
        while !stop.load(SeqCst) {
            assert_eq!(Client::to(address).get("/get?key=v").text(), "v");
        }
    };
    thread::scope(|scope| {
        let clients: Vec<_> = (0..4).map(|_| scope.spawn(ask)).collect();
        for _ in 0..ROUNDS {
            let listen = address.to_string();
            let next = Server::with(&ServerConfig { listen, ..config() }, &Default::default());
            server.control.drain();
            std::mem::replace(&mut server, next).join();
        }
        stop.store(true, SeqCst);
        for client in clients {
            client.join().unwrap();
        }
    });
}

#[test]
fn a_port_that_may_not_be_shared_is_refused() {
    let first = Server::start();
    let alone = Program { shares_port: false, ..PROGRAM };
    let taken = ServerConfig { listen: first.address.to_string(), ..config() };
    let error = server::start(alone, &taken, &Default::default(), Nothing).unwrap_err();
    assert!(matches!(error, StartError::Io { .. }), "{error}");
    assert!(error.to_string().starts_with(&format!("server.listen: {}: ", first.address)), "{error}");
    let free = server::start(alone, &config(), &Default::default(), Nothing).unwrap();
    free.control().drain();
    assert!(free.join());
    let wrong = ServerConfig { listen: "nowhere".into(), ..config() };
    let error = server::start(alone, &wrong, &Default::default(), Nothing).unwrap_err();
    assert_eq!(error.to_string(), "server.listen: \"nowhere\" is no address:port");
}

#[test]
fn a_check_says_what_a_start_would_refuse() {
    use hust_wire::{config::SecurityConfig, server::check};
    let open = SecurityConfig::default();
    assert_eq!(check(&config(), &open), Ok(()));
    let said =
        |server: ServerConfig, security: &SecurityConfig| check(&server, security).unwrap_err().to_string();
    let nowhere = ServerConfig { listen: "nowhere".into(), ..config() };
    assert_eq!(said(nowhere, &open), "server.listen: \"nowhere\" is no address:port");
    let half = ServerConfig { tls_key: "k.pem".into(), ..config() };
    assert_eq!(said(half, &open), "server.tls_cert: set together with server.tls_key, or neither");
    let list = SecurityConfig { access_allow: vec!["all".into()], ..open.clone() };
    assert!(said(config(), &list).starts_with("security.access_allow: \"all\""));
}

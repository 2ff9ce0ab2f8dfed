//! One front replaces another on the same port, and no request notices.

use std::{
    net::{SocketAddr, TcpListener},
    sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    thread,
};

use hust_testkit::{Program, Raw, Signal, wait_until};

use crate::cluster::{Client, Cluster, LONG, brief, front_args};

const ROUNDS: usize = 5;
const CLIENTS: usize = 3;

/// One more front of this cluster, on this port.
fn beside(cluster: &Cluster, address: SocketAddr) -> Program {
    let hosts: Vec<SocketAddr> = (0..cluster.nodes.len()).map(|node| cluster.host(node)).collect();
    let listen = format!("server.listen={address}");
    Program::start(env!("CARGO_BIN_EXE_hustmq"), front_args(&hosts, &[&listen])).unwrap()
}

/// Puts until told to end, on a connection that is kept as long as the front keeps it; how many were answered 200.
fn put(address: SocketAddr, number: usize, stop: &AtomicBool, done: &AtomicUsize) -> u64 {
    let (mut kept, mut count) = (None, 0);
    while !stop.load(SeqCst) {
        let target = format!("/put?queue=q&item=a&id={number}.{count}");
        let mut raw = kept.take().unwrap_or_else(|| Raw::connect(address).unwrap());
        let reply = raw.ask("GET", &target, &[], b"").unwrap();
        assert_eq!(reply.status, 200, "{}", reply.text());
        count += 1;
        done.fetch_add(1, SeqCst);
        if reply.header("connection") != Some("close") && count % 3 != 0 {
            kept = Some(raw);
        }
    }
    count
}

#[test]
fn no_request_is_dropped() {
    let cluster = Cluster::with(2, &[]);
    let address = cluster.front.address();
    // The first of them has a port of its own, so each that follows is told of it.
    let mut front = beside(&cluster, hust_testkit::free_address().unwrap());
    let port = front.address();
    assert_ne!(port, address);
    let (stop, done) = (AtomicBool::new(false), AtomicUsize::new(0));
    let count: u64 = thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|number| {
                let (stop, done) = (&stop, &done);
                scope.spawn(move || put(port, number, stop, done))
            })
            .collect();
        for _ in 0..ROUNDS {
            let goal = done.load(SeqCst) + 20;
            assert!(wait_until(LONG, || done.load(SeqCst) >= goal), "the clients stand still");
            let next = beside(&cluster, port);
            assert!(front.stop().unwrap().success());
            front = next;
        }
        stop.store(true, SeqCst);
        clients.into_iter().map(|client| client.join().unwrap()).sum()
    });
    let ready: u64 = (0..2)
        .filter_map(|node| {
            let text = cluster.node(node).get("/hustmq/stat?queue=q").text();
            text.split("\"ready\":[").nth(1)?.split(',').next()?.parse::<u64>().ok()
        })
        .sum();
    assert_eq!(ready, count, "each put was done once");
}

#[test]
fn who_waits_at_the_old_one_meets_the_new_one() {
    let mut cluster = Cluster::with(1, &[]);
    let address = cluster.front.address();
    let mut waiter = cluster.park("/evget?queue=q&worker=w&inline=true");
    let new = beside(&cluster, address);
    cluster.front.signal(Signal::TERM).unwrap();
    assert_eq!(brief(&waiter.reply()), "404");
    assert!(cluster.front.wait().unwrap().success());
    let mut again = Client(new.raw().unwrap());
    again.send("GET", "/evget?queue=q&worker=w&inline=true", "");
    new.http().get("/put?queue=q&item=a").unwrap();
    assert_eq!(brief(&again.reply()), "200 a");
}

#[test]
fn a_port_of_another_program_is_refused() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = taken.local_addr().unwrap().to_string();
    let command = std::process::Command::new(env!("CARGO_BIN_EXE_hustmq"))
        .args(["--listen", &listen, "--set", "server.log_level=error"])
        .output()
        .unwrap();
    let log = String::from_utf8_lossy(&command.stderr).into_owned();
    assert_eq!((command.status.code(), log.lines().count()), (Some(1), 1), "{log}");
    assert!(log.contains(&listen) && command.stdout.is_empty(), "{log}");
}

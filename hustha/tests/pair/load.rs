//! Masters die under load. No acknowledged write is lost, no increment counted twice, no deletion comes back.

use std::{
    net::SocketAddr,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    thread,
};

use hust_testkit::{Raw, Signal, wait_until};

use crate::cluster::{Client, Cluster, LONG};

const CLIENTS: usize = 4;

/// What one client knows.
#[derive(Default)]
struct Ledger {
    /// Values of its own key that may be there: the last acknowledged one and those in doubt since.
    possible: Vec<u64>,
    /// Increments of the common counter that were answered 200, and those in doubt.
    added: u64,
    doubtful: u64,
    /// Times it won a conditional write, by version.
    won: Vec<u64>,
}

fn work(address: SocketAddr, number: usize, stop: &AtomicBool, done: &AtomicUsize) -> Ledger {
    let mut client = Client(Raw::connect(address).unwrap());
    let mut ledger = Ledger { possible: vec![0], ..Ledger::default() };
    assert_eq!(client.get(&format!("/put?key=own{number}&val=0")).status, 200);
    // Values tell whose they are.
    let mut serial = number as u64;
    while !stop.load(SeqCst) {
        serial += 10;
        put(&mut client, number, serial, &mut ledger);
        increment(&mut client, &mut ledger);
        compare_and_set(&mut client, &mut ledger);
        done.fetch_add(1, SeqCst);
    }
    ledger
}

fn put(client: &mut Client, number: usize, serial: u64, ledger: &mut Ledger) {
    let reply = client.get(&format!("/put?key=own{number}&val={serial}"));
    match (reply.status, reply.header("outcome")) {
        (200, _) => ledger.possible = vec![serial],
        (503, Some("none")) => {}
        (503, _) => ledger.possible.push(serial),
        _ => panic!("{} {}", reply.status, reply.text()),
    }
    let reply = client.get(&format!("/get?key=own{number}"));
    match reply.status {
        200 => {
            let value: u64 = reply.text().parse().unwrap();
            let (known, version) = (&ledger.possible, reply.number("version"));
            assert!(known.contains(&value), "read {value} ({version:?}), not one of {known:?}");
        }
        503 => {}
        _ => panic!("a wrong miss: {} {}", reply.status, reply.text()),
    }
}

fn increment(client: &mut Client, ledger: &mut Ledger) {
    let reply = client.get("/hincrby?tb=counters&key=all&val=1");
    match (reply.status, reply.header("outcome")) {
        (200, _) => ledger.added += 1,
        (503, Some("unknown")) => ledger.doubtful += 1,
        (503, _) => {}
        _ => panic!("{} {}", reply.status, reply.text()),
    }
}

fn compare_and_set(client: &mut Client, ledger: &mut Ledger) {
    let found = client.get("/exist?key=cas");
    let Some(version) = found.number("version").filter(|_| found.status == 200) else { return };
    let reply = client.get(&format!("/put?key=cas&val=x&ver={version}"));
    match reply.status {
        200 => ledger.won.push(version),
        401 | 503 => {}
        status => panic!("{status} {}", reply.text()),
    }
}

/// Runs clients while `harm` is done, and compares afterwards.
fn under_load(mut cluster: Cluster, harm: impl FnOnce(&mut Cluster, &dyn Fn(usize)) + Send) {
    assert_eq!(cluster.client().get("/put?key=cas&val=0").status, 200);
    let (stop, done) = (AtomicBool::new(false), AtomicUsize::new(0));
    let address = cluster.proxy.address();
    let ledgers: Vec<Ledger> = thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|number| {
                let (stop, done) = (&stop, &done);
                scope.spawn(move || work(address, number, stop, done))
            })
            .collect();
        let more = |rounds: usize| {
            let goal = done.load(SeqCst) + rounds;
            assert!(wait_until(LONG, || done.load(SeqCst) >= goal), "the clients stand still");
        };
        harm(&mut cluster, &more);
        stop.store(true, SeqCst);
        clients.into_iter().map(|client| client.join().unwrap()).collect()
    });
    cluster.wait_for_healing();
    for (number, ledger) in ledgers.iter().enumerate() {
        let value = cluster.equal(&format!("/hustdb/get?key=own{number}")).text().parse().unwrap();
        assert!(ledger.possible.contains(&value), "{value} is none of {:?}", ledger.possible);
    }
    let sum = cluster.equal("/hustdb/hget?tb=counters&key=all").text().parse::<u64>().unwrap();
    let added: u64 = ledgers.iter().map(|ledger| ledger.added).sum();
    let doubtful: u64 = ledgers.iter().map(|ledger| ledger.doubtful).sum();
    assert!((added..=added + doubtful).contains(&sum), "{sum}: {added} counted, {doubtful} in doubt");
    let mut won: Vec<u64> = ledgers.iter().flat_map(|ledger| ledger.won.iter().copied()).collect();
    let all = won.len();
    won.sort_unstable();
    won.dedup();
    assert_eq!(won.len(), all, "two writers had the same version and both won");
}

#[test]
fn master_2_is_killed_and_comes_back() {
    under_load(Cluster::start(), |cluster, more| {
        for _ in 0..2 {
            more(20);
            cluster.kill(1);
            more(40);
            cluster.revive(1);
            cluster.wait_for(1, "up", false);
        }
    });
}

#[test]
fn master_1_is_killed_and_comes_back() {
    under_load(Cluster::start(), |cluster, more| {
        for _ in 0..2 {
            more(20);
            cluster.kill(0);
            more(40);
            cluster.revive(0);
            cluster.wait_for(0, "up", false);
        }
    });
}

#[test]
fn each_master_stalls_in_turn() {
    under_load(Cluster::start(), |cluster, more| {
        for number in [1, 0] {
            more(20);
            cluster.nodes[number].signal(Signal::STOP).unwrap();
            more(20);
            cluster.nodes[number].signal(Signal::CONT).unwrap();
            cluster.wait_for(number, "up", false);
        }
    });
}

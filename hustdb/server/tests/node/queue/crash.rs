//! `kill -9` under load: an answered put is there, an answered ack is for good, what was not acknowledged comes back.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    thread,
    time::Duration,
};

use hust_testkit::{Node, Raw, wait_until};
use hust_wire::message::Frames;

use super::{frame, moment};
use crate::support::{Client, Random, now_ms, synced};

const SEED: u64 = 0x5eed_0032;
const ROUNDS: u64 = 10;

/// What clients know.
#[derive(Default)]
struct Ledger {
    /// Puts without an answer: they may have happened, all of a batch or none.
    unknown: Vec<Vec<String>>,
    put: BTreeSet<String>,
    /// Acks without an answer.
    leaving: BTreeSet<String>,
    gone: BTreeSet<String>,
}

fn produce(node: &Node, name: &str, ledger: &Mutex<Ledger>, answered: &AtomicU64, mut random: Random) {
    let Ok(mut raw) = Raw::connect(node.address()) else { return };
    for serial in 0.. {
        let count = if random.below(4) == 0 { 1 + random.below(9) } else { 1 };
        let items: Vec<String> = (0..count).map(|at| format!("{name}-{serial}-{at}")).collect();
        let reply = if count == 1 {
            raw.ask(
                "PUT",
                &format!("/hustmq/put?queue=q&priori={}", random.below(3)),
                &[],
                items[0].as_bytes(),
            )
        } else {
            let body: String = items.iter().map(|item| frame("", item)).collect();
            raw.ask("PUT", "/hustmq/put?queue=q&batch=true", &[], body.as_bytes())
        };
        let mut ledger = ledger.lock().unwrap();
        match reply {
            // Overloaded: nothing was done, so nothing of it may be found at the end.
            Ok(reply) if reply.status == 503 => {}
            Ok(reply) => {
                assert_eq!(reply.status, 200, "{}", reply.text());
                ledger.put.extend(items);
                answered.fetch_add(1, Relaxed);
            }
            Err(_) => return ledger.unknown.push(items),
        }
    }
}

fn consume(node: &Node, ledger: &Mutex<Ledger>, mut random: Random) {
    let Ok(mut raw) = Raw::connect(node.address()) else { return };
    loop {
        let Ok(reply) = raw.ask("GET", "/hustmq/get?queue=q&worker=w&ack=false&count=5", &[], b"") else {
            return;
        };
        if reply.status != 200 {
            assert!(matches!(reply.status, 404 | 503), "{}", reply.text());
            continue;
        }
        for frame in Frames::of(&reply.body) {
            let frame = frame.unwrap();
            let token =
                String::from_utf8(frame.fields.bytes("token").unwrap().unwrap().into_owned()).unwrap();
            let item = String::from_utf8(frame.item.to_vec()).unwrap();
            assert!(!ledger.lock().unwrap().gone.contains(&item), "{item} came back after its ack");
            // Some are left to their deadline.
            if random.below(5) == 0 {
                continue;
            }
            ledger.lock().unwrap().leaving.insert(item.clone());
            // Waited for or not, it outlives the process.
            let sync = random.below(2) == 0;
            let target = format!("/hustmq/ack?queue=q&token={token}&sync={sync}");
            let Ok(reply) = raw.ask("GET", &target, &[], b"") else { return };
            let mut ledger = ledger.lock().unwrap();
            ledger.leaving.remove(&item);
            match reply.status {
                200 => assert!(ledger.gone.insert(item.clone()), "{item} was acknowledged twice"),
                412 | 503 => {}
                status => panic!("{status}"),
            }
        }
    }
}

/// Takes everything, deadlines included, and says how often each item was there.
fn drain(node: &Node) -> BTreeMap<String, u64> {
    let mut client = Client::of(node);
    let mut found = BTreeMap::new();
    moment(|| {
        let reply = client.mq("get?queue=q&worker=w&count=1000", "");
        for frame in Frames::of(&reply.body).filter(|_| reply.status == 200) {
            *found.entry(String::from_utf8(frame.unwrap().item.to_vec()).unwrap()).or_default() += 1;
        }
        let stat = client.json("stat?queue=q");
        reply.status == 404 && stat["unacked"] == 0 && stat["ready"] == serde_json::json!([0, 0, 0])
    });
    found
}

fn under_load(sync: &str) {
    println!("seed {SEED:#x}, engine.sync = {sync}");
    let mut node = synced(sync).set("engine.memtable=1MiB").set("engine.segment_size=1MiB").start().unwrap();
    Client::of(&node).mq("settings?queue=q&create=true&second=2", "");
    let ledger = Mutex::new(Ledger::default());
    let mut random = Random(SEED);
    for round in 0..ROUNDS {
        let answered = AtomicU64::new(0);
        let enough = 50 + random.below(if sync == "os" { 500 } else { 150 });
        thread::scope(|scope| {
            for client in 0..3 {
                let (node, ledger, answered) = (&node, &ledger, &answered);
                let (one, other) = (Random(random.next()), Random(random.next()));
                scope.spawn(move || produce(node, &format!("{round}-{client}"), ledger, answered, one));
                scope.spawn(move || consume(node, ledger, other));
            }
            let reached = wait_until(Duration::from_secs(60), || answered.load(Relaxed) >= enough);
            node.signal(rustix::process::Signal::KILL).unwrap();
            assert!(reached, "only {answered:?} of {enough} puts");
        });
        node.kill().unwrap();
        node.restart().unwrap();
    }
    let killed_ms = now_ms();
    let found = drain(&node);
    assert!(now_ms() < killed_ms + 15_000);
    let ledger = ledger.into_inner().unwrap();
    for (item, times) in &found {
        assert_eq!(*times, 1, "{item}");
        let offered = ledger.put.contains(item) || ledger.unknown.iter().any(|batch| batch.contains(item));
        assert!(offered, "{item} was refused");
        assert!(!ledger.gone.contains(item), "{item} came back after its ack");
    }
    for item in &ledger.put {
        let known = found.contains_key(item) || ledger.gone.contains(item) || ledger.leaving.contains(item);
        assert!(known, "{item} was put and is lost");
    }
    for batch in &ledger.unknown {
        let there = |item: &&String| {
            found.contains_key(*item) || ledger.gone.contains(*item) || ledger.leaving.contains(*item)
        };
        let count = batch.iter().filter(there).count();
        assert!(count == 0 || count == batch.len(), "{batch:?}: {count} of them");
    }
    println!("{} put, {} acknowledged, {} left", ledger.put.len(), ledger.gone.len(), found.len());
}

#[test]
fn kill_9_under_load_with_sync_os() {
    under_load("os");
}

#[test]
fn kill_9_under_load_with_sync_always() {
    under_load("always");
}

#[test]
fn published_messages_and_ids_survive_kill_9() {
    let mut node = synced("always").start().unwrap();
    for round in 0..4u64 {
        let answered = AtomicU64::new(0);
        thread::scope(|scope| {
            let (node, answered) = (&node, &answered);
            scope.spawn(move || {
                let mut raw = Raw::connect(node.address()).unwrap();
                for serial in 0.. {
                    let target = format!("/hustmq/pub?queue=p&item={round}-{serial}");
                    let Ok(reply) = raw.ask("GET", &target, &[], b"") else { return };
                    let target = format!("/hustmq/put?queue=q&id={round}-{serial}&item=x");
                    assert_eq!(reply.status, 200);
                    if raw.ask("GET", &target, &[], b"").is_err() {
                        return;
                    }
                    answered.store(serial + 1, Relaxed);
                }
            });
            assert!(wait_until(Duration::from_secs(30), || answered.load(Relaxed) >= 40));
            node.signal(rustix::process::Signal::KILL).unwrap();
        });
        node.kill().unwrap();
        node.restart().unwrap();
        let mut client = Client::of(&node);
        let (ready, published) = (client.ready("q")[0], client.ready("p")[0]);
        let answered = answered.load(Relaxed);
        for serial in 0..answered {
            let reply = client.mq(&format!("put?queue=q&id={round}-{serial}&item=x"), "");
            assert_eq!(reply.header("duplicate"), Some("true"), "{round}-{serial}");
        }
        assert_eq!(client.ready("q")[0], ready);
        let ci = client.figure("p", "ci");
        assert_eq!(ci, published, "no index was skipped or lost");
        let last = client.mq(&format!("sub?queue=p&idx={ci}"), "").text();
        let serial: u64 = last.strip_prefix(&format!("{round}-")).unwrap().parse().unwrap();
        assert!((answered..=answered + 1).contains(&(serial + 1)), "{last}: {answered} answered");
    }
}

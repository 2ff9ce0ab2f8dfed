//! Exactly once, all told: with consumers that crash at every point, each message is acknowledged once and none is lost.
//!
//! `HUST_QUEUE_MESSAGES` sets how many there are.

use std::{
    sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    thread,
    time::Duration,
};

use hust_testkit::{Node, Raw, Reply, wait_until};
use hust_wire::message::Frames;

use super::frame;
use crate::support::{Client, Random, builder};

const SEED: u64 = 0x5eed_0033;
const MESSAGES: usize = 20_000;
const PRODUCERS: usize = 4;
const CONSUMERS: u64 = 4;
const BATCH: usize = 20;

struct Tally {
    acked: Vec<AtomicU64>,
    delivered: AtomicU64,
    crashes: AtomicU64,
    done: AtomicUsize,
}

/// Puts its share, with ids: after a connection is cut it puts the same again.
fn produce(node: &Node, share: impl Iterator<Item = usize>, mut random: Random) {
    let mut raw = Raw::connect(node.address()).unwrap();
    let share: Vec<usize> = share.collect();
    for chunk in share.chunks(BATCH) {
        let body: String = chunk
            .iter()
            .map(|number| frame(&format!("id={number}&priori={}", number % 3), &number.to_string()))
            .collect();
        loop {
            raw.request("PUT", "/hustmq/put?queue=q&batch=true", &[], body.as_bytes()).unwrap();
            if random.below(10) == 0 {
                // It hangs up before the answer, which the node may have done or not.
                raw = Raw::connect(node.address()).unwrap();
                continue;
            }
            let reply = raw.reply().unwrap();
            if reply.status == 200 {
                break;
            }
            assert_eq!(reply.status, 503, "{}: only an overload is no surprise", reply.text());
        }
    }
}

/// Consumes until everything is acknowledged; "crashes" now and then: with what it got, before an ack, after it.
fn consume(node: &Node, tally: &Tally, mut random: Random) {
    let mut raw = Raw::connect(node.address()).unwrap();
    // What is acknowledged with the next get.
    let mut held: Vec<(usize, String)> = Vec::new();
    while tally.done.load(Relaxed) < tally.acked.len() {
        let count = 1 + random.below(30);
        let mut target = format!("/hustmq/get?queue=q&worker=w{count}&ack=false&count={count}");
        if !held.is_empty() {
            let sync = random.below(2) == 0;
            target.push_str(&format!("&token={}&sync={sync}", list(&held)));
        }
        raw.request("GET", &target, &[], b"").unwrap();
        let crash = random.below(40);
        if crash == 0 && held.is_empty() {
            tally.crashes.fetch_add(1, Relaxed);
            raw = Raw::connect(node.address()).unwrap();
            continue;
        }
        let reply = raw.reply().unwrap();
        if !held.is_empty() && reply.status != 503 {
            ridden(tally, &std::mem::take(&mut held), &reply);
        }
        if reply.status == 412 {
            continue;
        }
        if reply.status != 200 {
            assert!(matches!(reply.status, 404 | 503), "{}", reply.text());
            continue;
        }
        let messages: Vec<(usize, String)> = Frames::of(&reply.body)
            .map(|frame| {
                let frame = frame.unwrap();
                let token = frame.fields.bytes("token").unwrap().unwrap().into_owned();
                let item = std::str::from_utf8(frame.item).unwrap();
                (item.parse().unwrap(), String::from_utf8(token).unwrap())
            })
            .collect();
        tally.delivered.fetch_add(messages.len() as u64, Relaxed);
        for (number, _) in &messages {
            assert_eq!(tally.acked[*number].load(Relaxed), 0, "{number} came back after its ack");
        }
        // A few at the end of what it got are never acknowledged.
        let keep = if crash == 1 { random.below(messages.len() as u64) as usize } else { messages.len() };
        tally.crashes.fetch_add(u64::from(crash == 1), Relaxed);
        if random.below(2) == 0 {
            held = messages[..keep].to_vec();
        } else {
            acknowledge(&mut raw, tally, &messages[..keep]);
        }
    }
}

fn list(messages: &[(usize, String)]) -> String {
    messages.iter().map(|(_, token)| &**token).collect::<Vec<_>>().join(",")
}

/// What a get said of the acknowledgements that it took along.
fn ridden(tally: &Tally, messages: &[(usize, String)], reply: &Reply) {
    let unknown: Vec<&str> = match reply.status {
        // None of them is, and nothing was taken.
        412 => return,
        _ => reply.header("unknown-tokens").map(|tokens| tokens.split(',').collect()).unwrap_or_default(),
    };
    assert!(unknown.len() < messages.len());
    done(tally, messages, |token| !unknown.contains(&token));
}

/// Counts those whose token was current.
fn done(tally: &Tally, messages: &[(usize, String)], current: impl Fn(&str) -> bool) {
    for (number, _) in messages.iter().filter(|(_, token)| current(token)) {
        assert_eq!(tally.acked[*number].fetch_add(1, Relaxed), 0, "{number} was acknowledged twice");
        tally.done.fetch_add(1, Relaxed);
    }
}

fn acknowledge(raw: &mut Raw, tally: &Tally, messages: &[(usize, String)]) {
    if messages.is_empty() {
        return;
    }
    let list = list(messages);
    let reply = loop {
        let reply = raw.ask("PUT", "/hustmq/ack?queue=q", &[], list.as_bytes()).unwrap();
        if reply.status != 503 {
            break reply;
        }
    };
    let known: Vec<String> = if messages.len() == 1 {
        if reply.status == 200 { Vec::new() } else { vec![list] }
    } else {
        let json: serde_json::Value = serde_json::from_slice(&reply.body).unwrap();
        serde_json::from_value(json["unknown"].clone()).unwrap()
    };
    assert!(matches!(reply.status, 200 | 412), "{}", reply.text());
    done(tally, messages, |token| !known.iter().any(|known| known == token));
}

#[test]
fn every_message_is_acknowledged_exactly_once() {
    let messages = match std::env::var("HUST_QUEUE_MESSAGES") {
        Ok(count) => count.parse().unwrap(),
        Err(_) => MESSAGES,
    };
    println!("seed {SEED:#x}, {messages} messages");
    let node = builder().set("server.workers=2").set("engine.memtable=4MiB").start().unwrap();
    Client::of(&node).mq("settings?queue=q&create=true&second=2", "");
    let tally = Tally {
        acked: (0..messages).map(|_| AtomicU64::new(0)).collect(),
        delivered: AtomicU64::new(0),
        crashes: AtomicU64::new(0),
        done: AtomicUsize::new(0),
    };
    let mut random = Random(SEED);
    thread::scope(|scope| {
        for producer in 0..PRODUCERS {
            let (node, random) = (&node, Random(random.next()));
            scope.spawn(move || produce(node, (producer..messages).step_by(PRODUCERS), random));
        }
        for _ in 0..CONSUMERS {
            let (node, tally, random) = (&node, &tally, Random(random.next()));
            scope.spawn(move || consume(node, tally, random));
        }
    });
    assert!(tally.acked.iter().all(|acked| acked.load(Relaxed) == 1));
    let mut client = Client::of(&node);
    let empty = |client: &mut Client| {
        let stat = client.json("stat?queue=q&detail=true");
        (stat["unacked"].as_u64(), stat["bytes"].as_u64(), client.ready("q"))
    };
    assert!(wait_until(Duration::from_secs(10), || empty(&mut client) == (Some(0), Some(0), [0; 3])));
    let redelivered = client.figure("q", "redelivered");
    let (delivered, crashes) = (tally.delivered.load(Relaxed), tally.crashes.load(Relaxed));
    println!("{delivered} deliveries seen, {redelivered} again, {crashes} crashes");
    assert!(redelivered > 0 && crashes > 0);
}

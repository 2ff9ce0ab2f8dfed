//! Writes that come faster than the node can follow: 503 with `Retry-After`, nothing half done, and over by itself.

use std::{
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    thread,
    time::Duration,
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use hust_testkit::{Node, wait_until};

use crate::support::{Client, brief, builder};

/// Rows of a batch: more than the memtables below hold.
const ROWS: usize = 5000;
const WRITERS: usize = 3;

/// Brings batches until it is over.
fn load(node: &Node, writer: usize, over: &AtomicBool) {
    let mut client = Client::of(node);
    let value = BASE64_STANDARD.encode([b'v'; 250]);
    for number in 0.. {
        if over.load(Relaxed) {
            return;
        }
        let line = |row: usize| {
            let key = BASE64_STANDARD.encode(format!("{writer}-{number}-{row}"));
            format!("{{\"key\":\"{key}\",\"val\":\"{value}\"}}\n")
        };
        let body: String = (0..ROWS).map(line).collect();
        assert_eq!(client.ask("POST", "/hustdb/mput", body).status, 200);
    }
}

#[test]
fn too_many_writes_are_503_with_retry_after_until_the_node_has_followed() {
    let node = builder().set("engine.partitions=1").set("engine.memtable=1MiB").start().unwrap();
    let mut client = Client::of(&node);
    client.put("/hustdb/put?key=first", "v");
    let over = AtomicBool::new(false);
    let mut last = None;
    let refused = thread::scope(|scope| {
        (0..WRITERS).for_each(|writer| {
            let (node, over) = (&node, &over);
            scope.spawn(move || load(node, writer, over));
        });
        let mut number = 0;
        let refused = wait_until(Duration::from_secs(120), || {
            number += 1;
            let target = format!("/hustdb/put?key=k{number}");
            let reply = client.put(&target, "v");
            let refused = reply.status != 200;
            last = Some((target, reply));
            refused
        });
        over.store(true, Relaxed);
        refused
    });
    let (target, reply) = last.unwrap();
    assert!(refused, "never: {}", brief(&reply));
    assert!(brief(&reply).starts_with("503 - - engine: "), "{}", brief(&reply));
    assert_eq!(reply.header("retry-after"), Some("1"));
    let why = brief(&reply).split_off("503 - - engine: ".len());
    let metrics = client.get("/metrics").text();
    let counted = format!("hustdb_refused_writes_total{{reason=\"{why}\"}} ");
    let count = metrics.lines().find_map(|line| line.strip_prefix(&counted)?.parse::<u64>().ok());
    assert!(count > Some(0), "{counted}\n{metrics}");
    let absent = client.get(&target.replace("put", "exist"));
    assert_eq!(brief(&absent), "404 0 -", "a refused write did nothing");
    assert_eq!(brief(&client.get("/hustdb/get?key=first")), "200 1 - v");
    assert!(wait_until(Duration::from_secs(120), || client.put(&target, "v").status == 200), "by itself");
}

#[test]
fn commands_of_queues_are_refused_alike() {
    let node = builder().set("engine.partitions=1").set("engine.memtable=1MiB").start().unwrap();
    let mut client = Client::of(&node);
    assert_eq!(client.put("/hustmq/put?queue=q", "first").header("index"), Some("1"));
    let leased = client.get("/hustmq/get?queue=q&worker=w&ack=false");
    let token = leased.header("ack-token").unwrap().to_owned();
    let changes = [
        "put?queue=q&item=a".to_owned(),
        "pub?queue=p&item=a".to_owned(),
        "put?queue=new&item=a".to_owned(),
        format!("ack?queue=q&token={token}"),
    ];
    let over = AtomicBool::new(false);
    // What was refused, and what was done.
    let (mut refused, mut done) = (Vec::new(), vec![0_u64; changes.len()]);
    thread::scope(|scope| {
        (0..WRITERS).for_each(|writer| {
            let (node, over) = (&node, &over);
            scope.spawn(move || load(node, writer, over));
        });
        wait_until(Duration::from_secs(120), || {
            // The message is acknowledged last, since that can be done once.
            let left = (0..changes.len()).find(|at| !refused.iter().any(|(known, _)| known == at));
            let Some(at) = left else { return true };
            let reply = client.get(&format!("/hustmq/{}", changes[at]));
            match reply.status {
                200 => done[at] += 1,
                _ => refused.push((at, reply)),
            }
            done[3] > 0
        });
        over.store(true, Relaxed);
    });
    let known: Vec<usize> = refused.iter().map(|(at, _)| *at).collect();
    assert!(known.starts_with(&[0, 1, 2]), "{known:?}");
    for (_, reply) in &refused {
        assert!(brief(reply).starts_with("503 - - engine: "), "{}", brief(reply));
        assert_eq!(reply.header("retry-after"), Some("1"));
    }
    for (at, target) in changes.iter().enumerate() {
        if at < 3 || done[at] == 0 {
            let again = || client.get(&format!("/hustmq/{target}")).status == 200;
            assert!(wait_until(Duration::from_secs(120), again), "{target}: by itself");
            done[at] += 1;
        }
    }
    let mut ready = |queue: &str| -> u64 {
        let stat = client.get(&format!("/hustmq/stat?queue={queue}")).text();
        let count = stat.split_once("\"ready\":[").and_then(|(_, rest)| rest.split(',').next()?.parse().ok());
        count.unwrap_or_else(|| panic!("{stat}"))
    };
    assert_eq!([ready("q"), ready("p"), ready("new")], done[..3], "a refused one did nothing");
}

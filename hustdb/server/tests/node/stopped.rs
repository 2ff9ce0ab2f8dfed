//! A node whose engine had to stop writing: writes are refused, reads go on, what was acknowledged stays, and it says why.

use std::time::Duration;

use hust_testkit::wait_until;
use serde_json::Value;

use crate::support::{Client, brief, builder};

fn told(client: &mut Client) -> (Value, Value) {
    let info: Value = serde_json::from_slice(&client.get("/hustdb/info").body).unwrap();
    (info["writes_stopped"].clone(), info["writes_stopped_by"].clone())
}

#[test]
fn what_stops_writing_is_told_and_reads_go_on() {
    let log = tempfile::NamedTempFile::new().unwrap();
    let small = builder().set("engine.partitions=1").set("engine.memtable=1MiB");
    let mut node = small.log(log.reopen().unwrap()).start().unwrap();
    let mut client = Client::of(&node);
    client.put("/hustdb/put?key=k", "v");
    assert_eq!(told(&mut client), (false.into(), Value::Null));
    // The first table cannot be made.
    std::fs::remove_dir(node.data().join("table")).unwrap();
    let (mut number, mut kept) = (0, Vec::new());
    let stopped = wait_until(Duration::from_secs(120), || {
        for _ in 0..200 {
            number += 1;
            let target = format!("/hustdb/put?key=k{number}");
            kept.extend((client.put(&target, [b'v'; 250]).status == 200).then_some(number));
        }
        told(&mut client).0 == true
    });
    assert!(stopped, "{number} writes");
    let (_, cause) = told(&mut client);
    assert!(cause.as_str().is_some_and(|cause| cause.contains("No such file or directory")), "{cause}");
    assert!(client.get("/metrics").text().contains("\nhustdb_writes_stopped 1\n"));
    for target in ["/hustdb/put?key=k", "/hustdb/hset?tb=t&key=f", "/hustdb/del?key=k", "/hustmq/put?queue=q"]
    {
        let refused = brief(&client.put(target, "w"));
        assert!(refused.starts_with("500 - - engine: writes stopped: "), "{target}: {refused}");
    }
    client.check(&[
        ("GET", "/hustdb/get?key=k", "", "200 1 - v"),
        ("GET", "/hustdb/exist?key=k1", "", "200 1 -"),
        ("GET", "/hustdb/hget?tb=t&key=f", "", "412 0 - tb: no such table"),
    ]);
    // Whoever has a partner to go to goes there.
    let status = brief(&client.get("/status.html"));
    assert!(status.starts_with("503 - - status: writes stopped: "), "{status}");
    let logged = std::fs::read_to_string(log.path()).unwrap();
    assert_eq!(logged.matches("ERROR").count(), 1, "once, however many writes are refused: {logged}");
    node.kill().unwrap();
    node.restart().unwrap();
    let mut client = Client::of(&node);
    assert_eq!(told(&mut client), (false.into(), Value::Null));
    for number in 1..=number {
        let found = client.get(&format!("/hustdb/exist?key=k{number}")).status;
        assert!(found == 200 || !kept.contains(&number), "{number}");
    }
    assert_eq!(brief(&client.get("/status.html")), "200 - - ok");
    assert_eq!(brief(&client.put("/hustdb/put?key=k", "w")), "200 2 false");
}

//! What a node tells of itself: stat, file_count, version, status.html, metrics.

use std::{collections::HashMap, time::Duration};

use hust_testkit::wait_until;

use crate::support::{Client, Random, brief, builder, node, now_ms};

#[derive(Default)]
struct Model(HashMap<u64, usize>);

impl Model {
    fn stat(&self) -> String {
        let bytes = |(key, value): (&u64, &usize)| format!("k{key}").len() + value;
        let size: usize = self.0.iter().map(bytes).sum();
        let capacity: usize = self.0.iter().map(|row| bytes(row).next_multiple_of(1024)).sum();
        let count = self.0.len();
        format!(
            r#"{{"TOTALIZE":{{"KVPAIR":{{"count":{count},"size":{size},"capacity":{capacity}}},"HASHTABLE":{{"count":0,"size":0,"capacity":0}}}}}}"#
        )
    }

    /// Random puts, overwrites, deletes and refused writes.
    fn change(&mut self, client: &mut Client, random: &mut Random) {
        for _ in 0..100 {
            let key = random.below(30);
            match random.below(4) {
                0 => {
                    client.get(&format!("/hustdb/del?key=k{key}"));
                    self.0.remove(&key);
                }
                1 => {
                    client.put(&format!("/hustdb/put?key=k{key}&ver=999"), "refused");
                }
                _ => {
                    let len = [0, 1, 255, 256, 257, 1021, 1022, 1023, 1024, 5000][random.below(10) as usize];
                    client.put(&format!("/hustdb/put?key=k{key}"), vec![b'v'; len]);
                    self.0.insert(key, len);
                }
            }
            if random.below(10) == 0 {
                assert_eq!(client.get("/hustdb/stat").text(), self.stat());
            }
        }
    }
}

#[test]
fn counts_are_exact_whatever_happens() {
    const SEED: u64 = 0x5eed_0002;
    println!("seed {SEED:#x}");
    let (mut node, mut model, mut random) = (node(), Model::default(), Random(SEED));
    let mut client = Client::of(&node);
    let empty = client.get("/hustdb/stat");
    assert_eq!((empty.text(), empty.header("content-type")), (model.stat(), Some("application/json")));
    for round in 0..6 {
        model.change(&mut client, &mut random);
        match round % 3 {
            0 => node.kill().unwrap(),
            1 => assert!(node.stop().unwrap().success()),
            _ => continue,
        }
        node.restart().unwrap();
        client = Client::of(&node);
        assert_eq!(client.get("/hustdb/stat").text(), model.stat(), "after restart {round}");
    }
    let expire = now_ms() + 300;
    for (key, len) in model.0.iter().filter(|(key, _)| **key % 2 == 0) {
        let target = format!("/hustdb/put?key=k{key}&is_dup=true&ver=999&expire={expire}");
        assert_eq!(client.put(&target, vec![b'w'; *len]).status, 200);
    }
    assert_eq!(client.get("/hustdb/stat").text(), model.stat(), "overwritten with the same lengths");
    model.0.retain(|key, _| key % 2 == 1);
    let followed = wait_until(Duration::from_secs(6), || client.get("/hustdb/stat").text() == model.stat());
    assert!(followed && now_ms() < expire + 5000, "{}", client.get("/hustdb/stat").text());
    for key in 0..30 {
        client.get(&format!("/hustdb/del?key=k{key}"));
    }
    assert_eq!(client.get("/hustdb/stat").text(), Model::default().stat());
}

#[test]
fn stat_of_tables_and_methods() {
    let node = node();
    let mut client = Client::of(&node);
    client.check(&[
        ("GET", "/hustdb/stat?tb=none", "", "404 - - tb: no such table"),
        ("GET", "/hustdb/stat?tb=a-b", "", "400 - - tb: illegal name"),
        ("GET", "/hustdb/stat?tb=", "", "400 - - tb: empty"),
        ("POST", "/hustdb/stat", "", "405 - - method: use GET or HEAD"),
        ("GET", "/hustdb/file_count", "", "200 - - 8"),
        ("PUT", "/hustdb/file_count", "", "405 - - method: use GET or HEAD"),
    ]);
    assert_eq!(client.get("/hustdb/file_count").body, b"8", "no newline");
    let head = client.ask("HEAD", "/hustdb/stat", "");
    let length = client.get("/hustdb/stat").body.len() as u64;
    assert_eq!((head.status, head.number("content-length")), (200, Some(length)));
    let long = "t".repeat(65);
    client.check_bad(&[(&format!("/hustdb/stat?tb={long}"), "tb: over 64 bytes")]);
    let two = builder().set("engine.partitions=2").start().unwrap();
    assert_eq!(Client::of(&two).get("/hustdb/file_count").body, b"2");
}

#[test]
fn the_paths_of_every_program() {
    let node = node();
    let mut client = Client::of(&node);
    for method in ["GET", "POST", "PUT", "DELETE", "OPTIONS"] {
        assert_eq!(client.ask(method, "/status.html", "").body, b"ok\n", "{method}");
    }
    assert_eq!(client.ask("HEAD", "/status.html", "").header("content-length"), Some("3"));
    assert_eq!(client.get("/version").text(), format!("hustdb {}\n", env!("CARGO_PKG_VERSION")));
    for path in ["/version", "/metrics"] {
        assert_eq!(brief(&client.ask("PUT", path, "")), "405 - - method: use GET or HEAD");
    }
}

/// The value of a metric; label names and all.
fn metric(text: &str, name: &str) -> Option<f64> {
    text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok())
}

#[test]
fn metrics_are_there_and_move() {
    let node = node();
    let mut client = Client::of(&node);
    let before = client.get("/metrics").text();
    for number in 0..20 {
        client.put(&format!("/hustdb/put?key={number}"), vec![b'v'; 1000]);
    }
    client.get("/hustdb/get?key=none");
    client.get("/hustdb/get?key=0");
    client.put("/hustdb/put?key=0&ver=9", "v");
    client.get("/nothing");
    let reply = client.get("/metrics");
    assert_eq!(
        reply.header("content-type"),
        Some("application/openmetrics-text; version=1.0.0; charset=utf-8")
    );
    let after = reply.text();
    assert!(after.ends_with("# EOF\n") && after.matches("# EOF").count() == 1);
    for (name, least) in [
        ("hust_requests_total{command=\"/hustdb/put\"}", 21.0),
        ("hust_requests_total{command=\"/hustdb/get\"}", 2.0),
        ("hust_latency_seconds_count{command=\"/hustdb/put\"}", 21.0),
        ("hust_latency_seconds_sum{command=\"/hustdb/put\"}", 0.000_02),
        ("hustdb_records", 20.0),
        ("hustdb_record_bytes", 20_000.0),
        ("hustdb_log_bytes_total", 20_000.0),
        ("hustdb_log_written_bytes_total", 20_000.0),
        ("hustdb_unflushed_log_bytes", 20_000.0),
        ("hustdb_live_value_bytes", 20_000.0),
    ] {
        let was = metric(&before, name).unwrap_or_default();
        let is = metric(&after, name).unwrap_or_else(|| panic!("{name} in\n{after}"));
        assert!(is >= was + least, "{name}: {was}, then {is}");
    }
    for name in [
        "hust_errors_total{command=\"/hustdb/get\",status=\"404\"}",
        "hust_errors_total{command=\"/hustdb/put\",status=\"401\"}",
        "hust_errors_total{command=\"other\",status=\"404\"}",
        "hust_connections",
    ] {
        assert_eq!(metric(&after, name), Some(1.0), "{name}");
    }
    for name in [
        "process_resident_memory_bytes",
        "process_open_fds",
        "hustdb_writes_stopped",
        "hustdb_memtable_bytes",
        "hustdb_index_bytes",
        "hustdb_cache_bytes",
        "hustdb_segments",
        "hustdb_segment_bytes",
        "hustdb_dead_log_bytes",
        "hustdb_log_syncs_total",
        "hustdb_log_sync_seconds_total",
        "hustdb_flushed_bytes_total",
        "hustdb_compaction_in_bytes_total",
        "hustdb_compaction_out_bytes_total",
        "hustdb_collected_bytes_total",
        "hustdb_refused_writes_total{reason=\"memtables are full\"}",
        "hustdb_refused_writes_total{reason=\"the log waits for flushes\"}",
        "hustdb_refused_writes_total{reason=\"compaction is behind\"}",
    ] {
        assert!(metric(&after, name).is_some(), "{name} in\n{after}");
    }
}

#[test]
fn levels_show_in_the_metrics_once_there_are_tables() {
    let node = builder().set("engine.memtable=1MiB").set("engine.partitions=1").start().unwrap();
    let mut client = Client::of(&node);
    let mut number = 0;
    let flushed = wait_until(Duration::from_secs(20), || {
        for _ in 0..500 {
            client.put(&format!("/hustdb/put?key={number}"), vec![b'v'; 250]);
            number += 1;
        }
        metric(&client.get("/metrics").text(), "hustdb_flushed_bytes_total") > Some(0.0)
    });
    let text = client.get("/metrics").text();
    assert!(flushed, "{text}");
    for name in ["files", "bytes", "rows", "tombstones"] {
        let name = format!("hustdb_level_{name}{{level=\"");
        assert!(text.lines().any(|line| line.starts_with(&name)), "{name} in\n{text}");
    }
}

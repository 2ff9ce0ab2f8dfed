//! `cache.memory` under load, and the metrics that show it.

use super::{check, holding, metric};
use crate::support::{Client, node};

/// Sends these requests at once, then reads their answers, all of them 200.
fn pipelined(client: &mut Client, targets: impl Iterator<Item = String>) {
    let targets: Vec<String> = targets.collect();
    let requests: String =
        targets.iter().map(|target| format!("GET {target} HTTP/1.1\r\nHost: node\r\n\r\n")).collect();
    client.0.send(requests).unwrap();
    for target in targets {
        assert_eq!(client.0.reply().unwrap().status, 200, "{target}");
    }
}

fn assert_within(client: &mut Client, memory: u64) {
    let bytes = metric(client, "hustdb_hustcache_bytes");
    assert!(bytes <= memory, "{bytes} bytes of {memory}");
}

#[test]
fn many_entries_stay_within_the_memory() {
    const MEMORY: u64 = 16 << 20;
    const BATCH: u64 = 250;
    let node = holding("16MiB");
    let mut client = Client::of(&node);
    pipelined(&mut client, (0..BATCH).map(|number| format!("/hustcache/put?key=warm{number}&val=v")));
    let resident = |client: &mut Client| metric(client, "process_resident_memory_bytes");
    let before = resident(&mut client);
    // Entries as small as they come, then fields as small, then larger values: each wave pushes out the one before.
    for batch in 0..400 {
        let numbers = batch * BATCH..(batch + 1) * BATCH;
        pipelined(&mut client, numbers.map(|number| format!("/hustcache/put?key={number}&val=v")));
        assert_within(&mut client, MEMORY);
        let last = (batch + 1) * BATCH - 1;
        check(&mut client, &[(&format!("get?key={last}"), "200 v")]);
    }
    for (name, least) in [("hustdb_hustcache_entries", 50_000), ("hustdb_hustcache_evictions_total", 30_000)]
    {
        let found = metric(&mut client, name);
        assert!(found > least, "{name}: {found}");
    }
    check(&mut client, &[("exist?key=0", "404")]);
    let grown = |client: &mut Client| resident(client).saturating_sub(before);
    let of_entries = grown(&mut client);
    for batch in 0..400 {
        let numbers = batch * BATCH..(batch + 1) * BATCH;
        pipelined(
            &mut client,
            numbers.map(|number| format!("/hustcache/hset?tb={}&key={number}&val=v", number / 9)),
        );
        assert_within(&mut client, MEMORY);
    }
    let of_fields = grown(&mut client);
    let value = "v".repeat(10_000);
    for batch in 0..80 {
        let numbers = batch * 50..(batch + 1) * 50;
        pipelined(&mut client, numbers.map(|number| format!("/hustcache/put?key={number}&val={value}")));
    }
    assert_within(&mut client, MEMORY);
    let of_values = grown(&mut client);
    // The allocator keeps pages of a wave that has passed, and each thread some of its own.
    let limits = [MEMORY * 2, MEMORY * 2, MEMORY * 5 / 2];
    let grown = [of_entries, of_fields, of_values];
    assert!(
        grown.iter().zip(limits).all(|(grown, limit)| *grown < limit),
        "resident memory grew by {grown:?}"
    );
}

#[test]
fn what_is_used_stays_and_metrics_tell() {
    let node = holding("1MiB");
    let mut client = Client::of(&node);
    client.put("/hustcache/put?key=used", "used");
    client.put("/hustcache/put?key=unused", "unused");
    for number in 0..300 {
        client.put(&format!("/hustcache/put?key={number}"), vec![b'v'; 5000]);
        assert_eq!(client.get("/hustcache/get?key=used").text(), "used");
    }
    check(&mut client, &[("get?key=unused", "404"), ("hget?tb=none&key=f", "404")]);
    assert_eq!(metric(&mut client, "hustdb_hustcache_hits_total"), 300);
    assert_eq!(metric(&mut client, "hustdb_hustcache_misses_total"), 2);
    let entries = metric(&mut client, "hustdb_hustcache_entries");
    assert_eq!(metric(&mut client, "hustdb_hustcache_evictions_total") + entries, 302);
    assert!((1 << 20) - metric(&mut client, "hustdb_hustcache_bytes") < 6000, "and it is full");
}

#[test]
fn large_values_come_and_go() {
    let node = node();
    let mut client = Client::of(&node);
    let value: Vec<u8> = (0..32 << 20).map(|at: u32| (at >> 7) as u8).collect();
    for number in 0..10 {
        let target = format!("key=large{number}");
        assert_eq!(client.put(&format!("/hustcache/put?{target}"), &value).status, 200);
        assert!(client.get(&format!("/hustcache/get?{target}")).body == value);
        assert!(metric(&mut client, "hustdb_hustcache_bytes") <= 256 << 20);
    }
    assert_eq!(metric(&mut client, "hustdb_hustcache_entries"), 7);
    check(&mut client, &[("exist?key=large2", "404"), ("exist?key=large3", "200")]);
}

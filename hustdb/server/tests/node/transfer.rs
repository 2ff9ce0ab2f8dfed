//! Scans, merges, digests and forgetting between real nodes.

use std::collections::BTreeSet;

use hust_testkit::Node;
use hust_wire::frame::{self, Content, Form, FrameWriter, Kind, RecordRef};

use crate::support::{Client, Random, brief, builder, node, now_ms, pair, stamp};

/// What a scan answers, page by page.
fn pages(client: &mut Client, window: &str) -> Vec<Vec<u8>> {
    let (mut pages, mut cursor) = (Vec::new(), String::new());
    loop {
        let reply = client.get(&format!("/hustdb/scan?{window}&cursor={cursor}"));
        assert_eq!(
            (reply.status, reply.header("content-type")),
            (200, Some("application/octet-stream")),
            "{}",
            reply.text()
        );
        let next = reply.header("cursor").map(str::to_owned);
        let whole = !window.contains("digest");
        let frames = if whole { frame::decode(&reply.body) } else { frame::decode_digest(&reply.body) };
        let records: u64 = frames.map(|frame| u64::from(frame.unwrap().count())).sum();
        assert_eq!(reply.number("keys"), Some(records));
        pages.push(reply.body);
        match next {
            Some(next) => cursor = next,
            None => return pages,
        }
    }
}

/// A record as text, to compare.
fn told(record: &RecordRef<'_>) -> String {
    let RecordRef { kind, form, stamp, version, expire_ms, table, key, value } = record;
    format!("{kind:?} {form:?} {stamp} {version} {expire_ms} {table} {key:?} {value:?}")
}

fn records(client: &mut Client, window: &str) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    for page in pages(client, window) {
        for frame in frame::decode(&page) {
            for record in frame.unwrap().records() {
                assert!(seen.insert(told(&record)), "twice: {}", told(&record));
            }
        }
    }
    seen
}

fn merge(client: &mut Client, body: &[u8]) -> String {
    brief(&client.ask("POST", "/hustdb/merge", body))
}

fn transfer(from: &mut Client, to: &mut Client, window: &str) {
    for page in pages(from, window) {
        let answer = merge(to, &page);
        assert!(answer.starts_with("200 - - {\"received\":"), "{answer}");
    }
}

fn digest(client: &mut Client) -> String {
    client.get("/hustdb/digest").text()
}

/// Random writes of every kind: what a client does, also with expiries and deletions.
fn write(client: &mut Client, random: &mut Random, count: u32) {
    for _ in 0..count {
        let (tb, key, number) = (random.below(3), random.below(30), random.below(100) as i64 - 50);
        let value = "v".repeat([0, 1, 300, 5000][random.below(4) as usize]);
        let ttl = [0, 0, 0, 1][random.below(4) as usize];
        let (target, body) = match random.below(10) {
            0 => (format!("put?key=k{key}&ttl={ttl}"), value),
            1 => (format!("del?key=k{key}"), String::new()),
            2 => (format!("hset?tb=h{tb}&key=f{key}&ttl={ttl}&val="), value),
            3 => (format!("hincrby?tb=h{tb}&key=n{key}&val={number}"), String::new()),
            4 => (format!("hdel?tb=h{tb}&key=f{key}"), String::new()),
            5 => (format!("sadd?tb=s{tb}&key=m{key}&ttl={ttl}"), String::new()),
            6 => (format!("srem?tb=s{tb}&key=m{key}"), String::new()),
            7 => (format!("zadd?tb=z{tb}&key=m{key}&score={number}&ttl={ttl}"), String::new()),
            8 => (format!("zadd?tb=z{tb}&key=m{key}&score={number}&opt=1"), String::new()),
            _ => (format!("zrem?tb=z{tb}&key=m{key}"), String::new()),
        };
        let reply = client.put(&format!("/hustdb/{target}"), body);
        assert!(matches!(reply.status, 200 | 404 | 412), "{target}: {}", reply.text());
    }
}

#[test]
fn scan_and_merge_both_ways_makes_nodes_equal() {
    const SEED: u64 = 0x5eed_0011;
    println!("seed {SEED:#x}");
    let mut random = Random(SEED);
    let nodes: [Node; 2] = [node(), builder().set("engine.partitions=1").start().unwrap()];
    let mut clients = [Client::of(&nodes[0]), Client::of(&nodes[1])];
    for round in 0..4 {
        for client in &mut clients {
            write(client, &mut random, 300);
        }
        let [one, other] = &mut clients;
        let window = ["start=0&end=1024", "limit=7", "start=0&end=512&limit=1", "limit=10000"][round];
        transfer(one, other, window);
        transfer(other, one, window);
        if round == 2 {
            transfer(one, other, "start=512&end=1024");
            transfer(other, one, "start=512");
        }
        // What expires while it is on its way leaves both within seconds.
        let same = hust_testkit::wait_until(std::time::Duration::from_secs(20), || {
            let same = digest(one) == digest(other);
            let scans = records(one, "limit=1000") == records(other, "limit=1000");
            let tell = |client: &mut Client| client.get("/hustdb/stat_all").text();
            same && scans && tell(one) == tell(other)
        });
        assert!(same, "round {round}: {}\n{}", digest(one), digest(other));
    }
    let [one, other] = &mut clients;
    let keys = |client: &mut Client| pages(client, "digest=true&limit=100").concat().len();
    assert!(keys(one) < pages(other, "limit=100").concat().len());
}

#[test]
fn one_name_of_two_types_shows_the_same_everywhere() {
    let nodes = [node(), node()];
    let mut clients = nodes.each_ref().map(Client::of);
    let [one, other] = &mut clients;
    one.put("/hustdb/sadd?tb=t&key=m", "");
    other.put("/hustdb/hset?tb=t&key=f", "v");
    let exchange = |one: &mut Client, other: &mut Client| {
        transfer(one, other, "");
        transfer(other, one, "");
        assert_eq!(records(one, ""), records(other, ""));
        assert_eq!(one.get("/hustdb/stat_all").text(), other.get("/hustdb/stat_all").text());
    };
    exchange(one, other);
    for client in [&mut *one, &mut *other] {
        assert_eq!(brief(&client.get("/hustdb/hget?tb=t&key=f")), "200 1 - v");
        assert_eq!(brief(&client.get("/hustdb/sismember?tb=t&key=m")), "412 0 - tb: is a hash");
    }
    one.get("/hustdb/hdel?tb=t&key=f");
    exchange(one, other);
    assert_eq!(brief(&other.get("/hustdb/sismember?tb=t&key=m")), "200 1 -");
}

#[test]
fn a_merge_answers_what_it_did() {
    let node = node();
    let mut client = Client::of(&node);
    assert_eq!(merge(&mut client, b""), r#"200 - - {"received":0,"applied":0,"ignored":0}"#);
    let at = stamp(now_ms());
    let record = |kind, table, key, value| RecordRef {
        kind,
        form: Form::Live,
        stamp: at,
        version: 3,
        expire_ms: 0,
        table,
        key,
        value,
    };
    let score = frame::score_to_bytes(-5);
    let live = [
        record(Kind::Kv, "", &b"k"[..], &b"value"[..]),
        record(Kind::Hash, "h", b"f", b"5"),
        record(Kind::Set, "s", b"m", b""),
        record(Kind::SortedSet, "z", b"m", &score),
    ];
    let dead = live.map(|record| RecordRef { form: Form::Tombstone, value: b"", ..record });
    let expired = live.map(|record| RecordRef {
        form: Form::Remains,
        value: b"",
        stamp: at + 1,
        expire_ms: 5,
        ..record
    });
    let body = |records: &[RecordRef<'_>]| {
        let mut writer = FrameWriter::new(Content::Whole);
        records.iter().for_each(|record| writer.push(record).unwrap());
        writer.finish()
    };
    assert_eq!(merge(&mut client, &body(&live)), r#"200 - - {"received":4,"applied":4,"ignored":0}"#);
    assert_eq!(merge(&mut client, &body(&live)), r#"200 - - {"received":4,"applied":0,"ignored":4}"#);
    client.check(&[
        ("GET", "/hustdb/get?key=k", "", "200 3 - value"),
        ("GET", "/hustdb/hincrby?tb=h&key=f&val=0", "", "200 4 false 5"),
        ("GET", "/hustdb/sismember?tb=s&key=m", "", "200 3 -"),
        ("GET", "/hustdb/zscore?tb=z&key=m", "", "200 3 - -5"),
    ]);
    // Concatenated bodies are one; of each record the tombstone wins, of the field the later increment.
    let both = [body(&dead), body(&live)].concat();
    assert_eq!(merge(&mut client, &both), r#"200 - - {"received":8,"applied":3,"ignored":5}"#);
    client.check(&[
        ("GET", "/hustdb/get?key=k", "", "404 0 -"),
        ("GET", "/hustdb/hget?tb=h&key=f", "", "200 4 - 5"),
        ("GET", "/hustdb/sismember?tb=s&key=m", "", "412 0 - tb: no such table"),
        ("GET", "/hustdb/zscore?tb=z&key=m", "", "412 0 - tb: no such table"),
    ]);
    assert_eq!(merge(&mut client, &body(&expired)), r#"200 - - {"received":4,"applied":3,"ignored":1}"#);
}

#[test]
fn damaged_frames_and_stamps_ahead_are_refused() {
    let node = node();
    let mut client = Client::of(&node);
    let whole = frame::encode_one(&pair(b"a", stamp(now_ms()))).unwrap();
    let second = frame::encode_one(&pair(b"b", stamp(now_ms()))).unwrap();
    for at in 0..second.len() {
        let mut damaged = second.clone();
        damaged[at] ^= 4;
        let answer = merge(&mut client, &damaged);
        assert!(answer.starts_with("400 - - frame: "), "{at}: {answer}");
        let cut = merge(&mut client, &[&whole[..], &second[..at]].concat());
        assert!(at == 0 || cut.starts_with("400 - - frame: "), "{at}: {cut}");
    }
    assert_eq!(client.get("/hustdb/exist?key=b").status, 404);
    assert_eq!(client.get("/hustdb/exist?key=a").status, 200, "whole frames before the damaged one count");
    let ahead = frame::encode_one(&pair(b"b", stamp(now_ms() + 120_000))).unwrap();
    assert_eq!(merge(&mut client, &ahead), "400 - - stamp: too far ahead of this node's clock");
    assert_eq!(client.get("/hustdb/exist?key=b").status, 404);
    let mut digests = FrameWriter::new(Content::Digest);
    digests.push(&pair(b"b", 1 << 16)).unwrap();
    assert!(merge(&mut client, &digests.finish()).starts_with("400 - - frame: "));
    client.check(&[
        ("GET", "/hustdb/merge", "", "405 - - method: use POST"),
        ("PUT", "/hustdb/merge", "", "405 - - method: use POST"),
        ("GET", "/hustdb/forget?start=0&end=1", "", "405 - - method: use POST"),
    ]);
}

#[test]
fn the_largest_record_travels() {
    let nodes = [0, 1].map(|_| builder().set("server.max_body_size=2MiB").start().unwrap());
    let mut clients = nodes.each_ref().map(Client::of);
    let [one, other] = &mut clients;
    let value = vec![b'v'; 2 << 20];
    for key in ["a", "b"] {
        assert_eq!(one.put(&format!("/hustdb/put?key={key}"), &value).status, 200);
        assert_eq!(one.put(&format!("/hustdb/hset?tb=t&key={key}"), &value).status, 200);
    }
    assert_eq!(pages(one, "limit=100").len(), 4, "a page never has more than fits a merge");
    transfer(one, other, "limit=100");
    assert_eq!(digest(one), digest(other));
    assert_eq!(other.get("/hustdb/hget?tb=t&key=b").body, value);
    let too_large = vec![0; (3 << 20) + 1];
    assert_eq!(other.ask("POST", "/hustdb/merge", &too_large).status, 413);
}

#[test]
fn a_full_node_takes_deletions_only() {
    let nodes = [node(), builder().set("store.disk_capacity=2000").start().unwrap()];
    let mut clients = nodes.each_ref().map(Client::of);
    let [one, full] = &mut clients;
    for number in 0..20 {
        one.put(&format!("/hustdb/put?key=k{number}"), vec![b'v'; 100]);
    }
    one.get("/hustdb/del?key=k3");
    full.put("/hustdb/put?key=k3&is_dup=true&ver=1&stamp=5", vec![b'v'; 3000]);
    let page = pages(one, "limit=100").concat();
    let answer = merge(full, &page);
    assert!(answer.starts_with("403 - - capacity: "), "{answer}");
    assert_eq!(full.get("/hustdb/exist?key=k3").status, 404, "the deletion came through");
}

#[test]
fn a_large_merge_holds_up_nobody() {
    let node = node();
    let mut writer = FrameWriter::new(Content::Whole);
    for number in 0..100_000u32 {
        let (key, table) = (number.to_be_bytes(), format!("t{}", number % 50));
        let (kind, stamp) = (Kind::Hash, stamp(now_ms()));
        let (form, value) = (Form::Live, &[b'v'; 100][..]);
        let record =
            RecordRef { kind, form, stamp, version: 1, expire_ms: 0, table: &table, key: &key, value };
        writer.push(&record).unwrap();
    }
    let body = writer.finish();
    let mut other = Client::of(&node);
    let answered = std::thread::scope(|scope| {
        // Both connections are on the one event loop of this node.
        let merging = scope.spawn(|| merge(&mut Client::of(&node), &body));
        let mut answered = 0;
        while !merging.is_finished() {
            other.get("/hustdb/exist?key=none");
            // What is asked before the merge begins says nothing.
            answered += u32::from(!other.get("/hustdb/stat").text().contains(r#"HASHTABLE":{"count":0"#));
        }
        assert_eq!(merging.join().unwrap(), r#"200 - - {"received":100000,"applied":100000,"ignored":0}"#);
        answered
    });
    assert!(answered > 20, "{answered} answers beside the merge");
}

#[test]
fn digests_are_of_live_records_and_stay() {
    let mut node = node();
    let mut client = Client::of(&node);
    let zero = format!("[{}]", vec![r#""0000000000000000""#; 1024].join(","));
    let empty = client.get("/hustdb/digest");
    assert_eq!((empty.text(), empty.header("content-type")), (zero.clone(), Some("application/json")));
    client.put("/hustdb/put?key=a", "v");
    let one = client.get("/hustdb/digest?start=51&end=52").text();
    assert!(one.len() == 20 && one != r#"["0000000000000000"]"#, "{one}");
    assert_eq!(client.get("/hustdb/digest?start=52&end=53").text(), r#"["0000000000000000"]"#);
    client.put("/hustdb/put?key=a", "v");
    assert_ne!(client.get("/hustdb/digest?start=51&end=52").text(), one, "every write shows");
    let before = digest(&mut client);
    node.kill().unwrap();
    node.restart().unwrap();
    let mut client = Client::of(&node);
    assert_eq!(digest(&mut client), before);
    client.get("/hustdb/del?key=a");
    assert_eq!(digest(&mut client), zero);
}

#[test]
fn forgotten_slots_leave_no_trace() {
    let mut node = node();
    let mut client = Client::of(&node);
    write(&mut client, &mut Random(7), 400);
    client.put("/hustdb/put?key=a", "v");
    let (all, low) = (records(&mut client, "start=0"), records(&mut client, "start=0&end=512"));
    let forgotten = client.ask("POST", "/hustdb/forget?start=512&end=1024", "");
    assert_eq!(brief(&forgotten), format!(r#"200 - - {{"forgotten":{}}}"#, all.len() - low.len()));
    node.kill().unwrap();
    node.restart().unwrap();
    let mut client = Client::of(&node);
    assert_eq!(records(&mut client, "start=0"), low);
    let digests = client.get("/hustdb/digest?start=512").text();
    assert_eq!(digests.matches("0000000000000000").count(), 512);
    assert_eq!(client.get("/hustdb/exist?key=a").status, 200);
    let rest = client.ask("POST", "/hustdb/forget?start=0&end=1024", "");
    assert_eq!(brief(&rest), format!(r#"200 - - {{"forgotten":{}}}"#, low.len()));
    assert_eq!(
        client.get("/hustdb/stat_all").text(),
        r#"[{"TOTALIZE":{"KVPAIR":{"count":0,"size":0,"capacity":0},"HASHTABLE":{"count":0,"size":0,"capacity":0}}}]"#
    );
    assert_eq!(brief(&client.put("/hustdb/put?key=a", "v")), "200 1 false");
}

#[test]
fn parameters_of_transfers() {
    let node = node();
    let mut client = Client::of(&node);
    client.put("/hustdb/put?key=a", "v");
    client.put("/hustdb/put?key=b", "v");
    let cursor = client.get("/hustdb/scan?limit=1").header("cursor").unwrap().to_owned();
    client.check_bad(&[
        ("/hustdb/scan?limit=0", "limit: not in 1..10000"),
        ("/hustdb/scan?limit=10001", "limit: not in 1..10000"),
        ("/hustdb/scan?start=1024", "start: not in 0..1023"),
        ("/hustdb/scan?end=0", "end: not in 1..1024"),
        ("/hustdb/scan?start=5&end=5", "start: not below end"),
        ("/hustdb/scan?digest=yes", "digest: not true, false, 1 or 0"),
        ("/hustdb/scan?cursor=nonsense", "cursor: illegal"),
        ("/hustdb/scan?cursor=%zz", "cursor: bad escape"),
        (&format!("/hustdb/scan?start=0&end=100&cursor={cursor}"), "cursor: illegal"),
        ("/hustdb/digest?start=-1", "start: not in 0..1023"),
        ("/hustdb/digest?start=9&end=3", "start: not below end"),
    ]);
    for (target, reason) in [
        ("/hustdb/forget", "start: missing"),
        ("/hustdb/forget?start=0", "end: missing"),
        ("/hustdb/forget?start=0&end=1025", "end: not in 1..1024"),
        ("/hustdb/forget?start=7&end=7", "start: not below end"),
    ] {
        assert_eq!(brief(&client.ask("POST", target, "")), format!("400 - - {reason}"), "{target}");
    }
    assert_eq!(client.get("/hustdb/exist?key=a").status, 200);
}

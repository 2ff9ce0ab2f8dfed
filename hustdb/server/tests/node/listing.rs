//! `/hustdb/keys`: slots and files, paging by offset and by cursor, windows, columns, refusals.

use std::collections::{BTreeMap, BTreeSet};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use hust_testkit::{Node, Reply};
use hust_wire::slot;
use serde_json::Value;

use crate::support::{Client, brief, builder, node};

fn rows(reply: &Reply) -> Vec<Value> {
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!(reply.header("content-type"), Some("application/json"));
    assert_eq!(reply.header("totalcount"), Some("0"));
    let rows: Vec<Value> = serde_json::from_slice(&reply.body).unwrap();
    assert_eq!(reply.number("keys"), Some(rows.len() as u64));
    rows
}

fn names(reply: &Reply) -> Vec<String> {
    let name = |row: &Value| {
        String::from_utf8(BASE64_STANDARD.decode(row["key"].as_str().unwrap()).unwrap()).unwrap()
    };
    rows(reply).iter().map(name).collect()
}

/// Keys `key0..` in the order of their md5, all in the one file of a node of one partition.
fn filled(count: usize) -> (Node, Vec<String>) {
    let node = builder().set("engine.partitions=1").start().unwrap();
    let mut client = Client::of(&node);
    let by_md5: BTreeMap<[u8; 16], String> =
        (0..count).map(|number| format!("key{number}")).map(|key| (slot::md5(key.as_bytes()), key)).collect();
    for key in by_md5.values() {
        client.put(&format!("/hustdb/put?key={key}"), key);
    }
    (node, by_md5.into_values().collect())
}

#[test]
fn every_key_lies_in_its_slot_and_file() {
    let node = node();
    let mut client = Client::of(&node);
    // The row of 65,536 bytes is beyond what a target can carry.
    let table = [
        ("a", 51, 0),
        ("b", 587, 4),
        ("hello", 373, 2),
        ("test_key", 560, 4),
        ("key_1", 755, 5),
        ("key_2", 147, 1),
        ("test_table", 902, 7),
        ("user:42", 347, 2),
        ("a%20b", 51, 0),
        ("a+b", 407, 3),
        ("%00", 590, 4),
        ("a%00b", 448, 3),
        ("%80", 564, 4),
        ("%ff", 1, 0),
        ("%e4%b8%ad%e6%96%87", 670, 5),
    ];
    for (key, slot, file) in table {
        client.put(&format!("/hustdb/put?key={key}"), "v");
        let bytes = hust_wire::query::decode(key.as_bytes()).unwrap().into_owned();
        let there = |client: &mut Client, file: u32, start: u32, end: u32| {
            let reply =
                client.get(&format!("/hustdb/keys?file={file}&offset=0&size=9&start={start}&end={end}"));
            let row = BASE64_STANDARD.encode(&bytes);
            rows(&reply).iter().filter(|found| found["key"] == row).count()
        };
        for other in 0..8 {
            assert_eq!(
                there(&mut client, other, slot, slot + 1),
                usize::from(other == file),
                "{key} {other}"
            );
        }
        assert_eq!(there(&mut client, file, 0, slot), 0, "{key}: half-open");
        assert_eq!(there(&mut client, file, slot, 1024), 1, "{key}");
        client.get(&format!("/hustdb/del?key={key}"));
    }
}

#[test]
fn rows_are_written_as_the_contract_has_them() {
    let node = node();
    let mut client = Client::of(&node);
    client.put("/hustdb/put?key=test_key", "v");
    let put = client.put("/hustdb/put?key=b&ttl=60", "");
    let (stamp, expire) = (put.header("stamp").unwrap(), put.header("expire").unwrap());
    let list = "/hustdb/keys?file=4&offset=0&size=10";
    let test_key = r#"{"key":"dGVzdF9rZXk=","val":"dg==","ver":1}"#;
    for (more, expected) in [
        ("", r#"[{"key":"dGVzdF9rZXk=","ver":1},{"key":"Yg==","ver":1}]"#.to_owned()),
        ("&noval=true", r#"[{"key":"dGVzdF9rZXk=","ver":1},{"key":"Yg==","ver":1}]"#.to_owned()),
        ("&noval=false", format!(r#"[{test_key},{{"key":"Yg==","val":"","ver":1}}]"#)),
        (
            "&stamps=true&start=587",
            format!(r#"[{{"key":"Yg==","ver":1,"stamp":"{stamp}","expire":{expire}}}]"#),
        ),
        (
            "&stamps=1&noval=0&start=587&end=588",
            format!(r#"[{{"key":"Yg==","val":"","ver":1,"stamp":"{stamp}","expire":{expire}}}]"#),
        ),
    ] {
        let reply = client.get(&format!("{list}{more}"));
        assert_eq!((reply.text(), reply.header("cursor")), (expected, None), "{more}");
        assert_eq!(rows(&reply).len() as u64, reply.number("keys").unwrap());
    }
    let head = client.ask("HEAD", list, "");
    assert_eq!((head.number("keys"), head.number("content-length")), (Some(2), Some(55)));
}

#[test]
fn offsets_count_what_is_shown() {
    let (node, mut keys) = filled(60);
    let mut client = Client::of(&node);
    for gone in (0..60).step_by(3).rev() {
        client.get(&format!("/hustdb/del?key={}", keys.remove(gone)));
    }
    for size in [1, 7, 40, 41, 1000] {
        let mut seen = Vec::new();
        loop {
            let page = client.get(&format!("/hustdb/keys?file=0&offset={}&size={size}", seen.len()));
            assert_eq!(page.header("cursor"), None, "none was asked for");
            seen.extend(names(&page));
            if page.number("keys") < Some(size) {
                break;
            }
        }
        assert_eq!(seen, keys, "pages of {size}");
    }
    for past in [40, 41, 1_000_000] {
        let page = client.get(&format!("/hustdb/keys?file=0&offset={past}&size=5"));
        assert_eq!((page.text().as_str(), rows(&page).len()), ("[]", 0));
    }
    assert_eq!(client.get("/hustdb/keys?file=0&offset=0&size=0").text(), "[]");
    let mut windowed = Vec::new();
    for start in (0..1024).step_by(128) {
        let end = start + 128;
        windowed.extend(names(
            &client.get(&format!("/hustdb/keys?file=0&offset=0&size=99&start={start}&end={end}")),
        ));
    }
    assert_eq!(windowed, keys);
}

#[test]
fn cursors_show_each_lasting_record_once_whatever_is_written() {
    let (mut node, keys) = filled(200);
    let mut writer = Client::of(&node);
    let (mut cursor, mut seen, mut pages) = (String::new(), Vec::new(), 0);
    loop {
        let page = Client::of(&node).get(&format!("/hustdb/keys?file=0&size=7&cursor={cursor}&offset=junk"));
        seen.extend(names(&page).into_iter().filter(|name| name.starts_with("key")));
        pages += 1;
        let Some(next) = page.header("cursor") else { break };
        assert!(next.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte)), "{next}");
        cursor = next.to_owned();
        for number in 0..5 {
            let new = pages * 5 + number;
            writer.put(&format!("/hustdb/put?key=new{new}"), "v");
            writer.put(&format!("/hustdb/put?key={}", keys[(new * 37) % 200]), "again");
            writer.get(&format!("/hustdb/del?key=new{}", new / 2));
        }
        if pages == 10 {
            node.kill().unwrap();
            node.restart().unwrap();
            writer = Client::of(&node);
        }
    }
    assert_eq!(seen.len(), keys.len(), "no key twice");
    assert_eq!(seen.into_iter().collect::<BTreeSet<_>>(), keys.into_iter().collect::<BTreeSet<_>>());
    assert!(pages > 28);
}

#[test]
fn cursors_while_others_write() {
    let (node, keys) = filled(300);
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..2)
            .map(|writer| {
                let (node, stop, keys) = (&node, &stop, &keys);
                scope.spawn(move || {
                    let mut client = Client::of(node);
                    let mut number = 0;
                    while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                        client.put(&format!("/hustdb/put?key={}", keys[(number * 7 + writer) % 300]), "w");
                        client.put(&format!("/hustdb/put?key=new{writer}-{number}"), "w");
                        number += 1;
                    }
                    number
                })
            })
            .collect();
        let mut client = Client::of(&node);
        for _ in 0..3 {
            let (mut cursor, mut seen) = (String::new(), Vec::new());
            loop {
                let page = client.get(&format!("/hustdb/keys?file=0&size=10&cursor={cursor}"));
                seen.extend(names(&page).into_iter().filter(|name| name.starts_with("key")));
                let Some(next) = page.header("cursor") else { break };
                cursor = next.to_owned();
            }
            assert_eq!(seen, keys, "in md5 order, each once");
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        assert!(writers.into_iter().map(|writer| writer.join().unwrap()).min() > Some(0));
    });
}

#[test]
fn a_body_over_32_mib_stops_and_says_where() {
    let node = builder().set("engine.partitions=1").start().unwrap();
    let mut client = Client::of(&node);
    let value = vec![b'v'; 3 << 20];
    for number in 0..9 {
        assert_eq!(client.put(&format!("/hustdb/put?key={number}"), &value).status, 200);
    }
    let first = client.get("/hustdb/keys?file=0&offset=0&size=100&noval=false");
    assert!(first.body.len() <= 32 << 20);
    let mut seen = names(&first);
    assert!((1..9).contains(&seen.len()));
    let cursor = first.header("cursor").expect("told without being asked").to_owned();
    let second = client.get(&format!("/hustdb/keys?file=0&size=100&noval=false&cursor={cursor}"));
    seen.extend(names(&second));
    assert_eq!((seen.into_iter().collect::<BTreeSet<_>>().len(), second.header("cursor")), (9, None));
    assert_eq!(client.get("/hustdb/keys?file=0&offset=0&size=100").number("keys"), Some(9));
}

#[test]
fn refusals() {
    let node = node();
    let mut client = Client::of(&node);
    for number in 0..20 {
        client.put(&format!("/hustdb/put?key={number}"), "v");
    }
    let of_file_0 = client.get("/hustdb/keys?file=0&size=1&cursor=").header("cursor").map(str::to_owned);
    let of_file_0 = of_file_0.expect("more than one key in file 0");
    let other_file = format!("/hustdb/keys?file=1&size=1&cursor={of_file_0}");
    let cut = format!("/hustdb/keys?file=0&size=1&cursor={}", &of_file_0[1..]);
    client.check_bad(&[
        ("/hustdb/keys?file=0&offset=-1&size=1", "offset: not in 0..1000000"),
        ("/hustdb/keys?file=0&offset=1000001&size=1", "offset: not in 0..1000000"),
        ("/hustdb/keys?file=0&size=1", "offset: missing"),
        ("/hustdb/keys?file=0&offset=x&size=1", "offset: not a number"),
        ("/hustdb/keys?file=0&offset=0", "size: missing"),
        ("/hustdb/keys?file=0&offset=0&size=1001", "size: not in 0..1000"),
        ("/hustdb/keys?offset=0&size=1", "file: missing"),
        ("/hustdb/keys?file=8&offset=0&size=1", "file: not in 0..7"),
        ("/hustdb/keys?file=-1&offset=0&size=1", "file: not in 0..7"),
        ("/hustdb/keys?file=0&offset=0&size=1&start=1024", "start: not in 0..1023"),
        ("/hustdb/keys?file=0&offset=0&size=1&end=1025", "end: not in 1..1024"),
        ("/hustdb/keys?file=0&offset=0&size=1&end=0", "end: not in 1..1024"),
        ("/hustdb/keys?file=0&offset=0&size=1&start=5&end=5", "start: not below end"),
        ("/hustdb/keys?file=0&offset=0&size=1&start=6&end=5", "start: not below end"),
        ("/hustdb/keys?file=0&offset=0&size=1&noval=x", "noval: not true, false, 1 or 0"),
        ("/hustdb/keys?file=0&offset=0&size=1&stamps=", "stamps: not true, false, 1 or 0"),
        ("/hustdb/keys?file=0&offset=0&size=1&async=2", "async: not true, false, 1 or 0"),
        ("/hustdb/keys?file=0&size=1&cursor=&async=true", "cursor: not with async"),
        ("/hustdb/keys?file=0&offset=100000001&size=1&async=true", "offset: not in 0..100000000"),
        ("/hustdb/keys?file=0&size=1&cursor=AbC_9", "cursor: illegal"),
        ("/hustdb/keys?file=0&size=1&cursor=%ff", "cursor: illegal"),
        (&other_file, "cursor: illegal"),
        (&cut, "cursor: illegal"),
    ]);
    for offset in [0, 100_000_000] {
        let reply = client.get(&format!("/hustdb/keys?file=0&offset={offset}&size=1&async=true"));
        assert_eq!(brief(&reply), "404 - - snapshot: none");
    }
    assert_eq!(client.get("/hustdb/keys?file=0&offset=1000000&size=1000").text(), "[]");
}

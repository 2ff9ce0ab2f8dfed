//! `/hustdb/{export task_status task_info}` and `async=true`, as section 6.1 has them.

use std::{path::Path, time::Duration};

use hust_testkit::{Node, Reply, wait_until};

use crate::support::{Client, brief, builder, node};

/// Exports and waits until the task is over; gives its token and its last state.
fn taken(client: &mut Client, query: &str) -> (u64, String) {
    let reply = client.get(&format!("/hustdb/export?{query}"));
    assert_eq!((reply.status, reply.header("content-type")), (200, Some("text/plain")), "{}", reply.text());
    let token: u64 = reply.text().parse().unwrap();
    (token, ended(client, token))
}

fn ended(client: &mut Client, token: u64) -> String {
    let mut status = String::new();
    let over = wait_until(Duration::from_secs(60), || {
        status = client.get(&format!("/hustdb/task_status?token={token}")).text();
        status != "0" && status != "1"
    });
    assert!(over);
    status
}

fn page(client: &mut Client, query: &str) -> Reply {
    client.get(&format!("/hustdb/{query}&async=true"))
}

fn filled(node: &Node) -> Client {
    let mut client = Client::of(node);
    for number in 0..30 {
        client.put(&format!("/hustdb/put?key=k{number}"), "kv");
        client.put(&format!("/hustdb/hset?tb=h&key=f{number}"), format!("{number}"));
        client.get(&format!("/hustdb/sadd?tb=s&key=m{number}"));
        client.get(&format!("/hustdb/zadd?tb=z&key=m{number}&score={}", 15 - number));
    }
    client
}

#[test]
fn a_snapshot_shows_what_the_listing_did_until_it_is_covered() {
    let mut node = node();
    let mut client = filled(&node);
    let queries = [
        ("tb=h", "hkeys?tb=h"),
        ("tb=s", "smembers?tb=s"),
        ("tb=z", "zrangebyrank?tb=z"),
        ("file=3", "keys?file=3"),
        ("file=4&start=512&end=600", "keys?file=4&start=512&end=600"),
    ];
    let mut tokens = Vec::new();
    let mut shown = Vec::new();
    for (export, list) in queries {
        assert_eq!(brief(&page(&mut client, &format!("{list}&offset=0&size=9"))), "404 - - snapshot: none");
        let (token, status) = taken(&mut client, &format!("{export}&noval=false"));
        assert_eq!(status, "2", "{export}");
        tokens.push(token);
        shown.push(client.get(&format!("/hustdb/{list}&offset=0&size=1000&noval=false&stamps=true")));
    }
    assert!(tokens.is_sorted_by(|left, right| left < right));
    for round in 0..3 {
        for ((_, list), now) in queries.iter().zip(&shown) {
            let then = page(&mut client, &format!("{list}&offset=0&size=1000&noval=false&stamps=true"));
            assert_eq!((then.status, then.text()), (200, now.text()), "{list}");
            let total = now.number("keys");
            assert_eq!((then.number("keys"), then.number("totalcount")), (total, total));
            let past = page(&mut client, &format!("{list}&offset=100000000&size=10"));
            assert_eq!(
                (past.text().as_str(), past.number("keys"), past.number("totalcount")),
                ("[]", Some(0), total)
            );
            let bare = page(&mut client, &format!("{list}&offset=2&size=3"));
            assert!(!bare.text().contains("val"), "one with values serves without");
        }
        match round {
            0 => {
                for number in 0..30 {
                    client.get(&format!("/hustdb/hdel?tb=h&key=f{number}"));
                    client.put(&format!("/hustdb/put?key=k{number}"), "other");
                    client.get(&format!("/hustdb/zadd?tb=z&key=m{number}&score=1"));
                }
                assert_eq!(
                    brief(&client.get("/hustdb/hkeys?tb=h&offset=0&size=9")),
                    "412 - - tb: no such table"
                );
                assert_eq!(brief(&client.get("/hustdb/export?tb=h")), "412 - - tb: no such table");
            }
            1 => {
                node.kill().unwrap();
                node.restart().unwrap();
                client = Client::of(&node);
                for token in &tokens {
                    assert_eq!(client.get(&format!("/hustdb/task_status?token={token}")).text(), "2");
                }
            }
            _ => {}
        }
    }
    assert_eq!(brief(&client.get("/hustdb/export?file=3&noval=false")), "404 - - snapshot: already there");
    let (newer, status) = taken(&mut client, "file=3&noval=false&cover=true");
    assert_eq!((status.as_str(), tokens.iter().all(|token| *token < newer)), ("2", true));
    let now = client.get("/hustdb/keys?file=3&offset=0&size=1000&noval=false").text();
    assert_ne!(now, shown[3].text());
    assert_eq!(page(&mut client, "keys?file=3&offset=0&size=1000&noval=false").text(), now);
}

#[test]
fn parts_of_a_listing_and_other_shapes() {
    let node = node();
    let mut client = filled(&node);
    assert_eq!(taken(&mut client, "tb=z&offset=10&size=5").1, "2");
    let part = page(&mut client, "zrangebyrank?tb=z&offset=0&size=1000");
    let listed = client.get("/hustdb/zrangebyrank?tb=z&offset=10&size=5");
    assert_eq!((part.text(), part.number("totalcount")), (listed.text(), Some(5)));
    assert_eq!(
        brief(&page(&mut client, "zrangebyrank?tb=z&offset=0&size=9&noval=false")),
        "404 - - snapshot: none"
    );
    assert_eq!(
        brief(&page(&mut client, "zrangebyrank?tb=z&offset=0&size=9&end=1000")),
        "404 - - snapshot: none"
    );
    assert_eq!(brief(&page(&mut client, "hkeys?tb=z&offset=0&size=9")), "412 - - tb: is a sorted set");
    // tb wins over file, POST is as GET.
    let reply = client.ask("POST", "/hustdb/export?file=0&tb=s&cover=true", "");
    assert_eq!(reply.status, 200);
    assert_eq!(ended(&mut client, reply.text().parse().unwrap()), "2");
    assert_eq!(page(&mut client, "smembers?tb=s&offset=0&size=1").number("totalcount"), Some(30));
    assert_eq!(brief(&page(&mut client, "keys?file=0&offset=0&size=1")), "404 - - snapshot: none");
}

#[test]
fn tasks_are_told_of() {
    let node = node();
    let mut client = filled(&node);
    assert_eq!(client.get("/hustdb/task_info").text(), r#"{"undo":"0","doning":0,"done":0}"#);
    for file in 0..8 {
        assert_eq!(client.get(&format!("/hustdb/export?file={file}")).status, 200, "never refused");
    }
    let all = || client.get("/hustdb/task_info").text() == r#"{"undo":"0","doning":0,"done":8}"#;
    assert!(wait_until(Duration::from_secs(60), all));
    for unknown in ["1", "x", "", "-1", "99999999999999999999999", "%ff", "+1"] {
        let reply = client.get(&format!("/hustdb/task_status?token={unknown}"));
        assert_eq!((reply.status, reply.text()), (200, "3".into()), "{unknown}");
    }
    assert_eq!(client.get("/hustdb/task_info").header("content-type"), Some("application/json"));
}

#[test]
fn refusals() {
    let node = node();
    let mut client = filled(&node);
    client.check_bad(&[
        ("/hustdb/export", "tb: missing, and file too"),
        ("/hustdb/export?tb=a-b", "tb: illegal name"),
        ("/hustdb/export?file=8", "file: not in 0..7"),
        ("/hustdb/export?file=0&start=5&end=5", "start: not below end"),
        ("/hustdb/export?file=0&offset=1", "size: missing with offset"),
        ("/hustdb/export?file=0&offset=100000001&size=1", "offset: not in 0..100000000"),
        ("/hustdb/export?file=0&size=1000001", "size: not in 0..1000000"),
        ("/hustdb/export?file=0&noval=x", "noval: not true, false, 1 or 0"),
        ("/hustdb/export?file=0&cover=", "cover: not true, false, 1 or 0"),
        ("/hustdb/task_status", "token: missing"),
    ]);
    assert_eq!(brief(&client.get("/hustdb/export?tb=none")), "412 - - tb: no such table");
    let reply = client.ask("PUT", "/hustdb/export?file=0", "");
    assert_eq!((reply.status, reply.header("allow")), (405, Some("GET, POST")));
    assert_eq!(client.get("/hustdb/task_info").text(), r#"{"undo":"0","doning":0,"done":0}"#);
}

#[test]
fn reads_and_writes_go_on_and_a_kill_leaves_a_whole_snapshot_or_none() {
    let mut node = builder().set("engine.memtable=1MiB").start().unwrap();
    let mut client = Client::of(&node);
    let value = vec![b'v'; 4000];
    for number in 0..3000 {
        client.put(&format!("/hustdb/hset?tb=h&key=f{number}"), &value);
    }
    for round in 0..4 {
        let reply = client.get("/hustdb/export?tb=h&noval=false&cover=true");
        let token: u64 = reply.text().parse().unwrap();
        let mut writes = 0;
        // The first is let finish; the others are killed after some writes.
        while client.get(&format!("/hustdb/task_status?token={token}")).text() != "2"
            && (round == 0 || writes < round)
        {
            assert_eq!(client.put(&format!("/hustdb/hset?tb=h&key=f{writes}"), &value).status, 200);
            writes += 1;
        }
        node.kill().unwrap();
        node.restart().unwrap();
        client = Client::of(&node);
        let there = page(&mut client, "hkeys?tb=h&offset=2990&size=1000&noval=false");
        assert_eq!(
            (there.status, there.number("keys"), there.number("totalcount")),
            (200, Some(10), Some(3000))
        );
    }
}

#[test]
fn a_page_over_32_mib_says_where_to_go_on() {
    let node = builder().set("engine.partitions=1").start().unwrap();
    let mut client = Client::of(&node);
    for number in 0..9 {
        client.put(&format!("/hustdb/put?key={number}"), vec![b'v'; 3 << 20]);
    }
    assert_eq!(taken(&mut client, "file=0&noval=false").1, "2");
    let first = page(&mut client, "keys?file=0&offset=0&size=100&noval=false");
    assert!(first.body.len() <= 32 << 20);
    assert_eq!((first.number("cursor"), first.number("totalcount")), (first.number("keys"), Some(9)));
    let rest = page(
        &mut client,
        &format!("keys?file=0&offset={}&size=100&noval=false", first.number("cursor").unwrap()),
    );
    assert_eq!(rest.number("keys").unwrap() + first.number("keys").unwrap(), 9);
    assert_eq!(rest.header("cursor"), None);
}

#[test]
fn a_damaged_snapshot_is_refused_alone_and_can_be_covered() {
    let mut node = node();
    let mut client = filled(&node);
    assert_eq!(taken(&mut client, "tb=h&noval=false").1, "2");
    assert_eq!(taken(&mut client, "tb=s").1, "2");
    assert!(node.stop().unwrap().success());
    damage(&node.data().join("export"), "_t_h.rows");
    node.restart().unwrap();
    client = Client::of(&node);
    let refused = page(&mut client, "hkeys?tb=h&offset=0&size=1000");
    assert_eq!((refused.status, refused.text().starts_with("data: damaged: a snapshot")), (500, true));
    assert_eq!(page(&mut client, "smembers?tb=s&offset=0&size=1000").number("keys"), Some(30));
    assert_eq!(client.get("/hustdb/hkeys?tb=h&offset=0&size=1000").number("keys"), Some(30));
    assert_eq!(brief(&client.get("/hustdb/export?tb=h&noval=false")), "404 - - snapshot: already there");
    assert_eq!(taken(&mut client, "tb=h&noval=false&cover=true").1, "2");
    assert_eq!(page(&mut client, "hkeys?tb=h&offset=0&size=1000").number("keys"), Some(30));
}

/// Flips a bit in the rows of the one file whose name ends so.
#[expect(clippy::disallowed_methods, reason = "an accident on the disk")]
fn damage(folder: &Path, suffix: &str) {
    let mut names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let path = names.find(|path| path.to_string_lossy().ends_with(suffix)).unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[100] ^= 4;
    std::fs::write(&path, bytes).unwrap();
}

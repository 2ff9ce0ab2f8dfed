//! mput, mget, mdel: statuses by item, order, refusals of whole batches, limits, the same results as single commands.

use std::time::Duration;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use hust_testkit::{Reply, wait_until};
use serde_json::{Value, json};

use crate::support::{Client, Random, brief, builder, node, now_ms};

fn base64(bytes: impl AsRef<[u8]>) -> String {
    BASE64_STANDARD.encode(bytes)
}

fn body(items: &[Value]) -> String {
    items.iter().map(|item| format!("{item}\n")).collect()
}

/// Sends a batch and reads its answer, a line for each item.
fn batch(client: &mut Client, path: &str, items: &[Value]) -> Vec<Value> {
    let reply = client.ask("POST", &format!("/hustdb/{path}"), body(items));
    let lines = lines(&reply);
    assert_eq!(lines.len(), items.len());
    lines
}

fn lines(reply: &Reply) -> Vec<Value> {
    assert_eq!((reply.status, reply.header("content-type")), (200, Some("application/x-ndjson")));
    assert_eq!(reply.header("version"), None);
    let text = reply.text();
    assert!(text.ends_with('\n'));
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Status and version of lines.
fn statuses(lines: &[Value]) -> Vec<(u64, Option<u64>)> {
    lines.iter().map(|line| (line["status"].as_u64().unwrap(), line["ver"].as_u64())).collect()
}

#[test]
fn all_kinds_in_one_batch() {
    let node = node();
    let mut client = Client::of(&node);
    let put = [
        json!({"key": base64("k"), "val": base64("v"), "ttl": 60}),
        json!({"key": base64(b"\xff\0"), "tb": "h", "ty": "H", "val": ""}),
        json!({"key": base64("m"), "tb": "s", "ty": "S"}),
        json!({"key": base64("m"), "tb": "z", "ty": "Z", "score": -5}),
        json!({"key": base64("m"), "tb": "s", "ty": "Z", "score": 1}),
        json!({"key": base64("k"), "val": base64("late"), "ver": 7}),
        json!({"key": base64("none"), "val": "", "ver": 1}),
        json!({"key": base64("k"), "val": base64("w"), "ver": 1}),
        json!({"key": base64("m"), "tb": "z", "ty": "Z", "score": "-5"}),
    ];
    let answered = batch(&mut client, "mput", &put);
    let ok = |ver| (200, Some(ver));
    let conflict = |ver| (401, Some(ver));
    assert_eq!(
        statuses(&answered),
        [ok(1), ok(1), ok(1), ok(1), (412, None), conflict(1), conflict(0), ok(2), ok(1)]
    );
    assert_eq!(answered[4]["reason"], "tb: is a set");
    assert_eq!(answered[8]["stamp"], answered[3]["stamp"], "the score it has is no write");
    assert!(answered[0]["expire"].as_u64() > Some(now_ms()) && answered[7].get("expire").is_none());
    client.check(&[
        ("GET", "/hustdb/get?key=k", "", "200 2 - w"),
        ("GET", "/hustdb/hget?tb=h&key=%ff%00", "", "200 1 -"),
        ("GET", "/hustdb/zscore?tb=z&key=m", "", "200 1 - -5"),
        ("GET", "/hustdb/exist?key=none", "", "404 0 -"),
    ]);
    let asked: Vec<Value> = put[..5]
        .iter()
        .map(|item| {
            let mut item = item.clone();
            let object = item.as_object_mut().unwrap();
            ["val", "ttl", "score", "ver"].iter().for_each(|name| drop(object.remove(*name)));
            item
        })
        .collect();
    let found = batch(&mut client, "mget?stamps=true", &asked);
    assert_eq!(statuses(&found), [ok(2), ok(1), ok(1), ok(1), (412, None)]);
    assert_eq!((&found[0]["val"], &found[0]["stamp"]), (&json!(base64("w")), &answered[7]["stamp"]));
    assert_eq!((&found[1]["val"], found[2].get("val"), &found[3]["score"]), (&json!(""), None, &json!(-5)));
    let plain =
        batch(&mut client, "mget", &[asked[0].clone(), json!({"key": base64("none")}), asked[0].clone()]);
    assert_eq!(plain[0], json!({"status": 200, "ver": 2, "val": base64("w")}));
    assert_eq!((&plain[1], &plain[2]), (&json!({"status": 404}), &plain[0]));
    let gone = [
        json!({"key": base64("k"), "ver": 1}),
        json!({"key": base64("k"), "ver": 2}),
        json!({"key": base64("k")}),
        json!({"key": base64("m"), "tb": "s", "ty": "S"}),
        json!({"key": base64("m"), "tb": "s", "ty": "S"}),
    ];
    let answered = batch(&mut client, "mdel", &gone);
    assert_eq!(statuses(&answered), [conflict(2), ok(2), (404, None), ok(1), (412, None)]);
    assert_eq!(brief(&client.get("/hustdb/stat?tb=s")), "404 - - tb: no such table");
}

#[test]
fn a_malformed_line_does_nothing_at_all() {
    let node = node();
    let mut client = Client::of(&node);
    let good = json!({"key": base64("k"), "val": ""});
    let bad = |line: &str| {
        [body(std::slice::from_ref(&good)), line.to_owned(), "\n".into(), body(std::slice::from_ref(&good))]
            .concat()
    };
    let refused = |client: &mut Client, body: &str| brief(&client.ask("POST", "/hustdb/mput", body));
    for (line, reason) in [
        ("", "empty"),
        ("{}", "key: missing"),
        (r#"{"key":"aw==","val":"","ttl":2592001}"#, "ttl: over 2592000"),
        (r#"{"key":"aw==","val":"","tb":"-","ty":"H"}"#, "tb: illegal name"),
    ] {
        assert_eq!(refused(&mut client, &bad(line)), format!("400 - - line 2: {reason}"));
    }
    for line in ["{", "]", "\u{0}", r#"{"key":"aw==","val":"","is_dup":true}"#, r#"{"key":1,"val":""}"#] {
        assert!(refused(&mut client, &bad(line)).starts_with("400 - - line 2: "), "{line}");
    }
    assert_eq!(refused(&mut client, ""), "400 - - body: no items");
    let over = body(&vec![good.clone(); 10_001]);
    assert_eq!(refused(&mut client, &over), "400 - - line 10001: over 10000 items");
    let reply = client.ask("POST", "/hustdb/mget?stamps=x", body(&[json!({"key": "aw=="})]));
    assert_eq!(brief(&reply), "400 - - stamps: not true, false, 1 or 0");
    assert_eq!(client.get("/hustdb/exist?key=k").status, 404, "nothing was done");
    for path in ["mput", "mget", "mdel"] {
        for method in ["GET", "PUT", "HEAD", "DELETE"] {
            let reply = client.ask(method, &format!("/hustdb/{path}"), "");
            assert_eq!((reply.status, reply.header("allow")), (405, Some("POST")), "{method} {path}");
        }
    }
}

/// Sends a batch of writes, and the rest again where the node refused it as overloaded, until all are done.
fn insist(client: &mut Client, path: &str, items: &[Value]) -> Vec<Value> {
    let mut done = Vec::new();
    let all_done = wait_until(Duration::from_secs(60), || {
        let answered = batch(client, path, &items[done.len()..]);
        let first = answered.iter().position(|line| line["status"] != 200).unwrap_or(answered.len());
        for line in &answered[first..] {
            assert_eq!(line["status"], 503, "{line}");
            assert!(line["reason"].as_str().unwrap().starts_with("engine: "), "{line}");
        }
        done.extend_from_slice(&answered[..first]);
        done.len() == items.len()
    });
    assert!(all_done, "{} of {}", done.len(), items.len());
    done
}

#[test]
fn ten_thousand_items_of_few_keys_keep_their_order_and_survive_a_kill() {
    const SEED: u64 = 0x5eed_0005;
    println!("seed {SEED:#x}");
    let mut random = Random(SEED);
    let mut node = builder().set("engine.memtable=1MiB").start().unwrap();
    let mut last = vec![None; 50];
    let items: Vec<Value> = (0..10_000)
        .map(|_| {
            let (key, len) = (random.below(50) as usize, [1, 200, 4000][random.below(3) as usize]);
            let value = vec![random.next() as u8; len];
            let version = last[key].as_ref().map_or(1, |(version, _)| version + 1);
            last[key] = Some((version, value.clone()));
            json!({"key": base64(key.to_string()), "val": base64(&value), "ver": version - 1})
        })
        .collect();
    let mut stamp = 0;
    for line in insist(&mut Client::of(&node), "mput", &items) {
        let next: u64 = line["stamp"].as_str().unwrap().parse().unwrap();
        assert!(next > stamp);
        stamp = next;
    }
    node.kill().unwrap();
    node.restart().unwrap();
    // After a restart much of it has to come from the disk.
    let mut client = Client::of(&node);
    let asked: Vec<Value> = (0..50).map(|key: u32| json!({"key": base64(key.to_string())})).collect();
    let found = batch(&mut client, "mget", &asked);
    for (line, last) in found.iter().zip(&last) {
        let (version, value) = last.as_ref().unwrap();
        assert_eq!(*line, json!({"status": 200, "ver": version, "val": base64(value)}));
    }
    insist(&mut client, "mdel", &asked);
    assert!(client.get("/hustdb/stat").text().contains(r#""KVPAIR":{"count":0,"#));
}

#[test]
fn a_full_answer_says_what_to_ask_for_again() {
    let node = node();
    let mut client = Client::of(&node);
    let value: Vec<u8> = (0..=255).cycle().take(10 << 20).collect();
    for key in ["a", "b", "c"] {
        client.put(&format!("/hustdb/put?key={key}"), &value);
    }
    client.put("/hustdb/put?key=huge", vec![b'h'; 32 << 20]);
    let ask = |keys: &[&str]| keys.iter().map(|key| json!({"key": base64(key)})).collect::<Vec<_>>();
    let found = batch(&mut client, "mget", &ask(&["a", "b", "c", "none"]));
    assert_eq!(statuses(&found), [(200, Some(1)), (200, Some(1)), (503, None), (503, None)]);
    assert_eq!(found[2]["reason"], "answer: full, ask again");
    assert!(found[1]["val"] == base64(&value));
    let first = batch(&mut client, "mget", &ask(&["none", "huge", "a"]));
    assert_eq!(statuses(&first), [(404, None), (200, Some(1)), (503, None)], "the first always fits");
    assert_eq!(first[1]["val"].as_str().unwrap().len(), (32usize << 20).div_ceil(3) * 4);
}

#[test]
fn capacity_deadline_and_body_size() {
    let node = builder().set("store.disk_capacity=200").set("server.max_body_size=4096").start().unwrap();
    let mut client = Client::of(&node);
    let item = |key: &str| json!({"key": base64(key), "val": base64("v".repeat(99))});
    let answered = batch(&mut client, "mput", &[item("a"), item("b"), item("c"), item("a")]);
    assert_eq!(statuses(&answered), [(200, Some(1)), (200, Some(1)), (403, None), (403, None)]);
    assert_eq!(answered[2]["reason"], "capacity: 328 bytes stored, limit 200");
    let late = (now_ms() - 1).to_string();
    let headers = [("Deadline", late.as_str())];
    let two = body(&[json!({"key": base64("a")}), json!({"key": base64("none")})]);
    let reply = client.ask_with("POST", "/hustdb/mdel", &headers, two.as_bytes());
    let passed = json!({"status": 503, "reason": "deadline: passed"});
    assert_eq!(lines(&reply), [passed.clone(), passed]);
    let reply = client.ask_with("POST", "/hustdb/mput", &[("Deadline", "x")], body(&[item("d")]).as_bytes());
    assert_eq!(brief(&reply), "400 - - deadline: not a number");
    let gone = batch(&mut client, "mdel", &[json!({"key": base64("a")}), json!({"key": base64("b")})]);
    assert_eq!(statuses(&gone), [(200, Some(1)), (200, Some(1))]);
    assert_eq!(statuses(&batch(&mut client, "mput", &[item("c")])), [(200, Some(1))]);
    let reply = client.ask("POST", "/hustdb/mput", body(&vec![item("a"); 30]));
    assert_eq!(brief(&reply), "413 - - body: over 4096 bytes");
}

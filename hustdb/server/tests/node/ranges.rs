//! `/hustdb/{hkeys smembers zrangebyrank zrangebyscore}` and rows of tables in `/hustdb/keys`, as section 6 has them.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use hust_testkit::Reply;
use hust_wire::slot;
use serde_json::Value;

use crate::support::{Client, brief, builder, node};

fn rows(reply: &Reply) -> Vec<Value> {
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!(reply.header("content-type"), Some("application/json"));
    assert_eq!(reply.header("totalcount"), Some("0"));
    assert!(!reply.text().contains(' '), "no spaces");
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

#[test]
fn the_examples_of_the_contract() {
    let node = node();
    let mut client = Client::of(&node);
    client.put("/hustdb/put?key=test_key", "v");
    for _ in 0..3 {
        client.get("/hustdb/sadd?tb=s1&key=b");
    }
    let keys = client.get("/hustdb/keys?file=4&offset=0&size=10&noval=false");
    assert_eq!(
        keys.text(),
        r#"[{"key":"dGVzdF9rZXk=","val":"dg==","ver":1},{"key":"Yg==","ver":3,"tb":"s1","ty":"S"}]"#
    );
    assert_eq!((keys.number("keys"), keys.number("totalcount")), (Some(2), Some(0)));

    for field in ["f", "g", "g"] {
        client.put(&format!("/hustdb/hset?tb=h&key={field}"), "v");
    }
    let mut order = [("f", r#"{"key":"Zg==","ver":1}"#), ("g", r#"{"key":"Zw==","ver":2}"#)];
    order.sort_by_key(|(key, _)| slot::md5(key.as_bytes()));
    let expected = format!("[{},{}]", order[0].1, order[1].1);
    assert_eq!(client.get("/hustdb/hkeys?tb=h&offset=0&size=2").text(), expected);

    client.ask("POST", "/hustdb/sadd?tb=s", "m");
    client.ask("POST", "/hustdb/sadd?tb=s", "n");
    let first = client.get("/hustdb/smembers?tb=s&cursor=&size=1");
    let cursor = first.header("cursor").unwrap().to_owned();
    let second = client.get(&format!("/hustdb/smembers?tb=s&cursor={cursor}&size=1&noval=false"));
    assert_eq!(second.header("cursor"), None);
    let mut both = [names(&first), names(&second)].concat();
    both.sort();
    assert_eq!(both, ["m", "n"]);
    assert!(!second.text().contains("val"), "set members have none");

    client.get("/hustdb/zadd?tb=z&key=a&score=-5");
    for score in [1, 2, 3, 30] {
        client.get(&format!("/hustdb/zadd?tb=z&key=b&score={score}"));
    }
    client.get("/hustdb/zadd?tb=z&key=c&score=31");
    assert_eq!(
        client.get("/hustdb/zrangebyscore?tb=z&min=-5&max=30&offset=0&size=10&noval=false").text(),
        r#"[{"key":"YQ==","val":"-5","ver":1},{"key":"Yg==","val":"30","ver":4}]"#
    );
    let stamp = client.get("/hustdb/zscore?tb=z&key=a&stamps=true").header("stamp").unwrap().to_owned();
    assert_eq!(
        client.get("/hustdb/zrangebyrank?tb=z&offset=0&size=1&stamps=true").text(),
        format!(r#"[{{"key":"YQ==","ver":1,"stamp":"{stamp}"}}]"#)
    );
    assert_eq!(
        brief(&client.get("/hustdb/keys?file=0&offset=-1&size=1")),
        "400 - - offset: not in 0..1000000"
    );
}

#[test]
fn a_file_shows_rows_of_tables_where_they_lie() {
    let node = node();
    let mut client = Client::of(&node);
    client.put("/hustdb/put?key=a", "kv");
    client.put("/hustdb/hset?tb=h1&key=a&ttl=1000", "v1");
    client.put("/hustdb/hset?tb=h2&key=a", "");
    client.get("/hustdb/sadd?tb=s&key=a");
    // slot("key_2") is 147, in file 1; its members' own slots do not matter.
    client.get("/hustdb/zadd?tb=key_2&key=hello&score=9");
    client.get("/hustdb/zadd?tb=key_2&key=a&score=-9");
    let reply = client.get("/hustdb/keys?file=0&offset=0&size=9&noval=false&stamps=true");
    let shown = rows(&reply);
    let column = |name: &str| {
        let mut all: Vec<_> = shown.iter().map(|row| row.get(name).cloned().unwrap_or_default()).collect();
        // The order of the two hashes is the node's.
        all[1..3].sort_by_key(Value::to_string);
        all
    };
    assert_eq!(column("tb"), [Value::Null, "h1".into(), "h2".into(), "s".into()]);
    assert_eq!(column("ty"), [Value::Null, "H".into(), "H".into(), "S".into()]);
    assert_eq!(column("val"), [Value::from("a3Y="), "".into(), "djE=".into(), Value::Null]);
    assert_eq!(shown.iter().filter(|row| row.get("expire").is_some_and(Value::is_u64)).count(), 1);
    assert!(shown.iter().all(|row| row["key"] == "YQ==" && row["stamp"].is_string()));
    let order = |text: &str| {
        ["\"key\"", "\"val\"", "\"ver\"", "\"tb\"", "\"ty\"", "\"stamp\""].map(|f| text.find(f).unwrap())
    };
    assert!(order(&reply.text()[reply.text().find(r#"},{"#).unwrap()..]).is_sorted());

    assert_eq!(
        client.get("/hustdb/keys?file=1&offset=0&size=9&noval=false").text(),
        r#"[{"key":"YQ==","val":"-9","ver":1,"tb":"key_2","ty":"Z"},{"key":"aGVsbG8=","val":"9","ver":1,"tb":"key_2","ty":"Z"}]"#
    );
    for (file, start, end, count) in [
        (0, 51, 52, 4),
        (0, 0, 51, 0),
        (0, 52, 1024, 0),
        (1, 147, 148, 2),
        (1, 148, 1024, 0),
        (2, 0, 1024, 0),
    ] {
        let reply = client.get(&format!("/hustdb/keys?file={file}&offset=0&size=9&start={start}&end={end}"));
        assert_eq!(rows(&reply).len(), count, "{file} {start}..{end}");
    }
    for (table, start, end, count) in [
        ("hkeys?tb=h1", 51, 52, 1),
        ("hkeys?tb=h1", 52, 1024, 0),
        ("zrangebyrank?tb=key_2", 147, 148, 2),
        ("zrangebyrank?tb=key_2", 0, 147, 0),
        ("zrangebyscore?tb=key_2", 51, 52, 0),
    ] {
        let reply = client.get(&format!("/hustdb/{table}&offset=0&size=9&start={start}&end={end}"));
        assert_eq!((rows(&reply).len(), reply.status), (count, 200), "{table} {start}..{end}");
    }
    for offset in 0..5 {
        let page = client.get(&format!("/hustdb/keys?file=0&offset={offset}&size=2"));
        assert_eq!(rows(&page).len(), 2.min(4usize.saturating_sub(offset)));
    }
    client.get("/hustdb/hdel?tb=h1&key=a");
    assert_eq!(client.get("/hustdb/keys?file=0&offset=0&size=9").number("keys"), Some(3));
}

#[test]
fn scores_are_bounded_on_both_sides() {
    let node = node();
    let mut client = Client::of(&node);
    for (member, score) in [("a", i64::MIN), ("b", -30), ("c", 0), ("d", 7), ("e", 7), ("f", i64::MAX)] {
        client.get(&format!("/hustdb/zadd?tb=z&key={member}&score={score}"));
    }
    let mut ties = ["d", "e"];
    ties.sort_by_key(|key| slot::md5(key.as_bytes()));
    let all = ["a", "b", "c", ties[0], ties[1], "f"];
    for (bounds, from, to) in [
        ("", 0, 6),
        ("&min=-30", 1, 6),
        ("&max=7", 0, 5),
        ("&min=-29&max=6", 2, 3),
        ("&min=7&max=7", 3, 5),
        ("&min=8&max=9", 0, 0),
        ("&min=9223372036854775807", 5, 6),
        ("&max=-9223372036854775808", 0, 1),
    ] {
        let reply = client.get(&format!("/hustdb/zrangebyscore?tb=z&offset=0&size=9&async=true{bounds}"));
        assert_eq!(names(&reply), all[from..to], "{bounds}; async is not looked at");
        let (mut cursor, mut seen) = (String::new(), Vec::new());
        loop {
            let page = client.get(&format!("/hustdb/zrangebyscore?tb=z&size=2&cursor={cursor}{bounds}"));
            seen.extend(names(&page));
            let Some(next) = page.header("cursor") else { break };
            cursor = next.to_owned();
        }
        assert_eq!(seen, all[from..to], "{bounds}");
    }
    assert_eq!(names(&client.get("/hustdb/zrangebyrank?tb=z&offset=4&size=9")), all[4..]);
    assert_eq!(client.ask("HEAD", "/hustdb/zrangebyrank?tb=z&offset=0&size=9", "").number("keys"), Some(6));
}

#[test]
fn expired_rows_are_gone_at_once() {
    let node = node();
    let mut client = Client::of(&node);
    let targets = ["hkeys?tb=h", "smembers?tb=s", "zrangebyrank?tb=z", "zrangebyscore?tb=z"];
    for (write, member) in [("hset?tb=h&val=v", "key"), ("sadd?tb=s", "key"), ("zadd?tb=z&score=1", "key")] {
        client.get(&format!("/hustdb/{write}&{member}=stays"));
        client.get(&format!("/hustdb/{write}&{member}=goes&ttl=1"));
    }
    let gone = hust_testkit::wait_until(std::time::Duration::from_secs(20), || {
        client.get("/hustdb/sismember?tb=s&key=goes").status == 404
            && client.get("/hustdb/hexist?tb=h&key=goes").status == 404
            && client.get("/hustdb/zismember?tb=z&key=goes").status == 404
    });
    assert!(gone);
    for target in targets {
        assert_eq!(names(&client.get(&format!("/hustdb/{target}&offset=0&size=9"))), ["stays"], "{target}");
    }
}

#[test]
fn cursors_of_tables_survive_writes_and_restarts() {
    let mut node = builder().set("engine.memtable=1MiB").start().unwrap();
    let mut client = Client::of(&node);
    for number in 0..120 {
        client.put(&format!("/hustdb/hset?tb=h&key=steady{number}"), "v");
        client.get(&format!("/hustdb/zadd?tb=z&key=steady{number}&score={}", number % 9 - 4));
    }
    for target in ["hkeys?tb=h", "zrangebyrank?tb=z"] {
        let (mut cursor, mut seen, mut pages) = (String::new(), Vec::new(), 0);
        loop {
            let page = client.get(&format!("/hustdb/{target}&size=7&cursor={cursor}&noval=false"));
            seen.extend(names(&page).into_iter().filter(|name| name.starts_with("steady")));
            let Some(next) = page.header("cursor") else { break };
            cursor = next.to_owned();
            pages += 1;
            client.put(&format!("/hustdb/hset?tb=h&key=new{pages}"), "v");
            client.put(&format!("/hustdb/hset?tb=h&key=steady{pages}"), "again");
            client.get(&format!("/hustdb/zadd?tb=z&key=new{pages}&score={}", pages % 9 - 4));
            if pages == 5 {
                node.kill().unwrap();
                node.restart().unwrap();
                client = Client::of(&node);
            }
        }
        assert_eq!(seen.len(), 120, "{target}: none twice");
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), 120, "{target}: all");
    }
}

#[test]
fn refusals() {
    let node = node();
    let mut client = Client::of(&node);
    for member in ["a", "b"] {
        client.get(&format!("/hustdb/sadd?tb=s&key={member}"));
        client.get(&format!("/hustdb/sadd?tb=s2&key={member}"));
        client.get(&format!("/hustdb/zadd?tb=z&key={member}&score=1"));
    }
    for (target, reason) in [
        ("hkeys?tb=s", "tb: is a set"),
        ("zrangebyrank?tb=s", "tb: is a set"),
        ("zrangebyscore?tb=s", "tb: is a set"),
        ("smembers?tb=z", "tb: is a sorted set"),
        ("hkeys?tb=none", "tb: no such table"),
        ("smembers?tb=none", "tb: no such table"),
        ("zrangebyrank?tb=none", "tb: no such table"),
    ] {
        let reply = client.get(&format!("/hustdb/{target}&offset=0&size=1"));
        assert_eq!((reply.status, reply.text()), (412, format!("{reason}\n")), "{target}");
    }
    let token = client.get("/hustdb/smembers?tb=s&size=1&cursor=").header("cursor").unwrap().to_owned();
    let other_table = format!("/hustdb/smembers?tb=s2&size=1&cursor={token}");
    let other_type = format!("/hustdb/zrangebyrank?tb=z&size=1&cursor={token}");
    client.check_bad(&[
        ("/hustdb/hkeys?offset=0&size=1", "tb: missing"),
        ("/hustdb/smembers?tb=&offset=0&size=1", "tb: empty"),
        ("/hustdb/zrangebyrank?tb=a-b&offset=0&size=1", "tb: illegal name"),
        ("/hustdb/smembers?tb=s&size=1", "offset: missing"),
        ("/hustdb/smembers?tb=s&offset=0", "size: missing"),
        ("/hustdb/smembers?tb=none&offset=0&size=1001", "size: not in 0..1000"),
        ("/hustdb/zrangebyscore?tb=z&offset=0&size=1&min=2&max=1", "min: over max"),
        ("/hustdb/zrangebyscore?tb=z&offset=0&size=1&min=x", "min: not a number"),
        (
            "/hustdb/zrangebyscore?tb=z&offset=0&size=1&max=9223372036854775808",
            "max: not in -9223372036854775808..9223372036854775807",
        ),
        ("/hustdb/smembers?tb=s&size=1&cursor=AbC_9", "cursor: illegal"),
        ("/hustdb/smembers?tb=s&size=1&cursor=&async=true", "cursor: not with async"),
        (&other_table, "cursor: illegal"),
        (&other_type, "cursor: illegal"),
    ]);
    let reply = client.ask("POST", "/hustdb/hkeys?tb=s&offset=0&size=1", "");
    assert_eq!((reply.status, reply.header("allow")), (405, Some("GET, HEAD")));
}

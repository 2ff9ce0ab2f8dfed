//! Tables: types, limit, coming and going, name spaces, capacity, deadlines.

use std::time::Duration;

use hust_testkit::wait_until;

use crate::support::{Client, brief, builder, node, now_ms, stamp};

#[test]
fn a_name_has_one_type_at_a_time() {
    let node = node();
    let mut client = Client::of(&node);
    let commands = |kind: &str, tb: &str| -> Vec<String> {
        let list: &[&str] = match kind {
            "h" => &["hget?", "hexist?", "hset?val=1&", "hincrby?val=1&", "hdel?"],
            "s" => &["sismember?", "sadd?", "srem?"],
            _ => &["zismember?", "zscore?", "zadd?score=1&", "zadd?score=1&opt=1&", "zrem?"],
        };
        list.iter().map(|command| format!("/hustdb/{command}tb={tb}&key=k")).collect()
    };
    let makers = [
        ("h", "/hustdb/hset?tb=h&key=k&val=v", "is a hash"),
        ("s", "/hustdb/sadd?tb=s&key=k", "is a set"),
        ("z", "/hustdb/zadd?tb=z&key=k&score=1", "is a sorted set"),
    ];
    for (table, make, what) in makers {
        assert_eq!(client.get(make).status, 200);
        for other in ["h", "s", "z"].into_iter().filter(|other| *other != table) {
            for target in commands(other, table) {
                let reply = client.get(&target);
                let write = reply.header("vererror").is_some();
                let error = if write { "false" } else { "-" };
                assert_eq!(brief(&reply), format!("412 0 {error} tb: {what}"), "{target}");
                let reads = ["hget", "hexist", "sismember", "zismember", "zscore"];
                assert_eq!(write, !reads.iter().any(|read| target.contains(read)), "{target}");
            }
        }
    }
    // The last record takes the name along: it is free for another type.
    client.check(&[
        ("GET", "/hustdb/hdel?tb=h&key=k", "", "200 1 false"),
        ("GET", "/hustdb/sadd?tb=h&key=k", "", "200 1 false"),
        ("GET", "/hustdb/srem?tb=h&key=k", "", "200 1 false"),
        ("GET", "/hustdb/zadd?tb=h&key=k&score=3", "", "200 1 false 3"),
        ("GET", "/hustdb/zrem?tb=h&key=k", "", "200 1 false"),
        ("GET", "/hustdb/hincrby?tb=h&key=k&val=3", "", "200 1 false 3"),
    ]);
}

#[test]
fn what_is_refused_makes_no_table() {
    let node = node();
    let mut client = Client::of(&node);
    for target in [
        "hset?tb=t&key=k&val=v&ver=1",
        "hset?tb=t&key=k&val=v&ttl=x",
        "hincrby?tb=t&key=k&val=x",
        "hincrby?tb=t&key=k&val=1&ver=8",
        "hdel?tb=t&key=k",
        "sadd?tb=t&key=k&ver=1",
        "srem?tb=t&key=k",
        "zadd?tb=t&key=k&score=-9223372036854775808&opt=-1",
        "zadd?tb=t&key=k&score=1&ver=1",
        "zrem?tb=t&key=k&is_dup=true&ver=1",
    ] {
        assert!(client.get(&format!("/hustdb/{target}")).status >= 400, "{target}");
        let empty = r#"200 - - [{"TOTALIZE":{"KVPAIR":{"count":0,"size":0,"capacity":0},"HASHTABLE":{"count":0,"size":0,"capacity":0}}}]"#;
        client.check(&[
            ("GET", "/hustdb/stat?tb=t", "", "404 - - tb: no such table"),
            ("GET", "/hustdb/stat_all", "", empty),
        ]);
    }
}

#[test]
fn the_limit_of_tables() {
    let mut node = builder().set("store.table_maximum=3").start().unwrap();
    let mut client = Client::of(&node);
    let full = |ver: u64| format!("412 {ver} false tb: the limit of store.table_maximum is reached");
    client.check(&[
        ("GET", "/hustdb/sadd?tb=refused&key=m&ver=5", "", "401 0 true"),
        ("GET", "/hustdb/hset?tb=a&key=f&val=v", "", "200 1 false"),
        ("GET", "/hustdb/sadd?tb=b&key=m", "", "200 1 false"),
        ("GET", "/hustdb/zadd?tb=c&key=m&score=1", "", "200 1 false 1"),
        ("GET", "/hustdb/hset?tb=d&key=f&val=v", "", &full(0)),
        ("GET", "/hustdb/hincrby?tb=d&key=f&val=1", "", &full(0)),
        ("GET", "/hustdb/sadd?tb=d&key=m&ver=7", "", &full(7)),
        ("GET", "/hustdb/zadd?tb=d&key=m&score=1", "", &full(0)),
        ("GET", "/hustdb/sadd?tb=d&key=m&is_dup=true&ver=2", "", &full(2)),
        ("GET", "/hustdb/sadd?tb=b&key=m2", "", "200 1 false"),
        ("GET", "/hustdb/sadd?tb=over&key=m&is_dup=true&ver=2&stamp=9", "", "200 2 false"),
    ]);
    node.kill().unwrap();
    node.restart().unwrap();
    let mut client = Client::of(&node);
    client.check(&[
        ("GET", "/hustdb/sadd?tb=d&key=m", "", &full(0)),
        ("GET", "/hustdb/srem?tb=over&key=m", "", "200 2 false"),
        ("GET", "/hustdb/sadd?tb=d&key=m", "", &full(0)),
        ("GET", "/hustdb/zrem?tb=c&key=m", "", "200 1 false"),
        ("GET", "/hustdb/sadd?tb=d&key=m", "", "200 1 false"),
        ("GET", "/hustdb/zadd?tb=c&key=m&score=1", "", &full(0)),
    ]);
    let soon = now_ms() + 200;
    client.get(&format!("/hustdb/sadd?tb=d&key=m&is_dup=1&ver=5&expire={soon}"));
    let freed =
        wait_until(Duration::from_secs(6), || client.get("/hustdb/zadd?tb=c&key=m&score=1").status == 200);
    assert!(freed && now_ms() < soon + 5000);
}

#[test]
fn the_8192_tables_of_the_defaults_are_all_usable() {
    let mut node = node();
    let mut client = Client::of(&node);
    let line = |number: usize| format!("{{\"key\":\"bQ==\",\"tb\":\"t{number}\",\"ty\":\"S\"}}\n");
    let made = client.ask("POST", "/hustdb/mput", (0..8192).map(line).collect::<String>());
    assert_eq!(made.text().matches(r#"{"status":200,"ver":1,"#).count(), 8192);
    let full = "412 0 false tb: the limit of store.table_maximum is reached";
    client.check(&[("GET", "/hustdb/sadd?tb=more&key=m", "", full)]);
    node.kill().unwrap();
    node.restart().unwrap();
    let mut client = Client::of(&node);
    assert_eq!(client.get("/hustdb/stat_all").text().matches(r#""type":"S","count":1}"#).count(), 8192);
    client.check(&[
        ("GET", "/hustdb/sadd?tb=more&key=m", "", full),
        ("GET", "/hustdb/srem?tb=t8191&key=m", "", "200 1 false"),
        ("GET", "/hustdb/sadd?tb=more&key=m", "", "200 1 false"),
    ]);
}

#[test]
fn two_types_under_one_name_after_a_partition() {
    let mut node = node();
    let mut client = Client::of(&node);
    let at = stamp(now_ms());
    let dup = |more: u64| format!("is_dup=true&ver=3&stamp={}", at + more);
    client.check(&[
        ("GET", &format!("/hustdb/zadd?tb=t&key=z&score=4&{}", dup(1)), "", "200 3 false 4"),
        ("GET", &format!("/hustdb/sadd?tb=t&key=s&{}", dup(2)), "", "200 3 false"),
        ("GET", "/hustdb/stat?tb=t", "", r#"200 - - {"table":"t","type":"S","count":1}"#),
        ("GET", "/hustdb/zscore?tb=t&key=z", "", "412 0 - tb: is a set"),
        ("GET", &format!("/hustdb/hset?tb=t&key=h&val=v&{}", dup(3)), "", "200 3 false"),
        ("GET", "/hustdb/sismember?tb=t&key=s", "", "412 0 - tb: is a hash"),
        ("GET", "/hustdb/sadd?tb=t&key=s", "", "412 0 false tb: is a hash"),
    ]);
    node.kill().unwrap();
    node.restart().unwrap();
    Client::of(&node).check(&[
        (
            "GET",
            "/hustdb/stat?tb=t",
            "",
            r#"200 - - {"table":"t","type":"H","count":1,"size":2,"capacity":1024}"#,
        ),
        ("GET", &format!("/hustdb/hdel?tb=t&key=h&{}", dup(4)), "", "200 3 false"),
        ("GET", "/hustdb/sismember?tb=t&key=s", "", "200 3 -"),
        ("GET", "/hustdb/srem?tb=t&key=s", "", "200 3 false"),
        ("GET", "/hustdb/zscore?tb=t&key=z", "", "200 3 - 4"),
        ("GET", "/hustdb/zrem?tb=t&key=z", "", "200 3 false"),
        ("GET", "/hustdb/zscore?tb=t&key=z", "", "412 0 - tb: no such table"),
    ]);
}

#[test]
fn name_spaces_never_meet() {
    let node = node();
    let longest = "t".repeat(64);
    Client::of(&node).check(&[
        ("PUT", "/hustdb/put?key=t!f", "kv", "200 1 false"),
        ("PUT", "/hustdb/put?key=f", "kv", "200 1 false"),
        ("PUT", "/hustdb/hset?tb=t&key=f", "hash", "200 1 false"),
        ("PUT", "/hustdb/hset?tb=T&key=f", "other", "200 1 false"),
        ("GET", "/hustdb/sadd?tb=s&key=f", "", "200 1 false"),
        ("GET", "/hustdb/zadd?tb=z&key=f&score=1", "", "200 1 false 1"),
        ("PUT", &format!("/hustdb/hset?tb={longest}&key=f"), "long", "200 1 false"),
        ("PUT", "/hustdb/hset?tb=a_B:9.%3A&key=f", "odd", "200 1 false"),
        ("GET", "/hustdb/hget?tb=a_B%3a9.:&key=f", "", "200 1 - odd"),
        ("GET", "/hustdb/get?key=t!f", "", "200 1 - kv"),
        ("GET", "/hustdb/get?key=f", "", "200 1 - kv"),
        ("GET", "/hustdb/hget?tb=t&key=f", "", "200 1 - hash"),
        ("GET", "/hustdb/hget?tb=T&key=f", "", "200 1 - other"),
        ("GET", &format!("/hustdb/hget?tb={longest}&key=f"), "", "200 1 - long"),
        ("GET", "/hustdb/srem?tb=s&key=f", "", "200 1 false"),
        ("GET", "/hustdb/zscore?tb=z&key=f", "", "200 1 - 1"),
    ]);
}

#[test]
fn over_capacity_and_after_the_deadline() {
    let node = builder().set("store.disk_capacity=400").start().unwrap();
    let mut client = Client::of(&node);
    let value = "v".repeat(335);
    let late = (now_ms() - 1).to_string();
    for (target, status) in
        [("hset?tb=t&key=f&val=1", 503), ("sadd?tb=t&key=f", 503), ("zadd?tb=t&key=f&score=1", 503)]
    {
        let reply = client.ask_with("GET", &format!("/hustdb/{target}"), &[("Deadline", &late)], b"");
        assert_eq!(brief(&reply), format!("{status} - - deadline: passed"), "{target}");
    }
    let ahead = (now_ms() + 60_000).to_string();
    let target = "/hustdb/hset?tb=t&key=f";
    assert_eq!(client.ask_with("PUT", target, &[("Deadline", &ahead)], value.as_bytes()).status, 200);
    let reply = client.ask_with("PUT", target, &[("Deadline", "soon")], b"v");
    assert_eq!(brief(&reply), "400 - - deadline: not a number");
    assert_eq!(brief(&client.get("/hustdb/sadd?tb=s&key=m")), "200 1 false", "400 bytes are not over 400");
    let reason = "capacity: 465 bytes stored, limit 400";
    for (target, ver) in [
        ("hset?tb=t&key=f&val=v&ver=1", 1),
        ("hset?tb=new&key=f&val=v", 0),
        ("hincrby?tb=t&key=n&val=1", 0),
        ("sadd?tb=s&key=m", 0),
        ("sadd?tb=t&key=m", 0),
        ("zadd?tb=z&key=m&score=1", 0),
        ("zadd?tb=z&key=m&score=1&is_dup=true&ver=6&stamp=9", 6),
    ] {
        assert_eq!(
            brief(&client.get(&format!("/hustdb/{target}"))),
            format!("403 {ver} false {reason}"),
            "{target}"
        );
    }
    client.check(&[
        ("GET", "/hustdb/hexist?tb=t&key=f", "", "200 1 -"),
        ("GET", "/hustdb/srem?tb=s&key=m", "", "200 1 false"),
        ("GET", "/hustdb/sadd?tb=s&key=m", "", "200 1 false"),
    ]);
}

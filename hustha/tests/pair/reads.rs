//! Which master answers a read: what passes, what is asked of the other one, and what a miss is worth.

use crate::stub::{DONE, Part, Stubs};

const HIT: &str = "200 version=5|v";
const MISS: &str = "404 version=0|";
const NO_TABLE: &str = "412 version=0|tb: no such table\n";

/// What the masters say, what the client gets (`status Version body`), and how often both were asked.
type Row = (&'static str, &'static str, &'static str, &'static str);

fn check(stubs: &Stubs, target: &str, rows: &[Row]) {
    let mut client = stubs.client();
    for (one, two, expected, asked) in rows {
        stubs.say(Part::Plain, &[one, two]);
        let row = format!("{target} {one:?} {two:?}");
        let reply = client.get(target);
        let got =
            format!("{} {} {}", reply.status, reply.header("version").unwrap_or("-"), stubs.line(&reply));
        assert_eq!(got.trim_end(), *expected, "{row}");
        // What was not answered at all is asked once more on a new connection.
        assert_eq!(stubs.took().replace("PP", "P"), *asked, "{row}");
    }
}

#[test]
fn one_master_is_asked_unless_it_fails() {
    let stubs = Stubs::pair(&[]);
    let mut rows: Vec<Row> = vec![
        (HIT, "-", "200 5 v", "P "),
        (MISS, HIT, "404 0", "P "),
        (NO_TABLE, HIT, "412 0 tb: no such table", "P "),
        ("400|key: x\n", HIT, "400 - key: x", "P "),
        ("403 version=0|key: x\n", HIT, "403 0 key: x", "P "),
        ("413|body: x\n", HIT, "413 - body: x", "P "),
    ];
    let login = "401 www-authenticate=Basic|credentials: wrong\n";
    for failed in
        ["500|x\n", "503|x\n", "503 retry-after=1|x\n", "302|x\n", "403|x\n", "408|x\n", "drop", login]
    {
        rows.push((failed, HIT, "200 5 v", "P P"));
        rows.push((failed, MISS, "404 0", "P P"));
        rows.push((failed, NO_TABLE, "412 0 tb: no such table", "P P"));
        rows.push((failed, "400|key: x\n", "400 - key: x", "P P"));
        rows.push((failed, "500|x\n", "503 - pair", "P P"));
        rows.push((failed, "drop", "503 - pair", "P P"));
    }
    for target in ["/get?key=k", "/zrangebyrank?tb=t&offset=0&size=1", "/zscore?tb=t&key=m"] {
        check(&stubs, target, &rows);
    }
    let metrics = stubs.client().get("/metrics").text();
    let fallbacks = metrics.split("hustha_fallback_reads_total ").nth(1).unwrap();
    assert_ne!(fallbacks.lines().next(), Some("0"));
}

#[test]
fn misses_when_each_is_confirmed() {
    let rows: [Row; 7] = [
        (HIT, "-", "200 5 v", "P "),
        (MISS, HIT, "200 5 v", "P P"),
        (NO_TABLE, HIT, "200 5 v", "P P"),
        (MISS, NO_TABLE, "404 0", "P P"),
        (NO_TABLE, MISS, "412 0 tb: no such table", "P P"),
        (MISS, "500|x\n", "404 0", "P P"),
        ("500|x\n", "500|x\n", "503 - pair", "P P"),
    ];
    check(&Stubs::pair(&["read_fallback_on_miss=always"]), "/get?key=k", &rows);
}

/// Each master owes something to the other; the first one leads, as the second one fell behind before it.
fn both_behind(settings: &[&str]) -> Stubs {
    let stubs = Stubs::pair(settings);
    stubs.calm();
    for (at, other) in [(0, 1), (1, 0)] {
        let host = stubs.nodes[other].host();
        stubs.nodes[at].say(Part::Owes, &format!("200|[{{\"TOTALIZE\":{{}},\"BINLOG\":{{\"{host}\":3}}}}]"));
        stubs.wait_for(other, "up", true);
    }
    stubs
}

#[test]
fn misses_of_one_that_is_behind() {
    let rows: [Row; 6] = [
        (HIT, "-", "200 5 v", "P "),
        // It may have been deleted, and the other one not have heard of it.
        (MISS, HIT, "503 - pair", "P P"),
        (NO_TABLE, HIT, "503 - pair", "P P"),
        (MISS, MISS, "404 0", "P P"),
        (NO_TABLE, MISS, "412 0 tb: no such table", "P P"),
        (MISS, "500|x\n", "503 - pair", "P P"),
    ];
    check(&both_behind(&[]), "/get?key=k", &rows);
    check(&both_behind(&["read_fallback_on_miss=always"]), "/get?key=k", &rows);
    let rows: [Row; 3] = [
        (MISS, HIT, "404 0", "P "),
        (NO_TABLE, HIT, "412 0 tb: no such table", "P "),
        ("500|x\n", MISS, "404 0", "P P"),
    ];
    check(&both_behind(&["read_fallback_on_miss=never"]), "/get?key=k", &rows);
}

/// A deletion that one master lacked came back when the other one was asked to confirm the miss.
#[test]
fn a_hit_of_one_that_is_behind_is_no_answer_to_a_miss() {
    let stubs = Stubs::pair(&["read_fallback_on_miss=always"]);
    stubs.calm();
    let host = stubs.nodes[1].host();
    stubs.nodes[0].say(Part::Owes, &format!("200|[{{\"BINLOG\":{{\"{host}\":1}}}}]"));
    stubs.wait_for(1, "up", true);
    check(
        &stubs,
        "/get?key=k",
        &[(MISS, HIT, "404 0", "P P"), (NO_TABLE, HIT, "412 0 tb: no such table", "P P")],
    );
}

/// A master that lacks many records got the lead when its partner, which had taken them, was owed one.
#[test]
fn of_two_that_are_behind_who_was_whole_longer_leads() {
    let stubs = Stubs::pair(&[]);
    stubs.calm();
    for (first, second) in [(0, 1), (1, 0)] {
        for (behind, debts) in [(first, 1000), (second, 1)] {
            let host = stubs.nodes[behind].host();
            let owes = format!("200|[{{\"BINLOG\":{{\"{host}\":{debts}}}}}]");
            stubs.nodes[1 - behind].say(Part::Owes, &owes);
            stubs.wait_for(behind, "up", true);
        }
        stubs.say(Part::Plain, &[HIT, HIT]);
        assert_eq!(stubs.client().get("/get?key=k").status, 200);
        assert_eq!(stubs.took(), ["P ", " P"][second], "{first} is behind for longer");
        stubs.nodes.iter().for_each(|node| node.say(Part::Owes, "200|[{}]"));
        stubs.calm();
    }
}

#[test]
fn alone_and_behind() {
    let stubs = both_behind(&[]);
    stubs.nodes[1].say(Part::Health, "503|draining\n");
    stubs.wait_for(1, "down", false);
    let mut client = stubs.client();
    stubs.nodes[0].say(Part::Plain, HIT);
    assert_eq!(client.get("/get?key=k").text(), "v", "hits are answered");
    stubs.nodes[0].say(Part::Plain, DONE);
    for target in ["/put?key=k&val=1", "/hset?tb=t&key=k&val=1", "/sadd?tb=s&key=m"] {
        let reply = client.get(target);
        assert_eq!(
            (reply.status, reply.header("sync")),
            (200, Some(stubs.nodes[1].host().as_str())),
            "{target}"
        );
    }
    stubs.nodes[0].say(Part::Plain, "200 version=3 vererror=false stamp=77|1");
    assert_eq!(client.get("/zadd?tb=z&key=m&score=1").status, 200);
    for miss in [MISS, NO_TABLE] {
        stubs.nodes[0].say(Part::Plain, miss);
        assert_eq!(client.get("/get?key=k").status, 503);
        for target in ["/del?key=k", "/hdel?tb=t&key=k"] {
            let reply = client.get(target);
            assert_eq!((reply.status, reply.header("outcome")), (503, Some("none")), "{target} {miss}");
        }
    }
    stubs.nodes[0].say(Part::Plain, DONE);
    stubs.nodes[0].take();
    for target in [
        "/put?key=k&val=1&ver=2",
        "/hincrby?tb=t&key=k&val=1",
        "/zadd?tb=z&key=m&score=1&opt=1",
        "/del?key=k&ver=3",
    ] {
        let reply = client.get(target);
        assert_eq!((reply.status, reply.header("outcome")), (503, Some("none")), "{target}");
    }
    assert_eq!(stubs.nodes[0].took(), "", "nobody is asked what nobody can know");
}

#[test]
fn headers_that_pass() {
    let stubs = Stubs::pair(&[]);
    let listing = "200 keys=1 totalcount=7 cursor=c content-type=application/json x-own=1|[1]";
    stubs.nodes[0].say(Part::Plain, listing);
    let reply = stubs.client().get("/zrangebyrank?tb=z&cursor=&size=1");
    for (name, value) in
        [("keys", "1"), ("totalcount", "7"), ("cursor", "c"), ("content-type", "application/json")]
    {
        assert_eq!(reply.header(name), Some(value), "{name}");
    }
    assert_eq!((reply.header("x-own"), reply.header("version")), (None, None));
    stubs.nodes[0].say(Part::Plain, "200 version=5 stamp=8 expire=9 server=x|v");
    let reply = stubs.client().get("/get?key=k&stamps=true");
    assert_eq!([5, 8, 9].map(Some), ["version", "stamp", "expire"].map(|name| reply.number(name)));
    assert_eq!((reply.header("server"), reply.header("content-type")), (None, Some("text/plain")));
}

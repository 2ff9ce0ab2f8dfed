//! What the answers of two masters to a write mean together: each row of the contract, told by nodes that say what the
//! row wants.

use std::time::{SystemTime, UNIX_EPOCH};

use hust_testkit::wait_until;

use crate::{
    cluster::LONG,
    stub::{DONE, Part, Stubs},
};

const SUM: &str = "200 version=3 vererror=false stamp=77|5";
const CONFLICT: &str = "401 version=9 vererror=true|";
const LOGIN: &str = "401 www-authenticate=Basic|credentials: wrong\n";
const BUSY: &str = "503 retry-after=1|engine: overloaded\n";

/// The command, what each master says to the plain form, and to a copy, what the client gets (`status Version Outcome
/// Sync`), and what both were asked.
type Row = (&'static str, [&'static str; 2], &'static str, &'static str, &'static str);

fn check(stubs: &Stubs, rows: &[Row]) {
    let mut client = stubs.client();
    for (target, plain, copy, expected, asked) in rows {
        stubs.calm();
        stubs.say(Part::Copy, &[*copy; 2]);
        stubs.say(Part::Plain, plain);
        let reply = client.get(target);
        let header = |name| reply.header(name).unwrap_or("-");
        let got = format!("{} {} {} {}", reply.status, header("version"), header("outcome"), header("sync"));
        let text = reply.text();
        let row = format!("{target} {plain:?} {copy}: {text}");
        assert_eq!(stubs.named(&got), *expected, "{row}");
        assert_eq!(stubs.took(), *asked, "{row}");
        let tells_of_both = reply.status == 503 && reply.header("retry-after").is_none();
        assert_eq!(stubs.line(&reply) == "pair", tells_of_both, "{text}");
    }
}

const PUT: &str = "/put?key=k&val=v";
const DEL: &str = "/del?key=k";
const ADD: &str = "/hincrby?tb=t&key=k&val=2";
const RAISE: &str = "/zadd?tb=z&key=k&score=2&opt=1";

#[test]
fn the_serialiser_did_it() {
    check(
        &Stubs::pair(&[]),
        &[
            (PUT, [DONE, "-"], DONE, "200 3 - -", "P C"),
            (ADD, [SUM, "-"], DONE, "200 3 - -", "P C"),
            (PUT, [DONE, "-"], "503|full\n", "200 3 - H2", "PD C"),
            (PUT, [DONE, "-"], "500|x\n", "200 3 - H2", "PD C"),
            (PUT, [DONE, "-"], "507|x\n", "200 3 - H2", "PD C"),
            (PUT, [DONE, "-"], LOGIN, "200 3 - H2", "PD C"),
            (PUT, [DONE, "-"], "400|stamp: ahead\n", "200 3 - H2", "PD C"),
            (PUT, [DONE, "-"], "drop", "200 3 - H2", "PD C"),
            (DEL, [DONE, "-"], "200 version=3|", "200 3 - H2", "PD C"),
        ],
    );
}

#[test]
fn the_serialiser_refuses_for_good() {
    let rows = [
        ("400|key: x\n", "400 - - -"),
        (CONFLICT, "401 9 - -"),
        ("403 version=0|capacity: full\n", "403 0 - -"),
        ("412 version=0|tb: is a set\n", "412 0 - -"),
        ("413|body: over\n", "413 - - -"),
        (BUSY, "503 - - -"),
    ];
    let rows: Vec<Row> = rows
        .iter()
        .flat_map(|(answer, expected)| [PUT, DEL, ADD].map(|target| (target, *answer, *expected)))
        .map(|(target, answer, expected)| (target, [answer, DONE], DONE, expected, "P "))
        .collect();
    check(&Stubs::pair(&[]), &rows);
}

#[test]
fn the_other_master_decides() {
    let mut rows: Vec<Row> = Vec::new();
    for refused in ["503|x\n", "507|x\n", LOGIN, "403|access: denied\n", "405|x\n"] {
        rows.push((PUT, [refused, DONE], DONE, "200 3 - H1", "P PD"));
        rows.push((ADD, [refused, SUM], DONE, "200 3 - H1", "P PD"));
    }
    for unknown in ["500|x\n", "502|x\n", "drop", "200 version=3|", "200 stamp=3|", "302|x\n"] {
        rows.push((PUT, [unknown, DONE], DONE, "200 3 - H1", "P PD"));
        rows.push((ADD, [unknown, SUM], DONE, "503 - unknown -", "P "));
        rows.push((RAISE, [unknown, SUM], DONE, "503 - unknown -", "P "));
    }
    rows.extend([
        (PUT, ["503|x\n", CONFLICT], DONE, "401 9 - -", "P P"),
        (PUT, ["500|x\n", "403 version=0|x\n"], DONE, "403 0 - -", "P P"),
        (PUT, ["503|x\n", "503|x\n"], DONE, "503 - none -", "P P"),
        (ADD, ["503|x\n", "507|x\n"], DONE, "503 - none -", "P P"),
        (PUT, ["503|x\n", "500|x\n"], DONE, "503 - unknown -", "P P"),
        (ADD, ["503|x\n", "drop"], DONE, "503 - unknown -", "P P"),
        (PUT, ["500|x\n", "503|x\n"], DONE, "503 - unknown -", "P P"),
        (PUT, ["drop", "500|x\n"], DONE, "503 - unknown -", "P P"),
    ]);
    check(&Stubs::pair(&[]), &rows);
}

#[test]
fn deletes_of_what_one_master_lacks() {
    let none = "404 version=0 vererror=false|";
    check(
        &Stubs::pair(&[]),
        &[
            (DEL, [none, DONE], DONE, "200 3 - -", "PC P"),
            (DEL, [none, DONE], "503|x\n", "200 3 - H1", "PC PD"),
            (DEL, [none, none], DONE, "404 0 - -", "P P"),
            (DEL, [none, "412 version=0|tb: x\n"], DONE, "412 0 - -", "P P"),
            (DEL, [none, "503|x\n"], DONE, "404 0 - -", "P P"),
            (DEL, [none, "500|x\n"], DONE, "404 0 - -", "P P"),
            (DEL, ["503|x\n", none], DONE, "404 0 - -", "P P"),
            (DEL, ["500|x\n", none], DONE, "404 0 - -", "P P"),
            (DEL, ["503|x\n", DONE], DONE, "200 3 - H1", "P PD"),
            (DEL, ["drop", DONE], DONE, "200 3 - H1", "P PD"),
        ],
    );
}

#[test]
fn a_greater_record_at_the_follower_is_looked_into() {
    let stubs = Stubs::pair(&[]);
    let [one, two] = [&stubs.nodes[0], &stubs.nodes[1]];
    one.say(Part::Plain, DONE);
    two.say(Part::Plain, "200 version=9 stamp=99|");
    two.say(Part::Copy, "200 version=9 vererror=true stamp=99|");
    let reply = stubs.client().get(PUT);
    assert_eq!((reply.status, reply.header("sync")), (200, None));
    let mut owed = [false; 2];
    let both = || {
        for (seen, node) in owed.iter_mut().zip([one, two]) {
            *seen |= node.take().iter().any(|asked| asked.part == Part::Debt);
        }
        owed == [true; 2]
    };
    assert!(wait_until(LONG, both), "each master is to owe the record to the other");
    assert!(stubs.client().get("/metrics").text().contains("hustha_divergence_total 1\n"));
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a file of the test")]
fn what_nobody_takes_is_tried_again() {
    let stubs = Stubs::pair(&[]);
    let [one, two] = [&stubs.nodes[0], &stubs.nodes[1]];
    one.say(Part::Plain, DONE);
    one.say(Part::Debt, "503|x\n");
    two.say(Part::Copy, "503|x\n");
    // No folder of hints can be made where a file is.
    let folder = stubs.folder.path().join("hints");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join(two.host()), "").unwrap();
    let reply = stubs.client().get(PUT);
    assert_eq!((reply.status, reply.header("outcome")), (503, Some("unknown")), "{}", reply.text());
    let text = stubs.named(&reply.text());
    assert!(text.starts_with("pair: H1 has it; H2 may lack it"), "{text}");
    assert!(stubs.client().get("/metrics").text().contains("hustha_hints_failed_total"));
    one.take();
    one.say(Part::Debt, "200|");
    assert!(wait_until(LONG, || one.took().contains('D')), "the proxy goes on trying");
}

#[expect(clippy::disallowed_methods, reason = "the clock that the proxy goes by")]
fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64
}

#[test]
fn what_is_sent_to_nodes() {
    let stubs = Stubs::pair(&[]);
    let [one, two] = [&stubs.nodes[0], &stubs.nodes[1]];
    one.say(Part::Plain, DONE);
    two.say(Part::Copy, "503|x\n");
    let before_ms = now_ms();
    stubs.client().get("/put?x=1&key=a%20%2b&val=v%20w&ver=2&ttl=9&stamp=1&expire=2&is_dup=false");
    let after_ms = now_ms();
    let (plain, copy) = (one.take(), two.take());
    assert_eq!(plain[0].line, "POST /hustdb/put?key=a%20%2B&ttl=9&ver=2 v w");
    let deadline = plain[0].head.split("deadline: ").nth(1).and_then(|rest| rest.lines().next());
    let timeout_ms = 5000;
    let legal = before_ms + timeout_ms..=after_ms + timeout_ms;
    assert!(legal.contains(&deadline.unwrap().parse().unwrap()), "{legal:?}: {}", plain[0].head);
    assert_eq!(plain[1].line, format!("POST /hustdb/binlog?host={}&method=1 a +", two.host()));
    assert_eq!(copy[0].line, "POST /hustdb/put?key=a%20%2B&is_dup=true&ver=3&stamp=77 v w");
    stubs.calm();
    let long = "+".repeat(21_800);
    one.take();
    let reply = stubs.client().get(&format!("/put?key={long}&val=1"));
    assert_eq!((reply.status, reply.text().as_str()), (414, "target: over 65534 bytes\n"));
    assert_eq!(one.took(), "", "nothing is sent");
}

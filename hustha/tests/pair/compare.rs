//! get2, hget2, zscore2, sismember2: each row of the comparison, and the repair that follows.

use hust_testkit::wait_until;

use crate::{
    cluster::LONG,
    stub::{Part, Stubs},
};

const A: &str = "200 version=3 stamp=7|a";
const A_LATER: &str = "200 version=3 stamp=8|a";
const A_NEXT: &str = "200 version=4 stamp=8|a";
const BB: &str = "200 version=3 stamp=8|bb";
const BB_NEXT: &str = "200 version=4 stamp=8|bb";
const MISS: &str = "404 version=0|";
const NO_TABLE: &str = "412 version=0|tb: no such table\n";

/// What the masters say, and what the client gets: `status Version Version1 Version2 Val-Offset body`.
type Row = (&'static str, &'static str, &'static str);

fn check(stubs: &Stubs, target: &str, rows: &[Row]) {
    let mut client = stubs.client();
    for (one, two, expected) in rows {
        stubs.say(Part::Plain, &[one, two]);
        let reply = client.get(target);
        let headers = ["version", "version1", "version2", "val-offset"];
        let headers = headers.map(|name| reply.header(name).unwrap_or("-")).join(" ");
        let got = format!("{} {headers} {}", reply.status, reply.text());
        assert_eq!(got.trim_end(), *expected, "{target} {one:?} {two:?}");
        assert_eq!(reply.header("stamp"), None);
    }
}

#[test]
fn values() {
    let rows = [
        (A, A, "200 3 - - - a"),
        (A, A_LATER, "200 3 - - - a"),
        (A, A_NEXT, "200 - 3 4 - a"),
        (A_NEXT, A, "200 - 4 3 - a"),
        (A, BB, "409 3 - - 1 abb"),
        (BB, A, "409 3 - - 2 bba"),
        (A, BB_NEXT, "409 - 3 4 1 abb"),
        (A, MISS, "409 - 3 0 1 a"),
        (MISS, BB, "409 - 0 3 0 bb"),
        (NO_TABLE, A, "409 - 0 3 0 a"),
        (MISS, MISS, "404 0 - - -"),
        (NO_TABLE, NO_TABLE, "412 0 - - - tb: no such table"),
        (MISS, NO_TABLE, "404 0 - - -"),
    ];
    let stubs = Stubs::pair(&[]);
    for target in ["/get2?key=k", "/hget2?tb=t&key=k", "/zscore2?tb=t&key=k"] {
        check(&stubs, target, &rows);
    }
    assert!(stubs.client().ask("HEAD", "/get2?key=k", "").status == 404);
}

#[test]
fn members() {
    let (m, later, next) = ("200 version=3 stamp=7|", "200 version=3 stamp=8|", "200 version=4 stamp=8|");
    let rows = [
        (m, m, "200 3 - - -"),
        (m, later, "200 3 - - -"),
        (m, next, "409 - 3 4 -"),
        (m, MISS, "409 - 3 0 -"),
        (NO_TABLE, m, "409 - 0 3 -"),
        (MISS, MISS, "404 0 - - -"),
        (NO_TABLE, NO_TABLE, "412 0 - - - tb: no such table"),
    ];
    check(&Stubs::pair(&[]), "/sismember2?tb=t&key=k", &rows);
}

#[test]
fn one_that_fails() {
    let stubs = Stubs::pair(&[]);
    for (one, two) in [(A, "500|x\n"), ("503|x\n", A), (MISS, "drop"), ("200|a", A), (A, "200 version=3|a")] {
        stubs.say(Part::Plain, &[one, two]);
        let reply = stubs.client().get("/get2?key=k");
        assert_eq!((reply.status, stubs.line(&reply).as_str()), (503, "pair"), "{one} {two}");
    }
    stubs.nodes[1].say(Part::Health, "503|draining\n");
    stubs.wait_for(1, "down", false);
    stubs.nodes[0].say(Part::Plain, A);
    let reply = stubs.client().get("/get2?key=k");
    assert_eq!((reply.status, stubs.named(&reply.text()).as_str()), (503, "pair: H1 is up; H2 is not up\n"));
}

#[test]
fn what_differs_is_owed_both_ways() {
    let stubs = Stubs::pair(&[]);
    let [one, two] = [&stubs.nodes[0], &stubs.nodes[1]];
    for (said_1, said_2, repairs) in [
        (A, A, false),
        (A, A_LATER, true),
        (A, A_NEXT, true),
        (A, BB, true),
        (A, MISS, true),
        (MISS, MISS, false),
    ] {
        stubs.calm();
        stubs.say(Part::Plain, &[said_1, said_2]);
        stubs.client().get("/hget2?tb=t&key=k");
        let mut owed = [String::new(), String::new()];
        let mut look = || {
            for (owed, node) in owed.iter_mut().zip([one, two]) {
                let debts = node.take().into_iter().filter(|asked| asked.part == Part::Debt);
                owed.extend(debts.map(|asked| stubs.named(&asked.line)));
            }
            owed.iter().all(|owed| !owed.is_empty())
        };
        if repairs {
            assert!(wait_until(LONG, &mut look), "{said_1} {said_2}");
            let line = |host| format!("POST /hustdb/binlog?host={host}&method=3&tb=t k");
            assert_eq!(owed, [line("H2"), line("H1")]);
        }
    }
    let metrics = stubs.client().get("/metrics").text();
    assert!(metrics.contains("hustha_divergence_total 4\n"), "{metrics}");
}

//! The cache: each row of what two answers mean together, and that nothing of it is made good.

use crate::stub::{Part, Stubs};

/// What the masters say, and what the client gets (`status Fail body`), and what both were asked.
type Row = (&'static str, &'static str, &'static str, &'static str);

fn check(stubs: &Stubs, target: &str, rows: &[Row]) {
    let mut client = stubs.client();
    for (one, two, expected, asked) in rows {
        stubs.say(Part::Plain, &[one, two]);
        let reply = client.get(target);
        let fail = stubs.named(reply.header("fail").unwrap_or("-"));
        let got = format!("{} {fail} {}", reply.status, stubs.line(&reply));
        let row = format!("{target} {one:?} {two:?}");
        assert_eq!(got.trim_end(), *expected, "{row}");
        assert_eq!(stubs.took().replace("PP", "P"), *asked, "{row}");
    }
}

const LOGIN: &str = "401 www-authenticate=Basic|credentials: wrong\n";

#[test]
fn writes_go_to_both() {
    let rows: [Row; 13] = [
        ("200|1", "200|2", "200 - 1", "P P"),
        ("200|1", "404|", "200 H2 1", "P P"),
        ("200|1", "412|x\n", "200 H2 1", "P P"),
        ("200|1", "503|x\n", "200 H2 1", "P P"),
        ("200|1", "drop", "200 H2 1", "P P"),
        ("200|1", LOGIN, "200 H2 1", "P P"),
        ("404|", "200|2", "200 H1 2", "P P"),
        ("drop", "200|2", "200 H1 2", "P P"),
        ("404|", "404|", "404 -", "P P"),
        ("404|", "412|x: y\n", "404 -", "P P"),
        ("403|val: x\n", "500|x\n", "403 - val: x", "P P"),
        ("500|x\n", "412|x: y\n", "412 - x: y", "P P"),
        (LOGIN, "503|x\n", "503 - pair", "P P"),
    ];
    let stubs = Stubs::pair(&[]);
    for target in ["/cache/put?key=k&val=1", "/cache/hincrby?tb=t&key=k&val=1", "/cache/del?key=k"] {
        check(&stubs, target, &rows);
    }
}

#[test]
fn reads_go_to_one_and_then_to_the_other() {
    let rows: [Row; 9] = [
        ("200|1", "200|2", "200 - 1", "P "),
        ("404|", "200|2", "200 - 2", "P P"),
        ("412|x: y\n", "200|2", "200 - 2", "P P"),
        ("503|x\n", "200|2", "200 - 2", "P P"),
        ("drop", "200|2", "200 - 2", "P P"),
        ("404|", "404|", "404 -", "P P"),
        ("404|", "503|x\n", "404 -", "P P"),
        ("503|x\n", "404|", "404 -", "P P"),
        ("503|x\n", LOGIN, "503 - pair", "P P"),
    ];
    let stubs = Stubs::pair(&[]);
    for target in ["/cache/get?key=k", "/cache/hexist?tb=t&key=k", "/cache/ttl?key=k"] {
        check(&stubs, target, &rows);
    }
}

#[test]
fn health_counts_and_behind_does_not() {
    let stubs = Stubs::pair(&[]);
    let [one, two] = [&stubs.nodes[0], &stubs.nodes[1]];
    two.say(Part::Owes, &format!("200|[{{\"BINLOG\":{{\"{}\":1}}}}]", one.host()));
    stubs.wait_for(0, "up", true);
    check(&stubs, "/cache/get?key=k", &[("200|1", "200|2", "200 - 1", "P ")]);
    one.say(Part::Health, "503|draining\n");
    stubs.wait_for(0, "down", false);
    check(&stubs, "/cache/get?key=k", &[("200|1", "200|2", "200 - 2", " P")]);
    check(&stubs, "/cache/put?key=k&val=1", &[("200|1", "200|2", "200 H1 2", " P")]);
    two.say(Part::Health, "503|draining\n");
    stubs.wait_for(1, "down", false);
    check(&stubs, "/cache/put?key=k&val=1", &[("200|1", "200|2", "503 - pair", " ")]);
    let line = |target: &str, body: &str| {
        one.say(Part::Health, "200|ok\n");
        stubs.wait_for(0, "up", true);
        one.take();
        one.say(Part::Plain, "200|");
        stubs.client().ask("POST", target, body);
        one.take().pop().unwrap().line
    };
    assert_eq!(line("/cache/hset?tb=a%20b&key=k&val=x&y=1", "v"), "POST /hustcache/hset?tb=a%20b&key=k v");
    assert_eq!(line("/cache/put?key=k&ttl=9&val=", ""), "POST /hustcache/put?key=k&ttl=9&val= ");
    assert_eq!(line("/cache/expire?key=k&ttl=9", ""), "POST /hustcache/expire?key=k&ttl=9 ");
}

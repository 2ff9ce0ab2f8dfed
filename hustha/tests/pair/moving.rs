//! While slots move: the third host, reads of the acting pair, writes that wait, and when a change has drained.

use std::thread;

use hust_testkit::{Reply, wait_until};

use crate::{
    cluster::LONG,
    stub::{DONE, Part, Stubs},
};

/// All slots move from [0, 1] to [0, 2]: as slots of the old host 1 are taken over by host 2.
pub fn moving(hosts: &[String], phase: &str) -> String {
    let [a, b, c] = [0, 1, 2].map(|at| hosts[at].as_str());
    format!(
        "{{\"table\":[{{\"item\":{{\"key\":[0,1024],\"val\":[\"{a}\",\"{b}\"]}},\"decrease\":{{\
         \"remove\":\"{b}\",\"replace_by\":\"{c}\",\"phase\":\"{phase}\"}}}}]}}"
    )
}

const USERS: [&str; 2] = ["security.user=u", "security.password=p"];

fn ask(stubs: &Stubs, method: &str, target: &str, body: &str) -> Reply {
    let headers = [("Authorization", "Basic dTpw"), ("If-Match", "*")];
    stubs.proxy.raw().unwrap().ask(method, target, &headers, body.as_bytes()).unwrap()
}

fn install(stubs: &Stubs, phase: &str) -> Reply {
    let hosts: Vec<String> = stubs.nodes.iter().map(|node| node.host()).collect();
    let reply = ask(stubs, "POST", "/set_table", &moving(&hosts, phase));
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply
}

fn third(phase: &'static str) -> Stubs {
    Stubs::start(3, |hosts| moving(hosts, phase), &[])
}

#[test]
fn the_third_gets_the_result_or_is_owed_it() {
    // Who acts: H1 and the old or the new partner. What each is asked, H1 to H3.
    for (phase, partner, other, asked) in
        [("copy", 1, 2, "P C C"), ("hold", 1, 2, "P C C"), ("switch", 2, 1, "P C C")]
    {
        let stubs = third(phase);
        stubs.say(Part::Plain, &[DONE; 3]);
        let reply = stubs.client().get("/put?key=k&val=v");
        assert_eq!(
            (reply.status, reply.header("sync"), stubs.took().as_str()),
            (200, None, asked),
            "{phase}"
        );
        stubs.nodes[other].say(Part::Copy, "503|x\n");
        let reply = stubs.client().get("/put?key=k&val=v");
        assert_eq!((reply.status, reply.header("sync")), (200, None), "{phase}: no word of the third");
        let debts: Vec<String> = stubs.nodes[0]
            .take()
            .into_iter()
            .filter(|asked| asked.part == Part::Debt)
            .map(|asked| asked.line)
            .collect();
        assert_eq!(
            debts,
            [format!("POST /hustdb/binlog?host={}&method=1 k", stubs.nodes[other].host())],
            "{phase}"
        );
        stubs.calm();
        stubs.nodes[partner].say(Part::Copy, "503|x\n");
        let reply = stubs.client().get("/put?key=k&val=v");
        let partner = stubs.nodes[partner].host();
        assert_eq!((reply.status, reply.header("sync")), (200, Some(partner.as_str())), "{phase}");
        let owed = stubs.nodes[0].take().iter().filter(|asked| asked.part == Part::Debt).count();
        assert_eq!(owed, 2, "{phase}: to both");
    }
}

#[test]
fn a_third_that_nothing_can_be_noted_for() {
    let stubs = third("copy");
    stubs.say(Part::Plain, &[DONE]);
    stubs.nodes[0].say(Part::Debt, "503|x\n");
    stubs.nodes[2].say(Part::Copy, "503|x\n");
    let reply = stubs.client().get("/put?key=k&val=v");
    assert_eq!((reply.status, reply.header("sync")), (200, None));
    let folder = stubs.folder.path().join("hints").join(stubs.nodes[2].host());
    #[expect(clippy::disallowed_methods, reason = "looks at files of the proxy")]
    let segments = std::fs::read_dir(folder).unwrap().count();
    assert_eq!(segments, 1, "a hint for the third");
}

#[test]
fn deletes_and_reads_of_moving_slots() {
    let stubs = third("copy");
    let mut client = stubs.client();
    stubs.say(Part::Plain, &["404 version=0 vererror=false|", DONE]);
    assert_eq!(client.get("/del?key=k").status, 200);
    assert_eq!(stubs.took(), "PC P C", "the tombstone goes to the serialiser and to the third");
    stubs.say(Part::Plain, &["404 version=0|", "200 version=1|old", "200 version=1|new"]);
    assert_eq!((client.get("/get?key=k").text().as_str(), stubs.took().as_str()), ("old", "P P "));
    stubs.say(Part::Plain, &["500|x\n", "500|x\n", "200 version=1|new"]);
    assert_eq!(
        (client.get("/get?key=k").status, stubs.took().as_str()),
        (503, "P P "),
        "the third is not read"
    );
    let stubs = third("switch");
    stubs.say(Part::Plain, &["404 version=0|", "200 version=1|old", "200 version=1|new"]);
    assert_eq!((stubs.client().get("/get?key=k").text().as_str(), stubs.took().as_str()), ("new", "P  P"));
    stubs.say(Part::Plain, &["200 version=1 stamp=2|x", "500|x\n", "200 version=1 stamp=2|x"]);
    assert_eq!(stubs.client().get("/get2?key=k").status, 200, "the acting pair is compared");
    let stubs = Stubs::start(3, |hosts| moving(hosts, "copy"), &["read_fallback_on_miss=never"]);
    stubs.say(Part::Plain, &["404 version=0|", "200 version=1|old"]);
    assert_eq!((stubs.client().get("/get?key=k").status, stubs.took().as_str()), (404, "P  "));
}

#[test]
fn held_writes_wait_for_two_seconds_at_most() {
    let stubs = Stubs::start(3, |hosts| moving(hosts, "copy"), &USERS);
    stubs.say(Part::Plain, &[DONE; 3]);
    install(&stubs, "hold");
    let target = "/put?key=k&val=v";
    thread::scope(|scope| {
        let write = scope.spawn(|| ask(&stubs, "GET", target, ""));
        assert_eq!(ask(&stubs, "GET", "/get?key=k", "").status, 200, "reads do not wait");
        assert_eq!(stubs.took(), "P  ", "the write waits");
        assert_eq!(write.join().unwrap().status, 200);
    });
    assert_eq!(stubs.took(), "P C C", "then as in the phase before");
    assert_eq!(ask(&stubs, "GET", target, "").status, 200, "and no write waits any more");
}

/// Begins a write that does not end before it is told to, and does something meanwhile.
fn during_a_write(drain_timeout_ms: u64, meanwhile: impl FnOnce(&Stubs)) {
    let drain = format!("server.drain_timeout_ms={drain_timeout_ms}");
    let stubs = Stubs::start(3, |hosts| moving(hosts, "copy"), &[&USERS[..], &[&drain]].concat());
    assert_eq!(drained(&stubs), "true");
    stubs.say(Part::Plain, &["wait"]);
    thread::scope(|scope| {
        let write = scope.spawn(|| ask(&stubs, "GET", "/put?key=k&val=v", ""));
        assert!(wait_until(LONG, || stubs.took().starts_with('P')), "it is under way");
        meanwhile(&stubs);
        stubs.say(Part::Plain, &[DONE]);
        assert_eq!(write.join().unwrap().status, 200);
    });
    assert!(wait_until(LONG, || drained(&stubs) == "true"));
}

fn drained(stubs: &Stubs) -> String {
    ask(stubs, "GET", "/get_table", "").header("drained").unwrap().to_owned()
}

#[test]
fn a_change_says_that_it_has_not_drained() {
    during_a_write(50, |stubs| {
        assert_eq!(install(stubs, "hold").header("drained"), Some("false"));
        assert_eq!(drained(stubs), "false");
    });
}

#[test]
fn a_change_waits_for_the_writes_before_it() {
    during_a_write(60_000, |stubs| {
        thread::scope(|scope| {
            let change = scope.spawn(|| install(stubs, "switch"));
            assert!(wait_until(LONG, || drained(stubs) == "false"), "the new table is in force");
            assert!(!change.is_finished());
            stubs.nodes[0].say(Part::Plain, DONE);
            assert_eq!(change.join().unwrap().header("drained"), Some("true"));
        });
    });
}

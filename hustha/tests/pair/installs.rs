//! Installing tables: the order of peers, hosts that are dead, two at once, a hold by SIGHUP.

use std::{
    fs, thread,
    time::{Duration, Instant},
};

use hust_testkit::{Reply, Signal, free_address, wait_until};

use crate::{
    cluster::{LONG, at_rest},
    moving::moving,
    stub::{DONE, Part, Stubs},
};

const USERS: [&str; 2] = ["security.user=u", "security.password=p"];

fn ask(stubs: &Stubs, method: &str, target: &str, condition: &str, body: &str) -> Reply {
    let headers = [("Authorization", "Basic dTpw"), ("If-Match", condition)];
    stubs.proxy.raw().unwrap().ask(method, target, &headers, body.as_bytes()).unwrap()
}

#[test]
fn peers_are_numbered_by_first_appearance() {
    let stubs = Stubs::with(8, |hosts| {
        let pair = |start: u16, end: u16, one: usize, two: usize| {
            format!("{{\"key\":[{start},{end}],\"val\":[\"{}\",\"{}\"]}}", hosts[one - 1], hosts[two - 1])
        };
        let element = |item: String, low: String, high: String| {
            format!("{{\"increase\":{{\"high\":{high},\"low\":{low}}},\"item\":{item}}}")
        };
        let first = element(pair(0, 512, 1, 2), pair(0, 256, 1, 5), pair(256, 512, 4, 2));
        let second = element(pair(512, 1024, 6, 3), pair(512, 600, 6, 8), pair(600, 1024, 7, 3));
        let backends = format!("backends=[\"{}\",\"{}\"]", hosts[2], hosts[3]);
        (format!("{{\"table\":[{first},{second}]}}"), vec![backends])
    });
    let mut client = stubs.client();
    let shown = stubs.named(&client.get("/backends").text());
    let order: Vec<&str> =
        shown.split("\"host\":\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert_eq!(order, ["H3", "H4", "H1", "H2", "H5", "H6", "H8", "H7"], "{shown}");
    assert_eq!(client.get("/peer_count").text(), "8");
    stubs.nodes.iter().for_each(|node| drop(node.take()));
    for (number, node) in [3, 4, 1, 2, 5, 6, 8, 7].into_iter().enumerate() {
        client.get(&format!("/keys?peer={number}&file=0&offset=0&size=1"));
        assert_eq!(stubs.nodes[node - 1].took(), "P", "peer {number}");
    }
    assert_eq!(client.get("/keys?peer=8&file=0&offset=0&size=1").status, 400);
}

#[test]
fn a_dead_host_is_no_obstacle() {
    let stubs = Stubs::pair(&[USERS[0], USERS[1], "health.timeout_ms=1000"]);
    let dead = free_address().unwrap().to_string();
    let reply = ask(&stubs, "POST", "/set_table", "*", &at_rest(&stubs.nodes[0].host(), &dead));
    assert_eq!((reply.status, reply.header("drained")), (200, Some("true")), "{}", reply.text());
    let shown = ask(&stubs, "GET", "/backends", "*", "").text();
    assert!(
        shown.contains(&format!("\"host\":\"{dead}\"")) && shown.matches("\"up\"").count() == 1,
        "{shown}"
    );
    stubs.say(Part::Plain, &[DONE]);
    let reply = ask(&stubs, "POST", "/put?key=k", "*", "v");
    assert_eq!(
        (reply.status, reply.header("sync")),
        (200, Some(dead.as_str())),
        "alone, and the record is owed"
    );
}

#[test]
fn of_two_that_change_the_same_table_one_does() {
    let stubs = Stubs::pair(&USERS);
    let [one, two] = [0, 1].map(|at| stubs.nodes[at].host());
    for round in 0..20 {
        let before = ask(&stubs, "GET", "/get_table", "*", "");
        let etag = before.header("etag").unwrap();
        // Different in spaces only.
        let tables =
            [1, 2].map(|more| at_rest(&one, &two).replace(": ", ":") + &" ".repeat(2 * round + more));
        let replies = thread::scope(|scope| {
            let set = |table: &String| {
                let table = table.clone();
                let stubs = &stubs;
                scope.spawn(move || ask(stubs, "POST", "/set_table", etag, &table))
            };
            let [first, second] = tables.each_ref().map(set);
            [first.join().unwrap(), second.join().unwrap()]
        });
        let winner = match replies.each_ref().map(|reply| reply.status) {
            [200, 412] => 0,
            [412, 200] => 1,
            other => panic!("round {round}: {other:?}"),
        };
        let now = ask(&stubs, "GET", "/get_table", "*", "");
        assert_eq!(
            (now.text(), now.header("etag")),
            (tables[winner].clone(), replies[winner].header("etag"))
        );
        let file = |name: &str| fs::read_to_string(stubs.folder.path().join(name)).unwrap();
        assert_eq!((file("table.json"), file("table.json.bak")), (tables[winner].clone(), before.text()));
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a file of the test, and how long an answer takes")]
fn a_hold_by_sighup_lasts_two_seconds() {
    let stubs = Stubs::start(3, |hosts| moving(hosts, "copy"), &[]);
    stubs.say(Part::Plain, &[DONE; 3]);
    let hosts: Vec<String> = stubs.nodes.iter().map(|node| node.host()).collect();
    let held = moving(&hosts, "hold");
    fs::write(stubs.folder.path().join("table.json"), &held).unwrap();
    let begun = Instant::now();
    stubs.proxy.signal(Signal::HUP).unwrap();
    let mut client = stubs.client();
    assert!(wait_until(LONG, || client.get("/get_table").text() == held));
    stubs.say(Part::Plain, &[DONE; 3]);
    let reply = client.get("/put?key=k&val=v");
    let took = begun.elapsed();
    assert_eq!((reply.status, stubs.took().as_str()), (200, "P C C"), "as copy in the end");
    assert!(took >= Duration::from_secs(2), "it waited for the next table: {took:?}");
}

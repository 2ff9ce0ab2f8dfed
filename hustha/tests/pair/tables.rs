//! Exchanging the table: both forms of set_table, phases of a move, and what a wrong table does.

use hust_testkit::Reply;
use hust_wire::slot::md5;

use crate::cluster::{Cluster, brief};

const LOGIN: (&str, &str) = ("Authorization", "Basic dTpw");

fn secured(count: usize) -> Cluster {
    Cluster::with(count, &["security.user=u", "security.password=p"])
}

fn ask(cluster: &Cluster, method: &str, target: &str, headers: &[(&str, &str)], body: &str) -> Reply {
    let headers = [&[LOGIN], headers].concat();
    cluster.proxy.raw().unwrap().ask(method, target, &headers, body.as_bytes()).unwrap()
}

fn set(cluster: &Cluster, table: &str) -> Reply {
    ask(cluster, "POST", "/set_table", &[("If-Match", "*")], table)
}

/// Slots that move from [0, 1] to [0, 2] and [2, 1].
fn moving(cluster: &Cluster, phase: &str) -> String {
    let [a, b, c] = [0, 1, 2].map(|number| cluster.host(number));
    format!(
        "{{\"table\":[{{\"item\":{{\"key\":[0,1024],\"val\":[\"{a}\",\"{b}\"]}},\"increase\":{{\
         \"low\":{{\"key\":[0,512],\"val\":[\"{a}\",\"{c}\"]}},\
         \"high\":{{\"key\":[512,1024],\"val\":[\"{c}\",\"{b}\"]}},\"phase\":\"{phase}\"}}}}]}}"
    )
}

#[test]
fn the_simple_form() {
    let cluster = secured(2);
    let old = ask(&cluster, "GET", "/get_table", &[], "");
    let etag = old.header("etag").unwrap().to_owned();
    assert_eq!(old.header("drained"), Some("true"));
    let digest: String = md5(&old.body).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(etag, format!("\"{digest}\""));
    let fresh = old.text().replace("]}}", "]} }");
    let refused = ask(&cluster, "POST", "/set_table", &[], &fresh);
    assert_eq!(brief(&refused), "400 - - If-Match: missing");
    let wrong = ask(&cluster, "POST", "/set_table", &[("If-Match", "\"0\"")], &fresh);
    assert_eq!(wrong.status, 412);
    let bad = set(&cluster, "{\"table\":[]}");
    assert_eq!((bad.status, bad.header("errorcode")), (400, Some("3")));
    assert_eq!(ask(&cluster, "GET", "/get_table", &[], "").body, old.body, "nothing changed");
    let done = ask(&cluster, "POST", "/set_table", &[("If-Match", &etag)], &fresh);
    assert_eq!((done.status, done.header("drained")), (200, Some("true")), "{}", done.text());
    let now = ask(&cluster, "GET", "/get_table", &[], "");
    assert_eq!((now.text(), now.header("etag")), (fresh.clone(), done.header("etag")));
    let read = |name: &str| std::fs::read_to_string(cluster.folder.path().join(name)).unwrap();
    assert_eq!((read("table.json"), read("table.json.bak")), (fresh, old.text()));
    assert_eq!(ask(&cluster, "POST", "/set_table?id=1", &[], "x").text(), "id: unknown\n");
    assert_eq!(ask(&cluster, "POST", "/set_table", &[], "").status, 503, "no key for the two-step form");
}

#[test]
fn only_behind_credentials() {
    let cluster = Cluster::start();
    let reply = cluster.client().ask("POST", "/set_table", "{}");
    assert_eq!(reply.status, 403);
}

#[test]
fn while_slots_move_a_third_gets_every_write() {
    let cluster = secured(3);
    let get = |target: &str| ask(&cluster, "GET", target, &[], "");
    assert_eq!(get("/put?key=before&val=1").status, 200);
    let record =
        |number: usize, key: &str| brief(&cluster.node(number).get(&format!("/hustdb/get?key={key}")));
    assert_eq!(set(&cluster, &moving(&cluster, "copy")).status, 200);
    assert_eq!(get("/peer_count").text(), "3");
    assert_eq!(brief(&get("/put?key=copy&val=1")), "200 1 false");
    assert_eq!(brief(&get("/hincrby?tb=h&key=n&val=5")), "200 1 false 5");
    for number in [0, 1, 2] {
        assert_eq!(record(number, "copy"), "200 1 - 1", "node {number}");
    }
    assert_eq!(cluster.node(2).get("/hustdb/hget?tb=h&key=n").text(), "5");
    for peer in [0, 1, 2] {
        let rows = get(&format!("/hkeys?tb=h&peer={peer}&offset=0&size=9")).text();
        assert_eq!(rows, "[{\"key\":\"bg==\",\"ver\":1}]", "all three list it");
    }
    assert_eq!(record(2, "before"), "404 0 -");
    assert_eq!(brief(&get("/get?key=before")), "200 1 - 1", "the old pair is read");
    assert_eq!(brief(&get("/del?key=before")), "200 1 false");
    let tombstone = cluster.node(2).get("/hustdb/scan").header("keys").map(str::to_owned);
    assert_eq!(tombstone.as_deref(), Some("3"), "the joiner has the deletion");

    assert_eq!(set(&cluster, &moving(&cluster, "hold")).status, 200);
    let held = std::thread::scope(|scope| {
        let write = scope.spawn(|| get("/put?key=held&val=1"));
        assert_eq!(get("/get?key=copy").status, 200, "reads do not wait");
        assert_eq!(set(&cluster, &moving(&cluster, "switch")).status, 200);
        write.join().unwrap()
    });
    assert_eq!(brief(&held), "200 1 false");
    for number in [0, 1, 2] {
        assert_eq!(record(number, "held"), "200 1 - 1", "node {number}");
    }
    assert_eq!(brief(&get("/get2?key=held")), "200 1 - 1");
}

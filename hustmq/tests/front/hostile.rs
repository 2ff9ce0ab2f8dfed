//! What no client should send: an answer or a closed connection, for that client alone.

use hust_testkit::{Random, Raw, wait_until};

use crate::cluster::{Cluster, LONG, brief};

const ROUNDS: u64 = 300;

/// Something a client might send that means harm.
fn bytes(random: &mut Random) -> Vec<u8> {
    let paths = ["put", "get", "evget", "evsub", "pub", "sub", "ack", "do_get", "do_post", "settings", "x"];
    let path = paths[random.place(paths.len())];
    let junk: Vec<u8> = (0..random.below(300)).map(|_| random.any() as u8).collect();
    let head =
        |target: &str, more: &str| format!("POST {target} HTTP/1.1\r\nHost: a\r\n{more}\r\n").into_bytes();
    match random.below(8) {
        0 => junk,
        1 => [format!("GET /{path}?queue=").into_bytes(), junk, b" HTTP/1.1\r\n\r\n".to_vec()].concat(),
        2 => head(&format!("/{path}?queue=q&worker=w&idx=1&token={}", "9".repeat(70_000)), ""),
        3 => head(&format!("/{path}?queue=q"), "Content-Length: 99999999999999999999\r\n"),
        4 => head(&format!("/{path}?queue=q"), "Content-Length: 4294967296\r\n"),
        5 => [head(&format!("/{path}?queue=q&batch=1"), "Transfer-Encoding: chunked\r\n"), junk].concat(),
        6 => [head("/put?queue=q&batch=true", "Content-Length: 19\r\n"), b"len=99999999999999\n".to_vec()]
            .concat(),
        _ => head(&format!("/{path}?{}", "queue=q&".repeat(3000)), ""),
    }
}

#[test]
fn nobody_else_notices() {
    let seed = 77;
    println!("seed {seed}");
    let cluster = Cluster::with(1, &["server.request_timeout_ms=500", "long_polling_timeout_ms=200"]);
    let mut random = Random(seed);
    let mut client = cluster.client();
    let mut waiter = cluster.park("/evsub?queue=p&idx=1");
    for round in 0..ROUNDS {
        let mut hostile = Raw::connect(cluster.front.address()).unwrap();
        // It may be closed before everything is sent.
        let _ = hostile.send(bytes(&mut random));
        if random.chance(30) {
            let _ = hostile.reply();
        }
        if round % 50 == 0 {
            client.ok("/put?queue=mine&item=a");
            assert_eq!(brief(&client.get("/get?queue=mine&worker=w")), "200 a");
        }
    }
    client.ok("/pub?queue=p&item=a");
    assert_eq!(waiter.reply().status, 307, "it waited through all of that");
    assert!(wait_until(LONG, || cluster.waiting() == 0), "nobody is left behind");
    let text = client.get("/do_get_status").text();
    assert_eq!(text, r#"{"unassigned_tasks":0,"assigned_tasks":0,"free_tasks":1024,"total":1024}"#);
}

#[test]
fn names_of_many_queues_leave_nothing_behind() {
    let cluster = Cluster::with(1, &["long_polling_timeout_ms=1"]);
    let mut client = cluster.client();
    let memory = || cluster.figure("process_resident_memory_bytes");
    let mut ask = |from: usize| {
        for number in from..from + 2000 {
            assert_eq!(client.get(&format!("/evget?queue=none{number}&worker=w")).status, 404);
        }
    };
    ask(0);
    let before = memory();
    ask(2000);
    let more = memory().saturating_sub(before);
    assert!(more < 4 << 20, "{more} bytes for queues that do not exist");
    cluster.wait_for(0);
}

//! Bounds in time and number: a write whose masters are silent, and a node that more want to write to than may wait.

use std::{
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use hust_testkit::wait_until;

use crate::{
    cluster::LONG,
    stub::{DONE, Part, Stubs},
};

#[test]
#[expect(clippy::disallowed_methods, reason = "measures how long an answer takes")]
fn each_silent_master_gets_its_time_and_no_more() {
    const TIMEOUT: Duration = Duration::from_millis(300);
    let stubs = Stubs::pair(&["backend.timeout_ms=300"]);
    stubs.say(Part::Plain, &["wait", "wait"]);
    let begun = Instant::now();
    let reply = stubs.client().get("/put?key=k&val=v");
    let took = begun.elapsed();
    assert_eq!((reply.status, reply.header("outcome")), (503, Some("unknown")), "{}", reply.text());
    assert!((2 * TIMEOUT..LONG / 2).contains(&took), "two masters, one after the other: {took:?}");
    assert_eq!(stubs.took(), "P P");
    stubs.say(Part::Plain, &[DONE, DONE]);
    stubs.nodes[1].say(Part::Copy, "wait");
    stubs.calm();
    let begun = Instant::now();
    let reply = stubs.client().get("/put?key=k&val=v");
    let took = begun.elapsed();
    let follower = stubs.nodes[1].host();
    assert_eq!((reply.status, reply.header("sync")), (200, Some(follower.as_str())), "owed");
    assert!((TIMEOUT..LONG / 2).contains(&took), "{took:?}");
}

#[test]
fn who_finds_too_many_waiting_is_told_when_to_come_again() {
    const CLIENTS: usize = 24;
    // One connection, and sixteen times as many may wait for it.
    const SERVED: usize = 17;
    let stubs = Stubs::pair(&["server.workers=1", "backend.pool=1", "backend.timeout_ms=60000"]);
    stubs.say(Part::Plain, &["wait", DONE]);
    let (sender, replies) = mpsc::channel();
    thread::scope(|scope| {
        for number in 0..CLIENTS {
            let (sender, mut client) = (sender.clone(), stubs.client());
            scope.spawn(move || sender.send(client.get(&format!("/put?key=k{number}&val=v"))));
        }
        for _ in SERVED..CLIENTS {
            let reply = replies.recv_timeout(LONG).unwrap();
            let headers = [reply.header("retry-after"), reply.header("outcome")];
            assert_eq!((reply.status, headers), (503, [Some("1"), Some("none")]), "{}", reply.text());
        }
        assert!(wait_until(LONG, || stubs.nodes[0].took() == "P"), "one is asked, the others wait");
        assert_eq!(stubs.nodes[1].took(), "", "the other master is not asked: that would only move the load");
        stubs.nodes[0].say(Part::Plain, DONE);
        for _ in 0..SERVED {
            assert_eq!(replies.recv_timeout(LONG).unwrap().status, 200);
        }
    });
}

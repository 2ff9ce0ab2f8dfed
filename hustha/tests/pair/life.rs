//! Segments of hints that are closed, the end of the proxy, and how long requests took.

use std::{
    net::TcpStream,
    path::{Path, PathBuf},
};

use hust_testkit::{Signal, wait_until};
use hust_wire::{Host, hint};

use crate::{
    cluster::LONG,
    stub::{DONE, Part, Stubs},
};

/// A pair whose follower takes nothing and whose serialiser notes no debt: each write leaves a hint.
fn hinting(settings: &[&str]) -> Stubs {
    let stubs = Stubs::pair(settings);
    stubs.say(Part::Plain, &[DONE]);
    stubs.nodes[0].say(Part::Debt, "503|x\n");
    stubs.nodes[1].say(Part::Copy, "503|x\n");
    stubs
}

fn segments(stubs: &Stubs) -> Vec<PathBuf> {
    let host: Host = stubs.nodes[1].host().parse().unwrap();
    hint::segments(&stubs.folder.path().join("hints"), &host).unwrap()
}

fn hints(segment: &Path) -> usize {
    let bytes = hint::read_segment(segment).unwrap();
    hint::header(&&bytes[..]).unwrap().unwrap().unwrap();
    let (from, end) = (hint::HEADER_BYTES as u64, bytes.len() as u64);
    let mut reader = hint::Reader::new(&bytes[..], from, end, hint::Growth::Open, 1 << 20);
    let mut hints = 0;
    loop {
        match reader.read().unwrap() {
            hint::Piece::Hint { .. } => hints += 1,
            hint::Piece::End => return hints,
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_segment_without_new_hints_is_closed() {
    let stubs = hinting(&[]);
    let mut client = stubs.client();
    assert_eq!(client.get("/put?key=a&val=1").status, 200);
    let first = segments(&stubs);
    assert_eq!((first.len(), hints(&first[0])), (1, 1));
    assert!(wait_until(LONG, || hint::is_free(&first[0]).unwrap()), "it is let go");
    assert_eq!(client.get("/put?key=b&val=1").status, 200);
    let all = segments(&stubs);
    assert_eq!(all.len(), 2, "the next hint opens another");
    assert_eq!((&all[0], hints(&all[0]), hints(&all[1])), (&first[0], 1, 1), "in the order of their names");
    assert!(!hint::is_free(&all[1]).unwrap(), "which is held as long as it is written");
}

#[test]
#[expect(clippy::disallowed_methods, reason = "moves a folder of the proxy away")]
fn hints_that_cannot_be_counted_are_not_forgotten() {
    let stubs = hinting(&[]);
    assert_eq!(stubs.client().get("/put?key=a&val=1").status, 200);
    let shows = |owed: u64| {
        let binlog = format!("200|[{{\"BINLOG\":{{\"{}\":{owed}}}}}]", stubs.nodes[1].host());
        stubs.nodes[0].say(Part::Owes, &binlog);
        let row = format!("\"behind\":true,\"debts\":{owed},\"hints\":1");
        let mut shown = String::new();
        let polled = wait_until(LONG, || {
            shown = stubs.client().get("/backends").text();
            shown.contains(&format!("\"debts\":{owed},\"hints\""))
        });
        assert!(polled && shown.contains(&row), "{shown}");
    };
    shows(7);
    let folder = stubs.folder.path().join("hints").join(stubs.nodes[1].host());
    std::fs::rename(&folder, folder.with_extension("away")).unwrap();
    std::fs::write(&folder, "no folder").unwrap();
    // Of the second poll from here on all is known to be new.
    [8, 9, 1].into_iter().for_each(shows);
    stubs.nodes[0].say(Part::Owes, "200|[{}]");
    std::fs::remove_file(&folder).unwrap();
    stubs.calm();
}

#[test]
fn sigterm_closes_segments_with_all_that_was_promised() {
    let mut stubs = hinting(&["server.drain_timeout_ms=2000"]);
    let mut client = stubs.client();
    for number in 0..10 {
        assert_eq!(client.get(&format!("/put?key=k{number}&val=1")).status, 200);
    }
    drop(client);
    assert_eq!(stubs.proxy.stop().unwrap().code(), Some(0));
    let left = segments(&stubs);
    assert!(left.iter().all(|segment| hint::is_free(segment).unwrap()));
    assert_eq!(left.iter().map(|segment| hints(segment)).sum::<usize>(), 10);
}

#[test]
fn requests_under_way_are_answered_when_it_ends() {
    let mut stubs = Stubs::pair(&["server.drain_timeout_ms=60000", "backend.timeout_ms=60000"]);
    stubs.say(Part::Plain, &["200 version=1|v"]);
    let (mut used, mut idle) = (stubs.client(), stubs.client());
    assert_eq!((used.get("/get?key=k").status, idle.get("/get?key=k").status), (200, 200));
    stubs.say(Part::Plain, &["wait", "wait"]);
    used.0.send("GET /get?key=k HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let mut gone = stubs.client();
    gone.0.send("GET /put?key=k&val=v HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let mut asked = 0;
    let both = || {
        asked += stubs.nodes[0].take().len();
        asked == 2
    };
    assert!(wait_until(LONG, both), "both have reached the node");
    drop(gone);
    stubs.proxy.signal(Signal::TERM).unwrap();
    assert!(wait_until(LONG, || TcpStream::connect(stubs.proxy.address()).is_err()), "nobody else may come");
    let reply = idle.get("/version");
    assert_eq!(
        (reply.status, reply.header("connection")),
        (200, Some("close")),
        "who comes late is told to go"
    );
    assert!(idle.0.is_closed().unwrap());
    stubs.say(Part::Plain, &["200 version=1 stamp=2 vererror=false|v", "500|x\n"]);
    let reply = used.0.reply().unwrap();
    assert_eq!((reply.status, reply.header("connection")), (200, Some("close")), "an answer, not a reset");
    assert!(used.0.is_closed().unwrap());
    assert_eq!(stubs.proxy.wait().unwrap().code(), Some(0));
    assert_eq!(stubs.nodes[1].took(), "C", "the write of who has gone is on both");
}

#[test]
fn health_checks_are_told_that_it_ends() {
    let mut stubs = Stubs::pair(&["server.drain_timeout_ms=60000"]);
    let (mut used, mut idle) = (stubs.client(), stubs.client());
    let reply = idle.get("/status.html");
    assert_eq!((reply.status, reply.text().as_str()), (200, "ok\n"));
    stubs.say(Part::Plain, &["wait", "wait"]);
    used.0.send("GET /get?key=k HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    assert!(wait_until(LONG, || !stubs.nodes[0].take().is_empty()), "it has reached the node");
    stubs.proxy.signal(Signal::TERM).unwrap();
    assert!(wait_until(LONG, || TcpStream::connect(stubs.proxy.address()).is_err()));
    let reply = idle.get("/status.html");
    assert_eq!((reply.status, reply.text().as_str()), (503, "status: draining\n"));
    stubs.say(Part::Plain, &["200 version=1|v"]);
    assert_eq!(used.0.reply().unwrap().status, 200);
    assert_eq!(stubs.proxy.wait().unwrap().code(), Some(0));
}

#[test]
fn half_a_request_changes_nothing() {
    let stubs = Stubs::pair(&[]);
    stubs.say(Part::Plain, &[DONE, DONE]);
    let mut gone = stubs.client();
    gone.0.send("PUT /put?key=half HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf").unwrap();
    let mut client = stubs.client();
    assert_eq!(client.get("/put?key=whole&val=v").status, 200);
    drop(gone);
    assert!(
        wait_until(LONG, || client.get("/metrics").text().contains("hust_connections 1\n")),
        "it is gone"
    );
    assert_eq!(client.get("/put?key=whole&val=v").status, 200);
    assert_eq!(stubs.took(), "PP C");
}

#[test]
fn what_could_not_be_delivered_is_counted() {
    let stubs = hinting(&[]);
    for key in ["a", "b"] {
        assert_eq!(stubs.client().get(&format!("/put?key={key}&val=1")).status, 200);
    }
    let text = stubs.named(&stubs.client().get("/metrics").text());
    for line in [
        "hustha_hints_total{host=\"H2\"} 2",
        "hustha_hints_total{host=\"H1\"} 0",
        "hustha_sync_answers_total{host=\"H2\"} 2",
        "hustha_leg_failures_total{host=\"H2\",kind=\"refused\"} 2",
        "hustha_leg_failures_total{host=\"H2\",kind=\"unknown\"} 0",
        "hustha_hints_failed_total 0",
    ] {
        assert!(text.contains(&format!("{line}\n")), "{line} in\n{text}");
    }
}

#[test]
fn requests_are_timed() {
    let stubs = Stubs::pair(&[]);
    stubs.say(Part::Plain, &["200 version=1|v"]);
    let mut client = stubs.client();
    let count = |text: &str| -> u64 {
        let lines = text.lines().filter(|line| line.starts_with("hust_latency_seconds_count"));
        lines.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum()
    };
    let before = count(&client.get("/metrics").text());
    for _ in 0..5 {
        assert_eq!(client.get("/get?key=k").status, 200);
    }
    let text = client.get("/metrics").text();
    assert!(count(&text) >= before + 5, "{text}");
    assert!(text.contains("hust_requests_total{command=\"/get\"} 5\n"), "{text}");
}

//! The program itself: its paths, its arguments, how it ends, what it shows of debts.

use std::process::Command;

use hust_testkit::{Program, Signal, wait_until};

use crate::support::{Home, LONG, drained, free_address, node, node_at, numbered, of, status};

#[test]
fn its_paths() {
    let home = Home::new();
    home.table(["127.0.0.1:1", "127.0.0.1:2"]);
    let sync = home.sync(&[]);
    let http = sync.http();
    for (method, path, expected) in [
        ("GET", "/status.html", 200),
        ("GET", "/version", 200),
        ("GET", "/metrics", 200),
        ("GET", "/sync_status", 200),
        ("GET", "/sync_status?backend_count=7", 200),
        ("HEAD", "/sync_status", 200),
        ("POST", "/sync_status", 405),
        ("GET", "/scrub", 405),
        ("POST", "/scrub", 200),
        ("GET", "/nothing", 404),
    ] {
        assert_eq!(http.request(method, path, None).unwrap().status, expected, "{method} {path}");
    }
    assert!(http.get("/version").unwrap().text().starts_with("hustsync "));
    let metrics = http.get("/metrics").unwrap().text();
    for name in [
        "hustsync_pending{host=\"127.0.0.1:1\"} 0",
        "hustsync_oldest_age_seconds{host=\"127.0.0.1:2\"} 0",
        "hustsync_replayed_total{host=\"127.0.0.1:1\"} 0",
        "hustsync_damaged_total 0",
        "hustsync_expired_total 0",
        "hustsync_scrub_rounds_total",
        "hustsync_scrub_slots_different 0",
        "hustsync_scrub_records_total 0",
        "hustsync_scrub_bytes_total 0",
    ] {
        assert!(metrics.contains(name), "{name}: {metrics}");
    }
}

#[test]
fn credentials_are_asked_for() {
    let home = Home::new();
    let sync = home.sync(&["security.user=u", "security.password=p"]);
    let http = sync.http();
    assert_eq!(http.get("/sync_status").unwrap().status, 401);
    assert_eq!(http.request("POST", "/scrub", None).unwrap().status, 401);
    assert_eq!(http.get("/status.html").unwrap().status, 200);
    let right = [("Authorization", "Basic dTpw")];
    assert_eq!(sync.raw().unwrap().ask("GET", "/sync_status", &right, b"").unwrap().status, 200);
}

#[test]
fn ends_at_once_and_goes_on_later() {
    let home = Home::new();
    let host = free_address().to_string();
    home.segment(&host, &numbered("k", 0..10));
    let mut sync = home.sync(&[]);
    assert_eq!(of(&sync, &host, "pending"), 10);
    sync.signal(Signal::HUP).unwrap();
    assert_eq!(of(&sync, &host, "pending"), 10);
    assert_eq!(sync.stop().unwrap().code(), Some(0));
    sync.restart().unwrap();
    assert_eq!(of(&sync, &host, "pending"), 10);
}

#[test]
fn what_is_wrong_is_said_before_anything_starts() {
    let home = Home::new();
    let run = |settings: &[&str], more: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hustsync"));
        let output = command.args(home.args(settings)).args(more).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    assert_eq!(run(&[], &["--check"]), (Some(0), String::new()));
    home.table(["a:1", "a:1"]);
    let one_host = run(&[], &[]);
    home.table(["a:1", "b:1"]);
    assert_eq!(run(&[], &["--check"]), (Some(0), String::new()), "with a table too");
    let (code, said) = one_host;
    assert!(code == Some(2) && said.starts_with("hustsync: table: ") && said.lines().count() == 1, "{said}");
    for (setting, line) in [
        ("replay.threads=0", "hustsync: replay.threads: "),
        ("nothing.at_all=1", "hustsync: "),
        ("scrub.rate=1MB", "hustsync: scrub.rate: "),
        ("table=/dev/null", "hustsync: table: "),
    ] {
        for check in [&["--check"][..], &[]] {
            let (code, said) = run(&[setting], check);
            let is_told = said.starts_with(line) && said.lines().count() == 1;
            assert!(code == Some(2) && is_told, "{setting} {check:?}: {code:?} {said}");
        }
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the log of the test")]
fn a_host_that_stays_away_is_told_of_once() {
    let (home, folder) = (Home::new(), tempfile::tempdir().unwrap());
    let host = free_address().to_string();
    home.segment(&host, &numbered("k", 0..10));
    let log = folder.path().join("log");
    let args = home.args(&["server.log_level=info"]).into_iter().map(Into::into).collect();
    let file = std::fs::File::create(&log).unwrap();
    let sync = Program::logging(env!("CARGO_BIN_EXE_hustsync").into(), args, Some(file)).unwrap();
    let name = format!("hustsync_replay_failures_total{{host=\"{host}\"}} ");
    let failures = || {
        let text = sync.http().get("/metrics").unwrap().text();
        text.lines().find_map(|line| line.strip_prefix(&name)?.parse::<u64>().ok()).unwrap()
    };
    // After 0, 1 and 3 s.
    assert!(wait_until(LONG, || failures() >= 3));
    let told = |what: &str| std::fs::read_to_string(&log).unwrap().matches(what).count();
    assert_eq!((told("hints wait"), told("replayed again")), (1, 0));
    let node = node_at(host.parse().unwrap());
    drained(&home, &sync, &host);
    assert!(wait_until(LONG, || told("replayed again") == 1));
    assert_eq!((told("hints wait"), of(&sync, &host, "synced_items")), (1, 10));
    drop(node);
}

#[test]
fn debts_of_nodes_are_shown() {
    let (home, node) = (Home::new(), node());
    let other = free_address().to_string();
    home.table([&node.address().to_string(), &other]);
    let http = node.http();
    for key in ["a", "b"] {
        assert_eq!(http.put(&format!("/hustdb/put?key={key}"), b"v").unwrap().status, 200);
        let owed = http.get(&format!("/hustdb/binlog?host={other}&method=1&key={key}")).unwrap();
        assert_eq!(owed.status, 200);
    }
    let sync = home.sync(&[]);
    assert!(wait_until(LONG, || of(&sync, &other, "debts") == 2), "{}", status(&sync));
    assert_eq!(status(&sync)["total_status"]["debts"], 2);
    assert_eq!(of(&sync, &other, "pending"), 0);
}

//! A node as a process: what it says, signals, authentication, the access list, configuration read again.

use std::{
    io::{BufRead, BufReader, Read},
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use hust_testkit::{Node, NodeBuilder, Raw, wait_until};
use rustix::process::Signal;

use crate::support::{Client, brief, builder, node};

#[test]
fn stdout_has_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_hustdb"));
    command.arg("--data").arg(folder.path()).args(["--set", "server.listen=127.0.0.1:0"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    out.read_line(&mut line).unwrap();
    let address = line.strip_prefix("hustdb listening on ").and_then(|rest| rest.strip_suffix('\n'));
    let address: std::net::SocketAddr = address.unwrap_or_else(|| panic!("{line:?}")).parse().unwrap();
    assert_eq!(brief(&Client::to(address).get("/status.html")), "200 - - ok");
    let pid = rustix::process::Pid::from_raw(child.id() as i32).unwrap();
    rustix::process::kill_process(pid, Signal::INT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0), "SIGINT ends it as SIGTERM does");
    let mut rest = String::new();
    out.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "");
}

#[test]
fn sigterm_finishes_what_is_in_flight_and_keeps_the_data() {
    let mut node = builder().start().unwrap();
    let mut idle = Client::of(&node);
    idle.put("/hustdb/put?key=before", "v");
    let mut health = Client::of(&node);
    assert_eq!(health.get("/status.html").status, 200);
    health.0.send("GET /status.html HTTP/1.1\r\n").unwrap();
    let mut busy = Client::of(&node);
    busy.0
        .send("PUT /hustdb/put?key=during HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
        .unwrap();
    assert_eq!(busy.0.head().unwrap().status, 100, "admitted");
    node.signal(Signal::TERM).unwrap();
    assert!(idle.0.is_closed().unwrap(), "idle connections close");
    assert!(wait_until(Duration::from_secs(5), || Raw::connect(node.address()).is_err()), "no new ones");
    health.0.send("\r\n").unwrap();
    assert_eq!(brief(&health.0.reply().unwrap()), "503 - - status: draining");
    busy.0.send("value").unwrap();
    let reply = busy.0.reply().unwrap();
    assert_eq!((brief(&reply).as_str(), reply.header("connection")), ("200 1 false", Some("close")));
    assert_eq!(node.wait().unwrap().code(), Some(0));
    node.restart().unwrap();
    Client::of(&node).check(&[
        ("GET", "/hustdb/get?key=before", "", "200 1 - v"),
        ("GET", "/hustdb/get?key=during", "", "200 1 - value"),
    ]);
}

#[test]
fn a_drain_takes_no_longer_than_allowed_and_a_second_signal_ends_it() {
    for (timeout_ms, signals, code) in [(100, 1, 0), (600_000, 2, 1)] {
        let mut node = builder().set(&format!("server.drain_timeout_ms={timeout_ms}")).start().unwrap();
        let mut stuck = Client::of(&node);
        stuck
            .0
            .send("PUT /hustdb/put?key=k HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
            .unwrap();
        assert_eq!(stuck.0.head().unwrap().status, 100);
        node.signal(Signal::TERM).unwrap();
        assert!(wait_until(Duration::from_secs(5), || Raw::connect(node.address()).is_err()));
        if signals == 2 {
            node.signal(Signal::TERM).unwrap();
        }
        assert_eq!(node.wait().unwrap().code(), Some(code));
    }
}

#[test]
fn data_survives_every_way_to_end() {
    let mut node = node();
    for round in 1..=6 {
        let mut client = Client::of(&node);
        for key in ["small", "large"] {
            let value = key.repeat(if key == "large" { 5000 } else { 1 });
            let reply = client.put(&format!("/hustdb/put?key={key}"), &value);
            assert_eq!(brief(&reply), format!("200 {round} false"));
        }
        if round % 2 == 0 {
            node.kill().unwrap();
        } else {
            assert!(node.stop().unwrap().success());
        }
        node.restart().unwrap();
    }
    let mut client = Client::of(&node);
    assert_eq!(client.get("/hustdb/get?key=small").text(), "small");
    assert_eq!(client.get("/hustdb/get?key=large").text(), "large".repeat(5000));
}

/// `user:pass:word` and others, in base64.
const RIGHT: &str = "Basic dXNlcjpwYXNzOndvcmQ=";
const WRONG: &str = "Basic dXNlcjp3cm9uZw==";

fn with_credentials(node: &Node, credentials: &str, target: &str) -> String {
    brief(&Client::of(node).ask_with("GET", target, &[("Authorization", credentials)], b""))
}

#[test]
fn authentication() {
    let node = builder().set("security.user=user").set("security.password=pass:word").start().unwrap();
    let mut client = Client::of(&node);
    let refused = client.get("/hustdb/get?key=k");
    assert_eq!(brief(&refused), "401 - - auth: credentials missing");
    assert_eq!(refused.header("www-authenticate"), Some("Basic realm=\"hustdb\""));
    for open in ["/status.html", "/version", "/metrics"] {
        assert_eq!(client.get(open).status, 200, "{open}");
    }
    assert_eq!(brief(&client.get("/nothing")), "401 - - auth: credentials missing", "before the path");
    assert_eq!(client.ask("DELETE", "/hustdb/get", "").status, 401, "before the method");
    for right in [RIGHT, "basic dXNlcjpwYXNzOndvcmQ=", "BASIC dXNlcjpwYXNzOndvcmQ="] {
        assert_eq!(with_credentials(&node, right, "/hustdb/get?key=k"), "404 0 -", "{right}");
    }
    for wrong in [WRONG, "Basic dXNlcg==", "Basic !", "Bearer dXNlcjpwYXNzOndvcmQ=", ""] {
        assert!(with_credentials(&node, wrong, "/hustdb/get?key=k").starts_with("401 - - auth: "), "{wrong}");
    }
    let half = builder().set("security.user=user").start().unwrap();
    assert_eq!(brief(&Client::of(&half).get("/hustdb/get?key=k")), "404 0 -", "both make it on");
}

#[test]
fn the_access_list() {
    for allow in ["127.0.0.1", "127.0.0.0/8", "10.0.0.1\", \"127.0.0.1-127.0.0.9"] {
        let node = builder().set(&format!("security.access_allow=[\"{allow}\"]")).start().unwrap();
        assert_eq!(brief(&Client::of(&node).get("/hustdb/get?key=k")), "404 0 -", "{allow}");
    }
    let closed = builder().set("security.access_allow=[\"10.0.0.0/8\"]");
    let closed = closed.set("security.user=user").set("security.password=p").start().unwrap();
    // It comes before authentication, and holds where that does not.
    for path in ["/hustdb/get?key=k", "/status.html", "/metrics", "/nothing"] {
        let mut client = Client::of(&closed);
        let reply = client.get(path);
        assert_eq!((reply.status, reply.header("connection")), (403, Some("close")), "{path}");
        assert!(client.0.is_closed().unwrap());
    }
}

#[test]
fn sighup_reads_the_configuration_again() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("hustdb.toml");
    let log = tempfile::NamedTempFile::new().unwrap();
    const WARN: &str = "[server]\nlog_level = \"warn\"\n";
    replace(&file, WARN);
    let node = NodeBuilder::new(env!("CARGO_BIN_EXE_hustdb")).set("engine.sync=os").config(&file);
    let node = node.log(log.reopen().unwrap()).start().unwrap();
    let asked = |credentials| with_credentials(&node, credentials, "/hustdb/get?key=k");
    let logged = |text: &str| std::fs::read_to_string(log.path()).unwrap().matches(text).count();
    let reload = |text: &str| {
        replace(&file, text);
        node.signal(Signal::HUP).unwrap();
    };
    let soon =
        |met: &dyn Fn() -> bool| assert!(wait_until(Duration::from_secs(5), met), "{}", log.path().display());
    assert_eq!(asked(WRONG), "404 0 -");
    reload(&format!("{WARN}[security]\nuser = \"user\"\npassword = \"pass:word\"\n"));
    soon(&|| asked(WRONG).starts_with("401"));
    assert_eq!(asked(RIGHT), "404 0 -");
    let broken = ["[security]\naccess_allow = [\"all\"]\n", "[security]\nusr = \"\"\n", "security"];
    for (number, broken) in broken.into_iter().enumerate() {
        reload(broken);
        soon(&|| logged("configuration not read again: ") == number + 1);
        assert!(asked(WRONG).starts_with("401"), "nothing changed by {broken:?}");
        assert_eq!(asked(RIGHT), "404 0 -");
    }
    reload(&format!("{WARN}[security]\naccess_allow = [\"10.0.0.1\"]\n"));
    soon(&|| asked(RIGHT).starts_with("403"));
    assert_eq!(logged("INFO"), 0);
    reload("[server]\nlog_level = \"info\"\n");
    soon(&|| logged("INFO configuration read again") == 1);
    assert_eq!(asked(WRONG), "404 0 -");
}

/// Replaces a configuration file as an operator should: no reader sees a part of it.
#[expect(clippy::disallowed_methods, reason = "a configuration file of an operator")]
fn replace(file: &Path, text: &str) {
    let new = file.with_extension("new");
    std::fs::write(&new, text).unwrap();
    std::fs::rename(new, file).unwrap();
}

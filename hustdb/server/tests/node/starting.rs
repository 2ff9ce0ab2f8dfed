//! A node that is still opening its store: its port is bound, and whatever needs the store is 503 with the reason.
//!
//! The opening is held for as long as the test needs: recovery says in the log that it cut off a torn end, and the log
//! goes to a pipe that is full and not read.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, ErrorKind, PipeReader, PipeWriter, Read, Write},
    os::fd::OwnedFd,
    path::Path,
    process::Command,
    thread,
    time::Duration,
};

use hust_testkit::{Raw, Signal, wait_until};
use rustix::{
    fs::{OFlags, fcntl_getfl, fcntl_setfl},
    process::{Pid, kill_process},
};

use crate::support::{Client, brief, builder, free_address};

const LIMIT: Duration = Duration::from_secs(60);
const STARTING: &str = "503 - - status: starting";

/// A pipe that has no room left, and how much is in it.
fn full_pipe() -> (PipeReader, PipeWriter, usize) {
    let (reader, mut writer) = io::pipe().unwrap();
    let flags = fcntl_getfl(&writer).unwrap();
    fcntl_setfl(&writer, flags | OFlags::NONBLOCK).unwrap();
    let mut bytes = 0;
    loop {
        match writer.write(&[b'.'; 4096]) {
            Ok(written) => bytes += written,
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) => panic!("{error}"),
        }
    }
    // Whoever shares it waits for room.
    fcntl_setfl(&writer, flags).unwrap();
    (reader, writer, bytes)
}

/// Leaves the end of a write that was cut off behind the log of a node that was killed.
#[expect(clippy::disallowed_methods, reason = "what a crash leaves")]
fn tear(data: &Path) {
    let segments = std::fs::read_dir(data.join("log")).unwrap().map(|entry| entry.unwrap().path());
    let last = segments.max().unwrap();
    File::options().append(true).open(last).unwrap().write_all(b"torn").unwrap();
}

/// The folder of a node that was killed, whose next start has something to say.
fn torn() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut before = builder().data(folder.path()).start().unwrap();
    assert_eq!(brief(&Client::of(&before).put("/hustdb/put?key=k", "v")), "200 1 false");
    before.kill().unwrap();
    tear(folder.path());
    folder
}

#[test]
fn a_node_that_is_starting_ends_when_it_is_told_to() {
    let folder = torn();
    for signal in [Signal::TERM, Signal::INT] {
        let (address, (reader, writer, _)) = (free_address(), full_pipe());
        let mut starting = Command::new(env!("CARGO_BIN_EXE_hustdb"))
            .args(["--data", folder.path().to_str().unwrap(), "--listen", &address.to_string()])
            .args(["--set", "server.log_level=warn"])
            .stderr(writer)
            .spawn()
            .unwrap();
        assert!(wait_until(LIMIT, || Raw::connect(address).is_ok()), "it listens before it opens the store");
        assert!(starting.try_wait().unwrap().is_none());
        let id = Pid::from_raw(starting.id().try_into().unwrap()).unwrap();
        kill_process(id, signal).unwrap();
        let mut status = None;
        let ended = wait_until(LIMIT, || {
            status = starting.try_wait().unwrap();
            status.is_some()
        });
        if !ended {
            starting.kill().unwrap();
        }
        assert_eq!(
            status.and_then(|status| status.code()),
            Some(0),
            "{signal:?}: it does not wait for recovery"
        );
        // What it had to say was not read until here.
        drop(reader);
    }
    let after = builder().data(folder.path()).start().unwrap();
    assert_eq!(brief(&Client::of(&after).get("/hustdb/get?key=k")), "200 1 - v");
}

#[test]
fn a_node_that_is_starting_answers_and_does_nothing() {
    let folder = torn();
    let address = free_address();
    let starting = builder().data(folder.path()).listen(address);
    thread::scope(|scope| {
        // In here, so that a failure drops the reader, and the node goes on.
        let (mut reader, writer, bytes) = full_pipe();
        let started = scope.spawn(|| starting.log(File::from(OwnedFd::from(writer))).start());
        assert!(wait_until(LIMIT, || Raw::connect(address).is_ok()), "it listens before it opens the store");
        let mut client = Client::to(address);
        for (method, target) in [
            ("GET", "/status.html"),
            ("GET", "/hustdb/get?key=k"),
            ("GET", "/hustdb/get"),
            ("PUT", "/hustdb/put?key=k"),
            ("POST", "/hustdb/del?key=k"),
            ("POST", "/hustdb/hset?tb=t&key=f"),
            ("GET", "/hustdb/hget?tb=t&key=f"),
            ("GET", "/hustdb/zadd?tb=z&key=m&score=x"),
            ("GET", "/hustdb/keys?file=0&offset=0&size=9"),
            ("GET", "/hustdb/scan"),
            ("POST", "/hustdb/merge"),
            ("GET", "/hustdb/digest"),
            ("GET", "/hustdb/binlog?host=h:1&method=1&key=k"),
            ("GET", "/hustdb/stat"),
            ("GET", "/hustdb/file_count"),
            ("GET", "/hustcache/get?key=k"),
            ("PUT", "/hustmq/put?queue=q"),
        ] {
            let body = if method == "GET" { "" } else { "new" };
            let reply = client.ask(method, target, body);
            assert_eq!(brief(&reply), STARTING, "{method} {target}");
            // It would tell a proxy not to ask the other master.
            assert_eq!(reply.header("retry-after"), None, "{method} {target}");
        }
        client.check(&[
            ("GET", "/nothing", "", "404 - - path: unknown"),
            ("DELETE", "/hustdb/put?key=k", "", "405 - - method: use GET, POST or PUT"),
            ("GET", "/version", "", concat!("200 - - hustdb ", env!("CARGO_PKG_VERSION"))),
        ]);
        assert_eq!(client.get("/metrics").status, 200);
        assert!(!started.is_finished(), "it does not say that it serves");
        reader.read_exact(&mut vec![0; bytes]).unwrap();
        let mut node = started.join().unwrap().unwrap();
        client.check(&[
            ("GET", "/status.html", "", "200 - - ok"),
            ("GET", "/hustdb/get?key=k", "", "200 1 - v"),
            ("PUT", "/hustdb/put?key=k", "new", "200 2 false"),
        ]);
        let mut line = String::new();
        BufReader::new(reader).read_line(&mut line).unwrap();
        assert!(line.contains("cut off the torn end of the log"), "{line}");
        assert!(node.stop().unwrap().success());
    });
}

//! The wall clock of a node jumps, and nobody else's: its leases, delays and expiries move by the step.
//!
//! The node is a real one. A library loaded before those it is linked with adds what a file says to the time of day.

use std::{fs, path::Path, process::Command};

use hust_testkit::{Reply, wait_until};
use tempfile::TempDir;

use crate::cluster::{Client, Cluster, LONG, brief};

/// How far off a node's clock is.
struct Step(TempDir);

impl Step {
    fn new() -> Step {
        let step = Step(TempDir::new().unwrap());
        let rustc = std::env::var_os("RUSTC").unwrap_or("rustc".into());
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/front/clock/step.rs");
        let args = ["--edition=2024", "--crate-type=cdylib", "-Cpanic=abort", "-Copt-level=1", "-o"];
        let built = Command::new(rustc).args(args).arg(step.library()).arg(source).status().unwrap();
        assert!(built.success(), "{built}");
        step.set(0);
        step
    }

    fn library(&self) -> String {
        self.0.path().join("libstep.so").display().to_string()
    }

    fn file(&self) -> String {
        self.0.path().join("seconds").display().to_string()
    }

    /// Sets the clock so many seconds off; never half a number.
    #[expect(clippy::disallowed_methods, reason = "files of the test")]
    fn set(&self, seconds: i64) {
        let next = format!("{}.next", self.file());
        fs::write(&next, seconds.to_string()).unwrap();
        fs::rename(next, Path::new(&self.file())).unwrap();
    }

    /// What starts a program that has this clock.
    fn command(&self) -> Vec<String> {
        vec![
            "/usr/bin/env".into(),
            format!("LD_PRELOAD={}", self.library()),
            format!("STEP_FILE={}", self.file()),
        ]
    }
}

/// Waits until the node says this of the queue.
fn wait_stat(node: &mut Client, queue: &str, figures: &str) {
    let target = format!("/hustmq/stat?queue={queue}&detail=true");
    let shown = wait_until(LONG, || node.ok(&target).text().contains(figures));
    assert!(shown, "{figures}: {}", node.ok(&target).text());
}

fn ack(queue: &str, got: &Reply) -> String {
    let (token, peer) = (got.header("ack-token").unwrap(), got.header("ack-peer").unwrap());
    format!("/ack?queue={queue}&token={token}&peer={peer}")
}

#[test]
fn a_clock_that_jumps() {
    let step = Step::new();
    let cluster = Cluster::under(&step.command(), 1, &[], &["autost_interval_ms=0"]);
    let (mut client, mut node) = (cluster.client(), cluster.node(0));
    for item in ["done", "late&delay=100", "brief&ttl=100"] {
        client.ok(&format!("/put?queue=q&item={item}"));
    }
    let lease = |client: &mut Client| client.ok("/get?queue=q&worker=w&ack=false");
    let first = lease(&mut client);
    assert_eq!(first.text(), "done");
    assert_eq!(lease(&mut client).text(), "brief");
    client.ok("/put?queue=q&item=brief&ttl=100");
    wait_stat(&mut node, "q", "\"ready\":[1,0,0],\"unacked\":2,");
    step.set(200);
    wait_stat(&mut node, "q", "\"ready\":[1,0,0],\"unacked\":2,");
    wait_stat(&mut node, "q", "\"expired\":1,");
    assert_eq!(lease(&mut client).text(), "late", "due by now");
    assert_eq!(client.get("/get?queue=q&worker=w").status, 404, "a lease of 300 s is not over after 200");
    client.ok("/put?queue=q&item=stays");
    let stays = lease(&mut client);
    // The first leases are over now, that of "stays" is not. Nobody asks, and who waits is woken.
    let mut waiter = cluster.park("/evget?queue=q&worker=w&ack=false&inline=true");
    step.set(301);
    let again = waiter.reply();
    assert_eq!((brief(&again).as_str(), again.header("redelivered")), ("200 done", Some("1")));
    wait_stat(&mut node, "q", "\"unacked\":3,");
    wait_stat(&mut node, "q", "\"expired\":2,");
    client.check(&[
        (&ack("q", &first), "412 token: not current"),
        (&ack("q", &again), "200"),
        (&ack("q", &stays), "200"),
    ]);
    // Back again: what was leased before the step is leased for longer, and its token holds.
    client.ok("/put?queue=q&item=last");
    let last = lease(&mut client);
    step.set(-100_000);
    client.ok("/put?queue=q&item=after");
    assert_eq!(brief(&client.get("/get?queue=q&worker=w")), "200 after", "it goes on");
    client.check(&[(&ack("q", &last), "200")]);
    wait_stat(&mut node, "q", "\"ready\":[0,0,0],\"unacked\":1,");
}

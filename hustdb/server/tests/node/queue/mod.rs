//! `/hustmq/*`: every row and rule of the contract that shows over HTTP.

mod accounting;
mod acking;
mod batch;
mod commands;
mod concurrent;
mod crash;
mod dead;
mod delivery;
mod life;
mod limits;
mod metrics;
mod push;
mod settings;
mod stat;
mod tokens;
mod watch;

use std::time::Duration;

use hust_testkit::{Reply, wait_until};

use crate::support::{Client, now_ms};

/// Every command, a query that it takes, and its methods.
pub const COMMANDS: [(&str, &str, &str); 19] = [
    ("put", "queue=q&item=i", "GET, POST, PUT"),
    ("get", "queue=q&worker=w", "GET, POST"),
    ("ack", "queue=q&token=1:2:3", "GET, POST, PUT"),
    ("nack", "queue=q&token=1:2:3", "GET, POST, PUT"),
    ("touch", "queue=q&token=1:2:3", "GET, POST, PUT"),
    ("timeout", "queue=q&second=9", "GET, POST, PUT"),
    ("lock", "queue=q&on=true", "GET, POST, PUT"),
    ("max", "queue=q&num=9", "GET, POST, PUT"),
    ("purge", "queue=q&priori=0", "GET, POST, PUT"),
    ("delete", "queue=q", "GET, POST, PUT"),
    ("settings", "queue=q", "GET, HEAD, POST, PUT"),
    ("worker", "queue=q", "GET, HEAD"),
    ("stat", "queue=q", "GET, HEAD"),
    ("stat_all", "", "GET, HEAD"),
    ("pub", "queue=p&item=i", "GET, POST, PUT"),
    ("sub", "queue=p&idx=1", "GET, HEAD, POST"),
    ("runs", "queue=p", "GET, HEAD"),
    ("merge", "queue=p", "POST, PUT"),
    ("watch", "", "GET, HEAD"),
];

/// The headers that answers of queues have, as they are told here.
const HEADERS: [&str; 10] = [
    "index",
    "ack-token",
    "redelivered",
    "dead-from",
    "count",
    "next",
    "duplicate",
    "expire",
    "version",
    "unknown-tokens",
];

impl Client {
    /// A command by its query, with the method that takes a body if there is one.
    fn mq(&mut self, target: &str, body: impl AsRef<[u8]>) -> Reply {
        let method = if body.as_ref().is_empty() { "GET" } else { "POST" };
        self.0.ask(method, &format!("/hustmq/{target}"), &[], body.as_ref()).unwrap()
    }

    /// Does these commands in turn, whose answers are told as [`told`].
    fn mq_check(&mut self, table: &[(&str, &str)]) {
        for (target, expected) in table {
            assert_eq!(told(&self.mq(target, "")), *expected, "{target}");
        }
    }

    /// The only message that there is to get: its item, token and how often it was delivered before.
    fn take(&mut self, queue: &str) -> Option<(String, String, u64)> {
        let reply = self.mq(&format!("get?queue={queue}&worker=w&ack=false"), "");
        if reply.status == 404 {
            return None;
        }
        assert_eq!(reply.status, 200, "{}", reply.text());
        let token = reply.header("ack-token").unwrap().to_owned();
        Some((reply.text(), token, reply.number("redelivered").unwrap_or(0)))
    }

    /// A number of `stat?detail=true`.
    fn figure(&mut self, queue: &str, field: &str) -> u64 {
        self.json(&format!("stat?queue={queue}&detail=true"))[field].as_u64().unwrap()
    }

    /// The ready messages of each priority.
    fn ready(&mut self, queue: &str) -> [u64; 3] {
        let stat = self.json(&format!("stat?queue={queue}"));
        [0, 1, 2].map(|priority: usize| stat["ready"][priority].as_u64().unwrap())
    }

    fn json(&mut self, target: &str) -> serde_json::Value {
        let reply = self.mq(target, "");
        assert_eq!((reply.status, reply.header("content-type")), (200, Some("application/json")), "{target}");
        serde_json::from_slice(&reply.body).unwrap()
    }
}

/// `status body`, then the headers of queues but tokens and times, whose values tests cannot know: `name: value`.
fn told(reply: &Reply) -> String {
    let mut line = format!("{} {}", reply.status, reply.text().trim_end());
    for name in HEADERS {
        match (name, reply.header(name)) {
            (_, None) => {}
            ("ack-token" | "expire", Some(_)) => line.push_str(&format!(" [{name}]")),
            (_, Some(value)) => line.push_str(&format!(" [{name}: {value}]")),
        }
    }
    line
}

/// A frame.
fn frame(fields: &str, item: &str) -> String {
    let glue = if fields.is_empty() { "" } else { "&" };
    format!("{fields}{glue}len={}\n{item}\n", item.len())
}

/// Waits for what happens by itself.
fn soon(met: impl FnMut() -> bool) {
    assert!(wait_until(Duration::from_secs(10), met));
}

/// When `met` is first true, unix ms. Looks as often as it can.
fn moment(mut met: impl FnMut() -> bool) -> u64 {
    let limit_ms = now_ms() + 20_000;
    while !met() {
        assert!(now_ms() < limit_ms, "it never happened");
    }
    now_ms()
}

//! `/hustcache/*`: every row of the contract and its examples.

mod bound;
mod commands;
mod numbers;
mod rules;

use hust_testkit::Node;

use crate::support::{Client, brief, builder};

/// Every command and a query that it takes.
pub const COMMANDS: [(&str, &str); 14] = [
    ("exist", "key=k"),
    ("get", "key=k"),
    ("ttl", "key=k"),
    ("put", "key=k&val=v"),
    ("append", "key=k&val=v"),
    ("del", "key=k"),
    ("expire", "key=k&ttl=1"),
    ("persist", "key=k"),
    ("hexist", "tb=t&key=f"),
    ("hget", "tb=t&key=f"),
    ("hset", "tb=t&key=f&val=v"),
    ("hdel", "tb=t&key=f"),
    ("hincrby", "tb=t&key=n&val=1"),
    ("hincrbyfloat", "tb=t&key=n&val=1"),
];

/// Those of class read.
const READS: [&str; 5] = ["exist", "get", "ttl", "hexist", "hget"];

/// A node whose cache holds so much.
fn holding(memory: &str) -> Node {
    builder().set(&format!("cache.memory={memory}")).start().unwrap()
}

/// The figure of a metric.
pub fn metric(client: &mut Client, name: &str) -> u64 {
    let text = client.get("/metrics").text();
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {name} in\n{text}")).parse().unwrap()
}

/// Does these GETs in turn, whose answers are told as `status body`. None has a header of a data command, and what is
/// not there has no body.
fn check(client: &mut Client, table: &[(&str, &str)]) {
    for (target, expected) in table {
        let reply = client.get(&format!("/hustcache/{target}"));
        let line = brief(&reply);
        let (status, rest) = line.split_once(" - -").unwrap_or_else(|| panic!("{target}: {line}"));
        assert_eq!(format!("{status}{rest}"), *expected, "{target}");
        assert_eq!((reply.header("stamp"), reply.header("expire")), (None, None), "{target}");
        assert!(reply.status != 404 || reply.body.is_empty(), "{target}");
    }
}

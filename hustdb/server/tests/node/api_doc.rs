//! Every `curl` line, also one that `printf` feeds, of `doc/api.md`, run in order against a node, answers what its comment says.

use std::time::Duration;

use hust_testkit::{examples, wait_until};

use crate::support::{Client, node};

#[test]
fn the_examples_of_the_document_answer_what_it_says() {
    let document = include_str!("../../../../doc/api.md");
    let commands = examples(document).unwrap();
    let tables =
        ["hget", "hexist", "hset", "hincrby", "hdel", "sismember", "sadd", "srem", "zismember", "zscore"];
    let others = ["get", "exist", "put", "del", "zadd", "zrem", "mput", "mget", "mdel", "keys", "file_count"];
    let ranges = ["hkeys", "smembers", "zrangebyrank", "zrangebyscore", "export", "task_status", "task_info"];
    let replication = ["scan", "merge", "digest", "binlog", "forget"];
    for path in
        tables.into_iter().chain(others).chain(ranges).chain(replication).chain(["stat", "stat_all", "info"])
    {
        let path = format!("/hustdb/{path}");
        assert!(commands.iter().any(|example| example.command.contains(&path)), "no example of {path}");
    }
    for (path, _) in crate::cache::COMMANDS {
        let path = format!("/hustcache/{path}?");
        assert!(commands.iter().any(|example| example.command.contains(&path)), "no example of {path}");
    }
    for (path, _, _) in crate::queue::COMMANDS {
        let path = format!("/hustmq/{path}");
        let shown = |command: &str| command.split(&path).skip(1).any(|rest| rest.starts_with(['?', '\'']));
        assert!(commands.iter().any(|example| shown(example.command)), "no example of {path}");
    }
    let node = node();
    let mut client = Client::of(&node);
    for example in commands {
        // Snapshots are taken in the background; a reader of the document takes longer than that.
        assert!(wait_until(Duration::from_secs(60), || {
            client.get("/hustdb/task_info").text().starts_with(r#"{"undo":"0","doning":0,"#)
        }));
        example.run("127.0.0.1:8085", node.address()).unwrap_or_else(|wrong| panic!("{wrong}"));
    }
}

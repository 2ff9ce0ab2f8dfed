//! Every `curl` line, also one that `printf` feeds, of `doc/api.md`, run in order against a node, answers what its comment says.

use std::{process::Command, time::Duration};

use hust_testkit::wait_until;

use crate::support::{Client, node};

/// The commands of the document: lines of `sh` blocks that begin with `curl` or `printf`, and the comment at their end.
fn commands(document: &str) -> Vec<(&str, &str)> {
    let blocks = document.split("```sh\n").skip(1).filter_map(|rest| rest.split_once("```"));
    let lines = blocks.flat_map(|(block, _)| block.lines());
    lines
        .filter(|line| line.starts_with("curl ") || line.starts_with("printf "))
        .map(|line| line.rsplit_once("# ").unwrap_or_else(|| panic!("no status: {line}")))
        .collect()
}

#[test]
fn the_examples_of_the_document_answer_what_it_says() {
    let document = include_str!("../../../../doc/api.md");
    let commands = commands(document);
    let tables =
        ["hget", "hexist", "hset", "hincrby", "hdel", "sismember", "sadd", "srem", "zismember", "zscore"];
    let others = ["get", "exist", "put", "del", "zadd", "zrem", "mput", "mget", "mdel", "keys", "file_count"];
    let ranges = ["hkeys", "smembers", "zrangebyrank", "zrangebyscore", "export", "task_status", "task_info"];
    let replication = ["scan", "merge", "digest", "binlog", "forget"];
    for path in
        tables.into_iter().chain(others).chain(ranges).chain(replication).chain(["stat", "stat_all", "info"])
    {
        let path = format!("/hustdb/{path}");
        assert!(commands.iter().any(|(command, _)| command.contains(&path)), "no example of {path}");
    }
    for (path, _) in crate::cache::COMMANDS {
        let path = format!("/hustcache/{path}?");
        assert!(commands.iter().any(|(command, _)| command.contains(&path)), "no example of {path}");
    }
    for (path, _, _) in crate::queue::COMMANDS {
        let path = format!("/hustmq/{path}");
        let shown = |command: &str| command.split(&path).skip(1).any(|rest| rest.starts_with(['?', '\'']));
        assert!(commands.iter().any(|(command, _)| shown(command)), "no example of {path}");
    }
    let node = node();
    let mut client = Client::of(&node);
    for (command, expected) in commands {
        // Snapshots are taken in the background; a reader of the document takes longer than that.
        assert!(wait_until(Duration::from_secs(60), || {
            client.get("/hustdb/task_info").text().starts_with(r#"{"undo":"0","doning":0,"#)
        }));
        let command = command.replace("127.0.0.1:8085", &node.address().to_string());
        assert!(command.contains(&node.address().to_string()), "{command}");
        let output = Command::new("sh").args(["-c", &format!("{command} -sS")]).output().unwrap();
        let shown = String::from_utf8_lossy(&output.stdout);
        assert!(output.stderr.is_empty(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
        let mut parts = expected.split(", ");
        let status = shown.split(' ').nth(1);
        assert_eq!(status, parts.next(), "{command}\n{shown}");
        for part in parts {
            assert!(shown.to_lowercase().contains(&part.to_lowercase()), "{command}: {part} in\n{shown}");
        }
    }
}

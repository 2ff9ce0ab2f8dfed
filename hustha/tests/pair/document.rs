//! Every example of `doc/hustha.md`, run in order, answers what its comment says.

use hust_testkit::examples;

use crate::cluster::Cluster;

const RECORDS: [&str; 18] = [
    "put",
    "get",
    "exist",
    "del",
    "hset",
    "hincrby",
    "hget",
    "hexist",
    "hdel",
    "sadd",
    "srem",
    "sismember",
    "zadd",
    "zrem",
    "zismember",
    "zscore",
    "zrangebyrank",
    "zrangebyscore",
];
const OTHERS: [&str; 19] = [
    "get2",
    "hget2",
    "sismember2",
    "zscore2",
    "keys",
    "hkeys",
    "smembers",
    "stat",
    "stat_all",
    "file_count",
    "peer_count",
    "get_table",
    "set_table",
    "backends",
    "sync_status",
    "sync_alive",
    "version",
    "status.html",
    "metrics",
];
const CACHE: [&str; 14] = [
    "exist",
    "get",
    "ttl",
    "put",
    "append",
    "del",
    "expire",
    "persist",
    "hexist",
    "hget",
    "hset",
    "hdel",
    "hincrby",
    "hincrbyfloat",
];

#[test]
fn the_examples_of_the_document_answer_what_it_says() {
    let examples = examples(include_str!("../../../doc/hustha.md")).unwrap();
    let cache = CACHE.map(|path| format!("cache/{path}"));
    for path in RECORDS.into_iter().chain(OTHERS).chain(cache.iter().map(String::as_str)) {
        let shown = [format!(":8082/{path}?"), format!(":8082/{path}'")];
        let is_there = examples.iter().any(|example| shown.iter().any(|path| example.command.contains(path)));
        assert!(is_there, "no example of /{path}");
    }
    // Nobody listens on port 1.
    let cluster = Cluster::with(2, &["sync.url=http://127.0.0.1:1"]);
    for example in examples {
        example.run("127.0.0.1:8082", cluster.proxy.address()).unwrap_or_else(|wrong| panic!("{wrong}"));
    }
}

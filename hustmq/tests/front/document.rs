//! Every example of `doc/hustmq.md`, run in order, answers what its comment says.

use hust_testkit::{Example, examples};

use crate::cluster::Cluster;

/// The address of the front in the document.
const WRITTEN: &str = "127.0.0.1:8080";
const PATHS: [&str; 26] = [
    "put",
    "get",
    "ack",
    "nack",
    "touch",
    "timeout",
    "lock",
    "max",
    "purge",
    "delete",
    "settings",
    "worker",
    "stat",
    "stat_all",
    "autost",
    "pub",
    "sub",
    "evget",
    "evsub",
    "do_get",
    "do_post",
    "do_get_status",
    "do_post_status",
    "version",
    "status.html",
    "metrics",
];

#[test]
fn the_examples_of_the_document_answer_what_it_says() {
    let examples = examples(include_str!("../../../doc/hustmq.md")).unwrap();
    for path in PATHS {
        let shown = [format!(":8080/{path}?"), format!(":8080/{path}'")];
        let is_there = examples.iter().any(|example| shown.iter().any(|path| example.command.contains(path)));
        assert!(is_there, "no example of /{path}");
    }
    let short = ["long_polling_timeout_ms=100", "subscribe_timeout_ms=100", "rpc.post_timeout_ms=100"];
    let cluster = Cluster::with(2, &short);
    for example in examples {
        run(&example, &cluster);
    }
}

fn run(example: &Example<'_>, cluster: &Cluster) {
    example.run(WRITTEN, cluster.front.address()).unwrap_or_else(|wrong| panic!("{wrong}"));
}

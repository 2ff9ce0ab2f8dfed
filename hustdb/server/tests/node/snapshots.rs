//! What a node tells of its exports, and which snapshots it keeps.

use std::time::Duration;

use hust_testkit::{Node, wait_until};
use serde_json::{Value, json};

use crate::support::{Client, brief, builder};

fn export(client: &mut Client, query: &str) -> String {
    let token = client.get(&format!("/hustdb/export?{query}")).text();
    assert!(wait_until(Duration::from_secs(60), || !["0", "1"].contains(&status(client, &token).as_str())));
    token
}

fn status(client: &mut Client, token: &str) -> String {
    client.get(&format!("/hustdb/task_status?token={token}")).text()
}

fn listed(client: &mut Client) -> Vec<Value> {
    let told: Value = serde_json::from_slice(&client.get("/hustdb/task_info?list=true").body).unwrap();
    told["snapshots"].as_array().unwrap().clone()
}

fn exports(client: &mut Client) -> Value {
    let info: Value = serde_json::from_slice(&client.get("/hustdb/info").body).unwrap();
    info["exports"].clone()
}

fn filled(node: &Node) -> Client {
    let mut client = Client::of(node);
    for number in 0..50 {
        client.put(&format!("/hustdb/put?key=k{number}"), "v");
        client.put(&format!("/hustdb/hset?tb=h&key=f{number}"), "v");
    }
    client
}

#[test]
fn so_many_snapshots_are_kept_and_told_of() {
    let mut node = builder().set("store.export_maximum=2").start().unwrap();
    let mut client = filled(&node);
    let none = json!({"queued": 0, "running": 0, "done": 0, "failed": 0, "written_bytes": 0, "last_ms": 0,
        "removed_snapshots": 0, "snapshots": 0, "snapshot_bytes": 0});
    assert_eq!((listed(&mut client), exports(&mut client)), (vec![], none));
    let tokens: Vec<String> = ["tb=h", "file=1&noval=false&start=5&end=900", "tb=h&noval=false"]
        .map(|query| export(&mut client, query))
        .into();
    for _ in 0..2 {
        let snapshots = listed(&mut client);
        let [file, table] = snapshots.as_slice() else { panic!("{snapshots:?}") };
        let bytes = |snapshot: &Value| snapshot["bytes"].as_u64().unwrap();
        assert!(bytes(table) > bytes(file) && bytes(file) > 0);
        let told_file = json!({"token": tokens[1], "file": 1, "start": 5, "end": 900, "noval": false, "bytes": bytes(file)});
        let told_table = json!({"token": tokens[2], "tb": "h", "start": 0, "end": 1024, "noval": false, "bytes": bytes(table)});
        assert_eq!((file, table), (&told_file, &told_table));
        let told = exports(&mut client);
        assert_eq!(
            (&told["snapshots"], told["snapshot_bytes"].as_u64()),
            (&2.into(), Some(bytes(file) + bytes(table)))
        );
        let page = client.get("/hustdb/keys?file=1&start=5&end=900&offset=0&size=9&async=true");
        assert_eq!(page.status, 200);
        node.kill().unwrap();
        node.restart().unwrap();
        client = Client::of(&node);
    }
    assert_eq!(status(&mut client, &tokens[0]), "3", "gone, and forgotten by the restart");
    assert_eq!(brief(&client.get("/hustdb/task_info?list=x")), "400 - - list: not true, false, 1 or 0");
    assert_eq!(client.get("/hustdb/task_info?list=0").text(), r#"{"undo":"0","doning":0,"done":0}"#);
}

#[test]
fn the_old_ones_go_by_themselves() {
    let node = builder().set("store.export_age=1").start().unwrap();
    let mut client = filled(&node);
    let token = export(&mut client, "tb=h");
    assert!(wait_until(Duration::from_secs(60), || listed(&mut client).is_empty()));
    assert_eq!(status(&mut client, &token), "2", "it was taken");
    assert_eq!(brief(&client.get("/hustdb/hkeys?tb=h&offset=0&size=9&async=true")), "404 - - snapshot: none");
    let told = exports(&mut client);
    assert_eq!((&told["done"], &told["removed_snapshots"]), (&1.into(), &1.into()));
}

#[test]
fn failures_and_successes_are_counted() {
    let mut node = builder().start().unwrap();
    let mut client = filled(&node);
    assert_eq!(export(&mut client, "tb=h").parse::<u64>().map(|token| token > 0), Ok(true));
    let metrics = client.get("/metrics").text();
    let bytes = exports(&mut client)["snapshot_bytes"].as_u64().unwrap();
    for line in [
        "hustdb_exports_running 0".to_owned(),
        "hustdb_exports_queued 0".to_owned(),
        "hustdb_exports_done_total 1".to_owned(),
        "hustdb_exports_failed_total 0".to_owned(),
        format!("hustdb_export_bytes_total {bytes}"),
        "hustdb_snapshots 1".to_owned(),
        format!("hustdb_snapshot_bytes {bytes}"),
        "hustdb_snapshots_removed_total 0".to_owned(),
    ] {
        assert!(metrics.contains(&format!("\n{line}\n")), "{line} in\n{metrics}");
    }
    assert!(metrics.contains("\nhustdb_export_last_seconds "));
    node.stop().unwrap();
    let full = builder().data(node.data()).set("store.disk_reserve=1048576GiB").start().unwrap();
    let mut client = Client::of(&full);
    let token = export(&mut client, "tb=h&cover=true");
    assert_eq!(status(&mut client, &token), "4");
    let told = exports(&mut client);
    assert_eq!((&told["done"], &told["failed"], &told["snapshots"]), (&0.into(), &1.into(), &1.into()));
    assert_eq!(
        client.get("/hustdb/hkeys?tb=h&offset=0&size=9&async=true").status,
        200,
        "the one before stays"
    );
}

#[test]
fn info_counts_answers_by_path_and_status() {
    let node = builder().start().unwrap();
    let mut client = filled(&node);
    client.get("/hustdb/get?key=none");
    client.get("/hustdb/get?key=k1");
    client.get("/hustdb/get");
    client.get("/nothing");
    let info: Value = serde_json::from_slice(&client.get("/hustdb/info").body).unwrap();
    let expected = json!({
        "/hustdb/put": {"answered": 50, "errors": {}},
        "/hustdb/hset": {"answered": 50, "errors": {}},
        "/hustdb/get": {"answered": 3, "errors": {"400": 1, "404": 1}},
        "other": {"answered": 1, "errors": {"404": 1}},
    });
    assert_eq!(info["requests"], expected);
}

//! How much comes in one page of a scan, and that all of a merge is kept.

use hust_wire::frame::{self, Content, Form, FrameWriter, Kind, RecordRef};

use crate::support::{Client, brief, builder, node, now_ms, stamp};

#[test]
fn a_page_of_a_scan_has_about_4_mib_and_at_least_one_record() {
    let node = builder().set("engine.partitions=1").start().unwrap();
    let mut client = Client::of(&node);
    let (part, large) = (vec![b'v'; 1 << 20], vec![b'v'; 9 << 20]);
    for number in 0..9 {
        client.put(&format!("/hustdb/put?key={number}"), if number == 4 { &large } else { &part });
    }
    let (mut cursor, mut counts, mut large_came) = (String::new(), Vec::new(), false);
    loop {
        let page = client.get(&format!("/hustdb/scan?limit=1000&cursor={cursor}"));
        let records = page.number("keys").unwrap();
        let has_large = page.body.len() > large.len();
        assert!(has_large || page.body.len() < 5 << 20, "{} bytes", page.body.len());
        assert!(!has_large || records <= 5, "what is long ends the page");
        large_came |= has_large;
        counts.push(records);
        let Some(next) = page.header("cursor") else { break };
        cursor = next.to_owned();
    }
    assert!(large_came && counts.iter().sum::<u64>() == 9, "{counts:?}");
    assert!((3..=9).contains(&counts.len()), "{counts:?}");
}

#[test]
fn what_a_merge_applied_survives_a_kill() {
    const COUNT: u32 = 2000;
    let mut node = node();
    let mut client = Client::of(&node);
    let mut writer = FrameWriter::new(Content::Whole);
    let at = stamp(now_ms());
    for number in 0..COUNT {
        let key = number.to_be_bytes();
        let (form, kind) =
            if number % 5 == 0 { (Form::Tombstone, Kind::Hash) } else { (Form::Live, Kind::Set) };
        let table = if kind == Kind::Hash { "h" } else { "s" };
        let record =
            RecordRef { kind, form, stamp: at, version: 7, expire_ms: 0, table, key: &key, value: b"" };
        writer.push(&record).unwrap();
    }
    let body = writer.finish();
    let merged = client.ask("POST", "/hustdb/merge", &body);
    node.kill().unwrap();
    assert_eq!(brief(&merged), format!(r#"200 - - {{"received":{COUNT},"applied":{COUNT},"ignored":0}}"#));
    node.restart().unwrap();
    let mut client = Client::of(&node);
    let scanned = client.get("/hustdb/scan?limit=10000");
    let records: usize = frame::decode(&scanned.body).map(|frame| frame.unwrap().count() as usize).sum();
    assert_eq!(records, COUNT as usize, "tombstones too");
    let again = client.ask("POST", "/hustdb/merge", &body);
    assert_eq!(brief(&again), format!(r#"200 - - {{"received":{COUNT},"applied":0,"ignored":{COUNT}}}"#));
}

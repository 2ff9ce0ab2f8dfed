//! `stat`, `stat_all`; and that queues show nowhere else.

use std::time::Duration;

use hust_testkit::wait_until;

use super::told;
use crate::support::{Client, node, now_ms};

/// The answer without its time, which is checked.
fn timeless(text: &str) -> String {
    let (head, rest) = text.split_once(r#""tm":"#).unwrap();
    let digits = rest.find(|byte: char| !byte.is_ascii_digit()).unwrap();
    let time_s: u64 = rest[..digits].parse().unwrap();
    assert!((now_ms() / 1000).abs_diff(time_s) <= 2, "{text}");
    format!(r#"{head}"tm":T{}"#, &rest[digits..])
}

#[test]
fn figures_of_a_normal_queue() {
    let mut node = node();
    let mut client = Client::of(&node);
    let begun = "settings?queue=q&create=true&second=61&max=9&max_deliveries=3&dead_letter=d&ttl=50&dedup=7";
    client.mq(begun, "");
    client.mq_check(&[("timeout?queue=q&second=61", "200 ")]);
    for (item, priority) in [("aa", 0), ("bb", 0), ("cc", 0), ("dd", 1), ("ee", 2)] {
        client.mq(&format!("put?queue=q&item={item}&priori={priority}"), "");
    }
    client.mq("put?queue=q&item=ff&delay=50&priori=1", "");
    client.mq("get?queue=q&worker=w&ack=true", "");
    let (_, token, _) = client.take("q").unwrap();
    client.mq(&format!("nack?queue=q&token={token}"), "");
    client.take("q").unwrap();
    client.take("q").unwrap();
    const PLAIN: &str = r#"{"queue":"q","ready":[2,0,0],"unacked":2,"max":9,"lock":0,"type":0,"timeout":2,"si":1,"ci":3,"tm":T"#;
    let detail = |redelivered: u32| {
        format!(
            r#"{PLAIN},"second":61,"max_deliveries":3,"dead_letter":"d","ttl":50,"dedup":7,"delayed":[0,1,0],"redelivered":{redelivered},"dead":0,"expired":0,"bytes":10,"floor":0}}"#
        )
    };
    assert_eq!(timeless(&client.mq("stat?queue=q", "").text()), format!("{PLAIN}}}"));
    assert_eq!(timeless(&client.mq("stat?queue=q&detail=1", "").text()), detail(1));
    assert_eq!(client.mq("stat_all", "").text(), format!("[{}]", client.mq("stat?queue=q", "").text()));
    node.kill().unwrap();
    node.restart().unwrap();
    let mut client = Client::of(&node);
    assert_eq!(
        timeless(&client.mq("stat?queue=q&detail=true", "").text()),
        detail(0),
        "all but counters survive"
    );
    client.mq("get?queue=q&worker=w&count=9", "");
    let empty = client.json("stat?queue=q");
    assert_eq!((&empty["si"], &empty["ci"]), (&3.into(), &3.into()));
}

#[test]
fn figures_of_a_push_queue() {
    let node = node();
    let mut client = Client::of(&node);
    for item in ["aa", "bb", "cc"] {
        client.mq(&format!("pub?queue=p&item={item}"), "");
    }
    client.mq("pub?queue=p&item=dd&idx=2", "");
    // The row of what was dropped goes in the background.
    super::soon(|| client.figure("p", "bytes") == 6);
    let expected = r#"{"queue":"p","ready":[3,0,0],"unacked":0,"max":0,"lock":0,"type":1,"timeout":0,"si":1,"ci":4,"tm":T,"second":0,"max_deliveries":0,"dead_letter":"","ttl":0,"dedup":300,"delayed":[0,0,0],"redelivered":0,"dead":0,"expired":0,"bytes":6,"floor":1}"#;
    assert_eq!(timeless(&client.mq("stat?queue=p&detail=true", "").text()), expected);
}

#[test]
fn all_queues_by_name_bytewise() {
    let node = node();
    let mut client = Client::of(&node);
    assert_eq!(told(&client.mq("stat_all", "")), "200 []");
    for name in ["b", "a", "Z", "_", "a.1", "9", "a:1"] {
        let command = if name == "a" { "pub" } else { "put" };
        client.mq(&format!("{command}?queue={name}&item=i"), "");
    }
    let all = client.json("stat_all?detail=true");
    let names: Vec<&str> =
        all.as_array().unwrap().iter().map(|stat| stat["queue"].as_str().unwrap()).collect();
    assert_eq!(names, ["9", "Z", "_", "a", "a.1", "a:1", "b"]);
    assert!(all.as_array().unwrap().iter().all(|stat| stat["bytes"] == 1));
}

#[test]
fn queues_show_in_no_listing_and_no_figure_of_records() {
    let node = node();
    let mut client = Client::of(&node);
    client.put("/hustdb/put?key=record", "v");
    let figures = |client: &mut Client| {
        let targets = ["stat", "stat_all", "digest", "scan?limit=10000"];
        let mut seen: Vec<String> =
            targets.iter().map(|target| client.get(&format!("/hustdb/{target}")).text()).collect();
        let files: u32 = client.get("/hustdb/file_count").text().parse().unwrap();
        for file in 0..files {
            let reply = client.get(&format!("/hustdb/keys?file={file}&offset=0&size=1000&noval=false"));
            seen.push(reply.text());
        }
        seen
    };
    let before = figures(&mut client);
    for number in 0..50 {
        client.mq(&format!("put?queue=q{number}&item=i&id=x"), "");
        client.mq(&format!("pub?queue=p{number}&item=i"), "");
        client.take(&format!("q{number}"));
    }
    assert_eq!(figures(&mut client), before);
    // Nor does an export take any of them along.
    let files: u32 = client.get("/hustdb/file_count").text().parse().unwrap();
    let mut exported = 0;
    for file in 0..files {
        let token = client.get(&format!("/hustdb/export?file={file}&noval=false")).text();
        let over = || client.get(&format!("/hustdb/task_status?token={token}")).text() == "2";
        assert!(wait_until(Duration::from_secs(60), over), "{file}: {token}");
        let target = format!("/hustdb/keys?file={file}&offset=0&size=1000&async=true");
        exported += client.get(&target).number("totalcount").unwrap();
    }
    assert_eq!(exported, 1, "the record");
    // Nor does what takes records away.
    assert_eq!(client.ask("POST", "/hustdb/forget?start=0&end=1024", "").status, 200);
    client.mq_check(&[
        ("put?queue=q7&item=i&id=x", "200  [index: 1] [duplicate: true]"),
        ("sub?queue=p7&idx=1", "200 i [index: 0-1]"),
    ]);
    assert_eq!((client.figure("q7", "unacked"), client.figure("q7", "bytes")), (1, 1));
}

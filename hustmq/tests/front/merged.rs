//! What all nodes say together: `/stat`, `/stat_all`, `/worker`.

use crate::{
    cluster::{Cluster, brief},
    stub::Stubs,
};

const ONE: &str = r#"[{"queue":"q","ready":[1,2,3],"unacked":4,"max":9,"lock":0,"type":0,"timeout":5,"si":6,"ci":7,"tm":80},{"queue":"a.b","type":1,"ready":[5,0,0],"si":1,"ci":6,"tm":3},{"queue":"Z","type":0}]"#;
const TWO: &str = r#"[{"queue":"q","ready":[10,0,0],"unacked":1,"max":8,"lock":1,"type":0,"timeout":4,"si":5,"ci":7,"tm":81},{"queue":"a.b","type":1,"ready":[4,0,0],"si":2,"ci":6,"tm":3}]"#;
const Q: &str = r#"{"queue":"q","type":0,"ready":[11,2,3],"max":8,"lock":1,"si":5,"ci":7,"tm":81,"unacked":5,"timeout":5}"#;
const AB: &str = r#"{"queue":"a.b","type":1,"ready":[9,0,0],"max":0,"lock":0,"si":1,"ci":6,"tm":3,"unacked":0,"timeout":0}"#;
const Z: &str =
    r#"{"queue":"Z","type":0,"ready":[0,0,0],"max":0,"lock":0,"si":0,"ci":0,"tm":0,"unacked":0,"timeout":0}"#;

#[test]
fn rows_of_all_nodes() {
    let stubs = Stubs::with(2, &[]);
    let mut client = stubs.client();
    client.check(&[("/autost", "200"), ("/stat_all", "200 []"), ("/stat?queue=q", "412 queue: unknown")]);
    stubs.nodes[0].rows(ONE);
    stubs.nodes[1].rows(TWO);
    client.check(&[("/stat_all", "200 []"), ("/autost", "200")]);
    let all = format!("200 [{Z},{AB},{Q}]");
    client.check(&[("/stat_all", &all), ("/stat?queue=q", &format!("200 {Q}"))]);
    assert_eq!(client.get("/stat?queue=q").header("content-type"), Some("application/json"));
    client.send("HEAD", "/stat_all", "");
    assert_eq!(client.0.head().unwrap().number("content-length"), Some(all.len() as u64 - 4));
    stubs.nodes[0].rows("[]");
    client.ok("/autost");
    client.check(&[("/stat?queue=Z", "412 queue: unknown")]);
}

#[test]
fn workers_of_all_nodes() {
    let stubs = Stubs::with(3, &[]);
    let mut client = stubs.client();
    let one = r#"200|[{"w":"b","t":5},{"w":"\u0001\"","t":7}]"#;
    let two = r#"200|[{"w":"b","t":9},{"w":"a","t":1}]"#;
    let unknown = "412|queue: unknown\n";
    for (answers, expected) in [
        ([one, two, unknown], r#"200 [{"w":"\u0001\"","t":7},{"w":"a","t":1},{"w":"b","t":9}]"#),
        ([unknown, "hang up", two], r#"200 [{"w":"a","t":1},{"w":"b","t":9}]"#),
        ([unknown, "200|[]", unknown], "200 []"),
        ([unknown; 3], "412 queue: unknown"),
    ] {
        stubs.say("/hustmq/worker", &answers);
        assert_eq!(brief(&client.get("/worker?queue=q")), expected, "{answers:?}");
    }
    stubs.say("/hustmq/worker", &["503|"; 3]);
    assert_eq!(client.get("/worker?queue=q").status, 503);
}

#[test]
fn real_nodes() {
    let cluster = Cluster::with(2, &[]);
    let mut client = cluster.client();
    for (node, worker) in [(0, "one"), (1, "two")] {
        cluster.node(node).ok("/hustmq/put?queue=q&item=a");
        cluster.node(node).ok(&format!("/hustmq/get?queue=q&worker={worker}&ack=false"));
        cluster.node(node).ok("/hustmq/put?queue=q&item=a&priori=2");
    }
    client.ok("/autost");
    let stat = client.ok("/stat?queue=q").text();
    assert!(stat.starts_with(r#"{"queue":"q","type":0,"ready":[0,0,2],"max":0,"lock":0,"si":"#), "{stat}");
    assert!(stat.ends_with(r#","unacked":2,"timeout":5}"#), "{stat}");
    let workers = client.ok("/worker?queue=q").text();
    assert!(
        workers.starts_with(r#"[{"w":"one","t":"#) && workers.contains(r#"},{"w":"two","t":"#),
        "{workers}"
    );
    client.ok("/pub?queue=p&item=a");
    client.check(&[
        ("/worker?queue=p", "412 queue: a push queue"),
        ("/worker?queue=none", "412 queue: unknown"),
    ]);
}

//! Commands that all nodes are told.

use crate::{
    cluster::{Cluster, brief, owned_by},
    stub::Stubs,
};

#[test]
fn all_nodes_are_told() {
    let mut cluster = Cluster::with(3, &[]);
    let mut client = cluster.client();
    let queue = cluster.owned_by(1);
    client.ok(&format!("/put?queue={queue}&item=a"));
    let first = client.ok(&format!("/max?queue={queue}&num=9"));
    assert_eq!(first.header("skipped"), None, "right after the first put, two nodes do not know it");
    for node in [0, 2] {
        cluster.node(node).ok(&format!("/hustmq/put?queue={queue}&item=x"));
    }
    for (command, shown) in [
        ("timeout", "minute=2"),
        ("timeout", "second=77"),
        ("lock", "on=1"),
        ("max", "num=9"),
        ("settings", "max_deliveries=3&dead_letter=dead&ttl=50&dedup=0"),
    ] {
        client.ok(&format!("/{command}?queue={queue}&{shown}"));
    }
    let expected = format!(
        r#"{{"queue":"{queue}","type":0,"second":77,"max":9,"lock":1,"max_deliveries":3,"dead_letter":"dead","ttl":50,"dedup":0}}"#
    );
    for node in 0..3 {
        assert_eq!(cluster.node(node).ok(&format!("/hustmq/settings?queue={queue}")).text(), expected);
    }
    assert_eq!(client.ok(&format!("/settings?queue={queue}")).text(), expected);
    client.check(&[(&format!("/put?queue={queue}&item=x"), "403 queue: locked")]);
    cluster.kill(0);
    let skipped = client.ok(&format!("/lock?queue={queue}&on=0"));
    assert_eq!(skipped.header("skipped"), Some(cluster.host(0).to_string().as_str()));
    cluster.revive(0);
    let locked = |node: usize| {
        cluster.node(node).ok(&format!("/hustmq/stat?queue={queue}")).text().contains("\"lock\":1")
    };
    assert_eq!([0, 1, 2].map(locked), [true, false, false], "it keeps its old setting");
    let all = |status: u16, cluster: &Cluster| {
        for node in 0..3 {
            assert_eq!(
                cluster.node(node).get(&format!("/hustmq/stat?queue={queue}")).status,
                status,
                "{node}"
            );
        }
    };
    all(200, &cluster);
    client.ok(&format!("/purge?queue={queue}&priori=0"));
    all(412, &cluster);
    client.check(&[(&format!("/purge?queue={queue}&priori=0"), "412 queue: unknown")]);
}

#[test]
fn a_delete_is_everywhere_and_at_once() {
    let cluster = Cluster::with(2, &[]);
    let mut client = cluster.client();
    for node in 0..2 {
        cluster.node(node).ok("/hustmq/put?queue=q&item=x");
    }
    client.ok("/autost");
    client.ok("/delete?queue=q");
    client.check(&[
        ("/stat?queue=q", "412 queue: unknown"),
        ("/get?queue=q&worker=w", "412 queue: unknown"),
        ("/delete?queue=q", "412 queue: unknown"),
        ("/pub?queue=q&item=of-the-other-kind", "200"),
        ("/delete?queue=q", "200"),
    ]);
    assert_eq!(client.ok("/put?queue=q&item=new").header("index"), Some("1"), "and back again");
}

#[test]
fn creating_is_for_the_owner_alone() {
    let mut cluster = Cluster::with(2, &[]);
    let (queue, mut client) = (cluster.owned_by(1), cluster.client());
    let target = format!("/settings?queue={queue}&create=true&max=2");
    client.check(&[(&format!("/settings?queue={queue}&max=2"), "412 queue: unknown")]);
    cluster.kill(0);
    let made = client.ok(&target);
    assert!(made.text().contains("\"max\":2") && made.header("skipped").is_none());
    cluster.revive(0);
    assert_eq!(cluster.node(0).get(&format!("/hustmq/stat?queue={queue}")).status, 412);
    cluster.kill(1);
    let reply = client.get(&target);
    assert_eq!((reply.status, reply.header("outcome")), (503, Some("refused")));
}

#[test]
fn what_was_just_declared_is_not_declared_over() {
    let stubs = Stubs::with(2, &[]);
    let (queue, mut client) = (owned_by(0, 2), stubs.client());
    stubs.nodes[1].rows(&format!(r#"[{{"queue":"{queue}","ready":[1,0,0],"max":7}}]"#));
    client.ok("/autost");
    stubs.say("/hustmq/settings", &["200|{}", "200|{}"]);
    stubs.say("/hustmq/put", &["200 index=1|", "200 index=1|"]);
    client.ok(&format!("/settings?queue={queue}&create=true&max=5"));
    client.ok(&format!("/put?queue={queue}&item=a"));
    let asked = stubs.nodes[0].take();
    assert_eq!(asked.len(), 2, "declared by the client, not again with what a stray has: {asked:?}");
}

#[test]
fn many_answers_are_one() {
    let stubs = Stubs::with(2, &[]);
    let (ok, unknown) = ("200|", "412|queue: unknown\n");
    for (answers, expected, skipped) in [
        ([ok, unknown], "200", None),
        ([unknown, ok], "200", None),
        ([unknown, unknown], "412 queue: unknown", None),
        ([ok, "403|queue: no\n"], "403 queue: no", None),
        (["400|ttl: no\n", unknown], "400 ttl: no", None),
        ([ok, "503|server: draining\n"], "200", Some(1)),
        (["hang up", ok], "200", Some(0)),
    ] {
        stubs.say("/hustmq/lock", &answers);
        let reply = stubs.client().get("/lock?queue=q&on=true");
        assert_eq!(brief(&reply), expected, "{answers:?}");
        let skipped = skipped.map(|node: usize| stubs.nodes[node].host());
        assert_eq!(reply.header("skipped"), skipped.as_deref(), "{answers:?}");
        assert_eq!(stubs.asked(), [1, 1], "each once");
    }
    stubs.say("/hustmq/settings", &["200|first", "200|second"]);
    assert_eq!(brief(&stubs.client().get("/settings?queue=q&max=1")), "200 first", "in list order");
}

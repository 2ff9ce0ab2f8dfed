//! Commands that all nodes are told.

use hust_testkit::wait_until;

use crate::{
    cluster::{Cluster, LONG, brief, owned_by},
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

#[test]
fn a_node_that_is_down_keeps_what_it_had() {
    let mut cluster = Cluster::with(2, &["autost_interval_ms=0"]);
    let mut client = cluster.client();
    let queue = |command: &str| format!("of.{command}");
    let orders = [
        ("timeout", "second=99", "\"second\":99"),
        ("lock", "on=1", "\"lock\":1"),
        ("max", "num=77", "\"max\":77"),
        ("settings", "dedup=11", "\"dedup\":11"),
        ("purge", "priori=0", "412 queue: unknown"),
        ("delete", "x=1", "412 queue: unknown"),
    ];
    for (command, ..) in orders {
        for node in 0..2 {
            cluster.node(node).ok(&format!("/hustmq/put?queue={}&item=at{node}", queue(command)));
        }
    }
    client.ok("/pub?queue=p&item=kept");
    client.ok("/autost");
    cluster.kill(0);
    let skipped = cluster.host(0).to_string();
    for (command, query, _) in orders {
        let reply = client.ok(&format!("/{command}?queue={}&{query}", queue(command)));
        assert_eq!(reply.header("skipped"), Some(skipped.as_str()), "{command}");
    }
    assert_eq!(client.ok("/delete?queue=p").header("skipped"), Some(skipped.as_str()));
    let known_only_there = client.get(&format!("/get?queue={}&worker=w", queue("delete")));
    assert_eq!(known_only_there.status, 503, "one that is down has it");
    cluster.revive(0);
    let told = |node: usize, command: &str| {
        brief(&cluster.node(node).get(&format!("/hustmq/settings?queue={}", queue(command))))
    };
    for (command, _, changed) in orders {
        assert!(told(1, command).contains(changed), "{command}: {}", told(1, command));
        let before = told(0, command);
        assert!(before.starts_with("200") && !before.contains(changed), "{command}: {before}");
    }
    for command in ["purge", "delete"] {
        let get = format!("/get?queue={}&worker=w", queue(command));
        client.check(&[(&get, "200 at0"), (&get, "404")]);
    }
    // All copies again, by the node that had not heard of it.
    for node in 0..2 {
        let sub = || brief(&cluster.node(node).get("/hustmq/sub?queue=p&idx=1"));
        assert!(wait_until(LONG, || sub() == "200 kept"), "{node}: {}", sub());
    }
}

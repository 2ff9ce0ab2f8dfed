//! A name has one kind in the whole cluster, even where no single node would mind.

use crate::{
    cluster::{Cluster, brief, owned_by},
    stub::Stubs,
};

#[test]
fn no_second_kind_on_another_node() {
    let mut cluster = Cluster::with(2, &[]);
    let mut client = cluster.client();
    let (normal, push) = (cluster.owned_by(0), cluster.owned_by(1));
    cluster.node(1).ok(&format!("/hustmq/put?queue={normal}&item=stray"));
    cluster.node(0).ok(&format!("/hustmq/pub?queue={push}&item=a"));
    client.ok("/autost");
    let put = format!("/put?queue={push}&item=a");
    let table = [
        (format!("/pub?queue={normal}&item=a"), "412 queue: a normal queue"),
        (format!("/evsub?queue={normal}&idx=1"), "412 queue: a normal queue"),
        (put.clone(), "412 queue: a push queue"),
        (format!("/evget?queue={push}&worker=w"), "412 queue: a push queue"),
        (format!("/settings?queue={push}&create=true"), "412 queue: a push queue"),
    ];
    for (target, expected) in &table {
        client.check(&[(target, expected)]);
    }
    cluster.kill(0);
    client.check(&[(&put, "412 queue: a push queue")]);
    cluster.revive(0);
    client.ok(&format!("/delete?queue={push}"));
    client.check(&[(&put, "200")]);
}

#[test]
fn a_view_that_is_late_refuses_nothing() {
    let stubs = Stubs::with(2, &[]);
    let (queue, mut client) = (owned_by(0, 2), stubs.client());
    stubs.nodes[1].rows(&format!(r#"[{{"queue":"{queue}","type":1}}]"#));
    client.ok("/autost");
    stubs.say("/hustmq/put", &["200 index=1|", ""]);
    stubs.say("/hustmq/stat", &["", &format!(r#"200|{{"queue":"{queue}","type":1}}"#)]);
    let target = format!("/put?queue={queue}&item=a");
    assert_eq!(brief(&client.get(&target)), "412 queue: a push queue", "asked, it says so too");
    assert_eq!(stubs.asked(), [0, 1]);
    stubs.say("/hustmq/stat", &["", "412|queue: unknown\n"]);
    assert_eq!(brief(&client.get(&target)), "200", "it was deleted meanwhile");
    assert_eq!(stubs.asked(), [1, 1]);
    assert_eq!(brief(&client.get(&target)), "200");
    assert_eq!(stubs.asked(), [1, 0], "and need not be asked again");
}

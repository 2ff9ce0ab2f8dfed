//! Who may speak to the front, and how it speaks to nodes that ask for credentials.

use crate::cluster::{Client, Cluster, brief};

const NODE: [&str; 2] = ["security.user=node", "security.password=secret"];

#[test]
fn nodes_that_ask_for_credentials() {
    let cluster = Cluster::of(2, &NODE, &["backend.user=node", "backend.password=secret"]);
    let mut client = cluster.client();
    let mut waiter = cluster.park("/evget?queue=q&worker=w&inline=true");
    client.ok("/put?queue=q&item=a");
    assert_eq!(brief(&waiter.reply()), "200 a");
    client.check(&[
        ("/pub?queue=p&item=a", "200"),
        ("/sub?queue=p&idx=1", "200 a"),
        ("/lock?queue=q&on=true", "200"),
        ("/autost", "200"),
        ("/put?queue=q&item=a", "403 queue: locked"),
    ]);
    assert_eq!(cluster.node(0).get("/hustmq/stat_all").status, 401);
}

#[test]
fn nodes_that_refuse_our_credentials() {
    let cluster = Cluster::of(2, &NODE, &["backend.user=node", "backend.password=wrong"]);
    let mut client = cluster.client();
    for target in [
        "/put?queue=q&item=a",
        "/get?queue=q&worker=w",
        "/pub?queue=p&item=a",
        "/sub?queue=p&idx=1",
        "/lock?queue=q&on=true",
        "/worker?queue=q",
    ] {
        let reply = client.get(target);
        assert_eq!((reply.status, reply.header("outcome")), (503, Some("refused")), "{target}");
        assert_eq!(reply.header("www-authenticate"), None, "a client never sees that 401");
        assert!(reply.text().contains("wants other credentials"), "{}", reply.text());
    }
    assert_eq!(client.get("/stat_all").status, 503);
    assert_eq!(client.get("/autost").status, 503);
}

#[test]
fn clients_that_must_show_credentials() {
    let cluster = Cluster::with(1, &["security.user=u", "security.password=p:q"]);
    let mut client = cluster.client();
    for target in ["/status.html", "/version", "/metrics"] {
        assert_eq!(client.get(target).status, 200, "{target}");
    }
    for target in
        ["/put?queue=q&item=a", "/evget?queue=q&worker=w", "/stat_all", "/do_get_status", "/nothing"]
    {
        let reply = cluster.client().get(target);
        let expected = (401, Some("Basic realm=\"hustmq\""));
        assert_eq!((reply.status, reply.header("www-authenticate")), expected, "{target}");
    }
    // u:p:q, and u:p.
    for (login, status) in [("basic dTpwOnE=", 200), ("Basic dTpw", 401), ("Bearer dTpwOnE=", 401)] {
        let mut raw = cluster.front.raw().unwrap();
        let reply = raw.ask("GET", "/put?queue=q&item=a", &[("Authorization", login)], b"").unwrap();
        assert_eq!(reply.status, status, "{login}");
    }
    let got = cluster.node(0).get("/hustmq/get?queue=q&worker=w");
    assert_eq!(brief(&got), "200 a", "and nodes are not sent them");
}

#[test]
fn addresses_that_may_connect() {
    let cluster = Cluster::with(1, &["security.access_allow=[\"192.0.2.0/24\"]"]);
    for target in ["/put?queue=q&item=a", "/status.html"] {
        assert_eq!(Client(cluster.front.raw().unwrap()).get(target).status, 403, "{target}");
    }
}

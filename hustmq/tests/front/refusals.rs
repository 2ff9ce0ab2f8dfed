//! What the front refuses by itself: no node is asked. And what a node refuses: that passes as it is.

use crate::{
    cluster::{Cluster, brief, owned_by},
    stub::Stubs,
};

const LONG_NAME: &str = "n23456789012345678901234567890123456789012345678901234567890123456";

#[test]
fn a_bad_request_costs_no_node_anything() {
    let stubs = Stubs::with(2, &[]);
    let mut client = stubs.client();
    let long = format!("/put?queue={LONG_NAME}&item=a");
    let peer = stubs.nodes[0].host();
    let bad_token = format!("/ack?queue=q&peer={peer}&token=abc");
    let bad_delay = format!("/nack?queue=q&peer={peer}&token=1:2:3&delay=-1");
    for target in [
        "/put?item=a",
        "/put?queue=&item=a",
        "/put?queue=a%2Fb&item=a",
        &long,
        "/put?queue=q",
        "/put?queue=q&item=a&priori=3",
        "/put?queue=q&item=a&ttl=1s",
        "/put?queue=q&item=a&delay=-1",
        "/put?queue=q&item=a&id=",
        "/put?queue=q&batch=maybe",
        "/put?queue=q&item=%zz",
        "/get?queue=q",
        "/get?queue=q&worker=",
        "/get?queue=q&worker=w&ack=2",
        "/get?queue=q&worker=w&count=0",
        "/get?queue=q&worker=w&count=1001",
        "/evget?queue=q",
        "/evget?queue=q&worker=w&inline=x",
        "/evsub?queue=p",
        "/evsub?queue=p&idx=9223372036854775808",
        "/sub?queue=p&idx=-1",
        "/pub?queue=p",
        "/pub?queue=p&item=a&idx=one",
        "/ack?queue=q&token=1:2:3",
        "/ack?queue=q&token=1:2:3&peer=nobody",
        &bad_token,
        &bad_delay,
        "/timeout?queue=q",
        "/timeout?queue=q&minute=1&second=60",
        "/timeout?queue=q&minute=256",
        "/lock?queue=q",
        "/lock?queue=q&on=yes",
        "/max?queue=q&num=5000001",
        "/purge?queue=q&priori=3",
        "/purge?queue=q&priori=1&upto=7",
        "/settings?queue=q&dedup=86401",
        "/settings?queue=q&create=x",
        "/settings?queue=q&dead_letter=a%20b",
        "/delete",
        "/worker",
        "/stat",
        "/do_get_status/",
    ] {
        let reply = client.get(target);
        let expected = if target.ends_with('/') { 404 } else { 400 };
        assert_eq!(reply.status, expected, "{target}: {}", reply.text());
        assert_eq!(reply.text().lines().count(), 1, "a reason: {target}");
    }
    assert_eq!(stubs.asked(), [0, 0]);
}

#[test]
fn methods() {
    let stubs = Stubs::with(1, &[]);
    let write = ["/put", "/ack", "/nack", "/touch", "/timeout", "/lock", "/max", "/purge", "/delete", "/pub"];
    let read = ["/worker", "/stat", "/stat_all", "/autost", "/do_get_status", "/do_post_status", "/version"];
    let table: [(&[&str], &[&str]); 7] = [
        (&write, &["GET", "POST", "PUT"]),
        (&read, &["GET", "HEAD"]),
        (&["/get"], &["GET", "POST"]),
        (&["/settings"], &["GET", "HEAD", "POST", "PUT"]),
        (&["/sub"], &["GET", "HEAD", "POST"]),
        (&["/evget", "/evsub"], &["GET"]),
        (&["/do_get", "/do_post?token=x"], &["POST"]),
    ];
    let mut client = stubs.client();
    for (paths, allowed) in table {
        for path in paths {
            for method in ["GET", "HEAD", "POST", "PUT", "DELETE"] {
                client.send(method, path, "");
                let reply = if method == "HEAD" { client.0.head().unwrap() } else { client.reply() };
                assert_eq!(
                    reply.status == 405,
                    !allowed.contains(&method),
                    "{method} {path}: {}",
                    reply.status
                );
                if reply.status == 405 {
                    assert_eq!(reply.header("allow"), Some(allowed.join(", ").as_str()), "{path}");
                }
                // Some close the connection with what they refuse.
                client = stubs.client();
            }
        }
    }
    assert_eq!(stubs.asked(), [0]);
}

#[test]
fn what_a_node_refuses_is_final_and_passes() {
    let stubs = Stubs::with(2, &[]);
    let queue = owned_by(0, 2);
    let answers = [
        "403|queue: locked\n",
        "412|queue: a push queue\n",
        "413|body: over 9 bytes\n",
        "500|engine: broken\n",
        "507|disk: full\n",
        "400|ttl: too long\n",
    ];
    for answer in answers {
        stubs.say("/hustmq/put", &[answer, "200 index=1|"]);
        let reply = stubs.client().get(&format!("/put?queue={queue}&item=a"));
        assert_eq!(brief(&reply), answer.replace('|', " ").trim_end());
        assert_eq!(stubs.asked(), [1, 0], "not offered to another: {answer}");
    }
}

#[test]
fn nodes_are_sent_a_clean_request() {
    let stubs = Stubs::with(1, &[]);
    let node = &stubs.nodes[0];
    let mut client = stubs.client();
    for (target, expected) in [
        ("/put?x=%00&item=a%26b&queue=%71&priori=2&peer=z", "PUT /hustmq/put?queue=q&priori=2 a&b"),
        ("/get?cursor=1&worker=w%20%C3%A9&queue=q&ack=0", "POST /hustmq/get?queue=q&worker=w%20%C3%A9&ack=0"),
        ("/settings?queue=q&max=5&zzz=1", "POST /hustmq/settings?queue=q&max=5"),
    ] {
        client.get(target);
        let asked = node.take();
        assert_eq!(asked, [expected], "{target}");
    }
}

#[test]
fn what_fills_the_disk_is_refused() {
    let cluster = Cluster::of(1, &["store.disk_capacity=1MiB", "store.queue_maximum=2"], &[]);
    let mut client = cluster.client();
    client.ok("/put?queue=a&item=x");
    client.ok("/put?queue=b&item=x");
    client.check(&[("/put?queue=c&item=x", "412 queue: 2 queues are the limit")]);
}

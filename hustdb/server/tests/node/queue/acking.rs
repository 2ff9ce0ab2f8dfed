//! Acknowledgements on the way to the next message, and such as do not wait for the disk.

use super::{frame, told};
use crate::support::{Client, node, synced};

const LEASE: &str = "get?queue=q&worker=w&ack=false";

fn put(client: &mut Client, items: &[&str]) {
    for item in items {
        assert_eq!(client.mq(&format!("put?queue=q&item={item}"), "").status, 200);
    }
}

/// Takes the next message, and acknowledges this token before.
fn next(client: &mut Client, token: &str, more: &str) -> (String, String) {
    let reply = client.mq(&format!("{LEASE}&token={token}{more}"), "");
    assert_eq!((reply.status, reply.header("unknown-tokens")), (200, None), "{}", reply.text());
    (reply.text(), reply.header("ack-token").unwrap().to_owned())
}

#[test]
fn a_get_acknowledges_what_went_before() {
    let node = synced("always").start().unwrap();
    let mut client = Client::of(&node);
    put(&mut client, &["a", "b", "c", "d"]);
    let (item, mut token, _) = client.take("q").unwrap();
    let mut items = vec![item];
    for more in ["", "&sync=true", "&sync=false"] {
        let (item, fresh) = next(&mut client, &token, more);
        assert_eq!(client.figure("q", "unacked"), 1, "the one before is gone");
        client.mq_check(&[(&format!("ack?queue=q&token={token}"), "412 token: not current")]);
        items.push(item);
        token = fresh;
    }
    assert_eq!(items, ["a", "b", "c", "d"]);
    client.mq_check(&[(&format!("get?queue=q&worker=w&token={token}"), "404 ")]);
    assert_eq!((client.figure("q", "unacked"), client.figure("q", "bytes")), (0, 0));
    // What is taken with it may be gone at once, and be several.
    put(&mut client, &["e", "f", "g"]);
    let token = client.take("q").unwrap().1;
    let gone = client.ask("POST", &format!("/hustmq/get?queue=q&worker=w&count=9&token={token}"), "");
    assert_eq!((gone.status, gone.header("count")), (200, Some("2")));
    assert_eq!((client.figure("q", "unacked"), client.ready("q")), (0, [0; 3]));
}

#[test]
fn without_a_current_token_nothing_is_taken() {
    let node = node();
    let mut client = Client::of(&node);
    put(&mut client, &["a", "b"]);
    let old = client.take("q").unwrap().1;
    client.mq(&format!("nack?queue=q&token={old}"), "");
    let held = client.take("q").unwrap().1;
    client.mq("pub?queue=p&item=i", "");
    let list = r#"412 {"done":0,"unknown":["1:2:3","4:5:6"]}"#;
    client.mq_check(&[
        (&format!("{LEASE}&token={old}"), "412 token: not current"),
        (&format!("get?queue=q&worker=w&token={old}&sync=false"), "412 token: not current"),
        (&format!("{LEASE}&token=1:2:3,4:5:6"), list),
        (&format!("{LEASE}&count=9&token=1:2:3,4:5:6"), list),
        (&format!("get?queue=none&worker=w&token={held}"), "412 queue: unknown"),
        (&format!("get?queue=p&worker=w&token={held}"), "412 queue: a push queue"),
        // What is wrong is told before anything is done.
        (&format!("{LEASE}&token={held}&count=0"), "400 count: not in 1..1000"),
        (&format!("{LEASE}&token={held}&sync=maybe"), "400 sync: not true, false, 1 or 0"),
        (&format!("{LEASE}&token={held},"), "400 token: not of 3 to 64 bytes"),
        (&format!("{LEASE}&token={held},%FF%FF%FF"), "400 token: illegal"),
    ]);
    for method in ["HEAD", "PUT"] {
        let target = format!("/hustmq/{LEASE}&token={held}");
        let reply = client.0.ask(method, &target, &[], b"").unwrap();
        assert_eq!((reply.status, reply.header("allow")), (405, Some("GET, POST")), "{method}");
    }
    assert_eq!((client.figure("q", "unacked"), client.ready("q")), (1, [1, 0, 0]), "all as it was");
    assert_eq!(next(&mut client, &held, "").0, "b");
}

#[test]
fn parameters_have_their_ranges() {
    let node = node();
    let mut client = Client::of(&node);
    for (target, reason) in [
        ("get?queue=q&worker=w&token=", "token: not of 3 to 64 bytes"),
        ("get?queue=q&worker=w&token=1-2-3", "token: illegal"),
        ("get?queue=q&worker=w&token=1:2:3,", "token: not of 3 to 64 bytes"),
        ("get?queue=q&worker=w&token=1:2:3&sync=no", "sync: not true, false, 1 or 0"),
        ("get?queue=q&worker=w&sync=false", "sync: not without token"),
        ("get?queue=q&worker=w&sync=true", "sync: not without token"),
        ("get?queue=q&token=1:2:3", "worker: missing"),
        ("ack?queue=q&token=1:2:3&sync=", "sync: not true, false, 1 or 0"),
    ] {
        assert_eq!(told(&client.mq(target, "")), format!("400 {reason}"), "{target}");
    }
}

#[test]
fn a_list_tells_which_were_not_current() {
    let node = node();
    let mut client = Client::of(&node);
    let items: Vec<String> = (0..999).map(|at: u32| at.to_string()).collect();
    let body: String = items.iter().map(|item| frame("", item)).collect();
    assert_eq!(client.mq("put?queue=q&batch=true", &body).status, 200);
    let tokens: Vec<String> = (0..999).map(|_| client.take("q").unwrap().1).collect();
    put(&mut client, &["next"]);
    let few = format!("1:2:3,{},4:5:6,{}", tokens[0], tokens[0]);
    let reply = client.mq(&format!("{LEASE}&token={few}"), "");
    let unknown = format!("1:2:3,4:5:6,{}", tokens[0]);
    assert_eq!(
        (reply.status, &*reply.text(), reply.header("unknown-tokens")),
        (200, "next", Some(&*unknown))
    );
    assert_eq!(client.figure("q", "unacked"), 999);
    // As many as may be; one of them is done already.
    let many = format!("{},9:9:9", tokens.join(","));
    let reply = client.mq(&format!("{LEASE}&sync=false&token={many}"), "");
    let unknown = format!("{},9:9:9", tokens[0]);
    assert_eq!((reply.status, reply.header("unknown-tokens")), (404, Some(&*unknown)));
    assert_eq!(client.figure("q", "unacked"), 1, "only the one that came");
    let reply = client.mq(&format!("{LEASE}&token={many},1:1:1"), "");
    assert_eq!(told(&reply), "400 token: over 1000 of them");
}

#[test]
fn what_was_acknowledged_on_the_way_survives_kill_9() {
    let mut node = synced("always").start().unwrap();
    for (more, expected) in [("&token={}", 404), ("&token={}&sync=false", 404), ("", 200)] {
        let mut client = Client::of(&node);
        put(&mut client, &["a"]);
        let token = client.take("q").unwrap().1;
        // With nothing ready it is 404, and the acknowledgement holds all the same.
        let answered = match more {
            "" => client.mq(&format!("ack?queue=q&token={token}&sync=false"), ""),
            more => client.mq(&format!("{LEASE}{}", more.replace("{}", &token)), ""),
        };
        assert_eq!(answered.status, expected, "{more}");
        node.kill().unwrap();
        node.restart().unwrap();
        let mut client = Client::of(&node);
        assert_eq!((client.figure("q", "unacked"), client.ready("q")), (0, [0; 3]), "{more}");
        client.mq_check(&[(&format!("ack?queue=q&token={token}"), "412 token: not current")]);
        assert_eq!(client.take("q"), None);
    }
}

#[test]
fn what_is_taken_with_an_acknowledgement_survives_kill_9() {
    let mut node = synced("always").start().unwrap();
    for more in ["", "&sync=false"] {
        let mut client = Client::of(&node);
        put(&mut client, &["a", "b"]);
        let token = client.take("q").unwrap().1;
        let (item, leased) = next(&mut client, &token, more);
        assert_eq!(item, "b");
        node.kill().unwrap();
        node.restart().unwrap();
        let mut client = Client::of(&node);
        assert_eq!(client.figure("q", "unacked"), 1, "{more}");
        client.mq_check(&[
            (&format!("ack?queue=q&token={token}"), "412 token: not current"),
            (&format!("get?queue=q&worker=w&token={leased}"), "404 "),
        ]);
    }
}

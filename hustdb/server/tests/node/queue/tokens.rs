//! Tokens: what is current, what is not, and that a token never touches another message.

use super::told;
use crate::support::{Client, node};

fn verdicts(token: &str) -> [String; 3] {
    ["ack", "nack", "touch"].map(|verdict| format!("{verdict}?queue=q&token={token}"))
}

/// A token that is not current is refused by all three.
fn dead(client: &mut Client, token: &str) {
    for target in verdicts(token) {
        assert_eq!(told(&client.mq(&target, "")), "412 token: not current", "{target}");
    }
}

#[test]
fn each_delivery_has_its_own_token_and_only_the_last_is_current() {
    let node = node();
    let mut client = Client::of(&node);
    client.mq("put?queue=q&item=i", "");
    let mut tokens = Vec::new();
    for delivery in 0..5 {
        let (item, token, before) = client.take("q").unwrap();
        assert_eq!((&*item, before), ("i", delivery));
        assert!((3..=64).contains(&token.len()), "{token}");
        assert!(token.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b':' | b'.')), "{token}");
        tokens.iter().for_each(|old: &String| dead(&mut client, old));
        assert_eq!(told(&client.mq(&format!("nack?queue=q&token={token}"), "")), "200 ");
        assert!(!tokens.contains(&token));
        tokens.push(token);
    }
    // After the return, before the next delivery, it still is current.
    let last = tokens.pop().unwrap();
    client.mq_check(&[
        (&format!("touch?queue=q&token={last}"), "412 token: not current"),
        (&format!("nack?queue=q&token={last}"), "200 "),
        (&format!("ack?queue=q&token={last}"), "200 "),
        (&format!("ack?queue=q&token={last}"), "412 token: not current"),
        ("get?queue=q&worker=w", "404 "),
    ]);
    for token in ["123", "1:2:3", "0:0:0", "...", &"9".repeat(64)] {
        dead(&mut client, token);
    }
}

#[test]
fn tokens_come_in_the_query_or_the_body() {
    let node = node();
    let mut client = Client::of(&node);
    for method in ["GET", "POST", "PUT"] {
        client.mq("put?queue=q&item=i", "");
        let (_, token, _) = client.take("q").unwrap();
        assert_eq!(told(&client.ask(method, "/hustmq/touch?queue=q", &token)), "200 ", "{method}");
        let target = format!("/hustmq/ack?queue=q&token={token}");
        assert_eq!(told(&client.ask(method, &target, "1:2:3")), "412 token: not current", "the body counts");
        assert_eq!(told(&client.ask(method, &target, "")), "200 ", "{method}");
    }
}

#[test]
fn tokens_and_deadlines_survive_restarts_and_kill_9() {
    let mut node = node();
    let mut client = Client::of(&node);
    client.mq("settings?queue=q&second=300&create=true", "");
    for item in ["acked", "nacked", "touched", "open"] {
        client.mq(&format!("put?queue=q&item={item}"), "");
    }
    let taken: Vec<_> = (0..4).map(|_| client.take("q").unwrap()).collect();
    let token = |at: usize| taken[at].1.clone();
    for round in 0..2 {
        if round == 0 {
            node.kill().unwrap()
        } else {
            assert!(node.stop().unwrap().success())
        }
        node.restart().unwrap();
        let mut client = Client::of(&node);
        assert_eq!(client.figure("q", "unacked"), 4 - round, "round {round}");
        assert_eq!(told(&client.mq(&format!("touch?queue=q&token={}", token(2)), "")), "200 ");
        if round == 0 {
            assert_eq!(told(&client.mq(&format!("ack?queue=q&token={}", token(0)), "")), "200 ");
        } else {
            dead(&mut client, &token(0));
            assert_eq!(told(&client.mq(&format!("nack?queue=q&token={}", token(1)), "")), "200 ");
            let (item, fresh, before) = client.take("q").unwrap();
            assert_eq!((&*item, before), ("nacked", 1), "the count of deliveries survived");
            assert_ne!(fresh, token(1));
            dead(&mut client, &token(1));
        }
    }
}

#[test]
fn what_is_purged_or_deleted_takes_its_tokens_along() {
    let mut node = node();
    for end in ["purge?queue=q&priori=0", "delete?queue=q"] {
        let mut client = Client::of(&node);
        client.mq("put?queue=q&item=old", "");
        let (_, old, _) = client.take("q").unwrap();
        assert_eq!(told(&client.mq(end, "")), "200 ");
        assert_eq!(told(&client.mq("stat?queue=q", "")), "412 queue: unknown");
        for restarted in [false, true] {
            if restarted {
                node.kill().unwrap();
                node.restart().unwrap();
            }
            let mut client = Client::of(&node);
            client.mq_check(&[("put?queue=q&item=new", "200  [index: 1]")]);
            let (_, new, _) = client.take("q").unwrap();
            dead(&mut client, &old);
            assert_eq!(client.figure("q", "unacked"), 1);
            assert_eq!(told(&client.mq(&format!("ack?queue=q&token={new}"), "")), "200 ");
            client.mq("delete?queue=q", "");
        }
    }
}

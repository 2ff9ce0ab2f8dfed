//! The model of a normal queue: order, leases, what comes back and when.

use super::{moment, told};
use crate::support::{Client, node, now_ms};

/// How late a message may come back, and how much later a client may see it on a busy machine, ms.
const LATE_MS: u64 = 100 + 150;

fn drain(client: &mut Client, queue: &str) -> String {
    let target = format!("get?queue={queue}&worker=w");
    let replies = std::iter::from_fn(|| Some(client.mq(&target, "")).filter(|reply| reply.status == 200));
    replies.map(|reply| reply.text()).collect::<Vec<String>>().join(" ")
}

#[test]
fn priorities_then_indices_and_what_came_back_first() {
    let node = node();
    let mut client = Client::of(&node);
    client.mq_check(&[
        ("put?queue=q&item=a0", "200  [index: 1]"),
        ("put?queue=q&item=b0", "200  [index: 2]"),
        ("put?queue=q&item=a2&priori=2", "200  [index: 1]"),
        ("put?queue=q&item=a1&priori=1", "200  [index: 1]"),
        ("put?queue=q&item=b2&priori=2", "200  [index: 2]"),
        ("get?queue=q&worker=w&ack=false", "200 a2 [index: 1] [ack-token]"),
    ]);
    let (second, token, before) = client.take("q").unwrap();
    assert_eq!((&*second, before), ("b2", 0));
    let (third, other, _) = client.take("q").unwrap();
    assert_eq!(third, "a1");
    client.mq_check(&[
        (&format!("nack?queue=q&token={other}"), "200 "),
        (&format!("nack?queue=q&token={token}"), "200 "),
        ("get?queue=q&worker=w&ack=false", "200 a1 [index: 1] [ack-token] [redelivered: 1]"),
        ("get?queue=q&worker=w&ack=true", "200 b2 [index: 2] [redelivered: 1]"),
        ("get?queue=q&worker=w&ack=true", "200 a0 [index: 1]"),
        ("get?queue=q&worker=w&ack=1", "200 b0 [index: 2]"),
        ("get?queue=q&worker=w", "404 "),
    ]);
    assert_eq!((client.ready("q"), client.figure("q", "unacked")), ([0; 3], 2));
    client.mq_check(&[("put?queue=q&item=c0", "200  [index: 3]")]);
}

#[test]
fn what_is_delayed_takes_the_place_of_its_index() {
    let node = node();
    let mut client = Client::of(&node);
    client.mq("put?queue=q&item=late&delay=1", "");
    let put_ms = now_ms();
    client.mq("put?queue=q&item=one", "");
    client.mq("put?queue=q&item=two", "");
    assert_eq!(client.mq("get?queue=q&worker=w", "").text(), "one");
    assert_eq!(client.json("stat?queue=q&detail=true")["delayed"], serde_json::json!([1, 0, 0]));
    let due_ms = moment(|| client.ready("q") == [2, 0, 0]);
    assert!((990..1000 + LATE_MS).contains(&(due_ms - put_ms)), "{}", due_ms - put_ms);
    assert_eq!(drain(&mut client, "q"), "late two");
}

#[test]
fn deadlines_bring_all_messages_back_by_themselves() {
    let node = node();
    let mut client = Client::of(&node);
    client.mq("settings?queue=q&second=1&create=true", "");
    for number in 0..50 {
        client.mq(&format!("put?queue=q&item={number}&priori={}", number % 3), "");
    }
    let first_ms = now_ms();
    let before: Vec<String> = (0..50).map(|_| client.take("q").unwrap().0).collect();
    let last_ms = now_ms();
    assert!(client.take("q").is_none());
    // The node tells by its figures alone: nobody gets meanwhile.
    let begin_ms = moment(|| client.figure("q", "unacked") < 50);
    let end_ms = moment(|| client.figure("q", "unacked") == 0);
    assert!(begin_ms >= first_ms + 1000, "{} ms early", first_ms + 1000 - begin_ms);
    assert!(end_ms <= last_ms + 1000 + LATE_MS, "{} ms late", end_ms - last_ms - 1000);
    let after: Vec<(String, u64)> = (0..50)
        .map(|_| client.take("q").unwrap())
        .map(|(item, _, redelivered)| (item, redelivered))
        .collect();
    let expected: Vec<(String, u64)> = before.into_iter().map(|item| (item, 1)).collect();
    assert_eq!(after, expected, "in the order in which they came back");
}

#[test]
fn touch_starts_the_lease_again() {
    let node = node();
    let mut client = Client::of(&node);
    client.mq("settings?queue=q&second=1&create=true", "");
    client.mq("put?queue=q&item=i", "");
    let (_, token, _) = client.take("q").unwrap();
    let touch = format!("touch?queue=q&token={token}");
    let taken_ms = now_ms();
    let mut touched_ms = taken_ms;
    while touched_ms < taken_ms + 1600 {
        let reply = client.mq(&touch, "");
        assert_eq!(told(&reply), "200 ");
        touched_ms = now_ms();
        moment(|| now_ms() > touched_ms + 400);
        assert_eq!(client.figure("q", "unacked"), 1);
    }
    let back_ms = moment(|| client.ready("q")[0] == 1);
    assert!((980..1000 + LATE_MS).contains(&(back_ms - touched_ms)), "{}", back_ms - touched_ms);
    client.mq_check(&[
        (&touch, "412 token: not current"),
        (&format!("ack?queue=q&token={token}"), "200 "),
        ("get?queue=q&worker=w", "404 "),
    ]);
}

#[test]
fn a_change_of_the_timeout_moves_every_deadline() {
    let node = node();
    let mut client = Client::of(&node);
    client.mq("put?queue=q&item=a", "");
    client.mq("put?queue=q&item=b", "");
    client.take("q").unwrap();
    client.take("q").unwrap();
    let taken_ms = now_ms();
    client.mq_check(&[("timeout?queue=q&second=1", "200 ")]);
    let back_ms = moment(|| client.ready("q")[0] == 2);
    assert!(back_ms < taken_ms + 1000 + LATE_MS, "{} ms late", back_ms - taken_ms - 1000);
    client.take("q").unwrap();
    client.mq_check(&[("timeout?queue=q&minute=255", "200 ")]);
    assert_eq!(client.figure("q", "second"), 15_300);
    client.mq_check(&[("timeout?queue=q&second=1", "200 "), ("timeout?queue=q&second=300", "200 ")]);
    let later_ms = now_ms() + 1300;
    moment(|| now_ms() > later_ms);
    assert_eq!(client.figure("q", "unacked"), 1, "the deadline went back again");
}

#[test]
fn nack_with_a_delay_waits() {
    let node = node();
    let mut client = Client::of(&node);
    client.mq("put?queue=q&item=i", "");
    let (_, token, _) = client.take("q").unwrap();
    client.mq_check(&[(&format!("nack?queue=q&token={token}&delay=1"), "200 ")]);
    let nacked_ms = now_ms();
    client.mq_check(&[("get?queue=q&worker=w", "404 ")]);
    assert_eq!(client.json("stat?queue=q&detail=true")["delayed"][0], 1);
    let due_ms = moment(|| client.ready("q")[0] == 1);
    assert!((980..1000 + LATE_MS).contains(&(due_ms - nacked_ms)), "{}", due_ms - nacked_ms);
    client.mq_check(&[("get?queue=q&worker=w", "200 i [index: 1] [redelivered: 1]")]);
    assert_eq!(client.figure("q", "redelivered"), 1);
}

#[test]
fn workers_are_remembered() {
    let mut node = node();
    let mut client = Client::of(&node);
    client.mq_check(&[
        ("put?queue=q&item=i", "200  [index: 1]"),
        ("worker?queue=q", "200 []"),
        ("get?queue=q&worker=b%22%5C%0A%C3%A4", "200 i [index: 1]"),
        ("get?queue=q&worker=a", "404 "),
        ("get?queue=q&worker=a", "404 "),
        ("get?queue=none&worker=a", "412 queue: unknown"),
    ]);
    let workers = client.json("worker?queue=q");
    let names: Vec<&str> = workers.as_array().unwrap().iter().map(|one| one["w"].as_str().unwrap()).collect();
    assert_eq!(names, ["a", "b\"\\\nä"]);
    let seen_s = workers[0]["t"].as_u64().unwrap();
    assert!((now_ms() / 1000).abs_diff(seen_s) <= 1);
    for number in 0..1100 {
        client.mq(&format!("get?queue=q&worker=worker{number:04}"), "");
    }
    let workers = client.json("worker?queue=q");
    assert_eq!(workers.as_array().unwrap().len(), 1024);
    assert_eq!((&workers[0]["w"], &workers[1023]["w"]), (&"worker0076".into(), &"worker1099".into()));
    assert!(node.stop().unwrap().success());
    node.restart().unwrap();
    Client::of(&node).mq_check(&[("worker?queue=q", "200 []")]);
}

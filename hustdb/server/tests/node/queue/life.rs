//! Expiry, ids, purge, delete: how messages and queues end, and what is remembered of them.

use super::{moment, soon, told};
use crate::support::{Client, node, now_ms};

#[test]
fn what_has_expired_is_never_delivered_and_leaves_the_figures() {
    let node = node();
    let mut client = Client::of(&node);
    client.mq("settings?queue=q&create=true&ttl=1", "");
    let put_ms = now_ms();
    for (query, item) in
        [("", "short"), ("&ttl=0", "for ever"), ("&ttl=60", "long"), ("&ttl=1&priori=2", "2")]
    {
        assert_eq!(client.put(&format!("/hustmq/put?queue=q{query}"), item).status, 200);
    }
    let (item, token, _) = client.take("q").unwrap();
    assert_eq!(item, "2");
    let gone_ms = moment(|| client.ready("q") == [2, 0, 0]);
    assert!((1000..2000 + 250).contains(&(gone_ms - put_ms)), "{}", gone_ms - put_ms);
    // What expires in flight can still be acknowledged, but does not come back.
    assert_eq!(told(&client.mq(&format!("touch?queue=q&token={token}"), "")), "200 ");
    assert_eq!(told(&client.mq(&format!("ack?queue=q&token={token}"), "")), "200 ");
    client.mq_check(&[
        ("put?queue=q&item=x&priori=1", "200  [index: 1]"),
        ("get?queue=q&worker=w&ack=false", "200 x [index: 1] [ack-token]"),
    ]);
    let token = client.mq("put?queue=q&item=y&priori=1", "");
    assert_eq!(token.number("index"), Some(2));
    let (item, token, _) = client.take("q").unwrap();
    assert_eq!(item, "y");
    let later_ms = now_ms() + 1050;
    moment(|| now_ms() > later_ms);
    assert_eq!(told(&client.mq(&format!("nack?queue=q&token={token}"), "")), "200 ");
    client.mq_check(&[
        ("get?queue=q&worker=w", "200 for ever [index: 2]"),
        ("get?queue=q&worker=w", "200 long [index: 3]"),
        ("get?queue=q&worker=w", "404 "),
    ]);
    assert_eq!(client.figure("q", "expired"), 2);
}

#[test]
fn a_get_never_shows_what_expires_meanwhile() {
    let node = node();
    let mut client = Client::of(&node);
    client.mq("put?queue=q&item=keep&ttl=0&priori=0", "");
    client.mq("put?queue=q&item=short&ttl=1&priori=1", "");
    let put_ms = now_ms();
    let nack =
        |client: &mut Client, token: &str| client.mq(&format!("nack?queue=q&token={token}"), "").status;
    moment(|| {
        let asked_ms = now_ms();
        let (item, token, _) = client.take("q").unwrap();
        assert_eq!(nack(&mut client, &token), 200);
        assert!(item == "keep" || asked_ms <= put_ms + 1000, "{} ms late", asked_ms - put_ms - 1000);
        item == "keep"
    });
}

#[test]
fn a_ttl_starts_when_the_message_is_due() {
    let node = node();
    let mut client = Client::of(&node);
    let asked_ms = now_ms();
    client.mq("put?queue=q&item=i&delay=1&ttl=1", "");
    moment(|| client.ready("q")[0] == 1);
    let gone_ms = moment(|| client.ready("q")[0] == 0);
    // Not before; how soon after is a matter of the machine, and of the store's tests with a clock of their own.
    assert!(gone_ms - asked_ms >= 2000, "{}", gone_ms - asked_ms);
}

#[test]
fn an_id_is_put_once() {
    let mut node = node();
    let mut client = Client::of(&node);
    client.mq_check(&[
        ("put?queue=q&item=first&id=a%20b", "200  [index: 1]"),
        ("put?queue=q&item=second&id=a%20b&priori=2&delay=9", "200  [index: 1] [duplicate: true]"),
        ("put?queue=q&item=other&id=a", "200  [index: 2]"),
        ("get?queue=q&worker=w", "200 first [index: 1]"),
        ("put?queue=q&item=third&id=a%20b", "200  [index: 1] [duplicate: true]"),
        ("lock?queue=q&on=true", "200 "),
        ("put?queue=q&item=third&id=a%20b", "200  [index: 1] [duplicate: true]"),
        ("put?queue=q&item=new&id=new", "403 queue: locked"),
        ("lock?queue=q&on=false", "200 "),
        ("max?queue=q&num=1", "200 "),
        ("put?queue=q&item=third&id=a%20b", "200  [index: 1] [duplicate: true]"),
        ("put?queue=q&item=new&id=new", "403 queue: 1 messages are the limit"),
        ("max?queue=q&num=0", "200 "),
    ]);
    node.kill().unwrap();
    node.restart().unwrap();
    let mut client = Client::of(&node);
    client.mq_check(&[
        ("put?queue=q&item=third&id=a%20b", "200  [index: 1] [duplicate: true]"),
        ("settings?queue=q&dedup=1", r#"200 {"queue":"q","type":0,"second":300,"max":0,"lock":0,"max_deliveries":0,"dead_letter":"","ttl":0,"dedup":1}"#),
    ]);
    // The window of the queue as it is now counts, from the first put.
    let mut last = String::new();
    soon(|| {
        last = told(&client.mq("put?queue=q&item=again&id=a%20b", ""));
        last != "200  [index: 1] [duplicate: true]"
    });
    assert_eq!(last, "200  [index: 3]");
    client.mq("settings?queue=q&dedup=0", "");
    client.mq_check(&[
        ("put?queue=q&item=again&id=a%20b", "200  [index: 4]"),
        ("put?queue=q&item=again&id=a%20b", "200  [index: 5]"),
        ("delete?queue=q", "200 "),
        ("put?queue=q&item=again&id=a%20b", "200  [index: 1]"),
    ]);
}

#[test]
fn purge_empties_a_priority_and_indices_go_on() {
    let node = node();
    let mut client = Client::of(&node);
    for priority in [0, 0, 0, 1] {
        client.mq(&format!("put?queue=q&item=i&priori={priority}"), "");
    }
    client.mq("put?queue=q&item=later&delay=100", "");
    client.mq("settings?queue=q&second=77", "");
    let (_, first, _) = client.take("q").unwrap();
    let (_, second, _) = client.take("q").unwrap();
    client.mq_check(&[
        ("purge?queue=q&priori=0", "200 "),
        (&format!("ack?queue=q&token={second}"), "412 token: not current"),
        (&format!("ack?queue=q&token={first}"), "200 "),
    ]);
    let stat = client.json("stat?queue=q&detail=true");
    assert_eq!(
        (&stat["ready"], &stat["delayed"]),
        (&serde_json::json!([0, 0, 0]), &serde_json::json!([0, 0, 0]))
    );
    assert_eq!((&stat["unacked"], &stat["bytes"], &stat["second"]), (&0.into(), &0.into(), &77.into()));
    client.mq_check(&[
        ("put?queue=q&item=i", "200  [index: 5]"),
        ("put?queue=q&item=i&priori=2", "200  [index: 1]"),
        ("purge?queue=q&priori=0", "200 "),
        ("get?queue=q&worker=w&ack=false", "200 i [index: 1] [ack-token]"),
        ("purge?queue=q&priori=1", "200 "),
    ]);
    assert_eq!(client.figure("q", "unacked"), 1, "in flight elsewhere: the queue stays");
    client.mq_check(&[
        ("purge?queue=q&priori=2", "200 "),
        ("stat?queue=q", "412 queue: unknown"),
        ("purge?queue=q&priori=2", "412 queue: unknown"),
        ("put?queue=q&item=i", "200  [index: 1]"),
    ]);
    assert_eq!(client.figure("q", "second"), 300, "settings went with it");
}

#[test]
fn lock_and_max_refuse_puts_and_nothing_else() {
    let node = node();
    let mut client = Client::of(&node);
    client.mq("put?queue=q&item=a", "");
    client.mq("put?queue=q&item=d&delay=60", "");
    let (_, token, _) = client.take("q").unwrap();
    client.mq_check(&[
        ("max?queue=q&num=2", "200 "),
        ("put?queue=q&item=b", "200  [index: 3]"),
        ("put?queue=q&item=c", "200  [index: 4]"),
        ("put?queue=q&item=e", "403 queue: 2 messages are the limit"),
        ("put?queue=q&item=e&delay=60", "403 queue: 2 messages are the limit"),
        (&format!("nack?queue=q&token={token}"), "200 "),
    ]);
    assert_eq!(client.ready("q"), [3, 0, 0], "what comes back is never refused");
    client.mq_check(&[
        ("lock?queue=q&on=1", "200 "),
        ("put?queue=q&item=e", "403 queue: locked"),
        ("get?queue=q&worker=w", "200 a [index: 1] [redelivered: 1]"),
        ("get?queue=q&worker=w", "200 b [index: 3]"),
        ("get?queue=q&worker=w", "200 c [index: 4]"),
        ("put?queue=q&item=e", "403 queue: locked"),
        ("lock?queue=q&on=0", "200 "),
        ("put?queue=q&item=e", "200  [index: 5]"),
    ]);
}

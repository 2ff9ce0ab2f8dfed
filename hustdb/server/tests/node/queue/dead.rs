//! Dead letters.

use super::{soon, told};
use crate::support::{Client, node};

fn deliver_and_return(client: &mut Client, queue: &str) {
    let (_, token, _) = client.take(queue).unwrap();
    assert_eq!(client.mq(&format!("nack?queue={queue}&token={token}"), "").status, 200);
}

#[test]
fn what_came_back_too_often_moves_on() {
    let mut node = node();
    let mut client = Client::of(&node);
    client.mq("settings?queue=q&create=true&max_deliveries=2&dead_letter=morgue", "");
    client.mq("put?queue=q&item=poison&priori=2&ttl=1000", "");
    deliver_and_return(&mut client, "q");
    assert_eq!(told(&client.mq("stat?queue=morgue", "")), "412 queue: unknown");
    let (_, token, before) = client.take("q").unwrap();
    assert_eq!(before, 1);
    client.mq_check(&[
        (&format!("nack?queue=q&token={token}&delay=60"), "200 "),
        (&format!("ack?queue=q&token={token}"), "412 token: not current"),
        ("get?queue=q&worker=w", "404 "),
    ]);
    assert_eq!((client.figure("q", "dead"), client.ready("morgue")), (1, [0, 0, 1]));
    node.kill().unwrap();
    node.restart().unwrap();
    let mut client = Client::of(&node);
    client.mq_check(&[
        ("get?queue=morgue&worker=w&ack=false", "200 poison [index: 1] [ack-token] [dead-from: q]"),
        ("delete?queue=q", "200 "),
    ]);
    let stat = client.json("stat?queue=morgue&detail=true");
    assert_eq!(
        (&stat["unacked"], &stat["bytes"], &stat["max_deliveries"]),
        (&1.into(), &6.into(), &0.into())
    );
}

#[test]
fn deadlines_make_dead_letters_too_and_frames_tell_their_origin() {
    let node = node();
    let mut client = Client::of(&node);
    client.mq("settings?queue=q&create=true&second=1&max_deliveries=1&dead_letter=morgue", "");
    client.mq("settings?queue=morgue&create=true&max=1&lock=true", "");
    for number in 0..20 {
        client.mq(&format!("put?queue=q&item={number:02}"), "");
    }
    assert_eq!(client.mq("get?queue=q&worker=w&ack=false&count=20", "").header("count"), Some("20"));
    // Lock and max of the target do not apply.
    soon(|| client.ready("morgue")[0] == 20);
    assert_eq!((client.figure("q", "unacked"), client.figure("q", "dead")), (0, 20));
    let text = client.mq("get?queue=morgue&worker=w&count=20", "").text();
    assert_eq!(text.matches("&dead_from=q&len=2\n").count(), 20);
}

#[test]
fn without_a_target_it_is_dropped_and_with_one_that_cannot_take_it_it_stays() {
    let node = crate::support::builder().set("store.queue_maximum=2").start().unwrap();
    let mut client = Client::of(&node);
    client.mq("settings?queue=q&create=true&max_deliveries=1", "");
    client.mq("put?queue=q&item=dropped", "");
    deliver_and_return(&mut client, "q");
    client.mq_check(&[("get?queue=q&worker=w", "404 ")]);
    assert_eq!((client.figure("q", "dead"), client.figure("q", "bytes")), (1, 0));
    client.mq_check(&[
        ("pub?queue=push&item=p", "200  [index: 1] [expire]"),
        ("put?queue=third&item=i", "412 queue: 2 queues are the limit"),
    ]);
    for target in ["push", "third"] {
        client.mq(&format!("settings?queue=q&dead_letter={target}"), "");
        client.mq(&format!("put?queue=q&item={target}"), "");
        deliver_and_return(&mut client, "q");
        assert_eq!(client.ready("q")[0], 1, "{target}");
        let (item, token, before) = client.take("q").unwrap();
        assert_eq!((&*item, before), (target, 1));
        client.mq("delete?queue=push", "");
        client.mq(&format!("nack?queue=q&token={token}"), "");
        assert_eq!(client.ready(target)[0], 1, "tried again at its next return");
        client.mq(&format!("delete?queue={target}"), "");
        client.mq("pub?queue=push&item=p", "");
    }
}

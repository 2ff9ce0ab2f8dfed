//! Batches: frames in, frames out, lists of tokens.

use hust_wire::message::{Frame, Frames};

use super::{frame, told};
use crate::support::{Client, node};

fn frames(body: &[u8]) -> Vec<Frame<'_>> {
    Frames::of(body).collect::<Result<_, _>>().unwrap()
}

fn field(frame: &Frame<'_>, name: &'static str) -> Option<String> {
    frame.fields.bytes(name).unwrap().map(|value| String::from_utf8(value.into_owned()).unwrap())
}

#[test]
fn a_batch_is_put_whole_and_in_order() {
    let node = node();
    let mut client = Client::of(&node);
    let body = [
        frame("", "a"),
        frame("priori=2", "urgent"),
        frame("id=x", "first x"),
        frame("id=x&priori=2", "second x"),
        frame("ttl=0&delay=100", "later"),
        frame("", ""),
    ]
    .concat();
    let reply = client.mq("put?queue=q&batch=true&priori=1", &body);
    assert_eq!(told(&reply), r#"200 {"stored":5,"duplicates":1,"index":[1,1,2,2,3,4]}"#);
    assert_eq!(reply.header("content-type"), Some("application/json"));
    assert_eq!(client.ready("q"), [0, 3, 1]);
    let reply = client.mq("get?queue=q&worker=w&count=1000", "");
    assert_eq!(reply.header("content-type"), Some("application/x-hustmq-frames"));
    assert_eq!(reply.header("count"), Some("4"));
    let expected = [
        frame("index=1&priori=2", "urgent"),
        frame("index=1&priori=1", "a"),
        frame("index=2&priori=1", "first x"),
        frame("index=4&priori=1", ""),
    ];
    assert_eq!(reply.text(), expected.concat(), "ack=true: no token");
    client.mq_check(&[("get?queue=q&worker=w&count=5", "404 ")]);
}

#[test]
fn one_refused_frame_refuses_all() {
    let node = node();
    let mut client = Client::of(&node);
    let good = frame("", "x");
    for (bad, reason) in [
        (frame("priori=3", "x"), "frame 3: priori: not in 0..2"),
        (frame("ttl=-1", "x"), "frame 3: ttl: negative"),
        (frame("id=%0", "x"), "frame 3: id: bad escape"),
        ("len=3\nx\n".into(), "frame 3: item cut off"),
        ("len=0\nx\n".into(), "frame 3: no line feed after the item"),
        ("x\n".into(), "frame 3: len: not the last pair"),
        ("len=1\nx".into(), "frame 3: no line feed after the item"),
        (good.repeat(999), "batch: over 1000 frames"),
    ] {
        let body = [&*good, &*good, &*bad].concat();
        assert_eq!(told(&client.mq("put?queue=q&batch=true", &body)), format!("400 {reason}"));
        assert_eq!(
            told(&client.mq("stat?queue=q", "")),
            "412 queue: unknown",
            "a refused put creates nothing"
        );
    }
    assert_eq!(client.mq("put?queue=q&batch=true", good.repeat(1000)).status, 200);
    client.mq_check(&[("max?queue=q&num=1001", "200 ")]);
    let reply = client.mq("put?queue=q&batch=true", good.repeat(2));
    assert_eq!(told(&reply), "403 queue: 1001 messages are the limit");
    assert_eq!(client.mq("put?queue=q&batch=true", &good).status, 200);
}

#[test]
fn a_leased_batch_has_a_token_a_message() {
    let node = node();
    let mut client = Client::of(&node);
    client.mq("put?queue=q&batch=true", (0..5).map(|n| frame("", &format!("m{n}"))).collect::<String>());
    let reply = client.mq("get?queue=q&worker=w&ack=false&count=4", "");
    let taken = frames(&reply.body);
    assert_eq!((taken.len(), client.figure("q", "unacked")), (4, 4));
    let tokens: Vec<String> = taken.iter().map(|frame| field(frame, "token").unwrap()).collect();
    let list = |picked: &[usize]| picked.iter().map(|at| &*tokens[*at]).collect::<Vec<_>>().join(",");
    let touch = client.mq(&format!("touch?queue=q&token={}", list(&[0, 1])), "");
    assert_eq!(told(&touch), r#"200 {"done":2,"unknown":[]}"#);
    let acked = client.mq("ack?queue=q", format!("{},7:7:7,{}", list(&[0, 2]), tokens[0]));
    assert_eq!(told(&acked), format!(r#"200 {{"done":2,"unknown":["7:7:7","{}"]}}"#, tokens[0]));
    let none = client.mq("ack?queue=q", list(&[0, 2]));
    assert_eq!(told(&none), format!(r#"412 {{"done":0,"unknown":["{}","{}"]}}"#, tokens[0], tokens[2]));
    assert_eq!(none.header("content-type"), Some("application/json"));
    let nacked = client.mq(&format!("nack?queue=q&token={}", list(&[3, 1])), "");
    assert_eq!(told(&nacked), r#"200 {"done":2,"unknown":[]}"#);
    let reply = client.mq("get?queue=q&worker=w&ack=false&count=9", "");
    let again = frames(&reply.body);
    let shown: Vec<_> = again.iter().map(|frame| (frame.item, field(frame, "redelivered"))).collect();
    let one = || Some("1".to_owned());
    assert_eq!(shown, [(&b"m3"[..], one()), (&b"m1"[..], one()), (&b"m4"[..], None)]);
    for (text, reason) in
        [("1:2:3,", "token: not of 3 to 64 bytes"), (&["1:2:3"; 1001].join(","), "token: over 1000 of them")]
    {
        assert_eq!(told(&client.mq("ack?queue=q", text)), format!("400 {reason}"));
    }
}

#[test]
fn an_answer_stays_below_8_mib_but_for_one_large_item() {
    let node = node();
    let mut client = Client::of(&node);
    for bytes in [9 << 20, 3 << 20, 3 << 20, (2 << 20) - 500, 1000] {
        client.put("/hustmq/put?queue=q", vec![b'x'; bytes]);
        client.put("/hustmq/pub?queue=p", vec![b'x'; bytes]);
    }
    let counts = |client: &mut Client, target: &str| {
        let reply = client.mq(target, "");
        let count = if reply.status == 200 { frames(&reply.body).len() } else { 0 };
        assert!(count <= 1 || reply.body.len() <= 8 << 20, "{count}: {} bytes", reply.body.len());
        count
    };
    let sizes: Vec<usize> = (0..4).map(|_| counts(&mut client, "get?queue=q&worker=w&count=9")).collect();
    assert_eq!(sizes, [1, 2, 2, 0]);
    let sizes = [1, 2, 4, 6].map(|idx| counts(&mut client, &format!("sub?queue=p&idx={idx}&count=9")));
    assert_eq!(sizes, [1, 2, 2, 0]);
}

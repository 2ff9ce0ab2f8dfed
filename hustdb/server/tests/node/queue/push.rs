//! Push queues: pub, sub, runs, merge, purge.

use hust_wire::message::Frames;

use super::{frame, moment, soon, told};
use crate::support::{Client, Random, node, now_ms};

#[test]
fn readers_walk_the_window() {
    let mut node = node();
    let mut client = Client::of(&node);
    client.mq_check(&[
        ("pub?queue=p&item=a", "200  [index: 1] [expire]"),
        ("pub?queue=p&item=b&ttl=1", "200  [index: 2] [expire]"),
        ("pub?queue=p&item=c", "200  [index: 3] [expire]"),
        ("sub?queue=p&idx=0", "401 idx: outside the window [index: 0-3]"),
        ("sub?queue=p&idx=1", "200 a [index: 0-3]"),
        ("sub?queue=p&idx=1", "200 a [index: 0-3]"),
        ("sub?queue=p&idx=2", "200 b [index: 0-3]"),
        ("sub?queue=p&idx=3", "200 c [index: 0-3]"),
        ("sub?queue=p&idx=4", "401 idx: outside the window [index: 0-3]"),
        ("sub?queue=p&idx=9223372036854775807", "401 idx: outside the window [index: 0-3]"),
    ]);
    assert_eq!(told(&client.ask("HEAD", "/hustmq/sub?queue=p&idx=1", "")), "200  [index: 0-3]");
    assert_eq!(told(&client.ask("POST", "/hustmq/sub?queue=p&idx=1", "")), "200 a [index: 0-3]");
    // An expired message behind a live one is a hole.
    soon(|| client.ready("p")[0] == 2);
    client.mq_check(&[
        ("sub?queue=p&idx=2", "404  [index: 0-3]"),
        ("runs?queue=p", r#"200 {"floor":0,"si":0,"ci":3,"runs":[[1,1],[3,3]]}"#),
    ]);
    let batch = client.mq("sub?queue=p&idx=1&count=9", "");
    assert_eq!(batch.header("content-type"), Some("application/x-hustmq-frames"));
    assert_eq!((batch.header("index"), batch.header("next")), (Some("0-3"), Some("4")));
    let items: Vec<_> = Frames::of(&batch.body).map(|frame| frame.unwrap().item.to_vec()).collect();
    assert_eq!(items, [b"a", b"c"]);
    let one = client.mq("sub?queue=p&idx=2&count=1", "");
    assert_eq!((one.status, one.header("next")), (200, Some("4")), "{}", one.text());
    assert_eq!(told(&client.mq("sub?queue=p&idx=4&count=1", "")), "401 idx: outside the window [index: 0-3]");
    node.kill().unwrap();
    node.restart().unwrap();
    let mut client = Client::of(&node);
    client.mq_check(&[
        ("runs?queue=p", r#"200 {"floor":0,"si":0,"ci":3,"runs":[[1,1],[3,3]]}"#),
        ("sub?queue=p&idx=3", "200 c [index: 0-3]"),
        ("pub?queue=p&item=d", "200  [index: 4] [expire]"),
    ]);
}

#[test]
fn what_an_index_asked_for_drops() {
    let node = node();
    let mut client = Client::of(&node);
    client.mq_check(&[
        ("pub?queue=p&item=a&idx=0", "400 idx: not over 0"),
        ("stat?queue=p", "412 queue: unknown"),
        ("pub?queue=p&item=a&idx=5", "200  [index: 5] [expire]"),
        ("runs?queue=p", r#"200 {"floor":4,"si":4,"ci":5,"runs":[[5,5]]}"#),
        ("pub?queue=p&item=b", "200  [index: 6] [expire]"),
        ("pub?queue=p&item=c", "200  [index: 7] [expire]"),
        ("pub?queue=p&item=x&idx=4", "400 idx: not over 4"),
        ("pub?queue=p&item=d&idx=6", "200  [index: 8] [expire]"),
        ("runs?queue=p", r#"200 {"floor":5,"si":5,"ci":8,"runs":[[6,8]]}"#),
        ("pub?queue=p&item=e&base=20", "200  [index: 21] [expire]"),
        ("pub?queue=p&item=f&base=3", "200  [index: 22] [expire]"),
        ("runs?queue=p", r#"200 {"floor":5,"si":5,"ci":22,"runs":[[6,8],[21,22]]}"#),
        ("sub?queue=p&idx=10", "404  [index: 5-22]"),
        ("pub?queue=p&item=g&idx=40&base=99", "200  [index: 40] [expire]"),
        ("runs?queue=p", r#"200 {"floor":39,"si":39,"ci":40,"runs":[[40,40]]}"#),
        ("purge?queue=p&upto=39", "200 "),
        ("pub?queue=p&item=h", "200  [index: 41] [expire]"),
        ("purge?queue=p&upto=40", "200 "),
        ("runs?queue=p", r#"200 {"floor":40,"si":40,"ci":41,"runs":[[41,41]]}"#),
        ("purge?queue=p", "200 "),
        ("runs?queue=p", r#"200 {"floor":41,"si":41,"ci":41,"runs":[]}"#),
        ("sub?queue=p&idx=41", "401 idx: outside the window [index: 41-41]"),
        ("purge?queue=p&priori=0", "200 "),
        ("pub?queue=p&item=i", "200  [index: 42] [expire]"),
        ("delete?queue=p", "200 "),
        ("sub?queue=p&idx=42", "412 queue: unknown"),
        ("pub?queue=p&item=a", "200  [index: 1] [expire]"),
    ]);
}

#[test]
fn expired_messages_leave_by_themselves() {
    let node = node();
    let mut client = Client::of(&node);
    let put_ms = now_ms();
    let life = |client: &mut Client, query: &str| {
        let expire_ms = client.mq(&format!("pub?queue=p&item=i{query}"), "").number("expire").unwrap();
        (expire_ms - put_ms) / 1000
    };
    assert_eq!(life(&mut client, ""), 900);
    assert_eq!(life(&mut client, "&ttl=7200"), 7200);
    client.mq("settings?queue=p&ttl=1", "");
    client.mq("purge?queue=p", "");
    for _ in 0..3 {
        assert_eq!(life(&mut client, ""), 1);
    }
    let last_ms = now_ms() + 1000;
    let mut shown_ms = 0;
    let gone_ms = moment(|| {
        let asked_ms = now_ms();
        if client.mq("sub?queue=p&idx=5", "").status == 200 {
            shown_ms = asked_ms;
        }
        client.ready("p") == [0; 3]
    });
    assert!(shown_ms <= last_ms, "a reader never gets an expired item");
    assert!(gone_ms <= last_ms + 1000 + 150, "{} ms late", gone_ms - last_ms - 1000);
    client.mq_check(&[
        ("runs?queue=p", r#"200 {"floor":2,"si":5,"ci":5,"runs":[]}"#),
        ("sub?queue=p&idx=5", "401 idx: outside the window [index: 5-5]"),
        ("pub?queue=p&item=i", "200  [index: 6] [expire]"),
    ]);
    assert_eq!(client.figure("p", "expired"), 3);
}

fn merge(client: &mut Client, target: &str, body: &str) -> String {
    told(&client.ask("POST", &format!("/hustmq/merge?{target}"), body))
}

fn merged(received: u32, applied: u32, conflicts: u32) -> String {
    let ignored = received - applied;
    format!(
        r#"200 {{"received":{received},"applied":{applied},"ignored":{ignored},"conflicts":{conflicts}}}"#
    )
}

#[test]
fn merge_keeps_indices_and_is_idempotent() {
    let mut node = node();
    let mut client = Client::of(&node);
    let later = now_ms() + 600_000;
    let body = [
        frame(&format!("index=3&expire={later}"), "c"),
        frame(&format!("index=7&expire={later}"), "g"),
        frame("index=5&expire=1", "expired"),
        frame("index=7", "twice"),
    ]
    .concat();
    assert_eq!(merge(&mut client, "queue=p", &body), merged(4, 2, 1));
    assert_eq!(merge(&mut client, "queue=p", &body), merged(4, 0, 1));
    assert_eq!(merge(&mut client, "queue=p&floor=2", &frame("index=2", "below")), merged(1, 0, 0));
    assert_eq!(merge(&mut client, "queue=p", ""), merged(0, 0, 0));
    client.mq_check(&[
        ("runs?queue=p", r#"200 {"floor":2,"si":2,"ci":7,"runs":[[3,3],[7,7]]}"#),
        ("sub?queue=p&idx=7", "200 g [index: 2-7]"),
        ("pub?queue=p&item=h", "200  [index: 8] [expire]"),
        ("max?queue=p&num=1", "200 "),
        ("lock?queue=p&on=true", "200 "),
    ]);
    assert_eq!(
        merge(&mut client, "queue=p", &frame("index=9", "i")),
        merged(1, 1, 0),
        "lock and max do not apply"
    );
    assert_eq!(merge(&mut client, "queue=p&floor=8", ""), merged(0, 0, 0));
    assert_eq!(merge(&mut client, "queue=q", &frame("index=5&expire=1", "")), merged(1, 0, 0));
    client.mq_check(&[
        ("runs?queue=q", r#"200 {"floor":0,"si":5,"ci":5,"runs":[]}"#),
        ("pub?queue=q&item=f", "200  [index: 6] [expire]"),
    ]);
    client.mq_check(&[("runs?queue=p", r#"200 {"floor":8,"si":8,"ci":9,"runs":[[9,9]]}"#)]);
    assert_eq!(crate::cache::metric(&mut client, "hustdb_queues_conflicts_total"), 2);
    for (body, reason) in [
        (frame("", "x"), "frame 2: index: missing"),
        (frame("index=0", "x"), "frame 2: index: not in 1..9223372036854775807"),
        (frame("index=9&expire=x", "x"), "frame 2: expire: not a number"),
        ("index=9&len=5\nx\n".into(), "frame 2: item cut off"),
        (frame("index=9", "x").repeat(1000), "body: over 1000 frames"),
    ] {
        let body = [frame("index=10", "ten"), body].concat();
        assert_eq!(merge(&mut client, "queue=new", &body), format!("400 {reason}"));
    }
    client.mq_check(&[("stat?queue=new", "412 queue: unknown")]);
    assert_eq!(merge(&mut client, "queue=new", ""), merged(0, 0, 0));
    let kept = [
        ("runs?queue=new", r#"200 {"floor":0,"si":0,"ci":0,"runs":[]}"#),
        ("runs?queue=p", r#"200 {"floor":8,"si":8,"ci":9,"runs":[[9,9]]}"#),
        ("sub?queue=p&idx=9", "200 i [index: 8-9]"),
    ];
    client.mq_check(&kept);
    node.kill().unwrap();
    node.restart().unwrap();
    Client::of(&node).mq_check(&kept);
}

#[test]
fn any_order_of_merges_gives_the_same() {
    const SEED: u64 = 0x5eed_0031;
    println!("seed {SEED:#x}");
    let node = node();
    let mut client = Client::of(&node);
    let mut random = Random(SEED);
    let parts: Vec<(u64, String)> = (0..12)
        .map(|_| {
            let floor = if random.below(3) == 0 { random.below(20) } else { 0 };
            let frames = (0..random.below(6)).map(|_| random.below(60) + 1);
            (floor, frames.map(|index| frame(&format!("index={index}"), &format!("m{index}"))).collect())
        })
        .collect();
    let mut seen: Vec<(String, String)> = Vec::new();
    for round in 0..8 {
        let mut order: Vec<usize> = (0..parts.len()).chain(0..parts.len()).collect();
        for at in (1..order.len()).rev() {
            order.swap(at, random.below(at as u64 + 1) as usize);
        }
        for at in order {
            let (floor, body) = &parts[at];
            assert!(merge(&mut client, &format!("queue=p{round}&floor={floor}"), body).starts_with("200"));
        }
        let runs = client.mq(&format!("runs?queue=p{round}"), "").text();
        let si = client.figure(&format!("p{round}"), "si") + 1;
        seen.push((runs, client.mq(&format!("sub?queue=p{round}&idx={si}&count=1000"), "").text()));
    }
    assert!(seen.iter().all(|one| *one == seen[0]), "{seen:?}");
}

#[test]
fn one_node_catches_up_with_another_by_sub_and_merge() {
    let (from, to) = (node(), node());
    let (mut from, mut to) = (Client::of(&from), Client::of(&to));
    for number in 0..2500 {
        from.mq(&format!("pub?queue=p&item=item{number}"), "");
    }
    from.mq("purge?queue=p&upto=100", "");
    let (mut idx, mut rounds) = (101, 0);
    loop {
        let page = from.mq(&format!("sub?queue=p&idx={idx}&count=1000"), "");
        if page.status == 401 {
            break;
        }
        let reply = to.ask("POST", "/hustmq/merge?queue=p&floor=100", &page.body);
        assert_eq!(reply.status, 200, "{}", reply.text());
        idx = page.number("next").unwrap();
        rounds += 1;
    }
    assert_eq!((idx, rounds), (2501, 3));
    let runs = from.mq("runs?queue=p", "").text();
    assert_eq!(to.mq("runs?queue=p", "").text(), runs);
    assert!(runs.contains(r#""runs":[[101,2500]]"#), "{runs}");
    let page = |client: &mut Client| client.mq("sub?queue=p&idx=1500&count=1000", "").body;
    assert!(page(&mut from) == page(&mut to), "items and expiries alike");
}

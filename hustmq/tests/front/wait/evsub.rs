//! `/evsub`: what is inside the window, what waits, what is 403.

use std::time::Duration;

use hust_testkit::{Fault, Reply};

use crate::{
    cluster::{Cluster, brief, now},
    stub::Stubs,
};

fn told(reply: &Reply) -> (u16, Option<&str>) {
    (reply.status, reply.header("index"))
}

#[test]
fn what_is_published_is_answered_at_once() {
    let cluster = Cluster::with(2, &[]);
    let mut client = cluster.client();
    for item in ["a", "b", "c"] {
        client.ok(&format!("/pub?queue=p&item={item}"));
    }
    client.ok("/purge?queue=p&upto=1");
    for query in ["queue=p&idx=2", "idx=3&x=%20y&queue=p&inline=0&count=9"] {
        let reply = client.get(&format!("/evsub?{query}"));
        assert_eq!(reply.status, 307);
        assert_eq!(reply.header("location"), Some(format!("/sub?{query}").as_str()));
        client.ok(reply.header("location").unwrap());
    }
    let reply = client.ok("/evsub?queue=p&idx=2&inline=true");
    assert_eq!((brief(&reply).as_str(), told(&reply)), ("200 b", (200, Some("1-3"))));
    let reply = client.ok("/evsub?queue=p&idx=2&count=9&inline=true");
    assert_eq!(
        (reply.header("next"), reply.header("content-type")),
        (Some("4"), Some("application/x-hustmq-frames"))
    );
}

#[test]
fn only_the_next_index_may_be_waited_for() {
    let cluster = Cluster::with(2, &[]);
    let mut client = cluster.client();
    for item in ["a", "b", "c"] {
        client.ok(&format!("/pub?queue=p&item={item}"));
    }
    client.ok("/purge?queue=p&upto=1");
    for idx in ["0", "1", "5", "9223372036854775807"] {
        let reply = client.get(&format!("/evsub?queue=p&idx={idx}"));
        assert_eq!(told(&reply), (403, Some("1-3")), "{idx}");
        assert_eq!(reply.text(), "idx: outside the window\n");
    }
    for idx in ["0", "2"] {
        assert_eq!(told(&client.get(&format!("/evsub?queue=new&idx={idx}"))), (403, Some("0-0")));
    }
    client.ok("/put?queue=n&item=a");
    client.ok("/autost");
    client.check(&[
        ("/evsub?queue=p", "400 idx: missing"),
        ("/evsub?idx=1", "400 queue: missing"),
        ("/evsub?queue=p&idx=x", "400 idx: not a number"),
        ("/evsub?queue=p&idx=1&count=1001", "400 count: not in 1..1000"),
        ("/evsub?queue=p&idx=1&inline=2", "400 inline: not true, false, 1 or 0"),
        ("/evsub?queue=n&idx=1", "412 queue: a normal queue"),
    ]);
    assert_eq!(client.ask("POST", "/evsub?queue=p&idx=4", "").status, 405);
}

#[test]
fn a_publication_wakes_all_who_wait_for_it() {
    let cluster = Cluster::with(2, &["autost_interval_ms=0"]);
    let (mut client, mut node) = (cluster.client(), cluster.node(1));
    let mut plain = cluster.park("/evsub?queue=p&idx=1");
    let mut inline = cluster.park("/evsub?queue=p&idx=1&inline=true");
    let gone = cluster.park("/evsub?queue=p&idx=1");
    drop(gone);
    cluster.wait_for(2);
    client.ok("/pub?queue=p&item=a");
    assert_eq!(plain.reply().header("location"), Some("/sub?queue=p&idx=1"));
    assert_eq!((brief(&inline.reply()).as_str(), cluster.waiting()), ("200 a", 0));
    let mut plain = cluster.park("/evsub?queue=p&idx=2");
    let mut inline = cluster.park("/evsub?queue=p&idx=2&inline=true");
    node.ok("/hustmq/pub?queue=p&item=b");
    assert_eq!(plain.reply().status, 307);
    assert_eq!(brief(&inline.reply()), "200 b", "published past the front");
}

#[test]
fn nothing_in_time_is_404() {
    let cluster = Cluster::with(1, &["subscribe_timeout_ms=400", "long_polling_timeout_ms=60000"]);
    for inline in [false, true] {
        let began = now();
        let reply = cluster.client().get(&format!("/evsub?queue=new&idx=1&inline={inline}"));
        assert_eq!((reply.status, reply.body.len()), (404, 0));
        assert!(began.elapsed() >= Duration::from_millis(400));
    }
    assert_eq!(cluster.waiting(), 0);
}

#[test]
fn a_node_that_shows_what_it_does_not_give_is_not_asked_without_pause() {
    let stubs = Stubs::with(1, &["subscribe_timeout_ms=1000"]);
    stubs.say("/hustmq/stat", &[r#"200|{"queue":"p","type":1,"ci":5}"#]);
    stubs.say("/hustmq/sub", &["503 retry-after=1|engine: busy\n"]);
    let reply = stubs.client().get("/evsub?queue=p&idx=3&inline=true");
    assert_eq!(reply.status, 503, "{}", reply.text());
    let asked = stubs.asked()[0];
    assert!((4..100).contains(&asked), "{asked} times in a second");
}

#[test]
fn who_waits_for_a_queue_that_is_deleted_is_told_where_it_stands() {
    let cluster = Cluster::with(2, &["autost_interval_ms=0"]);
    let mut client = cluster.client();
    for _ in 0..3 {
        client.ok("/pub?queue=p&item=a");
    }
    let mut readers = ["", "&inline=true"].map(|kind| cluster.park(&format!("/evsub?queue=p&idx=4{kind}")));
    let mut first = cluster.park("/evsub?queue=new&idx=1&inline=true");
    client.ok("/purge?queue=p&priori=0");
    assert_eq!(cluster.waiting(), 3, "an empty window goes on behind its end");
    client.ok("/delete?queue=p");
    for reader in &mut readers {
        let reply = reader.reply();
        assert_eq!((told(&reply), reply.text().as_str()), ((403, Some("0-0")), "idx: outside the window\n"));
    }
    // The first index of a queue is the next one however often that is deleted.
    client.ok("/pub?queue=other&item=a");
    assert_eq!(client.get("/delete?queue=new").status, 412);
    assert_eq!(cluster.waiting(), 1);
    client.ok("/pub?queue=new&item=first");
    assert_eq!(brief(&first.reply()), "200 first");
}

#[test]
fn a_queue_that_is_deleted_past_the_front_is_noticed_by_the_polls() {
    let cluster = Cluster::with(2, &[]);
    let mut client = cluster.client();
    for _ in 0..2 {
        client.ok("/pub?queue=p&item=a");
    }
    let mut readers = ["", "&inline=true"].map(|kind| cluster.park(&format!("/evsub?queue=p&idx=3{kind}")));
    let other = cluster.front_of(&[0, 1], &["autost_interval_ms=0"]);
    assert_eq!(other.http().get("/delete?queue=p").unwrap().status, 200);
    for reader in &mut readers {
        assert_eq!(told(&reader.reply()), (403, Some("0-0")));
    }
}

#[test]
fn a_node_that_does_not_answer_sends_nobody_back_to_the_beginning() {
    let cluster = Cluster::with(2, &["autost_interval_ms=0", "health.timeout_ms=700", "health.fall=1000"]);
    let mut client = cluster.client();
    // The second alone has it.
    for _ in 0..2 {
        cluster.node(1).ok("/hustmq/pub?queue=p&item=a");
    }
    assert_eq!(told(&client.get("/evsub?queue=p&idx=9")), (403, Some("0-2")));
    cluster.relays[1].set(Fault::Mute);
    // Whether the first has got a copy meanwhile or knows nothing of it.
    let reply = client.get("/evsub?queue=p&idx=9");
    assert_eq!((reply.status, reply.header("index")), (503, None), "{}", reply.text());
}

//! Copies become equal again: after a node was down, after a publication past the front, after everything expired.

use hust_testkit::wait_until;

use super::publish::copies;
use crate::{
    cluster::{Client, Cluster, LONG, owned_by},
    stub::Stubs,
};

impl Cluster {
    /// Waits until all nodes say this of a queue.
    fn wait_runs(&self, queue: &str, expected: &str) {
        for node in 0..self.nodes.len() {
            let runs = || self.node(node).get(&format!("/hustmq/runs?queue={queue}")).text();
            assert!(wait_until(LONG, || runs() == expected), "node {node}: {} not {expected}", runs());
        }
    }
}

#[test]
fn a_node_that_was_down_gets_what_it_missed() {
    let mut cluster = Cluster::with(3, &[]);
    let mut client = cluster.client();
    for queue in ["p", "q"] {
        client.ok(&format!("/pub?queue={queue}&item=first"));
    }
    cluster.kill(1);
    for number in 2..=1300 {
        client.ok(&format!("/pub?queue=p&item=item{number}"));
    }
    client.ok("/purge?queue=p&upto=50");
    client.ok("/pub?queue=new&item=a&idx=7");
    cluster.revive(1);
    cluster.wait_runs("p", r#"{"floor":50,"si":50,"ci":1300,"runs":[[51,1300]]}"#);
    cluster.wait_runs("new", r#"{"floor":6,"si":6,"ci":7,"runs":[[7,7]]}"#);
    for from in [51, 700] {
        let copy = |node: usize| copies(&mut cluster.node(node), "p", from);
        assert!(copy(1) == copy(0) && copy(2) == copy(0), "items and expiries alike");
    }
    assert_eq!(client.ok("/pub?queue=p&item=last").header("index"), Some("1301"));
    assert!(cluster.figure("hustmq_caught_up_total") >= 1250);
}

#[test]
fn each_may_have_what_the_other_lacks() {
    let mut cluster = Cluster::with(2, &[]);
    let mut client = cluster.client();
    let queue = cluster.owned_by(0);
    let publish = |client: &mut crate::cluster::Client| {
        client.ok(&format!("/pub?queue={queue}&item=a")).number("index")
    };
    assert_eq!(publish(&mut client), Some(1));
    cluster.kill(0);
    assert_eq!(publish(&mut client), Some(2), "only at node 1");
    cluster.kill(1);
    cluster.revive(0);
    let third = publish(&mut client);
    assert_eq!(third, Some(3), "node 0 has not heard of the second, the front has");
    cluster.revive(1);
    cluster.wait_runs(&queue, r#"{"floor":0,"si":0,"ci":3,"runs":[[1,3]]}"#);
}

#[test]
fn an_index_is_remembered_while_who_has_it_is_away() {
    let mut cluster = Cluster::with(2, &["autost_interval_ms=0"]);
    let mut client = cluster.client();
    let queue = cluster.owned_by(0);
    cluster.kill(0);
    assert_eq!(client.ok(&format!("/pub?queue={queue}&item=a")).number("index"), Some(1), "only at node 1");
    cluster.kill(1);
    // Each time it comes up all that answer are asked what they have.
    for mark in ["first", "second"] {
        cluster.revive(0);
        cluster.node(0).ok(&format!("/hustmq/put?queue={mark}&item=x"));
        cluster.kill(0);
        cluster.revive(0);
        let is_known = || cluster.client().get(&format!("/stat?queue={mark}")).status == 200;
        assert!(wait_until(LONG, is_known), "{mark}");
        cluster.kill(0);
    }
    cluster.revive(0);
    assert_eq!(client.ok(&format!("/pub?queue={queue}&item=b")).number("index"), Some(2));
    cluster.revive(1);
    cluster.wait_runs(&queue, r#"{"floor":0,"si":0,"ci":2,"runs":[[1,2]]}"#);
}

#[test]
fn what_only_a_lost_node_had_is_gone_and_the_rest_goes_on() {
    let mut cluster = Cluster::with(3, &[]);
    let (queue, mut client) = (cluster.owned_by(0), cluster.client());
    let publish = |client: &mut Client| {
        let reply = client.ok(&format!("/pub?queue={queue}&item=a"));
        (reply.number("index"), reply.number("count"))
    };
    assert_eq!(publish(&mut client), (Some(1), None));
    cluster.kill(1);
    cluster.kill(2);
    assert_eq!(publish(&mut client), (Some(2), Some(1)), "nobody else has it");
    cluster.lose(0);
    cluster.revive(1);
    cluster.revive(2);
    assert_eq!(publish(&mut client), (Some(3), Some(2)), "no index is given twice");
    let left = r#"{"floor":0,"si":0,"ci":3,"runs":[[1,1],[3,3]]}"#;
    let read = |client: &mut Client| {
        [1, 2, 3].map(|idx| client.get(&format!("/sub?queue={queue}&idx={idx}")).status)
    };
    assert_eq!(read(&mut client), [200, 404, 200]);
    // The node comes back with a new disk.
    cluster.revive(0);
    cluster.wait_runs(&queue, left);
    assert_eq!(read(&mut client), [200, 404, 200]);
    assert_eq!(publish(&mut client), (Some(4), None));
    cluster.wait_runs(&queue, r#"{"floor":0,"si":0,"ci":4,"runs":[[1,1],[3,4]]}"#);
}

#[test]
fn what_is_published_past_the_front_spreads() {
    let cluster = Cluster::with(2, &[]);
    let mut node = cluster.node(1);
    for _ in 0..3 {
        node.ok("/hustmq/pub?queue=p&item=a");
    }
    cluster.wait_runs("p", r#"{"floor":0,"si":0,"ci":3,"runs":[[1,3]]}"#);
    node.ok("/hustmq/purge?queue=p&upto=2");
    cluster.wait_runs("p", r#"{"floor":2,"si":2,"ci":3,"runs":[[3,3]]}"#);
}

#[test]
fn what_expired_still_counts_as_published() {
    let mut cluster = Cluster::with(2, &[]);
    let mut client = cluster.client();
    client.ok("/pub?queue=p&item=a&ttl=1");
    cluster.kill(1);
    client.ok("/pub?queue=p&item=b&ttl=1");
    let gone = || cluster.node(0).get("/hustmq/runs?queue=p").text().ends_with("\"runs\":[]}");
    assert!(wait_until(LONG, gone));
    cluster.revive(1);
    cluster.wait_runs("p", r#"{"floor":0,"si":2,"ci":2,"runs":[]}"#);
}

#[test]
fn two_fronts_catch_up_at_once_while_both_publish() {
    let mut cluster = Cluster::with(2, &[]);
    let other = cluster.front_of(&[0, 1], &[]);
    let (mut client, mut second) = (cluster.client(), Client(other.raw().unwrap()));
    let queue = cluster.owned_by(0);
    client.ok(&format!("/pub?queue={queue}&item=first"));
    cluster.kill(1);
    for number in 0..200 {
        client.ok(&format!("/pub?queue={queue}&item=missed{number}"));
    }
    cluster.revive(1);
    let mut last = 0;
    for number in 0..50 {
        for client in [&mut client, &mut second] {
            let index =
                client.ok(&format!("/pub?queue={queue}&item=beside{number}")).number("index").unwrap();
            assert!(index > last, "{index} after {last}");
            last = index;
        }
    }
    assert_eq!(last, 301);
    cluster.wait_runs(&queue, r#"{"floor":0,"si":0,"ci":301,"runs":[[1,301]]}"#);
    assert!(copies(&mut cluster.node(0), &queue, 1) == copies(&mut cluster.node(1), &queue, 1));
    assert_eq!(cluster.figure("hustmq_conflicts_total"), 0);
}

#[test]
fn a_node_that_refuses_its_copies_is_not_sent_them_with_every_poll() {
    let stubs = Stubs::with(2, &["autost_interval_ms=10"]);
    let [has, lacks] = &stubs.nodes[..] else { panic!("two nodes") };
    has.say("/hustmq/runs", r#"200|{"floor":0,"ci":1,"runs":[[1,1]]}"#);
    has.say("/hustmq/sub", "200 next=2|index=1&expire=9&len=1\na\n");
    lacks.say("/hustmq/merge", "403|capacity: reached\n");
    has.rows(r#"[{"queue":"p","type":1,"ci":1,"ready":[1,0,0]}]"#);
    let merges = |count: usize| lacks.asked_so_far("/hustmq/merge") >= count;
    assert!(wait_until(LONG, || merges(2)), "it is tried again");
    let polls = has.routine("/hustmq/stat_all");
    assert!(wait_until(LONG, || has.routine("/hustmq/stat_all") > polls + 40));
    // The next pause is of a second and more; 40 polls take half of one, on a quiet machine.
    let (tried, polled) = (lacks.asked_so_far("/hustmq/merge"), has.routine("/hustmq/stat_all"));
    assert!(tried < 8 && polled > 40, "{tried} times in {polled} polls");
    lacks.say("/hustmq/merge", r#"200|{"applied":1,"conflicts":0}"#);
    let none = || stubs.client().get("/metrics").text().contains("hustmq_caught_up_total 0");
    assert!(wait_until(LONG, || !none()), "when it takes them it gets them");
}

#[test]
fn a_copy_that_fails_is_made_up_for_without_any_poll() {
    let stubs = Stubs::with(2, &[]);
    let queue = owned_by(0, 2);
    stubs.say("/hustmq/pub", &["200 index=1 expire=9|", ""]);
    stubs.say("/hustmq/merge", &["", "500|engine: broken\n"]);
    stubs.say("/hustmq/runs", &[r#"200|{"floor":0,"ci":1,"runs":[[1,1]]}"#, "412|queue: unknown\n"]);
    stubs.say("/hustmq/sub", &["200 next=2|index=1&expire=9&len=1\na\n", ""]);
    let reply = stubs.client().get(&format!("/pub?queue={queue}&item=a"));
    assert_eq!((reply.status, reply.header("count")), (200, Some("1")));
    assert!(wait_until(LONG, || stubs.nodes[1].asked_so_far("/hustmq/merge") > 2), "again and again");
    let taken = r#"200|{"applied":1,"conflicts":0}"#;
    stubs.nodes[1].say("/hustmq/merge", taken);
    let none = || stubs.client().get("/metrics").text().contains("hustmq_caught_up_total 0");
    assert!(wait_until(LONG, || !none()));
    assert!(
        stubs.nodes[0].take().iter().any(|asked| asked.starts_with("GET /hustmq/sub")),
        "from who has it"
    );
}

//! Settings: all or none, declared or changed, and kept.

use super::told;
use crate::support::{Client, node};

fn settings(queue: &str, kind: u8, rest: &str) -> String {
    format!(r#"200 {{"queue":"{queue}","type":{kind},{rest}}}"#)
}

const DEFAULTS: &str =
    r#""second":300,"max":0,"lock":0,"max_deliveries":0,"dead_letter":"","ttl":0,"dedup":300"#;
const ALL: &str = r#""second":15300,"max":5000000,"lock":1,"max_deliveries":65535,"dead_letter":"d","ttl":2592000,"dedup":0"#;

#[test]
fn they_are_declared_changed_and_kept() {
    let mut node = node();
    let mut client = Client::of(&node);
    let all = "second=15300&max=5000000&lock=true&max_deliveries=65535&dead_letter=d&ttl=2592000&dedup=0";
    client.mq_check(&[
        ("settings?queue=q", "412 queue: unknown"),
        ("settings?queue=q&max=1", "412 queue: unknown"),
        ("settings?queue=q&create=true&max=1&dedup=86401", "400 dedup: not in 0..86400"),
        ("stat?queue=q", "412 queue: unknown"),
        ("settings?queue=q&create=true", &settings("q", 0, DEFAULTS)),
        ("settings?queue=q&create=true", &settings("q", 0, DEFAULTS)),
        (&format!("settings?queue=q&{all}"), &settings("q", 0, ALL)),
        ("settings?queue=q&max=7&dead_letter=q", "400 dead_letter: the queue itself"),
        ("settings?queue=q&max=7&ttl=2592001", "400 ttl: not in 0..2592000"),
        ("settings?queue=q", &settings("q", 0, ALL)),
        (&format!("settings?queue=r&create=1&{all}"), &settings("r", 0, ALL)),
    ]);
    for queue in ["q", "r"] {
        node.kill().unwrap();
        node.restart().unwrap();
        let mut client = Client::of(&node);
        assert_eq!(told(&client.ask("HEAD", &format!("/hustmq/settings?queue={queue}"), "")), "200 ");
        client.mq_check(&[(&format!("settings?queue={queue}"), &settings(queue, 0, ALL))]);
    }
    let mut client = Client::of(&node);
    client.mq_check(&[
        ("settings?queue=q&dead_letter=", &settings("q", 0, &ALL.replace(r#":"d""#, r#":"""#))),
        ("put?queue=q&item=i", "403 queue: locked"),
        ("lock?queue=q&on=0", "200 "),
        ("max?queue=q&num=3", "200 "),
        ("timeout?queue=q&minute=2", "200 "),
        (
            "settings?queue=q",
            &settings(
                "q",
                0,
                r#""second":120,"max":3,"lock":0,"max_deliveries":65535,"dead_letter":"","ttl":2592000,"dedup":0"#,
            ),
        ),
    ]);
}

#[test]
fn push_queues_have_fewer() {
    let node = node();
    let mut client = Client::of(&node);
    let rest = |max: u32, lock: u32, ttl: u32| {
        let rest = format!(r#""second":0,"max":{max},"lock":{lock},"max_deliveries":0,"dead_letter":"","#);
        settings("p", 1, &format!(r#"{rest}"ttl":{ttl},"dedup":300"#))
    };
    client.mq("pub?queue=p&item=i", "");
    client.mq_check(&[
        ("settings?queue=p", &rest(0, 0, 0)),
        ("settings?queue=p&create=true&max=1&lock=true&ttl=7200", &rest(1, 1, 7200)),
        ("settings?queue=p&max=9&second=5", "400 second: not of a push queue"),
        ("settings?queue=p&max_deliveries=5", "400 max_deliveries: not of a push queue"),
        ("settings?queue=p&dead_letter=d", "400 dead_letter: not of a push queue"),
        ("settings?queue=p&dedup=5", "400 dedup: not of a push queue"),
        ("settings?queue=p", &rest(1, 1, 7200)),
        ("pub?queue=p&item=j", "403 queue: locked"),
        ("lock?queue=p&on=false", "200 "),
        ("pub?queue=p&item=j", "403 queue: 1 messages are the limit"),
        ("max?queue=p&num=0", "200 "),
        ("pub?queue=p&item=j", "200  [index: 2] [expire]"),
        ("max?queue=p&num=2", "200 "),
        ("pub?queue=p&item=k", "403 queue: 2 messages are the limit"),
        // What an idx drops does not count.
        ("pub?queue=p&item=k&idx=2", "200  [index: 3] [expire]"),
    ]);
}

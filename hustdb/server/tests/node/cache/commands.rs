//! What each command does.

use std::time::Duration;

use hust_testkit::wait_until;

use super::check;
use crate::support::{Client, node, now_ms};

#[test]
fn the_examples_of_the_contract() {
    let node = node();
    check(
        &mut Client::of(&node),
        &[
            ("put?key=x&val=1&ttl=60", "200"),
            ("ttl?key=x", "200 60"),
            ("persist?key=x", "200"),
            ("ttl?key=x", "200 -1"),
            ("append?key=x&val=23", "200"),
            ("get?key=x", "200 123"),
            ("expire?key=x&ttl=0", "400 ttl: not in 1..4294967295"),
            ("hget?tb=x&key=f", "412 tb: holds a plain value"),
            ("hincrby?tb=h&key=n&val=7", "200 7"),
            ("hincrbyfloat?tb=h&key=f&val=1.7", "200 1.7"),
            ("hincrbyfloat?tb=h&key=f&val=5.8", "200 7.5"),
            ("hset?tb=h&key=f&val=v", "200"),
            ("hexist?tb=h&key=f", "200"),
            ("exist?key=h", "200"),
            ("hdel?tb=h&key=none", "404"),
            ("del?key=x", "200"),
            ("get?key=x", "404"),
        ],
    );
}

#[test]
fn what_is_absent_is_404_and_what_writes_creates() {
    let node = node();
    check(
        &mut Client::of(&node),
        &[
            ("exist?key=a", "404"),
            ("get?key=a", "404"),
            ("ttl?key=a", "404"),
            ("del?key=a", "404"),
            ("expire?key=a&ttl=1", "404"),
            ("persist?key=a", "404"),
            ("hexist?tb=a&key=f", "404"),
            ("hget?tb=a&key=f", "404"),
            ("hdel?tb=a&key=f", "404"),
            ("exist?key=a", "404"),
            ("append?key=a&val=new", "200"),
            ("get?key=a", "200 new"),
            ("exist?key=a", "200"),
            ("hset?tb=t&key=f&val=v", "200"),
            ("hget?tb=t&key=f", "200 v"),
            ("hget?tb=t&key=g", "404"),
            ("hexist?tb=t&key=g", "404"),
            ("hdel?tb=t&key=g", "404"),
            ("hset?tb=t&key=g&val=w", "200"),
            ("hdel?tb=t&key=f", "200"),
            ("exist?key=t", "200"),
            ("hdel?tb=t&key=g", "200"),
            ("exist?key=t", "404"),
        ],
    );
}

#[test]
fn kinds_share_one_name_space() {
    let node = node();
    let mut client = Client::of(&node);
    check(&mut client, &[("put?key=p&val=v", "200"), ("hset?tb=t&key=f&val=v", "200")]);
    let table = "412 key: holds a hash table";
    check(&mut client, &[("get?key=t", table), ("append?key=t&val=v", table)]);
    let plain = "412 tb: holds a plain value";
    for command in ["hexist?", "hget?", "hset?val=v&", "hdel?", "hincrby?val=1&", "hincrbyfloat?val=1&"] {
        check(&mut client, &[(&format!("{command}tb=p&key=f"), plain)]);
    }
    check(
        &mut client,
        &[
            ("get?key=p", "200 v"),
            ("hget?tb=t&key=f", "200 v"),
            ("expire?key=t&ttl=100", "200"),
            ("ttl?key=t", "200 100"),
            ("hset?tb=t&key=g&val=v", "200"),
            ("ttl?key=t", "200 100"),
            ("persist?key=t", "200"),
            ("ttl?key=t", "200 -1"),
            ("put?key=t&val=now+a+value", "200"),
            ("get?key=t", "200 now+a+value"),
            ("hget?tb=t&key=f", plain),
            ("del?key=t", "200"),
            ("hset?tb=t&key=f&val=v", "200"),
            ("del?key=t", "200"),
            ("exist?key=t", "404"),
        ],
    );
}

#[test]
fn expiry_is_set_kept_taken_off_and_met() {
    let node = node();
    let mut client = Client::of(&node);
    check(
        &mut client,
        &[
            ("put?key=k&val=v&ttl=4294967295", "200"),
            ("ttl?key=k", "200 4294967295"),
            ("append?key=k&val=w", "200"),
            ("expire?key=k&ttl=1000", "200"),
            ("append?key=k&val=w", "200"),
            ("ttl?key=k", "200 1000"),
            ("put?key=k&val=v", "200"),
            ("ttl?key=k", "200 -1"),
            ("persist?key=k", "404"),
            ("get?key=k", "200 v"),
        ],
    );
    let before_ms = now_ms();
    check(
        &mut client,
        &[
            ("put?key=k&val=v&ttl=2", "200"),
            ("hset?tb=t&key=f&val=v", "200"),
            ("expire?key=t&ttl=2", "200"),
            ("ttl?key=k", "200 2"),
        ],
    );
    let left = |client: &mut Client| client.get("/hustcache/ttl?key=k").text();
    assert!(wait_until(Duration::from_secs(5), || left(&mut client) == "1"), "rounded up");
    // Both clocks are read to the millisecond.
    assert!(now_ms() + 1 >= before_ms + 1000, "not before a second has passed");
    assert!(wait_until(Duration::from_secs(5), || client.get("/hustcache/get?key=k").status == 404));
    assert!(now_ms() + 1 >= before_ms + 2000);
    assert!(wait_until(Duration::from_secs(5), || client.get("/hustcache/hget?tb=t&key=f").status == 404));
    check(&mut client, &[("exist?key=k", "404"), ("ttl?key=t", "404"), ("del?key=t", "404")]);
}

#[test]
fn it_is_not_the_store_and_ends_with_the_process() {
    let mut node = node();
    let mut client = Client::of(&node);
    let figures = |client: &mut Client| {
        ["digest", "stat_all", "scan"].map(|path| client.get(&format!("/hustdb/{path}")).text())
    };
    let before = figures(&mut client);
    check(&mut client, &[("put?key=k&val=v", "200"), ("hset?tb=t&key=f&val=v", "200")]);
    assert_eq!(figures(&mut client), before, "no figure of records tells of it");
    client.check(&[
        ("GET", "/hustdb/get?key=k", "", "404 0 -"),
        ("PUT", "/hustdb/put?key=k", "record", "200 1 false"),
    ]);
    check(&mut client, &[("get?key=k", "200 v")]);
    node.stop().unwrap();
    node.restart().unwrap();
    let mut client = Client::of(&node);
    check(&mut client, &[("get?key=k", "404"), ("exist?key=t", "404")]);
    client.check(&[("GET", "/hustdb/get?key=k", "", "200 1 - record")]);
}

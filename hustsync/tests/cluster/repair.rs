//! A proxy that dies between the two writes of a pair: nobody knows that the masters differ, and a scrub finds it.

use hust_testkit::{Cluster, Fault, Shape, wait_until};

use crate::support::{LONG, are_equal, ask, both, brief, drain, get, scrub, start};

/// Has the proxy killed when node 0 has done a write and node 1 has not heard of it. `done`: what node 0 shows then.
fn interrupted(cluster: &mut Cluster, target: &str, read: &str, done: &str) {
    cluster.relays[1].set(Fault::Swallow);
    let mut client = cluster.proxies[0].raw().unwrap();
    client.request("GET", target, &[], b"").unwrap();
    let shown = || brief(&get(&cluster.nodes[0], &format!("/hustdb{read}")));
    assert!(wait_until(LONG, || shown() == done), "{target}: {}", shown());
    cluster.proxies[0].kill().unwrap();
    assert!(client.reply().is_err(), "it was not answered");
    // What was swallowed never arrives.
    cluster.relays[1].set(Fault::Cut);
    cluster.relays[1].set(Fault::None);
    cluster.proxies[0].restart().unwrap();
    drain(cluster);
}

#[test]
fn a_scrub_repairs_what_a_dead_proxy_left() {
    // All decided by node 0: `a` and `z8` have slots below 512.
    let mut cluster = start(&Shape::default());
    for target in
        ["/put?key=a&val=1", "/hset?tb=h&key=a&val=5", "/sadd?tb=s&key=a", "/zadd?tb=z8&key=m&score=7"]
    {
        assert_eq!(get(&cluster.proxies[0], target).status, 200, "{target}");
    }
    let table = [
        ("/put?key=a&val=2&ttl=3600", "/get?key=a", "200 2 2"),
        ("/hincrby?tb=h&key=a&val=3", "/hget?tb=h&key=a", "200 2 8"),
        ("/srem?tb=s&key=a", "/sismember?tb=s&key=a", "412 0 tb: no such table"),
        ("/zadd?tb=z8&key=m&score=2&opt=-1", "/zscore?tb=z8&key=m", "200 2 5"),
    ];
    for (target, read, done) in table {
        interrupted(&mut cluster, target, read, done);
        assert_ne!(brief(&get(&cluster.nodes[1], &format!("/hustdb{read}"))), done, "{target}");
        assert_eq!(brief(&get(&cluster.proxies[0], read)), done, "who decided is read first");
    }
    assert!(!are_equal(&cluster), "nobody knows of it");
    scrub(&cluster);
    assert!(are_equal(&cluster));
    for (_, read, done) in table {
        assert_eq!(brief(&both(&cluster, read)), done);
    }
    assert!(both(&cluster, "/get?key=a").number("expire").is_some());
    // The next write goes on from there.
    assert_eq!(get(&cluster.proxies[0], "/hincrby?tb=h&key=a&val=1").text(), "9");
}

#[test]
fn masters_that_were_written_apart_take_the_later_write() {
    let mut cluster = start(&Shape::default());
    for key in ["a", "b", "c", "d"] {
        assert_eq!(get(&cluster.proxies[0], &format!("/put?key={key}&val=old")).status, 200);
    }
    // Node 1 goes on alone, and what node 0 misses is owed.
    cluster.kill(0).unwrap();
    let late = |cluster: &Cluster, target: &str| {
        assert!(wait_until(LONG, || get(&cluster.proxies[0], target).status == 200), "{target}");
    };
    late(&cluster, "/put?key=a&val=of%201");
    late(&cluster, "/del?key=b");
    // Node 0 comes back to be written by somebody who knows no proxy, before it has been told anything.
    cluster.nodes[0].restart().unwrap();
    for target in ["/hustdb/put?key=b&val=later", "/hustdb/del?key=c"] {
        assert_eq!(ask(&cluster.nodes[0], "GET", target, b"").status, 200, "{target}");
    }
    assert_eq!(get(&cluster.nodes[1], "/hustdb/put?key=d&val=later").status, 200);
    cluster.relays[0].set(Fault::None);
    drain(&cluster);
    assert_eq!(both(&cluster, "/get?key=a").text(), "of 1", "a debt needs no scrub");
    scrub(&cluster);
    assert!(are_equal(&cluster));
    let values = ["a", "b", "c", "d"].map(|key| brief(&both(&cluster, &format!("/get?key={key}"))));
    assert_eq!(values, ["200 2 of 1", "200 2 later", "404 0", "200 2 later"]);
}

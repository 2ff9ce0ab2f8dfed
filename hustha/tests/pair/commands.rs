//! Every command with both masters up: what clients see, and that both masters have the same.

use hust_testkit::{Raw, wait_until};

use crate::cluster::{Cluster, LONG, brief};

#[test]
fn all_writes_reach_both_masters_with_one_stamp() {
    let cluster = Cluster::start();
    let mut client = cluster.client();
    client.check(&[
        ("/put?key=a%20b", "v1", "200 1 false"),
        ("/put?key=a%20b&ttl=60", "v2", "200 2 false"),
        ("/put?key=a%20b&ver=1", "v3", "401 2 true"),
        ("/put?key=empty&val=", "", "200 1 false"),
        ("/get?key=a%20b", "", "200 2 - v2"),
        ("/exist?key=empty", "", "200 1 -"),
        ("/get?key=none", "", "404 0 -"),
        ("/put?key=gone&val=1", "", "200 1 false"),
        ("/del?key=gone", "", "200 1 false"),
        ("/del?key=gone", "", "404 0 false"),
        ("/hset?tb=h&key=f&val=5", "", "200 1 false"),
        ("/hincrby?tb=h&key=f&val=-8", "", "200 2 false -3"),
        ("/hget?tb=h&key=f", "", "200 2 - -3"),
        ("/hset?tb=h&key=g", "v", "200 1 false"),
        ("/hdel?tb=h&key=g", "", "200 1 false"),
        ("/hexist?tb=h&key=g", "", "404 0 -"),
        ("/hget?tb=none&key=g", "", "412 0 - tb: no such table"),
        ("/sadd?tb=s", "m", "200 1 false"),
        ("/sadd?tb=s", "n", "200 1 false"),
        ("/srem?tb=s&key=n", "", "200 1 false"),
        ("/sismember?tb=s", "m", "200 1 -"),
        ("/zadd?tb=z&score=100", "m", "200 1 false 100"),
        ("/zadd?tb=z&score=150&opt=-1&key=m", "", "200 2 false -50"),
        ("/zadd?tb=z&score=7&key=n", "", "200 1 false 7"),
        ("/zscore?tb=z&key=m", "", "200 2 - -50"),
        ("/zismember?tb=z", "n", "200 1 -"),
        ("/zrem?tb=z&key=n", "", "200 1 false"),
        ("/hset?tb=s&key=f&val=v", "", "412 0 false tb: is a set"),
    ]);
    let record = cluster.equal("/hustdb/get?key=a%20b");
    assert!(record.number("expire").is_some() && record.number("stamp").is_some());
    for target in [
        "/hustdb/get?key=empty",
        "/hustdb/get?key=gone",
        "/hustdb/hget?tb=h&key=f",
        "/hustdb/hget?tb=h&key=g",
        "/hustdb/sismember?tb=s&key=m",
        "/hustdb/zscore?tb=z&key=m",
        "/hustdb/zscore?tb=z&key=n",
    ] {
        cluster.equal(target);
    }
    let scan = |number| cluster.node(number).get("/hustdb/scan").body;
    assert_eq!(scan(0), scan(1), "tombstones too");
}

#[test]
fn commands_of_one_node() {
    let cluster = Cluster::start();
    let mut client = cluster.client();
    client.check(&[
        ("/put?key=a&val=1", "", "200 1 false"),
        ("/hset?tb=h&key=f&val=1", "", "200 1 false"),
        ("/peer_count", "", "200 - - 2"),
        ("/file_count?peer=0", "", "200 - - 8"),
        ("/keys?peer=1&file=0&offset=0&size=9", "", "200 - - [{\"key\":\"YQ==\",\"ver\":1}]"),
        ("/keys?peer=2&file=0&offset=0&size=9", "", "400 - - peer: not in 0..1"),
        (
            "/stat?peer=0&tb=h",
            "",
            "200 - - {\"table\":\"h\",\"type\":\"H\",\"count\":1,\"size\":2,\"capacity\":1024}",
        ),
        ("/put?key=k&val=1&is_dup=true", "", "400 - - is_dup: not through the proxy"),
        ("/hustdb/put?key=k&val=1", "", "404 - - path: unknown"),
    ]);
    assert_eq!(client.get("/sync_alive").status, 503, "no hustsync runs");
    assert_eq!(client.get("/version").text(), "hustha 0.1.0\n");
    assert_eq!(client.get("/status.html").text(), "ok\n");
    let metrics = client.get("/metrics").text();
    for name in ["hustha_backend_up{host=", "hustha_hints_failed_total 0", "hustha_leg_failures_total{host="]
    {
        assert!(metrics.contains(name), "{name} in\n{metrics}");
    }
}

#[test]
fn the_cache_is_written_to_both_and_read_from_one() {
    let mut cluster = Cluster::start();
    let mut client = cluster.client();
    client.check(&[
        ("/cache/put?key=x&ttl=60", "1", "200 - -"),
        ("/cache/append?key=x&val=23", "", "200 - -"),
        ("/cache/get?key=x", "", "200 - - 123"),
        ("/cache/hincrby?tb=h&key=n&val=7", "", "200 - - 7"),
        ("/cache/hget?tb=h&key=n", "", "200 - - 7"),
        ("/cache/del?key=none", "", "404 - -"),
    ]);
    for number in [0, 1] {
        assert_eq!(cluster.node(number).get("/hustcache/get?key=x").text(), "123");
    }
    cluster.node(0).get("/hustcache/del?key=x");
    assert_eq!(client.get("/cache/get?key=x").text(), "123", "a miss asks the other master");
    cluster.kill(1);
    let reply = client.get("/cache/put?key=y&val=1");
    assert_eq!((reply.status, reply.header("fail")), (200, Some(cluster.host(1).as_str())));
}

#[test]
fn a_write_ends_without_its_client() {
    let cluster = Cluster::start();
    cluster.relays[0].set(hust_testkit::Fault::Delay(std::time::Duration::from_millis(300)));
    let mut raw = Raw::connect(cluster.proxy.address()).unwrap();
    raw.request("PUT", "/put?key=left", &[], b"value").unwrap();
    drop(raw);
    for number in [0, 1] {
        let there = || brief(&cluster.node(number).get("/hustdb/get?key=left")) == "200 1 - value";
        assert!(wait_until(LONG, there), "node {number} lacks it");
    }
    cluster.equal("/hustdb/get?key=left");
}

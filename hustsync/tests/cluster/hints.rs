//! What neither the other master nor a debt took: the proxy's hints, and the repairer that is killed while it replays.

use hust_testkit::{Cluster, Fault, Random, Reply, Shape, wait_until};

use crate::support::{LONG, both, brief, get, heal, start};

/// Has a write done by node 0 whose answer arrives, and whose debt does not: the connection ends before.
fn hinted(cluster: &Cluster, target: &str, probe: &str) {
    let relay = &cluster.relays[0];
    let up = format!("\"host\":\"{}\",\"state\":\"up\"", cluster.host(0));
    assert!(wait_until(LONG, || get(&cluster.proxies[0], "/backends").text().contains(&up)));
    let length = length(&get(&cluster.nodes[0], &format!("/hustdb{probe}")));
    relay.cut();
    relay.set(Fault::Truncate(length + 8));
    let reply = get(&cluster.proxies[0], target);
    relay.set(Fault::Cut);
    relay.set(Fault::None);
    assert_eq!(
        (reply.status, reply.header("sync")),
        (200, Some(cluster.host(1).as_str())),
        "{target}: {reply:?}"
    );
}

/// How many bytes an answer took.
fn length(reply: &Reply) -> usize {
    let headers: usize = reply.headers.iter().map(|(name, value)| name.len() + value.len() + 4).sum();
    "HTTP/1.1 200 OK\r\n\r\n".len() + headers + reply.body.len()
}

fn pending(cluster: &Cluster) -> u64 {
    let reply = get(&cluster.sync, "/sync_status");
    let status: serde_json::Value = serde_json::from_slice(&reply.body).unwrap();
    status["total_status"]["pending"].as_u64().unwrap()
}

#[test]
fn hints_of_all_kinds_survive_the_repairer_and_make_the_masters_equal() {
    const SEED: u64 = 0x5eed_0040;
    println!("seed {SEED:#x}");
    let mut random = Random(SEED);
    let mut cluster = start(&Shape::default());
    // Records there before, each with a twin that is written to learn how long the answer is.
    for name in ["a", "t"] {
        for target in [
            "/put?key={}1&val=old",
            "/put?key={}2&val=old",
            "/hset?tb=h&key={}&val=5",
            "/zadd?tb={}z&key=m&score=7",
        ] {
            assert_eq!(get(&cluster.proxies[0], &target.replace("{}", name)).status, 200);
        }
    }
    cluster.kill(1).unwrap();
    let down = format!("\"host\":\"{}\",\"state\":\"down\"", cluster.host(1));
    assert!(wait_until(LONG, || get(&cluster.proxies[0], "/backends").text().contains(&down)));
    let writes = [
        "/put?key={}1&val=new&ttl=3600",
        "/del?key={}2",
        "/hincrby?tb=h&key={}&val=3",
        "/zadd?tb={}z&key=m&score=2&opt=1",
        "/sadd?tb=s&key={}",
        "/put?key={}3&val=first",
        "/put?key={}3&val=again",
    ];
    for (number, target) in writes.into_iter().enumerate() {
        hinted(&cluster, &target.replace("{}", "a"), &target.replace("{}", "t"));
        let hints = number as u64 + 1;
        assert!(wait_until(LONG, || pending(&cluster) == hints), "{} of {hints}", pending(&cluster));
        if random.chance(50) {
            cluster.sync.kill().unwrap();
            cluster.sync.restart().unwrap();
            assert_eq!(pending(&cluster), hints, "counted anew");
        }
    }
    // A debt is newer than a hint of the same record: in whatever order they arrive, the newer one stays.
    let reply = get(&cluster.proxies[0], "/put?key=a3&val=newest");
    assert_eq!((reply.status, reply.header("sync")), (200, Some(cluster.host(1).as_str())));
    cluster.revive(1).unwrap();
    for _ in 0..3 {
        let left = pending(&cluster);
        wait_until(std::time::Duration::from_millis(random.below(300)), || pending(&cluster) < left);
        cluster.sync.kill().unwrap();
        cluster.sync.restart().unwrap();
    }
    // The twins were written past the proxies.
    for target in [
        "t1&method=1",
        "t2&method=2",
        "t3&method=1",
        "t&method=3&tb=h",
        "m&method=7&tb=tz",
        "t&method=5&tb=s",
    ] {
        let host = cluster.host(1);
        assert_eq!(get(&cluster.nodes[0], &format!("/hustdb/binlog?host={host}&key={target}")).status, 200);
    }
    heal(&cluster);
    assert_eq!(pending(&cluster), 0);
    for (read, expected) in [
        ("/get?key=a1", "200 2 new"),
        ("/get?key=a2", "404 0"),
        ("/hget?tb=h&key=a", "200 2 8"),
        ("/zscore?tb=az&key=m", "200 2 9"),
        ("/sismember?tb=s&key=a", "200 1"),
        ("/get?key=a3", "200 3 newest"),
    ] {
        assert_eq!(brief(&both(&cluster, read)), expected, "{read}");
    }
    assert!(both(&cluster, "/get?key=a1").number("expire").is_some(), "expiry travels");
}

//! What the proxy refuses by itself, before a node hears of it.

use crate::stub::{DONE, Part, Stubs};

const READ: &str = "GET, HEAD";
const WRITE: &str = "GET, POST, PUT";

#[test]
fn methods() {
    let stubs = Stubs::pair(&[]);
    stubs.say(Part::Plain, &["200 version=1 stamp=1|1", "200 version=1 stamp=1|1"]);
    let mut client = stubs.client();
    for (targets, allowed, refused) in [
        (
            &["/get?key=k", "/exist?key=k", "/hget?tb=t&key=k", "/hexist?tb=t&key=k", "/get2?key=k"][..],
            READ,
            "POST",
        ),
        (
            &["/zrangebyrank?tb=t", "/zrangebyscore?tb=t", "/keys?peer=0&file=0", "/hkeys?peer=0&tb=t"],
            READ,
            "PUT",
        ),
        (
            &["/smembers?peer=0&tb=t", "/stat?peer=0", "/stat_all?peer=0", "/file_count?peer=0"],
            READ,
            "DELETE",
        ),
        (
            &["/cache/get?key=k", "/cache/exist?key=k", "/cache/ttl?key=k", "/cache/hget?tb=t&key=k"],
            READ,
            "POST",
        ),
        (&["/peer_count", "/get_table", "/backends", "/sync_status", "/sync_alive"], READ, "POST"),
        (&["/sismember?tb=t&key=k", "/zismember?tb=t&key=k", "/zscore?tb=t&key=k"], "GET, HEAD, POST", "PUT"),
        (&["/sismember2?tb=t&key=k", "/zscore2?tb=t&key=k"], "GET, HEAD, POST", "PUT"),
        (
            &["/put?key=k&val=1", "/del?key=k", "/hset?tb=t&key=k&val=1", "/hincrby?tb=t&key=k&val=1"],
            WRITE,
            "HEAD",
        ),
        (
            &["/hdel?tb=t&key=k", "/sadd?tb=t&key=k", "/srem?tb=t&key=k", "/zadd?tb=t&key=k&score=1"],
            WRITE,
            "DELETE",
        ),
        (
            &["/zrem?tb=t&key=k", "/cache/put?key=k&val=1", "/cache/append?key=k&val=1", "/cache/del?key=k"],
            WRITE,
            "HEAD",
        ),
        (
            &["/cache/expire?key=k&ttl=1", "/cache/persist?key=k", "/cache/hset?tb=t&key=k&val=1"],
            WRITE,
            "HEAD",
        ),
        (&["/cache/hdel?tb=t&key=k", "/cache/hincrby?tb=t&key=k&val=1"], WRITE, "PATCH"),
        (&["/set_table"], "POST", "GET"),
    ] {
        for target in targets {
            stubs.took();
            let reply = client.ask(refused, target, "");
            assert_eq!((reply.status, reply.header("allow")), (405, Some(allowed)), "{refused} {target}");
            assert_eq!(stubs.took(), " ", "{target}");
            for method in allowed.split(", ") {
                let reply = client.ask(method, target, "");
                let fine =
                    reply.status == 200 || ["/sync_status", "/sync_alive", "/set_table"].contains(target);
                assert!(fine, "{method} {target}: {} {}", reply.status, reply.text());
            }
        }
    }
}

#[test]
fn parameters() {
    let stubs = Stubs::pair(&["server.max_body_size=1KiB"]);
    stubs.say(Part::Plain, &[DONE, DONE]);
    let mut client = stubs.client();
    client.check(&[
        ("/get", "", "400 - - key: missing"),
        ("/get?key=", "", "400 - - key: empty"),
        ("/get?key=%zz", "", "400 - - key: bad escape"),
        ("/get?key=k&stamps=x", "", "400 - - stamps: not true, false, 1 or 0"),
        ("/hget?key=k", "", "400 - - tb: missing"),
        ("/hget?tb=a/b&key=k", "", "400 - - tb: illegal name"),
        ("/put?key=k", "", "400 - - val: missing"),
        ("/put?key=k&val=1&ver=-1", "", "400 - - ver: negative"),
        ("/put?key=k&val=1&ttl=x", "", "400 - - ttl: not a number"),
        ("/put?key=k&val=1&is_dup=1", "", "400 - - is_dup: not through the proxy"),
        ("/hincrby?tb=t&key=k&val=1.5", "", "400 - - val: not a number"),
        ("/zadd?tb=t&key=k", "", "400 - - score: missing"),
        ("/sadd?tb=t", "", "400 - - key: missing"),
        ("/sismember2?tb=t", "", "400 - - key: missing"),
        ("/cache/get", "", "400 - - key: missing"),
        ("/cache/put?key=k", "", "400 - - val: missing"),
        ("/cache/hget?key=k", "", "400 - - tb: missing"),
        ("/hustdb/get?key=k", "", "404 - - path: unknown"),
        ("/hustcache/get?key=k", "", "404 - - path: unknown"),
        ("/", "", "404 - - path: unknown"),
        ("/get/?key=k", "", "404 - - path: unknown"),
    ]);
    let reply = client.ask("PUT", "/put?key=k", "v".repeat(1025));
    assert_eq!((reply.status, reply.text().as_str()), (413, "body: over 1024 bytes\n"));
    let mut client = stubs.client();
    let reply = client.get(&format!("/get?key={}", "k".repeat(65_530)));
    assert_eq!(reply.status, 414);
    assert_eq!(stubs.took(), " ", "no node heard of it");
    assert_eq!(stubs.client().ask("PUT", "/put?key=k", "v".repeat(1024)).status, 200, "what just fits");
}

#[test]
fn what_is_written_again_may_not_fit() {
    let stubs = Stubs::pair(&[]);
    // Short enough as it is sent, too long once it is encoded again.
    let long = "+".repeat(40_000);
    let mut client = stubs.client();
    for target in [
        format!("/get?key={long}"),
        format!("/get2?key={long}"),
        format!("/del?key={long}"),
        format!("/hset?tb=t&val=1&key={long}"),
        format!("/cache/get?key={long}"),
        format!("/zrangebyrank?tb=t&offset=0&size=1&cursor={long}"),
        format!("/hkeys?peer=0&tb=t&cursor={long}"),
    ] {
        let reply = client.get(&target);
        assert_eq!((reply.status, reply.text().as_str()), (414, "target: over 65534 bytes\n"));
    }
    assert_eq!(stubs.took(), " ");
    assert_eq!(client.ask("POST", "/sismember?tb=t", &long).status, 404, "a member travels in the body");
    assert_eq!(stubs.took(), "P ");
}

//! zismember, zscore, zadd, zrem: examples, versions, the three operations, no-ops, expiry, replicas.

use std::time::Duration;

use hust_testkit::wait_until;

use crate::support::{Client, brief, node, now_ms, stamp};

const MAX: &str = "9223372036854775807";
const MIN: &str = "-9223372036854775808";

#[test]
fn the_examples_of_the_contract() {
    let node = node();
    let mut client = Client::of(&node);
    client.check(&[
        ("POST", "/hustdb/zadd?tb=z&score=100", "m", "200 1 false 100"),
        ("GET", "/hustdb/zadd?tb=z&score=150&opt=-1&key=m", "", "200 2 false -50"),
        ("GET", "/hustdb/zscore?tb=z&key=m", "", "200 2 - -50"),
        ("GET", "/hustdb/zismember?tb=z&key=none", "", "404 0 -"),
        ("GET", "/hustdb/zrem?tb=z&key=m", "", "200 2 false"),
        ("GET", "/hustdb/zscore?tb=z&key=m", "", "412 0 - tb: no such table"),
    ]);
}

#[test]
fn versions_of_every_state() {
    let node = node();
    Client::of(&node).check(&[
        ("GET", "/hustdb/zadd?tb=z&key=m&score=1&ver=1", "", "401 0 true"),
        ("GET", "/hustdb/zadd?tb=z&key=m&score=1&opt=1&ver=1", "", "401 0 true"),
        ("GET", "/hustdb/stat?tb=z", "", "404 - - tb: no such table"),
        ("GET", "/hustdb/zrem?tb=z&key=m&ver=3", "", "412 3 false tb: no such table"),
        ("GET", "/hustdb/zadd?tb=z&key=m&score=1", "", "200 1 false 1"),
        ("GET", "/hustdb/zadd?tb=z&key=m&score=2&ver=1", "", "200 2 false 2"),
        ("GET", "/hustdb/zadd?tb=z&key=m&score=2&ver=1", "", "401 2 true"),
        ("GET", "/hustdb/zadd?tb=z&key=m&score=3&ver=1", "", "401 2 true"),
        ("GET", "/hustdb/zadd?tb=z&key=m&score=3&opt=1&ver=9", "", "401 2 true"),
        ("GET", "/hustdb/zscore?tb=z&key=m", "", "200 2 - 2"),
        ("GET", "/hustdb/zismember?tb=z&key=m", "", "200 2 -"),
        ("GET", "/hustdb/zscore?tb=z&key=none", "", "404 0 -"),
        ("GET", "/hustdb/zrem?tb=z&key=none&ver=2", "", "404 0 false"),
        ("GET", "/hustdb/zrem?tb=z&key=m&ver=1", "", "401 2 true"),
        ("GET", "/hustdb/zrem?tb=z&key=m&ver=2", "", "200 2 false"),
        ("GET", "/hustdb/zadd?tb=z&key=m&score=3&opt=1", "", "200 1 false 3"),
    ]);
}

#[test]
fn operations_and_their_limits() {
    let node = node();
    let mut client = Client::of(&node);
    let overflow = "score: the result leaves the range of int64";
    client.check(&[
        ("GET", "/hustdb/zadd?tb=z&key=a&score=-5&opt=7", "", "200 1 false -5"),
        ("GET", "/hustdb/zadd?tb=z&key=b&score=-5&opt=-7", "", "200 1 false 5"),
        ("GET", "/hustdb/zadd?tb=z&key=a&score=0&opt=1", "", "200 2 false -5"),
        ("GET", "/hustdb/zadd?tb=z&key=a&score=0&opt=-1", "", "200 3 false -5"),
        ("GET", &format!("/hustdb/zadd?tb=z&key=a&score={MAX}"), "", &format!("200 4 false {MAX}")),
        ("GET", "/hustdb/zadd?tb=z&key=a&score=1&opt=1", "", &format!("403 0 false {overflow}")),
        ("GET", "/hustdb/zadd?tb=z&key=a&score=1&opt=1&ver=4", "", &format!("403 4 false {overflow}")),
        ("GET", "/hustdb/zscore?tb=z&key=a", "", &format!("200 4 - {MAX}")),
        ("GET", &format!("/hustdb/zadd?tb=z&key=a&score={MIN}&opt=1"), "", "200 5 false -1"),
        (
            "GET",
            &format!("/hustdb/zadd?tb=z&key=c&score={MIN}&opt=-1"),
            "",
            &format!("403 0 false {overflow}"),
        ),
        ("GET", "/hustdb/zscore?tb=z&key=c", "", "404 0 -"),
        ("GET", &format!("/hustdb/zadd?tb=z&key=c&score={MIN}"), "", &format!("200 1 false {MIN}")),
        (
            "GET",
            &format!("/hustdb/zadd?tb=none&key=c&score={MIN}&opt=-1"),
            "",
            &format!("403 0 false {overflow}"),
        ),
        ("GET", "/hustdb/stat?tb=none", "", "404 - - tb: no such table"),
        ("GET", "/hustdb/stat?tb=z", "", r#"200 - - {"table":"z","type":"Z","count":3}"#),
    ]);
    client.check_bad(&[
        ("/hustdb/zadd?tb=z&key=a", "score: missing"),
        ("/hustdb/zadd?tb=z&key=a&score=", "score: empty"),
        ("/hustdb/zadd?tb=z&key=a&score=1.5", "score: not a number"),
        ("/hustdb/zadd?tb=z&key=a&score=+1", "score: not a number"),
        ("/hustdb/zadd?tb=z&key=a&score=9223372036854775808", &format!("score: not in {MIN}..{MAX}")),
        ("/hustdb/zadd?tb=z&key=a&score=1&opt=x", "opt: not a number"),
        ("/hustdb/zadd?tb=z&key=a&score=1&opt=", "opt: empty"),
        ("/hustdb/zadd?tb=z&key=a&score=1&ttl=2592001", "ttl: over 2592000"),
        ("/hustdb/zadd?tb=z&score=1", "key: missing"),
        ("/hustdb/zadd?key=a&score=1", "tb: missing"),
        ("/hustdb/zscore?tb=z&key=", "key: empty"),
        ("/hustdb/zrem?tb=z", "key: missing"),
        (
            "/hustdb/zadd?tb=z&key=a&score=1&opt=1&is_dup=true&ver=2",
            "is_dup: not with opt: replicate the resulting score",
        ),
        (
            "/hustdb/zadd?tb=z&key=a&score=1&opt=-1&is_dup=1&ver=2&stamp=9",
            "is_dup: not with opt: replicate the resulting score",
        ),
    ]);
}

#[test]
fn setting_the_score_it_has_changes_nothing() {
    let node = node();
    let mut client = Client::of(&node);
    let first = client.get("/hustdb/zadd?tb=z&key=m&score=7&ttl=60");
    assert!(first.number("expire").is_some());
    for target in [
        "/hustdb/zadd?tb=z&key=m&score=7",
        "/hustdb/zadd?tb=z&key=m&score=7&ver=1",
        "/hustdb/zadd?tb=z&key=m&score=7&opt=0",
    ] {
        let same = client.get(target);
        assert_eq!(brief(&same), "200 1 false 7", "{target}");
        for name in ["stamp", "expire"] {
            assert_eq!(same.header(name), first.header(name), "{target}");
        }
    }
    let kept = client.get("/hustdb/zadd?tb=z&key=m&score=8");
    assert_eq!((brief(&kept).as_str(), kept.number("expire")), ("200 2 false 8", first.number("expire")));
    let added = client.get("/hustdb/zadd?tb=z&key=m&score=0&opt=1");
    assert_eq!((brief(&added).as_str(), added.number("expire")), ("200 3 false 8", first.number("expire")));
    let renewed = client.get("/hustdb/zadd?tb=z&key=m&score=8&ttl=600");
    assert_eq!(brief(&renewed), "200 4 false 8");
    assert!(renewed.number("expire") > first.number("expire"));
    let permanent = client.get("/hustdb/zadd?tb=z&key=m&score=8&ttl=0");
    assert_eq!((brief(&permanent).as_str(), permanent.header("expire")), ("200 5 false 8", None));
}

#[test]
fn members_in_bodies_and_methods() {
    let node = node();
    let mut client = Client::of(&node);
    client.check(&[
        ("PUT", "/hustdb/zadd?tb=z&score=1&key=query", "body", "200 1 false 1"),
        ("GET", "/hustdb/zadd?tb=z&score=2&key=%zz", "get", "200 1 false 2"),
        ("GET", "/hustdb/zscore?tb=z&key=none", "get", "200 1 - 2"),
        ("POST", "/hustdb/zscore?tb=z", "body", "200 1 - 1"),
        ("POST", "/hustdb/zismember?tb=z&key=%zz", "body", "200 1 -"),
        ("POST", "/hustdb/zscore?tb=z", "", "400 - - key: missing"),
        ("GET", "/hustdb/zismember?tb=z&key=query", "", "404 0 -"),
        ("PUT", "/hustdb/zadd?tb=z&score=1", "", "400 - - key: missing"),
        ("GET", "/hustdb/zrem?tb=z&key=body", "get", "200 1 false"),
        ("GET", "/hustdb/zscore?tb=z&key=body", "", "200 1 - 1"),
    ]);
    for path in ["zscore", "zismember"] {
        let refused = client.ask("PUT", &format!("/hustdb/{path}?tb=z"), "body");
        assert_eq!(brief(&refused), "405 - - method: use GET, HEAD or POST");
        let head = client.ask("HEAD", &format!("/hustdb/{path}?tb=z&key=body&stamps=1"), "");
        assert!(head.status == 200 && head.header("stamp").is_some() && head.header("expire").is_none());
    }
    assert_eq!(client.ask("HEAD", "/hustdb/zadd?tb=z&key=m&score=1", "").status, 405);
}

#[test]
fn expired_members_are_absent_to_every_command() {
    let node = node();
    let mut client = Client::of(&node);
    let expire = now_ms() + 400;
    client.get("/hustdb/zadd?tb=z&key=kept&score=1");
    for key in ["get", "del", "cas", "add", "same"] {
        let target = format!("/hustdb/zadd?tb=z&key={key}&score=9&is_dup=true&ver=9&expire={expire}");
        assert_eq!(brief(&client.get(&target)), "200 9 false 9");
    }
    let gone = wait_until(Duration::from_secs(3), || client.get("/hustdb/zscore?tb=z&key=get").status == 404);
    assert!(gone && (expire..expire + 1000).contains(&now_ms()));
    client.check(&[
        ("GET", "/hustdb/zismember?tb=z&key=get", "", "404 0 -"),
        ("GET", "/hustdb/zrem?tb=z&key=del", "", "404 0 false"),
        ("GET", "/hustdb/zadd?tb=z&key=cas&score=9&ver=9", "", "401 0 true"),
        ("GET", "/hustdb/zadd?tb=z&key=add&score=3&opt=-1", "", "200 1 false -3"),
        ("GET", "/hustdb/zadd?tb=z&key=same&score=9", "", "200 1 false 9"),
    ]);
    assert_eq!(client.get("/hustdb/zscore?tb=z&key=add&stamps=1").header("expire"), None);
    let figures = r#"{"table":"z","type":"Z","count":3}"#;
    assert!(wait_until(Duration::from_secs(5), || client.get("/hustdb/stat?tb=z").text() == figures));
}

#[test]
fn replicas_of_scores() {
    let node = node();
    let mut client = Client::of(&node);
    let at = stamp(now_ms()) + 10;
    let add = |score: i64, ver: u64, stamp: u64| {
        format!("/hustdb/zadd?tb=z&key=m&score={score}&opt=0&is_dup=true&ver={ver}&stamp={stamp}")
    };
    let rem = |ver: u64, stamp: u64| format!("/hustdb/zrem?tb=z&key=m&is_dup=true&ver={ver}&stamp={stamp}");
    let added = client.get(&add(-5, 4, at));
    assert_eq!((brief(&added).as_str(), added.number("stamp")), ("200 4 false -5", Some(at)));
    client.check(&[
        ("GET", &add(-5, 4, at), "", "200 4 false -5"),
        ("GET", &add(-6, 4, at), "", "200 4 true -5"),
        ("GET", &add(3, 4, at), "", "200 4 false 3"),
        ("GET", &add(-1, 4, at), "", "200 4 true 3"),
        ("GET", &add(99, 9, at - 1), "", "200 4 true 3"),
        ("GET", "/hustdb/zscore?tb=z&key=m", "", "200 4 - 3"),
        ("GET", &rem(4, at), "", "200 4 false"),
        ("GET", &add(3, 4, at), "", "200 4 true"),
        ("GET", "/hustdb/zscore?tb=z&key=m", "", "412 0 - tb: no such table"),
        ("GET", &add(8, 1, at + 1), "", "200 1 false 8"),
        ("GET", "/hustdb/zadd?tb=z&key=m&score=1&is_dup=true&ver=5", "", "200 5 false 1"),
        ("GET", "/hustdb/zadd?tb=z&key=m&score=2&is_dup=true&ver=4", "", "200 5 true 1"),
        ("GET", "/hustdb/zadd?tb=z&key=m&score=1&is_dup=true&ver=5", "", "200 5 false 1"),
        ("GET", "/hustdb/zrem?tb=z&key=m&is_dup=true&ver=4", "", "200 5 true"),
        ("GET", "/hustdb/zrem?tb=z&key=m&is_dup=true&ver=6", "", "200 5 false"),
        ("GET", "/hustdb/zrem?tb=z&key=m&is_dup=true&ver=6", "", "412 6 false tb: no such table"),
    ]);
}

//! ttl: its bounds, the expiry it sets, and the absence that follows.

use std::time::Duration;

use hust_testkit::wait_until;

use crate::support::{Client, brief, node, now_ms};

#[test]
fn ttl_sets_an_absolute_expiry_and_its_absence_none() {
    let node = node();
    let mut client = Client::of(&node);
    for ttl_s in [1, 60, 2_592_000] {
        let before = now_ms();
        let reply = client.put(&format!("/hustdb/put?key=k&ttl={ttl_s}"), "v");
        let expire = reply.number("expire").unwrap();
        assert!((before + ttl_s * 1000..=now_ms() + ttl_s * 1000).contains(&expire), "{ttl_s}");
        assert_eq!(client.get("/hustdb/exist?key=k&stamps=true").number("expire"), Some(expire));
    }
    for permanent in ["/hustdb/put?key=k&ttl=0", "/hustdb/put?key=k"] {
        client.put("/hustdb/put?key=k&ttl=60", "v");
        assert_eq!(client.put(permanent, "v").header("expire"), None, "{permanent}");
        assert_eq!(client.get("/hustdb/get?key=k&stamps=true").header("expire"), None);
    }
    client.check_bad(&[
        ("/hustdb/put?key=k&val=v&ttl=2592001", "ttl: over 2592000"),
        ("/hustdb/put?key=k&val=v&ttl=99999999999999999999", "ttl: over 2592000"),
        ("/hustdb/put?key=k&val=v&ttl=-1", "ttl: negative"),
        ("/hustdb/put?key=k&val=v&ttl=", "ttl: empty"),
        ("/hustdb/put?key=k&val=v&ttl=ten", "ttl: not a number"),
    ]);
}

#[test]
fn an_expired_record_is_absent_to_every_command() {
    let node = node();
    let mut client = Client::of(&node);
    // `a` (slot 51) is file 0. Four of the same, one for each first command that meets the expiry.
    let put = client.put("/hustdb/put?key=a&ttl=1", "v");
    let expire = put.number("expire").unwrap();
    for key in ["del", "cas", "put"] {
        client.put(&format!("/hustdb/put?key={key}&is_dup=true&ver=9&expire={expire}"), "v");
    }
    let list = "/hustdb/keys?file=0&offset=0&size=9&start=51&end=52";
    assert_eq!(client.get(list).number("keys"), Some(1));
    let gone = wait_until(Duration::from_secs(5), || {
        let reply = client.get("/hustdb/get?key=a");
        assert!(reply.status == 200 || now_ms() >= expire, "{} too early", reply.status);
        reply.status == 404
    });
    assert!(gone && now_ms() < expire + 1000, "at once, not when something sweeps");
    client.check(&[
        ("GET", "/hustdb/get?key=a&stamps=true", "", "404 0 -"),
        ("GET", "/hustdb/exist?key=a", "", "404 0 -"),
        ("GET", list, "", "200 - - []"),
        ("GET", "/hustdb/del?key=del", "", "404 0 false"),
        ("PUT", "/hustdb/put?key=cas&ver=9", "w", "401 0 true"),
        ("PUT", "/hustdb/put?key=cas", "w", "200 1 false"),
        ("PUT", "/hustdb/put?key=put&is_dup=true&ver=3", "w", "200 3 false"),
        ("GET", "/hustdb/get?key=cas", "", "200 1 - w"),
    ]);
    let later = client.put("/hustdb/put?key=a", "new");
    assert_eq!(brief(&later), "200 1 false", "versions begin anew");
    assert!(later.number("stamp") > put.number("stamp"), "stamps go on");
    assert_eq!(client.get("/hustdb/get?key=a&stamps=true").header("expire"), None);
}

#[test]
fn expiry_goes_on_while_the_node_is_down() {
    let mut node = node();
    let mut client = Client::of(&node);
    let expire = now_ms() + 300;
    client.put(&format!("/hustdb/put?key=k&is_dup=true&ver=1&expire={expire}"), "v");
    client.put("/hustdb/put?key=kept&ttl=60", "v");
    node.kill().unwrap();
    assert!(wait_until(Duration::from_secs(2), || now_ms() >= expire));
    node.restart().unwrap();
    let mut client = Client::of(&node);
    client.check(&[
        ("GET", "/hustdb/get?key=k", "", "404 0 -"),
        ("GET", "/hustdb/get?key=kept", "", "200 1 - v"),
    ]);
    let swept = wait_until(Duration::from_secs(5), || {
        client.get("/hustdb/stat").text().contains(r#""KVPAIR":{"count":1,"size":5,"capacity":1024}"#)
    });
    assert!(swept, "{}", client.get("/hustdb/stat").text());
}

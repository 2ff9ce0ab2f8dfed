//! How parameters are read: splitting, decoding once, the grammar of each type, lengths.

use hust_testkit::Node;

use crate::support::{Client, brief, node};

/// The value found under `target`'s key.
fn found(client: &mut Client, query: &str) -> String {
    brief(&client.get(&format!("/hustdb/get?{query}")))
}

#[test]
fn every_spelling_of_a_key_is_that_key() {
    let node = node();
    let mut client = Client::of(&node);
    let same: [(&str, &[&str]); 8] = [
        ("key=k", &["key=%6b", "key=%6B", "&&key=k&", "x=1&key=k&y", "key=other&key=k", "other=%zz&key=k"]),
        ("key=a%20b", &["key=a%20b&Key=x", "key=a%20b&ke=1&keys=2"]),
        ("key=a+b", &["key=a%2Bb", "key=a%2bb"]),
        ("key=a=b", &["key=a%3Db"]),
        ("key=%2541", &["key=%25%34%31"]),
        ("key=%00", &["key=%00&"]),
        ("key=%80%FF", &["key=%80%ff"]),
        ("key=%E4%B8%AD%E6%96%87", &["key=%e4%b8%ad%e6%96%87"]),
    ];
    for (key, _) in same {
        assert_eq!(client.put(&format!("/hustdb/put?{key}"), key).number("version"), Some(1), "{key}");
    }
    for (key, spellings) in same {
        for spelling in spellings {
            assert_eq!(found(&mut client, spelling), format!("200 1 - {key}"), "{spelling}");
        }
    }
    for absent in ["key=K", "key=A", "key=%2520", "key=a%20b%00", "key=a%26b", "key=a"] {
        assert_eq!(found(&mut client, absent), "404 0 -", "{absent}");
    }
    client.check_bad(&[
        ("/hustdb/get?key=", "key: empty"),
        ("/hustdb/get?key", "key: empty"),
        ("/hustdb/get?Key=k", "key: missing"),
        ("/hustdb/get?%6bey=k", "key: missing"),
        ("/hustdb/get?key=%", "key: bad escape"),
        ("/hustdb/get?key=%a", "key: bad escape"),
        ("/hustdb/get?key=k%zz", "key: bad escape"),
        ("/hustdb/get?key=k&key=", "key: empty"),
        ("/hustdb/exist", "key: missing"),
        ("/hustdb/put?val=v", "key: missing"),
        ("/hustdb/put?key=&val=v", "key: empty"),
        ("/hustdb/put?key=k&val=%", "val: bad escape"),
        ("/hustdb/del", "key: missing"),
        ("/hustdb/del?key=", "key: empty"),
    ]);
    assert_eq!(found(&mut client, "key=k"), "200 1 - key=k", "refused requests changed nothing");
}

#[test]
fn what_may_stand_in_a_target_unescaped() {
    let node = node();
    let mut client = Client::of(&node);
    for fine in ["中文", "é", "`", "{a}", "|", "\\", "^", "[0]", "'", "a?b/c:d@e!$*(),;~", "k=v"] {
        assert_eq!(client.put(&format!("/hustdb/put?key={fine}"), "v").status, 200, "{fine}");
        let escaped: String = fine.bytes().map(|byte| format!("%{byte:02x}")).collect();
        assert_eq!(found(&mut client, &format!("key={escaped}")), "200 1 - v", "{fine}");
    }
    for refused in [&b"\""[..], b"<", b">", b"\xff", b"\xe4\xb8", b"\x01", b"\x7f", b"a b", b"\t"] {
        let mut client = Client::of(&node);
        let request = [b"GET /hustdb/get?key=".as_slice(), refused, b" HTTP/1.1\r\n\r\n"].concat();
        client.0.send(request).unwrap();
        assert_eq!(brief(&client.0.reply().unwrap()), "400 - - request: malformed", "{refused:?}");
        assert!(client.0.is_closed().unwrap(), "{refused:?}");
    }
}

#[test]
fn values_in_the_query_are_decoded_once() {
    let node = node();
    let mut client = Client::of(&node);
    for (sent, stored) in [
        ("a%20b", &b"a b"[..]),
        ("a+b", b"a+b"),
        ("%2541", b"%41"),
        ("a=b", b"a=b"),
        ("%00%ff", b"\0\xff"),
        ("1&val=2", b"2"),
    ] {
        client.get(&format!("/hustdb/put?key=k&val={sent}"));
        assert_eq!(client.get("/hustdb/get?key=k").body, stored, "{sent}");
    }
}

#[test]
fn numbers_and_booleans() {
    let node = node();
    let mut client = Client::of(&node);
    for (value, reason) in [
        ("", "empty"),
        ("%2B1", "not a number"),
        ("+1", "not a number"),
        ("-1", "negative"),
        ("%201", "not a number"),
        ("1%20", "not a number"),
        ("0x1", "not a number"),
        ("1.0", "not a number"),
        ("1e3", "not a number"),
        ("9223372036854775808", "over 9223372036854775807"),
        ("99999999999999999999999999", "over 9223372036854775807"),
        ("%zz", "bad escape"),
    ] {
        for command in ["put?val=v&", "del?"] {
            let target = format!("/hustdb/{command}key=k&ver={value}");
            client.check_bad(&[(&target, &format!("ver: {reason}"))]);
        }
    }
    for value in ["", "True", "yes", "2", "01", "%74rue%"] {
        let reason = if value.ends_with('%') { "bad escape" } else { "not true, false, 1 or 0" };
        for (target, name) in [
            (format!("/hustdb/get?key=k&stamps={value}"), "stamps"),
            (format!("/hustdb/exist?key=k&stamps={value}"), "stamps"),
            (format!("/hustdb/put?key=k&val=v&is_dup={value}"), "is_dup"),
            (format!("/hustdb/del?key=k&is_dup={value}"), "is_dup"),
        ] {
            client.check_bad(&[(&target, &format!("{name}: {reason}"))]);
        }
    }
    client.check(&[("GET", "/hustdb/put?key=k&val=v&ver=%30&is_dup=0", "", "200 1 false")]);
    for (value, shown) in [("true", true), ("1", true), ("%74rue", true), ("false", false), ("0", false)] {
        for command in ["get", "exist"] {
            let reply = client.get(&format!("/hustdb/{command}?key=k&stamps={value}"));
            assert_eq!((reply.status, reply.header("stamp").is_some()), (200, shown), "{command} {value}");
        }
    }
}

#[test]
fn keys_as_long_as_the_target_has_room() {
    const TARGET_MAX: usize = 65_534;
    let node = node();
    let mut client = Client::of(&node);
    let target = |path: &str, len: usize| format!("{path}?key={}", "x".repeat(len - path.len() - 5));
    let put = client.put(&target("/hustdb/put", TARGET_MAX), "long");
    assert_eq!(brief(&put), "200 1 false");
    assert_eq!(brief(&client.get(&target("/hustdb/get", TARGET_MAX))), "200 1 - long");
    assert_eq!(brief(&client.get(&target("/hustdb/get", TARGET_MAX - 1))), "404 0 -", "one byte shorter");
    assert_eq!(brief(&client.get(&target("/hustdb/del", TARGET_MAX))), "200 1 false");
    let over = client.get(&target("/hustdb/get", TARGET_MAX + 1));
    assert_eq!((over.status, over.header("version")), (414, None));
    assert!(client.0.is_closed().unwrap());
    assert_still_serves(&node);
}

#[test]
fn heads_over_the_limits() {
    let node = node();
    let mut client = Client::of(&node);
    let fill = "f".repeat(1000);
    let hundred: Vec<String> = (0..99).map(|number| format!("h{number}")).collect();
    let headers = |count: usize| -> Vec<(&str, &str)> {
        hundred.iter().take(count).map(|name| (name.as_str(), fill.as_str())).collect()
    };
    let reply = client.ask_with("GET", "/hustdb/get?key=k", &headers(99), b"");
    assert_eq!(brief(&reply), "404 0 -", "99 headers and Host, about 100 KB");
    let head = |length: usize| -> String {
        let (begin, end) = ("GET /hustdb/get?key=k HTTP/1.1\r\nHost: node\r\nlong: ", "\r\n\r\n");
        format!("{begin}{}{end}", "l".repeat(length - begin.len() - end.len()))
    };
    client.0.send(head(128 << 10)).unwrap();
    assert_eq!(brief(&client.0.reply().unwrap()), "404 0 -", "128 KiB");
    client.0.send(head((128 << 10) + 1)).unwrap();
    assert_eq!(client.0.reply().unwrap().status, 431, "a byte more");
    let mut client = Client::of(&node);
    let many: Vec<(&str, &str)> = std::iter::repeat_n(("h", "v"), 100).collect();
    assert_eq!(client.ask_with("GET", "/hustdb/get?key=k", &many, b"").status, 431);
    assert_still_serves(&node);
}

fn assert_still_serves(node: &Node) {
    assert_eq!(brief(&Client::of(node).get("/status.html")), "200 - - ok");
}

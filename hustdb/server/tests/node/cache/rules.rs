//! Methods, parameters, bodies, names, and the cache turned off.

use super::{COMMANDS, READS, check, holding};
use crate::support::{Client, brief, builder, node};

#[test]
fn methods() {
    let node = node();
    let mut client = Client::of(&node);
    for (command, query) in COMMANDS {
        let target = format!("/hustcache/{command}?{query}");
        let (allowed, refused, sentence) = if READS.contains(&command) {
            (&["GET", "HEAD"][..], &["POST", "PUT", "DELETE"][..], "GET or HEAD")
        } else {
            (&["GET", "POST", "PUT"][..], &["HEAD", "DELETE", "PATCH"][..], "GET, POST or PUT")
        };
        for method in allowed {
            let status = client.ask(method, &target, "").status;
            assert!(matches!(status, 200 | 404 | 403), "{method} {target}: {status}");
        }
        for method in refused {
            let reply = client.ask(method, &target, "");
            assert_eq!((reply.status, reply.header("allow")), (405, Some(allowed.join(", ").as_str())));
            if *method != "HEAD" {
                assert_eq!(reply.text(), format!("method: use {sentence}\n"));
            }
        }
    }
    client.put("/hustcache/put?key=k", "value");
    let head = client.ask("HEAD", "/hustcache/get?key=k", "");
    assert_eq!((head.status, head.header("content-length")), (200, Some("5")));
    assert_eq!(client.get("/hustcache/get?key=k").header("content-type"), Some("text/plain"));
    for path in ["/hustcache", "/hustcache/", "/hustcache/get/", "/hustcache/Get", "/hustcache/hkeys"] {
        assert_eq!(brief(&client.get(&format!("{path}?key=k"))), "404 - - path: unknown", "{path}");
    }
}

#[test]
fn parameters() {
    let node = node();
    let mut client = Client::of(&node);
    for (command, query) in COMMANDS {
        let of_table = query.starts_with("tb=");
        let rest = query.replace("tb=t&", "").replace("key=k", "").replace("key=f", "").replace("key=n", "");
        let target = |names: &str| format!("{command}?{names}&{rest}");
        if of_table {
            check(
                &mut client,
                &[
                    (&target("key=f"), "400 tb: missing"),
                    (&target("tb=&key=f"), "400 tb: empty"),
                    (&target("tb=%zz&key=f"), "400 tb: bad escape"),
                ],
            );
        }
        check(
            &mut client,
            &[
                (&target("tb=t"), "400 key: missing"),
                (&target("tb=t&key="), "400 key: empty"),
                (&target("tb=t&key=%f"), "400 key: bad escape"),
            ],
        );
    }
    let bounds = "400 ttl: not in 1..4294967295";
    for (ttl, reason) in [
        ("0", bounds),
        ("4294967296", bounds),
        ("99999999999999999999999", bounds),
        ("-1", bounds),
        ("", "400 ttl: empty"),
        ("1.5", "400 ttl: not a number"),
        ("ten", "400 ttl: not a number"),
        ("%2B1", "400 ttl: not a number"),
    ] {
        check(&mut client, &[(&format!("put?key=new&val=v&ttl={ttl}"), reason), ("exist?key=new", "404")]);
        check(&mut client, &[("put?key=k&val=v", "200"), (&format!("expire?key=k&ttl={ttl}"), reason)]);
        check(&mut client, &[("ttl?key=k", "200 -1")]);
    }
    check(
        &mut client,
        &[
            ("expire?key=k", "400 ttl: missing"),
            ("put?key=new", "400 val: missing"),
            ("append?key=new", "400 val: missing"),
            ("hset?tb=new&key=f", "400 val: missing"),
            ("exist?key=new", "404"),
        ],
    );
}

#[test]
fn bodies_take_the_place_of_val() {
    let node = node();
    let mut client = Client::of(&node);
    let mut after = |method: &str, target: &str, body: &str, read: &str| {
        let status = client.ask(method, &format!("/hustcache/{target}"), body).status;
        assert_eq!(status, 200, "{method} {target}");
        client.get(&format!("/hustcache/{read}")).text()
    };
    for (method, target, body, expected) in [
        ("PUT", "put?key=a&val=query", "body", "body"),
        ("GET", "put?key=a&val=query", "by get", "by get"),
        ("POST", "append?key=a&val=query", "!", "by get!"),
        ("PUT", "put?key=a&val=query", "", "query"),
        ("PUT", "append?key=a", "", "query"),
        ("POST", "put?key=a&val=", "", ""),
        ("GET", "append?key=a&val=x%20y", "", "x y"),
        ("PUT", "put?key=a", "", ""),
    ] {
        assert_eq!(after(method, target, body, "get?key=a"), expected, "{method} {target} {body}");
    }
    assert_eq!(after("PUT", "hset?tb=t&key=f&val=query", "body", "hget?tb=t&key=f"), "body");
    assert_eq!(after("PUT", "hset?tb=t&key=f", "", "hget?tb=t&key=f"), "");
    assert_eq!(after("POST", "hset?tb=t&key=f&val=query", "", "hget?tb=t&key=f"), "query");
    for target in ["expire?key=a&ttl=9", "persist?key=a", "hdel?tb=t&key=f", "del?key=a"] {
        assert_eq!(client.ask("POST", &format!("/hustcache/{target}"), "ignored").status, 200, "{target}");
    }
    let every_byte: Vec<u8> = (0..=255).cycle().take(70_000).collect();
    client.put("/hustcache/put?key=bin", &every_byte);
    assert!(client.get("/hustcache/get?key=bin").body == every_byte);
}

#[test]
fn names_are_any_bytes_and_exact() {
    let node = node();
    let mut client = Client::of(&node);
    let long = "x".repeat(65_000);
    let names =
        ["%00", "%00%ff", "a+b", "a%20b", "a%2Fb%3D%26", "%E4%B8%AD", "no table name!", &long].map(|name| {
            // A space cannot stand in a target.
            name.replace(' ', "%20")
        });
    for (at, name) in names.iter().enumerate() {
        let value = at.to_string();
        assert_eq!(client.put(&format!("/hustcache/put?key={name}"), &value).status, 200);
        assert_eq!(client.put(&format!("/hustcache/hset?tb={name}&key=f"), &value).status, 412);
        assert_eq!(client.put(&format!("/hustcache/hset?tb=t{name}&key=f"), &value).status, 200);
        assert_eq!(client.put(&format!("/hustcache/hset?tb=fields&key={name}"), &value).status, 200);
    }
    for (at, name) in names.iter().enumerate() {
        let expected = format!("200 {at}");
        check(&mut client, &[(&format!("get?key={name}"), &expected)]);
        check(&mut client, &[(&format!("hget?tb=t{name}&key=f"), &expected)]);
        check(&mut client, &[(&format!("hget?tb=fields&key={name}"), &expected)]);
    }
    check(&mut client, &[("get?key=a%2bb", "200 2"), ("get?key=A%20b", "404"), ("get?key=%00%00", "404")]);
}

#[test]
fn turned_off_every_command_says_so() {
    let node = holding("0");
    let mut client = Client::of(&node);
    for (command, query) in COMMANDS {
        for query in [query, ""] {
            let target = format!("{command}?{query}");
            check(&mut client, &[(&target, "503 cache: off, cache.memory is 0")]);
        }
        assert_eq!(client.ask("DELETE", &format!("/hustcache/{command}"), "").status, 405);
    }
    assert!(!client.get("/metrics").text().contains("hustdb_hustcache"));
    client.check(&[("PUT", "/hustdb/put?key=k", "v", "200 1 false")]);
}

#[test]
fn lengths_have_limits() {
    let node = builder().set("server.max_body_size=2000").set("cache.memory=10000").start().unwrap();
    let mut client = Client::of(&node);
    client.put("/hustcache/put?key=k&ttl=90", "a".repeat(1500));
    assert_eq!(client.put("/hustcache/append?key=k", "b".repeat(500)).status, 200, "just the limit");
    let over = client.put("/hustcache/append?key=k", "c");
    assert_eq!(brief(&over), "413 - - val: with what is there over 2000 bytes");
    assert_eq!(over.header("connection"), None, "which stays usable");
    let value = client.get("/hustcache/get?key=k").text();
    assert_eq!(value, "a".repeat(1500) + &"b".repeat(500));
    assert_eq!(Client::of(&node).put("/hustcache/put?key=new", "x".repeat(2001)).status, 413);
    let mut fields = 0;
    let refused = loop {
        let reply = client.put(&format!("/hustcache/hset?tb=t&key={fields}"), "x".repeat(1000));
        if reply.status != 200 {
            break reply;
        }
        fields += 1;
    };
    assert_eq!(
        brief(&refused),
        "413 - - val: the entry with its overhead is over the 10000 bytes of the cache"
    );
    assert_eq!(fields, 8);
    for field in 0..fields {
        assert_eq!(client.get(&format!("/hustcache/hexist?tb=t&key={field}")).status, 200);
    }
    check(&mut client, &[("exist?key=k", "404"), ("hdel?tb=t&key=0", "200")]);
    assert_eq!(client.put("/hustcache/hset?tb=t&key=new", "x".repeat(1000)).status, 200);
}

//! Replicated writes of single records of every kind: merged by stamp, or ordered by version without one.

use hust_testkit::wait_until;

use crate::support::{Client, brief, builder, node, now_ms, stamp};

/// A kind: how a record of it is put, deleted and read, `{}` being where table and record stand.
struct Kind {
    put: &'static str,
    del: &'static str,
    read: &'static str,
    /// What a read shows of the values 1 and 2.
    shows: [&'static str; 2],
    has_table: bool,
}

const KINDS: [Kind; 4] = [
    Kind {
        put: "put?key=k{}&val={v}",
        del: "del?key=k{}",
        read: "get?key=k{}",
        shows: [" 1", " 2"],
        has_table: false,
    },
    Kind {
        put: "hset?tb=h{}&key=f&val={v}",
        del: "hdel?tb=h{}&key=f",
        read: "hget?tb=h{}&key=f",
        shows: [" 1", " 2"],
        has_table: true,
    },
    Kind {
        put: "sadd?tb=s{}&key=m",
        del: "srem?tb=s{}&key=m",
        read: "sismember?tb=s{}&key=m",
        shows: ["", ""],
        has_table: true,
    },
    Kind {
        put: "zadd?tb=z{}&key=m&score={v}",
        del: "zrem?tb=z{}&key=m",
        read: "zscore?tb=z{}&key=m",
        shows: [" 1", " 2"],
        has_table: true,
    },
];

impl Kind {
    fn put(&self, client: &mut Client, record: usize, value: usize, terms: &str) -> String {
        let target = self.put.replace("{}", &record.to_string()).replace("{v}", &value.to_string());
        // The score that a sorted set answers is not of interest here.
        let answer = brief(&client.get(&format!("/hustdb/{target}&{terms}")));
        answer.split(' ').take(3).collect::<Vec<_>>().join(" ")
    }

    fn del(&self, client: &mut Client, record: usize, terms: &str) -> String {
        let target = self.del.replace("{}", &record.to_string());
        brief(&client.get(&format!("/hustdb/{target}&{terms}")))
    }

    fn read(&self, client: &mut Client, record: usize) -> String {
        let target = self.read.replace("{}", &record.to_string());
        brief(&client.get(&format!("/hustdb/{target}")))
    }

    /// What a read of nothing answers.
    fn absent(&self) -> &'static str {
        if self.has_table { "412 0 - tb: no such table" } else { "404 0 -" }
    }

    fn shown(&self, version: u64, value: usize) -> String {
        format!("200 {version} -{}", self.shows[value - 1])
    }
}

#[test]
fn the_greater_of_two_replicas_of_any_kind_wins() {
    let node = node();
    let mut client = Client::of(&node);
    let base = stamp(now_ms());
    let at = |ver: u64, after: u64| format!("is_dup=true&ver={ver}&stamp={}", base + after);
    for kind in KINDS {
        // A newer stamp beats any version; the same again is no news.
        assert_eq!(kind.put(&mut client, 0, 1, &at(9, 1)), "200 9 false");
        assert_eq!(kind.put(&mut client, 0, 2, &at(3, 2)), "200 3 false");
        assert_eq!(kind.put(&mut client, 0, 2, &at(3, 2)), "200 3 false");
        assert_eq!(kind.put(&mut client, 0, 1, &at(9, 1)), "200 3 true");
        assert_eq!(kind.read(&mut client, 0), kind.shown(3, 2));
        // Of one stamp the version decides, then the deletion, then the value.
        assert_eq!(kind.put(&mut client, 0, 1, &at(4, 2)), "200 4 false");
        assert_eq!(kind.put(&mut client, 0, 2, &at(4, 2)), "200 4 false");
        assert_eq!(kind.read(&mut client, 0), kind.shown(4, 2));
        assert_eq!(kind.del(&mut client, 0, &at(4, 2)), "200 4 false");
        assert_eq!(kind.put(&mut client, 0, 2, &at(4, 2)), "200 4 true");
        assert_eq!(kind.read(&mut client, 0), kind.absent());
        // The deletion of what was never here is remembered.
        assert_eq!(kind.del(&mut client, 1, &at(0, 5)), "200 0 false");
        assert_eq!(kind.put(&mut client, 1, 1, &at(7, 4)), "200 0 true");
        assert_eq!(kind.read(&mut client, 1), kind.absent());
        assert_eq!(kind.put(&mut client, 1, 1, "ver=0"), "200 1 false", "a client begins anew");
        assert_eq!(kind.put(&mut client, 1, 2, &at(7, 5)), "200 1 true", "older than what the client wrote");
        assert_eq!(kind.read(&mut client, 1), kind.shown(1, 1));
        // A winner that has expired hides the loser; ttl is not read.
        let past = format!("{}&expire=5&ttl=x", at(2, 9));
        assert_eq!(kind.put(&mut client, 2, 1, &past), "200 2 false");
        assert_eq!(kind.put(&mut client, 2, 2, &at(8, 8)), "200 2 true");
        assert!(matches!(&*kind.read(&mut client, 2), "404 0 -" | "412 0 - tb: no such table"));
    }
    // What was put with an expiry that had passed leaves the counts within seconds.
    let swept = wait_until(std::time::Duration::from_secs(10), || {
        client.get("/hustdb/stat_all").text().matches(r#""count":1"#).count() == 5
    });
    assert!(swept, "{}", client.get("/hustdb/stat_all").text());
}

#[test]
fn without_a_stamp_the_version_decides_for_any_kind() {
    let node = node();
    let mut client = Client::of(&node);
    for kind in KINDS {
        let absent = if kind.has_table { "412 2 false tb: no such table" } else { "404 0 false" };
        assert_eq!(kind.del(&mut client, 0, "is_dup=true&ver=2"), absent);
        assert_eq!(kind.put(&mut client, 0, 1, "is_dup=true&ver=5"), "200 5 false");
        assert_eq!(kind.put(&mut client, 0, 2, "is_dup=true&ver=5"), "200 5 false");
        assert_eq!(kind.put(&mut client, 0, 1, "is_dup=true&ver=4"), "200 5 true");
        assert_eq!(kind.read(&mut client, 0), kind.shown(5, 2));
        assert_eq!(kind.del(&mut client, 0, "is_dup=true&ver=4"), "200 5 true");
        assert_eq!(kind.del(&mut client, 0, "is_dup=true&ver=6"), "200 5 false");
        assert_eq!(kind.read(&mut client, 0), kind.absent());
    }
}

#[test]
fn replicas_are_results_and_above_types_and_limits() {
    let node = builder().set("store.table_maximum=2").start().unwrap();
    let mut client = Client::of(&node);
    let base = stamp(now_ms());
    client.check_bad(&[
        (
            "/hustdb/hincrby?tb=t&key=f&val=1&is_dup=true&ver=1&stamp=1",
            "is_dup: not with hincrby: replicate its result with hset",
        ),
        (
            "/hustdb/zadd?tb=t&key=f&score=1&opt=1&is_dup=true&ver=1",
            "is_dup: not with opt: replicate the resulting score",
        ),
        (
            "/hustdb/zadd?tb=t&key=f&score=1&opt=-1&is_dup=true&ver=1&stamp=1",
            "is_dup: not with opt: replicate the resulting score",
        ),
        ("/hustdb/sadd?tb=t&key=m&is_dup=true&ver=0&stamp=1", "ver: not in 1..9223372036854775807"),
        ("/hustdb/srem?tb=t&key=m&is_dup=true&stamp=1", "ver: missing"),
        (
            "/hustdb/hset?tb=t&key=f&val=v&is_dup=true&ver=1&stamp=18446744073709551615",
            "stamp: too far ahead of this node's clock",
        ),
    ]);
    let dup = format!("is_dup=true&ver=1&stamp={base}");
    client.check(&[
        ("GET", "/hustdb/sadd?tb=a&key=m", "", "200 1 false"),
        ("GET", "/hustdb/sadd?tb=b&key=m", "", "200 1 false"),
        ("GET", "/hustdb/sadd?tb=c&key=m", "", "412 0 false tb: the limit of store.table_maximum is reached"),
        ("GET", &format!("/hustdb/sadd?tb=c&key=m&{dup}"), "", "200 1 false"),
        ("GET", &format!("/hustdb/hset?tb=a&key=f&val=v&{dup}"), "", "200 1 false"),
        // Both are there; the name shows the hash until that is gone.
        ("GET", "/hustdb/hget?tb=a&key=f", "", "200 1 - v"),
        ("GET", "/hustdb/sismember?tb=a&key=m", "", "412 0 - tb: is a hash"),
        ("GET", "/hustdb/hdel?tb=a&key=f", "", "200 1 false"),
        ("GET", "/hustdb/sismember?tb=a&key=m", "", "200 1 -"),
    ]);
}

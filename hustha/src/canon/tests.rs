//! What is sent for what a client sends.

use hust_wire::client::Reply;
use hyper::{HeaderMap, StatusCode, header::HeaderValue};

use super::*;
use crate::{plan::Demand, routes::CacheCommand};

fn request(method: &str, target: &str, body: &'static [u8]) -> Request {
    let parts = hyper::Request::builder().method(method).uri(target).body(()).unwrap().into_parts().0;
    Request::new(parts, 0, Bytes::from_static(body), [127, 0, 0, 1].into())
}

fn write(verb: Verb, target: &str, body: &'static [u8]) -> Result<Write, Refusal> {
    Write::parse(verb, &request("POST", target, body))
}

fn shown(call: &hust_wire::client::Call) -> String {
    format!("{} {}", call.target(), String::from_utf8_lossy(call.payload()))
}

fn reply(headers: &[(&'static str, &str)], body: &'static str) -> Reply {
    let headers: HeaderMap = headers
        .iter()
        .map(|(name, value)| {
            (hyper::header::HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())
        })
        .collect();
    Reply { status: StatusCode::OK, headers: (&headers).into(), body: body.into() }
}

/// A write and its two forms.
type Row = (Verb, &'static str, &'static [u8], &'static str, &'static str, &'static str);

/// Command, what the client sends, result, plain form, replicated form.
const FORMS: [Row; 8] = [
    (
        Verb::Put,
        "/put?key=a%20b&x=1&ttl=5",
        b"v",
        "",
        "put?key=a%20b&ttl=5 v",
        "put?key=a%20b&DUP&expire=99 v",
    ),
    (Verb::Put, "/put?key=a+b&val=", b"", "", "put?key=a%2Bb&val= ", "put?key=a%2Bb&val=&DUP&expire=99 "),
    (Verb::Del, "/del?key=%00&ver=4&stamp=1&expire=2", b"", "", "del?key=%00&ver=4 ", "del?key=%00&DUP "),
    (
        Verb::Hset,
        "/hset?tb=t&key=f&val=v%3D",
        b"",
        "",
        "hset?tb=t&key=f v=",
        "hset?tb=t&key=f&DUP&expire=99 v=",
    ),
    (
        Verb::Hincrby,
        "/hincrby?tb=t&key=f&val=-8",
        b"",
        "-3",
        "hincrby?tb=t&key=f -8",
        "hset?tb=t&key=f&DUP&expire=99 -3",
    ),
    (Verb::Sadd, "/sadd?tb=s&key=no", b"m", "", "sadd?tb=s m", "sadd?tb=s&DUP&expire=99 m"),
    (
        Verb::Zadd,
        "/zadd?tb=z&score=5&opt=-1&key=m",
        b"",
        "-50",
        "zadd?tb=z&score=5&opt=-1 m",
        "zadd?tb=z&score=-50&opt=0&DUP&expire=99 m",
    ),
    (Verb::Zrem, "/zrem?tb=z&key=m", b"", "", "zrem?tb=z m", "zrem?tb=z&DUP m"),
];

#[test]
fn both_forms_of_each_write() {
    let headers = [("version", "3"), ("stamp", "77"), ("expire", "99")];
    for (verb, target, body, result, plain, replicated) in FORMS {
        let write = write(verb, target, body).unwrap();
        assert_eq!(shown(&write.plain(1)), format!("/hustdb/{plain}"), "{target}");
        let stored = write.stored(&reply(&headers, result)).unwrap();
        let replicated = replicated.replace("DUP", "is_dup=true&ver=3&stamp=77");
        assert_eq!(shown(&write.replicated(&stored).unwrap()), format!("/hustdb/{replicated}"), "{target}");
    }
}

#[test]
fn what_a_write_asks_for() {
    let demand = |verb, target| write(verb, target, b"1").unwrap().demand;
    let none = Demand::default();
    assert_eq!(demand(Verb::Put, "/put?key=k&ver=0"), none);
    assert_eq!(demand(Verb::Put, "/put?key=k&ver=1"), Demand { conditional: true, ..none });
    assert_eq!(demand(Verb::Zadd, "/zadd?tb=z&score=1&opt=0"), none);
    assert_eq!(demand(Verb::Zadd, "/zadd?tb=z&score=1&opt=2"), Demand { relative: true, ..none });
    assert!(demand(Verb::Hincrby, "/hincrby?tb=t&key=f").relative);
}

#[test]
fn refuses_before_anything_is_sent() {
    let line = |verb, target: &str| {
        let refusal = write(verb, target, b"").unwrap_err();
        format!("{} {}", refusal.status.as_u16(), refusal.line().trim_end())
    };
    assert_eq!(line(Verb::Put, "/put"), "400 key: missing");
    assert_eq!(line(Verb::Put, "/put?key=k"), "400 val: missing");
    assert_eq!(line(Verb::Put, "/put?key=%zz&val=1"), "400 key: bad escape");
    assert_eq!(line(Verb::Put, "/put?key=k&val=1&is_dup=true"), "400 is_dup: not through the proxy");
    assert_eq!(line(Verb::Hincrby, "/hincrby?tb=t&key=f&val=1x"), "400 val: not a number");
    assert_eq!(line(Verb::Hset, "/hset?key=f&val=1"), "400 tb: missing");
    assert_eq!(line(Verb::Zadd, "/zadd?tb=z&key=m"), "400 score: missing");
    assert!(write(Verb::Put, "/put?key=k&val=1&is_dup=false&stamp=x&expire=y", b"").is_ok());
    let long = |length: usize| format!("/put?key={}&val=1", "+".repeat(length));
    assert!(write(Verb::Put, &long(21_700), b"").is_ok(), "fits");
    assert_eq!(line(Verb::Put, &long(21_810)), "414 target: over 65534 bytes", "only its result does not");
    assert_eq!(line(Verb::Put, &long(40_000)), "414 target: over 65534 bytes");
}

#[test]
fn an_answer_must_say_all() {
    let write = write(Verb::Hincrby, "/hincrby?tb=t&key=f&val=1", b"").unwrap();
    let whole = [("version", "1"), ("stamp", "7")];
    assert!(write.stored(&reply(&whole, "5")).is_some());
    assert_eq!(write.stored(&reply(&whole, "")), None);
    assert_eq!(write.stored(&reply(&whole[..1], "5")), None);
    assert_eq!(write.stored(&reply(&whole[1..], "5")), None);
    assert_eq!(write.stored(&reply(&[("version", "1"), ("stamp", "x")], "5")), None);
    assert_eq!(write.stored(&reply(&[("version", "0"), ("stamp", "7")], "5")), None);
    assert_eq!(write.stored(&reply(&[("version", "1"), ("stamp", "7"), ("expire", "-")], "5")), None);
}

#[test]
fn slots_are_those_of_the_contract() {
    let slot = |verb, target, body| write(verb, target, body).unwrap().identity.slot();
    let table: [(Verb, &str, &'static [u8], u16); 7] = [
        (Verb::Put, "/put?key=test_key&val=1", b"", 560),
        (Verb::Put, "/put?key=a%20b&val=1", b"", 51),
        (Verb::Put, "/put?key=a&key=b&val=1", b"", 587),
        (Verb::Hset, "/hset?tb=test_table&key=key_1&val=1", b"", 755),
        (Verb::Sadd, "/sadd?tb=test_table", b"hello", 373),
        (Verb::Sadd, "/sadd?tb=t&key=a%00b", b"", 448),
        (Verb::Zadd, "/zadd?tb=test_table&score=1", b"hello", 902),
    ];
    for (verb, target, body, expected) in table {
        assert_eq!(slot(verb, target, body), expected, "{target}");
    }
}

#[test]
fn reads_listings_and_the_cache() {
    let get = |target| request("GET", target, b"");
    let (slot, call) = Lookup::Get.parse(&get("/get?xkey=b&key=a&stamps=1")).unwrap();
    assert_eq!((shown(&call), slot), ("/hustdb/get?stamps=true&key=a ".into(), 51));
    let (slot, call) = Lookup::Zismember.parse(&get("/zismember?tb=z&key=%00")).unwrap();
    assert_eq!((shown(&call), slot), ("/hustdb/zismember?tb=z \0".into(), hust_wire::slot::slot(b"z")));
    let read = Lookup::Zscore.parse_both(&request("POST", "/zscore2?tb=z", b"m")).unwrap();
    assert_eq!(
        (shown(&read.call), &*read.identity.key),
        ("/hustdb/zscore?tb=z&stamps=true m".into(), &b"m"[..])
    );
    let (slot, call) = range(Listing::Zrangebyscore, &get("/zrangebyscore?tb=z&min=-5&cursor=&x=1")).unwrap();
    assert_eq!(
        (slot, shown(&call)),
        (hust_wire::slot::slot(b"z"), "/hustdb/zrangebyscore?tb=z&min=-5&cursor= ".into())
    );
    let (number, call) = peer(Listing::Keys, &get("/keys?peer=1&file=0&offset=0&size=3"), 2).unwrap();
    assert_eq!((number, shown(&call)), (1, "/hustdb/keys?file=0&offset=0&size=3 ".into()));
    for wrong in ["/keys?peer=2&file=0", "/keys?file=0", "/keys?peer=x&file=0", "/keys?peer=0"] {
        assert_eq!(peer(Listing::Keys, &get(wrong), 2).unwrap_err().status, 400, "{wrong}");
    }
    let command = CacheCommand { path: "/hustcache/hset", tabled: true, writes: true, valued: true };
    let (slot, call) = cache_call(command, &get("/cache/hset?tb=test_table&key=user:42&val=v")).unwrap();
    assert_eq!((slot, shown(&call)), (347, "/hustcache/hset?tb=test_table&key=user:42 v".into()));
}

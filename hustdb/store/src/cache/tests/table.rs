//! Fields, increments, and the two kinds under one name.

use super::cache;
use crate::cache::{Decimal, Error, Ttl};

fn decimal(text: &str) -> Decimal {
    Decimal::parse(text.as_bytes()).unwrap()
}

#[test]
fn a_table_lives_from_its_first_field_to_its_last() {
    let (cache, _) = cache();
    assert_eq!((cache.hexist(b"t", b"f"), cache.hdel(b"t", b"f")), (Ok(false), Ok(false)));
    cache.hset(b"t", b"f", b"v").unwrap();
    cache.hset(b"t", b"", b"").unwrap();
    assert_eq!((cache.hexist(b"t", b"f"), cache.hexist(b"t", b"g")), (Ok(true), Ok(false)));
    assert_eq!((cache.field("t", "f").as_deref(), cache.field("t", "").as_deref()), (Some("v"), Some("")));
    cache.hset(b"t", b"f", b"longer than before").unwrap();
    assert_eq!(cache.field("t", "f").as_deref(), Some("longer than before"));
    cache.check();
    assert_eq!((cache.hdel(b"t", b""), cache.hdel(b"t", b"")), (Ok(true), Ok(false)));
    assert_eq!(cache.exist(b"t"), Ok(true));
    assert_eq!((cache.hdel(b"t", b"f"), cache.exist(b"t")), (Ok(true), Ok(false)));
    cache.check();
    assert_eq!(cache.stats().bytes, 0);
}

#[test]
fn kinds_do_not_mix() {
    let (cache, _) = cache();
    cache.put(b"p", b"v", None).unwrap();
    cache.hset(b"t", b"f", b"v").unwrap();
    let by = decimal("1");
    assert_eq!(cache.get(b"t"), Err(Error::HoldsTable));
    assert_eq!(cache.append(b"t", b"v"), Err(Error::HoldsTable));
    assert_eq!(cache.hget(b"p", b"f"), Err(Error::HoldsValue));
    assert_eq!(cache.hexist(b"p", b"f"), Err(Error::HoldsValue));
    assert_eq!(cache.hset(b"p", b"f", b"v"), Err(Error::HoldsValue));
    assert_eq!(cache.hdel(b"p", b"f"), Err(Error::HoldsValue));
    assert_eq!(cache.hincrby(b"p", b"f", 1), Err(Error::HoldsValue));
    assert_eq!(cache.hincrbyfloat(b"p", b"f", by), Err(Error::HoldsValue));
    assert_eq!((cache.text("p").as_deref(), cache.field("t", "f").as_deref()), (Some("v"), Some("v")));
    for key in [&b"p"[..], b"t"] {
        assert_eq!((cache.exist(key), cache.expire(key, 7)), (Ok(true), Ok(true)));
        assert_eq!(cache.ttl(key), Ok(Some(Ttl::Seconds(7))));
        assert_eq!(cache.persist(key), Ok(true));
    }
    cache.put(b"t", b"now a value", None).unwrap();
    assert_eq!(cache.text("t").as_deref(), Some("now a value"));
    assert_eq!((cache.del(b"p"), cache.del(b"t"), cache.stats().bytes), (Ok(true), Ok(true), 0));
    cache.hset(b"p", b"f", b"now a table").unwrap();
    cache.check();
}

#[test]
fn a_table_expires_whole_and_keeps_its_expiry() {
    let (cache, clock) = cache();
    cache.hset(b"t", b"f", b"v").unwrap();
    cache.expire(b"t", 10).unwrap();
    cache.hset(b"t", b"g", b"v").unwrap();
    cache.hincrby(b"t", b"n", 1).unwrap();
    cache.hdel(b"t", b"f").unwrap();
    assert_eq!(cache.ttl(b"t"), Ok(Some(Ttl::Seconds(10))));
    clock.advance(10_000);
    assert_eq!((cache.field("t", "g"), cache.exist(b"t")), (None, Ok(false)));
    assert_eq!(cache.hincrby(b"t", b"n", 5), Ok(5), "begins anew");
    assert_eq!(cache.ttl(b"t"), Ok(Some(Ttl::Forever)));
}

#[test]
fn integers_are_added() {
    let (cache, _) = cache();
    for (by, sum) in [(7, 7), (-10, -3), (0, -3), (i64::MAX, i64::MAX - 3)] {
        assert_eq!(cache.hincrby(b"t", b"n", by), Ok(sum));
        assert_eq!(cache.field("t", "n"), Some(sum.to_string()));
        cache.check();
    }
    assert_eq!(cache.hincrby(b"t", b"n", 4), Err(Error::Overflow));
    assert_eq!(cache.field("t", "n"), Some((i64::MAX - 3).to_string()));
    for wrong in ["", "x", "1.5", " 1"] {
        cache.hset(b"t", b"n", wrong.as_bytes()).unwrap();
        assert_eq!(cache.hincrby(b"t", b"n", 1), Err(Error::NotAnInteger), "{wrong}");
        assert_eq!(cache.field("t", "n").as_deref(), Some(wrong));
    }
}

#[test]
fn decimals_are_added_exactly() {
    let (cache, _) = cache();
    for (by, sum) in [("1.7", "1.7"), ("5.8", "7.5"), ("-7.5", "0"), ("0.10", "0.1"), ("0.20", "0.3")] {
        assert_eq!(cache.hincrbyfloat(b"t", b"f", decimal(by)), Ok(decimal(sum)));
        assert_eq!(cache.field("t", "f").as_deref(), Some(sum));
    }
    cache.hset(b"t", b"f", i128::MAX.to_string().as_bytes()).unwrap();
    assert_eq!(cache.hincrbyfloat(b"t", b"f", decimal("1")), Err(Error::Overflow));
    cache.hset(b"t", b"f", b"1e3").unwrap();
    assert_eq!(cache.hincrbyfloat(b"t", b"f", decimal("1")), Err(Error::NotANumber));
    assert_eq!(cache.hincrby(b"t", b"n", 41), Ok(41));
    assert_eq!(cache.hincrbyfloat(b"t", b"n", decimal("0.5")), Ok(decimal("41.5")));
    assert_eq!(cache.hincrby(b"t", b"n", 1), Err(Error::NotAnInteger));
}

//! put, get, exist, append, del, and times.

use super::{VALUE_MAX, cache};
use crate::cache::{Error, Ttl};

#[test]
fn a_value_comes_back_until_it_is_deleted() {
    let (cache, _) = cache();
    assert_eq!((cache.text("k"), cache.exist(b"k"), cache.del(b"k")), (None, Ok(false), Ok(false)));
    cache.put(b"k", b"v", None).unwrap();
    cache.put(b"", b"", None).unwrap();
    assert_eq!((cache.text("k").as_deref(), cache.exist(b"k")), (Some("v"), Ok(true)));
    assert_eq!(cache.text("").as_deref(), Some(""));
    cache.put(b"k", b"another", None).unwrap();
    let read = cache.get(b"k").unwrap().unwrap();
    assert_eq!(cache.del(b"k"), Ok(true));
    assert_eq!((cache.text("k"), cache.exist(b"k"), cache.del(b"k")), (None, Ok(false), Ok(false)));
    assert_eq!(read.as_ref(), b"another", "a reader keeps what it read");
    cache.check();
    assert_eq!(cache.stats().entries, 1);
}

#[test]
fn what_expires_is_gone_at_once_and_leaves_no_memory() {
    let (cache, clock) = cache();
    for key in ["a", "b", "c"] {
        cache.put(key.as_bytes(), b"v", Some(2)).unwrap();
    }
    clock.advance(1999);
    assert_eq!(cache.text("a").as_deref(), Some("v"));
    clock.advance(1);
    assert_eq!(cache.text("a"), None);
    assert_eq!((cache.ttl(b"b"), cache.exist(b"b")), (Ok(None), Ok(false)));
    assert_eq!((cache.del(b"c"), cache.del(b"c")), (Ok(false), Ok(false)));
    cache.check();
    assert_eq!(cache.stats().bytes, 0);
    for key in ["a", "b", "c"] {
        cache.put(key.as_bytes(), b"v", Some(1)).unwrap();
    }
    clock.advance(1000);
    assert_eq!((cache.persist(b"a"), cache.expire(b"a", 9)), (Ok(false), Ok(false)));
    cache.append(b"b", b"new").unwrap();
    assert_eq!((cache.text("b").as_deref(), cache.ttl(b"b")), (Some("new"), Ok(Some(Ttl::Forever))));
    cache.hset(b"c", b"f", b"v").unwrap();
    assert_eq!((cache.field("c", "f").as_deref(), cache.ttl(b"c")), (Some("v"), Ok(Some(Ttl::Forever))));
    cache.check();
}

#[test]
fn seconds_left_are_rounded_up() {
    let (cache, clock) = cache();
    assert_eq!(cache.ttl(b"k"), Ok(None));
    cache.put(b"k", b"v", None).unwrap();
    assert_eq!(cache.ttl(b"k"), Ok(Some(Ttl::Forever)));
    assert_eq!((cache.persist(b"k"), cache.persist(b"none")), (Ok(false), Ok(false)), "nothing to take off");
    assert_eq!((cache.expire(b"k", 60), cache.expire(b"none", 60)), (Ok(true), Ok(false)));
    for (step_ms, left_s) in [(0, 60), (1, 60), (998, 60), (1, 59), (58_000, 1), (999, 1)] {
        clock.advance(step_ms);
        assert_eq!(cache.ttl(b"k"), Ok(Some(Ttl::Seconds(left_s))));
    }
    assert_eq!((cache.persist(b"k"), cache.ttl(b"k")), (Ok(true), Ok(Some(Ttl::Forever))));
    cache.expire(b"k", u32::MAX).unwrap();
    assert_eq!(cache.ttl(b"k"), Ok(Some(Ttl::Seconds(u64::from(u32::MAX)))));
    cache.put(b"k", b"v", None).unwrap();
    assert_eq!(cache.ttl(b"k"), Ok(Some(Ttl::Forever)), "a put without a ttl has none");
}

#[test]
fn append_creates_keeps_the_expiry_and_has_a_limit() {
    let (cache, _) = cache();
    cache.append(b"k", b"a").unwrap();
    assert_eq!((cache.text("k").as_deref(), cache.ttl(b"k")), (Some("a"), Ok(Some(Ttl::Forever))));
    cache.expire(b"k", 60).unwrap();
    let mut expected = b"a".to_vec();
    while expected.len() < VALUE_MAX {
        let piece = vec![expected.len() as u8; (expected.len() % 17).min(VALUE_MAX - expected.len())];
        cache.append(b"k", &piece).unwrap();
        expected.extend(piece);
        cache.append(b"k", b"").unwrap();
        if expected.len() < VALUE_MAX {
            cache.append(b"k", b"x").unwrap();
            expected.push(b'x');
        }
        cache.check();
        assert_eq!(cache.get(b"k").unwrap().unwrap().as_ref(), expected);
    }
    assert_eq!(cache.append(b"k", b"y"), Err(Error::TooLong(VALUE_MAX)));
    assert_eq!(cache.append(b"new", &[0; VALUE_MAX + 1]), Err(Error::TooLong(VALUE_MAX)));
    assert_eq!(cache.exist(b"new"), Ok(false));
    assert_eq!(cache.get(b"k").unwrap().unwrap().as_ref(), expected);
    assert_eq!(cache.ttl(b"k"), Ok(Some(Ttl::Seconds(60))));
}

#[test]
fn reads_are_counted() {
    let (cache, _) = cache();
    cache.put(b"k", b"v", None).unwrap();
    cache.hset(b"t", b"f", b"v").unwrap();
    cache.text("k");
    cache.text("none");
    cache.field("t", "f");
    cache.field("t", "none");
    cache.field("none", "f");
    cache.exist(b"t").unwrap();
    let stats = cache.stats();
    assert_eq!((stats.entries, stats.hits, stats.misses, stats.evictions), (2, 3, 3, 0));
    assert!(format!("{cache:?}").contains("hits: 3"));
}

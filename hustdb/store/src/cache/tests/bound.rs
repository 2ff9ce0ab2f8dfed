//! The bound in bytes, and which entries go.

use super::{small, wide};
use crate::cache::Error;

fn key(number: usize) -> Vec<u8> {
    format!("key {number}").into_bytes()
}

#[test]
fn the_least_recently_used_go_whatever_their_shard() {
    let cache = wide(1 << 20);
    let put = |number: usize| {
        cache.put(&key(number + 10_000), &[7; 1000], None).unwrap();
        cache.stats().evictions
    };
    let full = (0..).find(|number| put(*number) > 0).unwrap();
    let there = |number: usize| cache.exist(&key(number + 10_000)) == Ok(true);
    assert!(!there(0), "the first went first");
    // Asking is a use; of the others the order of going is that of coming.
    assert!((1..full).step_by(2).all(there));
    let others: Vec<usize> = (2..full).step_by(2).collect();
    for (count, number) in (full + 1..).take(others.len()).enumerate() {
        assert_eq!(put(number), 2 + count as u64, "one comes, one goes");
    }
    assert!((1..full).step_by(2).all(there) && !others.into_iter().any(there));
    cache.check();
}

#[test]
fn the_bound_holds_and_the_last_written_stays() {
    for memory_bytes in [2_000, 20_000, 300_000] {
        let (cache, _) = small(memory_bytes);
        for number in 0..3000 {
            let value = vec![1; number * 7919 % 990];
            let key = key(number % 700);
            match number % 5 {
                0 => cache.append(&key, &value[..value.len() / 9]).or_else(|error| match error {
                    Error::TooLong(_) => cache.put(&key, &value, None),
                    error => Err(error),
                }),
                _ => cache.put(&key, &value, Some(9)),
            }
            .unwrap();
            assert!(cache.stats().bytes <= memory_bytes);
            assert!(cache.get(&key).unwrap().is_some(), "{number}");
        }
        cache.check();
        assert!(cache.stats().evictions > 0 && cache.stats().bytes > memory_bytes / 2);
    }
}

#[test]
fn a_growing_table_drives_others_out_and_then_stops() {
    let (cache, _) = small(200_000);
    for number in 0..100 {
        cache.put(&key(number), &[0; 900], None).unwrap();
    }
    let mut fields = 0;
    let refused = loop {
        match cache.hset(b"table", &key(fields), &[0; 100]) {
            Ok(()) => fields += 1,
            Err(error) => break error,
        }
        assert!(cache.stats().bytes <= 200_000);
    };
    assert_eq!(refused, Error::TooLarge(200_000));
    assert_eq!(cache.stats().entries, 1, "it alone is left");
    assert!((0..fields).all(|number| cache.hexist(b"table", &key(number)) == Ok(true)), "and whole");
    assert_eq!(
        cache.hincrby(b"table", b"one field too many, with a name so long that it cannot fit", 1).ok(),
        None
    );
    cache.hset(b"table", &key(0), b"").unwrap();
    cache.hdel(b"table", &key(1)).unwrap();
    cache.hset(b"table", b"new", &[0; 50]).unwrap();
    cache.check();
    cache.put(b"k", b"v", None).unwrap();
    assert_eq!((cache.exist(b"table"), cache.exist(b"k")), (Ok(false), Ok(true)), "then it was the oldest");
    cache.check();
}

#[test]
fn what_is_too_large_for_an_empty_cache_changes_nothing() {
    let cache = wide(10_000);
    cache.put(b"other", b"v", None).unwrap();
    cache.put(b"k", b"v", None).unwrap();
    assert_eq!(cache.put(b"k", &[0; 10_000], None), Err(Error::TooLarge(10_000)));
    assert_eq!(cache.put(b"new", &[0; 10_000], None), Err(Error::TooLarge(10_000)));
    assert_eq!(cache.append(b"k", &[0; 10_000]), Err(Error::TooLarge(10_000)));
    assert_eq!(cache.hset(b"t", b"f", &[0; 10_000]), Err(Error::TooLarge(10_000)));
    assert_eq!((cache.text("k").as_deref(), cache.stats().entries), (Some("v"), 2));
    cache.put(b"k", &[0; 9_600], None).unwrap();
    assert_eq!(cache.exist(b"other"), Ok(false), "this needed nearly all");
    cache.append(b"k", &[0; 100]).unwrap();
    assert_eq!(cache.get(b"k").unwrap().unwrap().as_ref().len(), 9_700, "without spare room for more");
    cache.check();
}

#[test]
fn one_large_value_takes_the_room_of_many_small_ones() {
    let cache = wide(4 << 20);
    for number in 0..5_000 {
        cache.put(&key(number), &[0; 500], None).unwrap();
    }
    assert_eq!(cache.stats().entries, 5_000);
    cache.put(b"large", &vec![0; 3 << 20], None).unwrap();
    let left: Vec<bool> = (0..5_000).map(|number| cache.exist(&key(number)) == Ok(true)).collect();
    let first = left.iter().position(|there| *there).unwrap();
    assert!(first > 3_000 && left[first..].iter().all(|there| *there), "the oldest went, and no others");
    cache.check();
}

#[test]
fn expired_entries_make_room_like_others() {
    let (cache, clock) = small(20_000);
    for number in 0..50 {
        cache.put(&key(number), &[0; 100], Some(1)).unwrap();
    }
    clock.advance(1000);
    for number in 100..120 {
        cache.put(&key(number), &[0; 500], None).unwrap();
    }
    assert!((100..120).all(|number| cache.exist(&key(number)) == Ok(true)));
    cache.check();
}

#[test]
fn a_cache_of_no_bytes_holds_nothing() {
    let cache = wide(0);
    assert_eq!(cache.put(b"k", b"", None), Err(Error::TooLarge(0)));
    assert_eq!((cache.exist(b"k"), cache.del(b"k")), (Ok(false), Ok(false)));
}

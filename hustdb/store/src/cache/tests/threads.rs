//! Many threads on few keys: sums are exact, values whole, the bound holds, nobody waits for ever.

use std::{
    sync::{
        Barrier,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    thread,
};

use super::wide;
use crate::cache::{Cache, Decimal, Error};

const THREADS: u64 = 4;

/// Runs `work` on each thread at once.
fn together(work: impl Fn(u64) + Sync) {
    let start = Barrier::new(THREADS as usize);
    let (start, work) = (&start, &work);
    thread::scope(|scope| {
        for thread in 0..THREADS {
            scope.spawn(move || {
                start.wait();
                work(thread);
            });
        }
    });
}

/// The same numbers for the same seed (splitmix64).
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed ^ (mixed >> 27)
}

#[test]
fn sums_and_appended_values_are_exact() {
    let cache = wide(1 << 20);
    let half = Decimal::parse(b"0.5").unwrap();
    together(|thread| {
        for _ in 0..2000 {
            cache.hincrby(b"t", b"n", 1 + thread as i64).unwrap();
            cache.hincrbyfloat(b"t", b"f", half).unwrap();
            cache.append(b"k", &[b'0' + thread as u8; 3]).unwrap();
        }
    });
    assert_eq!(cache.field("t", "n").as_deref(), Some("20000"));
    assert_eq!(cache.field("t", "f").as_deref(), Some("4000"));
    let text = cache.text("k").unwrap();
    assert_eq!(text.len(), 24_000);
    assert!(
        text.as_bytes().chunks(3).all(|piece| piece.iter().all(|byte| *byte == piece[0])),
        "pieces are whole"
    );
    cache.check();
}

#[test]
fn the_bound_holds_at_every_moment_and_values_are_whole() {
    const LIMIT: u64 = 300_000;
    let cache = wide(LIMIT);
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(SeqCst) {
                assert!(cache.stats().bytes <= LIMIT);
            }
        });
        together(|thread| {
            let mut state = 7 + thread;
            for _ in 0..20_000 {
                any_command(&cache, &mut state);
            }
        });
        done.store(true, SeqCst);
    });
    cache.check();
    assert!(cache.stats().evictions > 0);
}

/// Does something with one of few keys; values consist of one repeated byte.
fn any_command(cache: &Cache, state: &mut u64) {
    let key = (next(state) % 200).to_be_bytes();
    let len = next(state) % if next(state).is_multiple_of(50) { 200_000 } else { 5_000 };
    let value = vec![key[7]; len as usize];
    let done = match next(state) % 8 {
        0 | 1 => cache.put(&key, &value, None),
        2 => cache.append(&key, &value[..value.len() / 20]),
        3 => cache.hset(&key, &[len as u8], &value),
        4 => cache.hdel(&key, &[len as u8]).map(drop),
        5 => cache.del(&key).map(drop),
        _ => cache.get(&key).map(|value| {
            let whole = value.is_none_or(|value| value.as_ref().iter().all(|byte| *byte == key[7]));
            assert!(whole);
        }),
    };
    let refused = matches!(done, Err(Error::HoldsTable | Error::HoldsValue | Error::TooLarge(_)));
    assert!(done.is_ok() || refused, "{done:?}");
}

#[test]
fn writers_of_values_that_exclude_each_other_come_to_an_end() {
    let cache = wide(100_000);
    together(|thread| {
        for number in 0..2000u64 {
            let len = if number % 2 == 0 { 90_000 } else { 60_000 };
            cache.put(&(number % 3 + thread).to_be_bytes(), &vec![0; len], None).unwrap();
            cache.append(&(number % 3).to_be_bytes(), &[0; 100]).or_else(too_large).unwrap();
            cache.hset(&[thread as u8 % 2], &number.to_be_bytes(), &[0; 5_000]).or_else(too_large).unwrap();
        }
    });
    cache.check();
    assert!(cache.stats().bytes <= 100_000);
}

/// Others may have made it so large that this was refused.
fn too_large(error: Error) -> Result<(), Error> {
    if matches!(error, Error::TooLarge(_)) { Ok(()) } else { Err(error) }
}

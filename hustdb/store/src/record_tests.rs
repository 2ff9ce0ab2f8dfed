//! The tables of the contract, and the laws of merging under random histories.

use std::convert::Infallible;

use hust_engine::row::EXPIRED;
use proptest::prelude::*;

use super::*;

const PUT: Action = Action::Put { expire_ms: 0 };
const NOW_MS: u64 = 100;

fn live(version: u64, stamp: u64) -> Meta {
    Meta { version, stamp, ..Meta::default() }
}

fn run(existing: Option<&Meta>, origin: Origin, action: Action) -> Outcome {
    let unasked = || -> Result<Ordering, Infallible> { panic!("values asked for") };
    decide(existing, NOW_MS, origin, action, |replaced| replaced + 1000, unasked).unwrap()
}

fn applied(version: u64, stamp: u64) -> Answer {
    Answer::Applied(Shown { version, stamp, expire_ms: 0 })
}

#[test]
fn versions_follow_the_table() {
    let five = live(5, 10);
    let local = |ver| Origin::Local { ver };
    for (existing, ver, action, answer) in [
        (Some(&five), 0, PUT, applied(6, 1010)),
        (Some(&five), 5, PUT, applied(6, 1010)),
        (Some(&five), 4, PUT, Answer::Conflict { current: 5 }),
        (None, 0, PUT, applied(1, 1000)),
        (None, 1, PUT, Answer::Conflict { current: 0 }),
        (Some(&five), 0, Action::Delete, applied(5, 1010)),
        (Some(&five), 5, Action::Delete, applied(5, 1010)),
        (Some(&five), 6, Action::Delete, Answer::Conflict { current: 5 }),
        (None, 0, Action::Delete, Answer::Absent),
        (None, 3, Action::Delete, Answer::Absent),
    ] {
        let outcome = run(existing, local(ver), action);
        assert_eq!(outcome.answer, answer, "{existing:?} {ver} {action:?}");
        assert_eq!(outcome.change.is_some(), matches!(answer, Answer::Applied(_)));
        assert!(outcome.change.is_none_or(|meta| meta.is_tombstone() == (action == Action::Delete)));
    }
}

#[test]
fn what_is_absent_begins_at_one_but_is_passed_in_time() {
    let future = 900 << 16;
    let tombstone = Meta { flags: TOMBSTONE, ..live(7, future) };
    let expired = Meta { expire_ms: NOW_MS, ..live(7, future) };
    let remains = Meta { flags: TOMBSTONE | EXPIRED, ..expired };
    for old in [tombstone, expired, remains] {
        assert_eq!(run(Some(&old), Origin::Local { ver: 0 }, PUT).answer, applied(1, future + 1000));
        assert_eq!(run(Some(&old), Origin::Local { ver: 7 }, PUT).answer, Answer::Conflict { current: 0 });
        assert_eq!(run(Some(&old), Origin::Local { ver: 0 }, Action::Delete).answer, Answer::Absent);
        assert_eq!(run(Some(&old), Origin::Unstamped { ver: 3 }, PUT).answer, applied(3, future + 1000));
    }
    let not_yet = Meta { expire_ms: NOW_MS + 1, ..live(7, 10) };
    assert_eq!(run(Some(&not_yet), Origin::Local { ver: 7 }, PUT).answer, applied(8, 1010));
}

#[test]
fn the_greatest_version_stays() {
    let last = live(MAX_VERSION, 10);
    assert_eq!(run(Some(&last), Origin::Local { ver: 0 }, PUT).answer, applied(MAX_VERSION, 1010));
}

#[test]
fn replicas_without_a_stamp_go_by_version() {
    let five = live(5, 10);
    let older = Answer::Ignored { winner: Shown::from(&five), greater: true };
    let ver = |ver| Origin::Unstamped { ver };
    assert_eq!(run(Some(&five), ver(4), PUT).answer, older);
    assert_eq!(run(Some(&five), ver(5), PUT).answer, applied(5, 1010));
    assert_eq!(run(Some(&five), ver(9), PUT).answer, applied(9, 1010));
    assert_eq!(run(None, ver(9), PUT).answer, applied(9, 1000));
    assert_eq!(run(Some(&five), ver(4), Action::Delete).answer, older);
    assert_eq!(run(Some(&five), ver(9), Action::Delete).answer, applied(5, 1010));
    assert_eq!(run(None, ver(9), Action::Delete).answer, Answer::Absent);
}

#[test]
fn replicas_with_a_stamp_are_merged() {
    let five = live(5, 10);
    let replica = |ver, stamp| Origin::Replica { ver, stamp };
    let ignored = |greater| Answer::Ignored { winner: Shown::from(&five), greater };
    assert_eq!(run(Some(&five), replica(1, 11), PUT).answer, applied(1, 11));
    assert_eq!(run(Some(&five), replica(9, 9), PUT).answer, ignored(true));
    assert_eq!(run(Some(&five), replica(5, 10), Action::Delete).answer, applied(5, 10));
    assert_eq!(run(None, replica(0, 10), Action::Delete).answer, applied(0, 10));
    for (values, answer) in [
        (Ordering::Less, ignored(true)),
        (Ordering::Equal, ignored(false)),
        (Ordering::Greater, applied(5, 10)),
    ] {
        let values = || Ok::<_, Infallible>(values);
        let outcome = decide(Some(&five), NOW_MS, replica(5, 10), PUT, |_| 0, values).unwrap();
        assert_eq!(outcome.answer, answer);
    }
}

#[test]
fn the_same_replica_after_its_expiry_is_the_same() {
    let remains = Meta { expire_ms: 50, flags: TOMBSTONE | EXPIRED, ..live(5, 10) };
    let replica = Origin::Replica { ver: 5, stamp: 10 };
    let ignored = |greater| Answer::Ignored { winner: Shown::from(&remains), greater };
    assert_eq!(run(Some(&remains), replica, Action::Put { expire_ms: 50 }).answer, ignored(false));
    assert_eq!(run(Some(&remains), replica, Action::Put { expire_ms: 60 }).answer, ignored(true));
}

/// A record and the write that replicates it.
#[derive(Clone, Debug, PartialEq)]
struct Record {
    meta: Meta,
    value: Vec<u8>,
}

fn record() -> impl Strategy<Value = Record> {
    let expire_ms = prop_oneof![Just(0), 1..4u64, Just(NOW_MS + 1)];
    (1..4u64, 1..4u64, expire_ms, any::<bool>(), prop::collection::vec(0..3u8, 0..3)).prop_map(
        |(stamp, version, expire_ms, dead, value)| match dead {
            true => Record { meta: Meta { stamp, version, expire_ms: 0, flags: TOMBSTONE }, value: vec![] },
            false => Record { meta: Meta { stamp, version, expire_ms, flags: 0 }, value },
        },
    )
}

fn replicate(node: &mut Option<Record>, record: &Record) {
    let origin = Origin::Replica { ver: record.meta.version, stamp: record.meta.stamp };
    let action = match record.meta.is_tombstone() {
        true => Action::Delete,
        false => Action::Put { expire_ms: record.meta.expire_ms },
    };
    let here = node.clone();
    let values = || Ok::<_, Infallible>(record.value.cmp(&here.as_ref().unwrap().value));
    let outcome = decide(here.as_ref().map(|r| &r.meta), NOW_MS, origin, action, |_| 0, values).unwrap();
    if let Some(meta) = outcome.change {
        assert_eq!(meta, record.meta, "a winner is kept whole");
        *node = Some(record.clone());
    }
}

proptest! {
    #[test]
    fn nodes_that_saw_the_same_hold_the_same(
        records in prop::collection::vec(record(), 1..8),
        order in prop::collection::vec(any::<prop::sample::Index>(), 0..24),
    ) {
        let mut one = None;
        records.iter().for_each(|record| replicate(&mut one, record));
        // The other sees some of them any number of times in any order, and then all of them backwards.
        let mut other = None;
        order.iter().for_each(|index| replicate(&mut other, index.get(&records)));
        records.iter().rev().for_each(|record| replicate(&mut other, record));
        prop_assert_eq!(&one, &other);
        records.iter().for_each(|record| replicate(&mut one, record));
        prop_assert_eq!(&one, &other);
        // Merging halves first and then their winners gives the same again.
        let (left, right) = records.split_at(records.len() / 2);
        let mut halves = [None, None];
        left.iter().for_each(|record| replicate(&mut halves[0], record));
        right.iter().for_each(|record| replicate(&mut halves[1], record));
        let [mut merged, right] = halves;
        right.iter().for_each(|record| replicate(&mut merged, record));
        prop_assert_eq!(one, merged);
    }
}

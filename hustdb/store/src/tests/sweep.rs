//! The sweep takes every expired record out of the counts, exactly once.

use super::*;
use crate::{Stat, Swept};

const STAMP: u64 = START_MS << 16;

fn stat(node: &Node) -> (u64, u64, u64) {
    let Stat { count, size, capacity } = node.store().kv_stat();
    (count, size, capacity)
}

fn digests(node: &Node) -> Vec<u64> {
    node.store().digest(0..1024)
}

#[test]
fn counts_and_digest_follow_expiry() {
    let node = Node::new(|_| ());
    let before = digests(&node);
    assert!(before.iter().all(|digest| *digest == 0));
    node.put(b"k", b"v", LOCAL, Lifetime::Ttl(10));
    assert_eq!(stat(&node), (1, 2, 1024));
    assert_ne!(digests(&node), before);
    node.clock.advance(9_999);
    assert_eq!(node.store().sweep(node.clock_ms(), 9).unwrap(), Swept::default());
    node.clock.advance(1);
    let swept = Swept { expired: 1, stale: 0, more: false };
    assert_eq!(node.store().sweep(node.clock_ms(), 9).unwrap(), swept);
    assert_eq!(stat(&node), (0, 0, 0));
    assert_eq!(digests(&node), before);
    assert_eq!(node.store().sweep(node.clock_ms(), 9).unwrap(), Swept::default());
}

#[test]
fn a_write_over_an_expired_record_takes_it_out_once() {
    for swept_before in [false, true] {
        let mut node = Node::new(|_| ());
        node.put(b"k", b"long value", LOCAL, Lifetime::Ttl(1));
        node.clock.advance(1000);
        if swept_before {
            node.sweep();
            node.restart();
        }
        node.put(b"k", b"v", LOCAL, FOR_EVER);
        assert_eq!(stat(&node), (1, 2, 1024));
        node.restart();
        node.sweep();
        assert_eq!(stat(&node), (1, 2, 1024));
        assert_eq!(&*node.get(b"k").unwrap().value, b"v");
    }
}

#[test]
fn stale_index_rows_are_dropped() {
    let node = Node::new(|_| ());
    node.put(b"k", b"1", LOCAL, Lifetime::Ttl(1));
    node.put(b"k", b"2", LOCAL, Lifetime::Ttl(2));
    node.put(b"k", b"3", LOCAL, Lifetime::Ttl(3));
    node.put(b"l", b"1", LOCAL, Lifetime::Ttl(1));
    node.delete(b"l", LOCAL);
    node.clock.advance(2500);
    let swept = Swept { expired: 0, stale: 3, more: false };
    assert_eq!(node.store().sweep(node.clock_ms(), 9).unwrap(), swept);
    assert_eq!(stat(&node), (1, 2, 1024));
    node.clock.advance(500);
    let swept = Swept { expired: 1, stale: 0, more: false };
    assert_eq!(node.store().sweep(node.clock_ms(), 9).unwrap(), swept);
    assert_eq!(stat(&node), (0, 0, 0));
}

#[test]
fn a_sweep_stops_at_its_limit_and_goes_on_there() {
    let node = Node::new(|_| ());
    for number in 0..1000u32 {
        node.put(&number.to_be_bytes(), b"v", LOCAL, Lifetime::Ttl(1 + u64::from(number % 3)));
    }
    node.clock.advance(3000);
    let mut expired = 0;
    loop {
        let swept = node.call(|| node.store().sweep(node.clock_ms(), 64)).unwrap();
        assert!(swept.expired <= 64 && swept.stale == 0);
        expired += swept.expired;
        if !swept.more {
            break;
        }
    }
    assert_eq!((expired, stat(&node)), (1000, (0, 0, 0)));
}

#[test]
fn replicas_that_come_expired_hide_older_ones_and_are_swept() {
    let mut node = Node::new(|_| ());
    node.put(b"k", b"old", Origin::Replica { ver: 1, stamp: STAMP - 9 }, FOR_EVER);
    let expired = Lifetime::Until(START_MS - 5000);
    // The sweep was past this time already.
    node.sweep();
    applied(node.put(b"k", b"new", Origin::Replica { ver: 2, stamp: STAMP - 8 }, expired));
    assert!(node.get(b"k").is_none());
    node.sweep();
    assert_eq!(stat(&node), (0, 0, 0));
    node.restart();
    let late = node.put(b"k", b"older", Origin::Replica { ver: 9, stamp: STAMP - 10 }, FOR_EVER);
    assert!(matches!(late, Answer::Ignored { greater: true, .. }));
    let again = node.put(b"k", b"new", Origin::Replica { ver: 2, stamp: STAMP - 8 }, expired);
    assert!(matches!(again, Answer::Ignored { greater: false, .. }));
    assert!(node.get(b"k").is_none());
}

#[test]
fn the_sweeper_runs_by_itself_and_stops() {
    let node = Node::new(|options| options.sweep_interval = Some(std::time::Duration::from_millis(1)));
    node.put(b"k", b"v", LOCAL, Lifetime::Ttl(1));
    node.clock.advance(1000);
    while node.store().kv_stat() != Stat::default() {
        std::thread::yield_now();
    }
    node.store.unwrap().close().unwrap();
}

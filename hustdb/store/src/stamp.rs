//! The hybrid clock: `unix_ms << 16 | counter`.
//!
//! One atomic holds the greatest stamp given or seen. A fresh stamp is greater than that and not behind the wall
//! clock; if the wall clock goes back, the counter simply goes on. After a restart the clock starts from the
//! greatest stamp in the engine, so the order of writes survives both. The wall time comes from the caller, who
//! looks at it once a request.

use std::sync::atomic::{AtomicU64, Ordering};

/// Greatest wall time a stamp can hold, ms.
const MAX_WALL_MS: u64 = (1 << 48) - 1;

/// Gives stamps that only grow.
#[derive(Debug)]
pub struct StampClock {
    max_skew_ms: u64,
    last: AtomicU64,
}

impl StampClock {
    /// A clock that continues after `last`, the greatest stamp ever stored. `max_skew_ms` is how far ahead of the
    /// wall clock stamps of other nodes may be.
    pub fn new(last: u64, max_skew_ms: u64) -> StampClock {
        StampClock { max_skew_ms, last: AtomicU64::new(last) }
    }

    /// A stamp greater than every stamp given or seen, and than `replaced`, and not before `now_ms`.
    pub fn fresh(&self, now_ms: u64, replaced: u64) -> u64 {
        let wall = now_ms.min(MAX_WALL_MS) << 16;
        let next = |last: u64| last.max(replaced).saturating_add(1).max(wall);
        let (Ok(last) | Err(last)) =
            self.last.fetch_update(Ordering::AcqRel, Ordering::Acquire, |last| Some(next(last)));
        next(last)
    }

    /// Remembers a stamp of another node.
    pub fn see(&self, stamp: u64) {
        self.last.fetch_max(stamp, Ordering::AcqRel);
    }

    /// Whether a stamp is so far ahead of `now_ms` that it must be refused.
    pub fn is_beyond_skew(&self, now_ms: u64, stamp: u64) -> bool {
        stamp >> 16 > now_ms.saturating_add(self.max_skew_ms)
    }

    /// The greatest stamp given or seen.
    pub fn last(&self) -> u64 {
        self.last.load(Ordering::Acquire)
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, thread};

    use super::*;

    #[test]
    fn stamps_follow_the_wall_and_never_go_back() {
        let stamps = StampClock::new(0, 0);
        assert_eq!(stamps.fresh(1000, 0), 1000 << 16);
        assert_eq!(stamps.fresh(1000, 0), (1000 << 16) + 1);
        assert_eq!(stamps.fresh(2000, 0), 2000 << 16);
        assert_eq!(stamps.fresh(500, 0), (2000 << 16) + 1, "the wall went back, the counter goes on");
    }

    #[test]
    fn stamps_pass_what_was_seen_replaced_or_stored() {
        let stamps = StampClock::new(3000 << 16, 0);
        assert_eq!(stamps.fresh(1000, 0), (3000 << 16) + 1);
        stamps.see(5000 << 16);
        stamps.see(4000 << 16);
        assert_eq!(stamps.fresh(1000, 0), (5000 << 16) + 1);
        assert_eq!(stamps.fresh(1000, 6000 << 16), (6000 << 16) + 1);
        assert_eq!(stamps.last(), (6000 << 16) + 1);
    }

    #[test]
    fn the_skew_limit_itself_is_legal() {
        let stamps = StampClock::new(0, 50);
        assert!(!stamps.is_beyond_skew(1000, 1050 << 16 | 0xffff));
        assert!(stamps.is_beyond_skew(1000, 1051 << 16));
    }

    #[test]
    fn threads_never_get_the_same_stamp() {
        let stamps = StampClock::new(0, 0);
        let given: Vec<Vec<u64>> = thread::scope(|scope| {
            let takers: Vec<_> =
                (0..4).map(|_| scope.spawn(|| (0..1000).map(|_| stamps.fresh(1, 0)).collect())).collect();
            takers.into_iter().map(|taker| taker.join().unwrap()).collect()
        });
        assert!(given.iter().all(|of_one| of_one.is_sorted()));
        assert_eq!(given.into_iter().flatten().collect::<BTreeSet<_>>().len(), 4000);
    }
}

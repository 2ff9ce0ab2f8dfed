//! How long the leader of a sync waits for others to come along.
//!
//! Those whom a sync releases append again at once, but a leader that goes ahead takes only those who came during the
//! sync: two halves take turns, and each sync carries half of what it could. So the leader waits until as many records
//! have come as the last sync released, for a fraction of that sync's time at most. A single writer waits for nobody.

use std::{
    sync::atomic::{AtomicU64, Ordering::SeqCst},
    time::Duration,
};

use parking_lot::{Condvar, Mutex};

/// The leader waits for this part of the last sync's time at most.
const PART: u32 = 8;

/// No leader waits.
const NOBODY: u64 = u64::MAX;

/// What the last sync taught.
#[derive(Debug, Default)]
struct Lesson {
    /// Records appended in all once everybody is back.
    expected: u64,
    /// When waiting for them ends, on the monotonic clock.
    until: Duration,
}

/// Where the leader waits. Records appended so far are counted by the log.
#[derive(Debug)]
pub struct Gather {
    lesson: Mutex<Lesson>,
    /// The number of records that a leader waits for.
    awaited: AtomicU64,
    complete: Condvar,
}

impl Default for Gather {
    fn default() -> Gather {
        Gather { lesson: Mutex::default(), awaited: AtomicU64::new(NOBODY), complete: Condvar::new() }
    }
}

impl Gather {
    /// A record was appended, the `appended`-th.
    pub fn arrived(&self, appended: u64) {
        if appended >= self.awaited.load(SeqCst) {
            // Whoever has looked and not yet begun to wait holds the lock.
            drop(self.lesson.lock());
            self.complete.notify_one();
        }
    }

    /// A sync that took `took` and released `records` ended `now`, when `appended` had been appended in all.
    pub fn learn(&self, appended: u64, records: u64, took: Duration, now: Duration) {
        let expected = appended.saturating_add(records);
        *self.lesson.lock() = Lesson { expected, until: now.saturating_add(took / PART) };
    }

    /// Waits for those who are expected.
    pub fn wait(&self, appended: impl Fn() -> u64, now: impl Fn() -> Duration) {
        let mut lesson = self.lesson.lock();
        self.awaited.store(lesson.expected, SeqCst);
        while appended() < lesson.expected {
            let left = lesson.until.saturating_sub(now());
            if left.is_zero() {
                break;
            }
            self.complete.wait_for(&mut lesson, left);
        }
        self.awaited.store(NOBODY, SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    const AGES: Duration = Duration::from_secs(3600);

    #[test]
    fn the_leader_waits_for_as_many_as_were_released() {
        let (gather, appended) = (Gather::default(), AtomicU64::new(7));
        gather.learn(7, 3, AGES * PART, Duration::ZERO);
        thread::scope(|scope| {
            let leader = scope.spawn(|| gather.wait(|| appended.load(SeqCst), || Duration::ZERO));
            for _ in 0..3 {
                assert!(!leader.is_finished(), "not all are back");
                gather.arrived(appended.fetch_add(1, SeqCst) + 1);
            }
        });
    }

    #[test]
    fn the_leader_does_not_wait_for_nobody_nor_for_ever() {
        let gather = Gather::default();
        gather.wait(|| 0, || Duration::ZERO);
        gather.learn(7, 1, AGES * PART, Duration::ZERO);
        gather.wait(|| 8, || Duration::ZERO);
        // An eighth of the sync has passed since.
        gather.wait(|| 7, || AGES);
        gather.arrived(8);
    }
}

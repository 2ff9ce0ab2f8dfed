//! Which queue the timer looks at when.
//!
//! A queue is entered at the time of its next event. Entering it earlier leaves the later entry behind, which says
//! nothing any more once the queue's own `scheduled_ms` differs. Commands come here only if their event is before all
//! that the queue is entered for, which is seldom.

use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use parking_lot::{Condvar, Mutex};

use super::queue::Queue;

/// The timer looks at the clock at least so often, for the wall clock may be set.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Agenda {
    entries: Mutex<Entries>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Entries {
    by_time: BTreeMap<(u64, u64), Arc<Queue>>,
    sequence: u64,
    stopped: bool,
}

impl Agenda {
    /// Enters a queue for `at_ms`, unless it is entered for an earlier time; `u64::MAX` = not at all.
    pub(crate) fn schedule(&self, queue: &Arc<Queue>, at_ms: u64) {
        if at_ms >= queue.scheduled_ms() {
            return;
        }
        let mut entries = self.entries.lock();
        if queue.scheduled_ms.fetch_min(at_ms, Ordering::AcqRel) <= at_ms {
            return;
        }
        entries.sequence += 1;
        let place = (at_ms, entries.sequence);
        entries.by_time.insert(place, queue.clone());
        if entries.by_time.first_key_value().is_some_and(|(first, _)| *first == place) {
            self.changed.notify_all();
        }
    }

    /// Takes out the next queue that is due at `now_ms`.
    pub(crate) fn take(&self, now_ms: u64) -> Option<Arc<Queue>> {
        let mut entries = self.entries.lock();
        loop {
            let first = entries.by_time.first_entry().filter(|first| first.key().0 <= now_ms)?;
            let ((at_ms, _), queue) = first.remove_entry();
            let swapped =
                queue.scheduled_ms.compare_exchange(at_ms, u64::MAX, Ordering::AcqRel, Ordering::Acquire);
            if swapped.is_ok() {
                return Some(queue);
            }
        }
    }

    /// Waits until something may be due; `false` = the end.
    pub(crate) fn wait(&self, now_ms: u64) -> bool {
        let mut entries = self.entries.lock();
        if entries.stopped {
            return false;
        }
        match entries.by_time.first_key_value() {
            None => self.changed.wait(&mut entries),
            Some(((at_ms, _), _)) => {
                let due = Duration::from_millis(at_ms.saturating_sub(now_ms));
                if !due.is_zero() {
                    self.changed.wait_for(&mut entries, due.min(LOOK_EVERY));
                }
            }
        }
        !entries.stopped
    }

    /// Waits a moment after a failure; `false` = the end.
    pub(crate) fn rest(&self) -> bool {
        let mut entries = self.entries.lock();
        if !entries.stopped {
            self.changed.wait_for(&mut entries, LOOK_EVERY);
        }
        !entries.stopped
    }

    /// Ends all waiting.
    pub(crate) fn stop(&self) {
        self.entries.lock().stopped = true;
        self.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queue::queue::Inner;

    #[test]
    fn the_earliest_time_of_a_queue_counts() {
        let agenda = Agenda::default();
        let (one, two) = (Queue::new("one", Inner::Vacant), Queue::new("two", Inner::Vacant));
        agenda.schedule(&one, 50);
        agenda.schedule(&one, 70);
        agenda.schedule(&two, 60);
        agenda.schedule(&two, 40);
        agenda.schedule(&one, u64::MAX);
        assert!(agenda.take(39).is_none());
        assert_eq!(agenda.take(100).map(|queue| queue.name.to_string()).as_deref(), Some("two"));
        assert_eq!(agenda.take(100).map(|queue| queue.name.to_string()).as_deref(), Some("one"));
        assert!(agenda.take(100).is_none(), "the entry for 60 is over");
        agenda.schedule(&one, 80);
        assert!(agenda.take(80).is_some());
        agenda.stop();
        assert!(!agenda.wait(0));
    }
}

//! Which queue the timer looks at when.
//!
//! A queue is entered once, at the time of its next event, which its own `scheduled_ms` shows: that changes under the
//! lock here, and who finds his event is not before it need not come here at all, which is most often so.

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
    by_time: BTreeMap<Place, Arc<Queue>>,
    stopped: bool,
}

/// When, and which queue, by its address: an entry keeps it alive.
type Place = (u64, usize);

fn place(at_ms: u64, queue: &Arc<Queue>) -> Place {
    (at_ms, Arc::as_ptr(queue).addr())
}

impl Agenda {
    /// Enters a queue for `at_ms`, unless it is entered for an earlier time; `u64::MAX` = not at all.
    pub(crate) fn schedule(&self, queue: &Arc<Queue>, at_ms: u64) {
        if at_ms >= queue.scheduled_ms() {
            return;
        }
        let mut entries = self.entries.lock();
        let before_ms = queue.scheduled_ms();
        if at_ms >= before_ms {
            return;
        }
        entries.by_time.remove(&place(before_ms, queue));
        queue.scheduled_ms.store(at_ms, Ordering::Release);
        let place = place(at_ms, queue);
        entries.by_time.insert(place, queue.clone());
        if entries.by_time.first_key_value().is_some_and(|(first, _)| *first == place) {
            self.changed.notify_all();
        }
    }

    /// Strikes out a queue that is no more.
    pub(crate) fn forget(&self, queue: &Arc<Queue>) {
        let mut entries = self.entries.lock();
        let before_ms = queue.scheduled_ms.swap(u64::MAX, Ordering::AcqRel);
        entries.by_time.remove(&place(before_ms, queue));
    }

    /// Takes out the next queue that is due at `now_ms`; none any more at the end, whatever is due.
    pub(crate) fn take(&self, now_ms: u64) -> Option<Arc<Queue>> {
        let mut entries = self.entries.lock();
        if entries.stopped {
            return None;
        }
        let first = entries.by_time.first_entry().filter(|first| first.key().0 <= now_ms)?;
        let queue = first.remove();
        queue.scheduled_ms.store(u64::MAX, Ordering::Release);
        Some(queue)
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
        assert!(agenda.take(100).is_none(), "each was entered once");
        agenda.schedule(&one, 80);
        assert!(agenda.take(80).is_some());
        agenda.schedule(&one, 90);
        agenda.stop();
        assert!(!agenda.wait(0) && agenda.take(90).is_none());
    }

    #[test]
    fn a_queue_is_entered_once_however_often_its_time_changes() {
        let (agenda, far_ms) = (Agenda::default(), 1 << 40);
        let queue = Queue::new("q", Inner::Vacant);
        for now_ms in 0..100 {
            // A lease that ends late, and something brief before.
            agenda.schedule(&queue, far_ms);
            agenda.schedule(&queue, now_ms);
            assert_eq!(agenda.entries.lock().by_time.len(), 1);
            assert!(agenda.take(now_ms).is_some());
        }
        assert_eq!((agenda.entries.lock().by_time.len(), Arc::strong_count(&queue)), (0, 1));
        agenda.schedule(&queue, far_ms);
        agenda.forget(&queue);
        assert_eq!((Arc::strong_count(&queue), queue.scheduled_ms()), (1, u64::MAX));
    }
}

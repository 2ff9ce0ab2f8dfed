//! Change notification: which queues had something happen since a cursor.
//!
//! The counter is an *epoch* that only watchers move on. An event stamps its queue with the present epoch and looks
//! again whether that still is the present one, so a stamp never is older than the epoch at its end; a watcher first
//! moves the epoch on and then reads the stamps. So every event before the move is seen by it, every later one has the
//! new epoch, and nobody locks anything: an event costs O(1), also while thousands watch.

use std::{
    collections::BTreeMap,
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst},
    },
    task::{Context, Poll, Waker},
};

use parking_lot::Mutex;

/// Watchers that may wait at one time.
const WATCHERS_MAX: usize = 65_536;
/// Bits of a cursor that count epochs of one run of the node; the bits above are the run's number.
const EPOCH_BITS: u32 = 40;

/// See the module.
#[derive(Debug)]
pub(crate) struct Watch {
    epoch: AtomicU64,
    waiting: AtomicUsize,
    waiters: Mutex<Waiters>,
}

#[derive(Debug, Default)]
struct Waiters {
    wakers: BTreeMap<u64, Waker>,
    next_id: u64,
    /// How often all were woken.
    rounds: u64,
    /// Whether nobody may wait any more.
    closed: bool,
}

/// The epoch of the last event of one queue; 0 = none in this run.
#[derive(Debug, Default)]
pub(crate) struct Stamp(AtomicU64);

/// What a watcher is told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Where to go on from.
    pub cursor: u64,
    /// Whether the cursor was not of this run of the node: what happened since is unknown.
    pub reset: bool,
    /// Queues with an event since, by name.
    pub queues: Vec<Arc<str>>,
}

impl Watch {
    /// Of the node's run with this number.
    pub(crate) fn new(start: u64) -> Watch {
        let epoch = AtomicU64::new((start << EPOCH_BITS) + 1);
        Watch { epoch, waiting: AtomicUsize::new(0), waiters: Mutex::default() }
    }

    /// Something happened to the queue of this stamp.
    pub(crate) fn happened(&self, stamp: &Stamp) {
        loop {
            let epoch = self.epoch.load(SeqCst);
            stamp.0.fetch_max(epoch, SeqCst);
            if self.epoch.load(SeqCst) == epoch {
                break;
            }
        }
        if self.waiting.load(SeqCst) > 0 {
            self.wake_all();
        }
    }

    fn wake_all(&self) {
        let wakers = {
            let mut waiters = self.waiters.lock();
            waiters.rounds += 1;
            self.waiting.store(0, SeqCst);
            std::mem::take(&mut waiters.wakers)
        };
        wakers.into_values().for_each(Waker::wake);
    }

    /// Wakes all watchers, now and for ever.
    pub(crate) fn close(&self) {
        self.waiters.lock().closed = true;
        self.wake_all();
    }

    /// The present cursor.
    pub(crate) fn cursor(&self) -> u64 {
        self.epoch.fetch_add(1, SeqCst) + 1
    }

    /// Whether a cursor is one of this run.
    pub(crate) fn is_ours(&self, cursor: u64) -> bool {
        let epoch = self.epoch.load(SeqCst);
        cursor >> EPOCH_BITS == epoch >> EPOCH_BITS && cursor <= epoch
    }

    /// A future that ends with the next event after this call.
    pub(crate) fn next_event(self: &Arc<Watch>) -> NextEvent {
        let (rounds, id) = {
            let mut waiters = self.waiters.lock();
            waiters.next_id += 1;
            (waiters.rounds, waiters.next_id)
        };
        // From here on every event takes the way through `wake_all`, which counts the round.
        self.waiting.fetch_add(1, SeqCst);
        NextEvent { watch: self.clone(), rounds, id }
    }
}

impl Stamp {
    /// Whether something happened at or after `cursor` was given.
    pub(crate) fn is_since(&self, cursor: u64) -> bool {
        self.0.load(SeqCst) >= cursor
    }
}

/// Ends with the next event of any queue after it was made, or when there are too many watchers.
#[derive(Debug)]
pub struct NextEvent {
    watch: Arc<Watch>,
    rounds: u64,
    id: u64,
}

impl Drop for NextEvent {
    fn drop(&mut self) {
        self.watch.waiters.lock().wakers.remove(&self.id);
    }
}

impl Future for NextEvent {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut waiters = self.watch.waiters.lock();
        if waiters.rounds != self.rounds || waiters.closed {
            return Poll::Ready(());
        }
        if waiters.wakers.len() >= WATCHERS_MAX {
            return Poll::Ready(());
        }
        waiters.wakers.insert(self.id, cx.waker().clone());
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, SeqCst);
        }
    }

    #[test]
    fn every_event_is_seen_by_the_first_look_after_it_and_no_other() {
        let (watch, one, two) = (Watch::new(7), Stamp::default(), Stamp::default());
        let before = watch.cursor();
        assert!(!one.is_since(before));
        watch.happened(&one);
        let middle = watch.cursor();
        watch.happened(&two);
        let after = watch.cursor();
        assert_eq!((one.is_since(before), two.is_since(before)), (true, true));
        assert_eq!((one.is_since(middle), two.is_since(middle)), (false, true));
        assert_eq!((one.is_since(after), two.is_since(after)), (false, false));
    }

    #[test]
    fn cursors_of_another_run_are_known() {
        let watch = Watch::new(7);
        let cursor = watch.cursor();
        assert!(watch.is_ours(cursor));
        for other in [0, cursor + 1, Watch::new(6).cursor(), Watch::new(8).cursor(), u64::MAX] {
            assert!(!watch.is_ours(other), "{other}");
        }
    }

    #[test]
    fn events_cost_the_same_whoever_waits() {
        let (watch, stamp, count) = (Arc::new(Watch::new(1)), Stamp::default(), Arc::new(Count::default()));
        let waker = Waker::from(count.clone());
        let mut context = Context::from_waker(&waker);
        let mut waiting: Vec<NextEvent> = (0..1000).map(|_| watch.next_event()).collect();
        for event in &mut waiting {
            assert!(Pin::new(event).poll(&mut context).is_pending());
        }
        (0..1000).for_each(|_| watch.happened(&stamp));
        // The first one wakes them, and none of the others looks at who waited.
        assert_eq!((count.0.load(SeqCst), watch.waiters.lock().rounds), (1000, 1));
    }

    #[test]
    fn waiters_wake_at_the_event_after_they_began() {
        let (watch, stamp, count) = (Arc::new(Watch::new(1)), Stamp::default(), Arc::new(Count::default()));
        let waker = Waker::from(count.clone());
        let mut context = Context::from_waker(&waker);
        watch.happened(&stamp);
        let mut first = watch.next_event();
        let mut second = watch.next_event();
        assert!(Pin::new(&mut first).poll(&mut context).is_pending());
        assert!(Pin::new(&mut first).poll(&mut context).is_pending());
        watch.happened(&stamp);
        assert_eq!(count.0.load(SeqCst), 1);
        assert!(Pin::new(&mut first).poll(&mut context).is_ready());
        assert!(
            Pin::new(&mut second).poll(&mut context).is_ready(),
            "it began before, though it was not polled"
        );
        let mut third = watch.next_event();
        assert!(Pin::new(&mut third).poll(&mut context).is_pending());
        watch.close();
        assert!(Pin::new(&mut third).poll(&mut context).is_ready());
    }
}

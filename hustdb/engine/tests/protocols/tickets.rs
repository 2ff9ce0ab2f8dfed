//! Group commit: who waits for a position is told, whether somebody else syncs for him, the sync fails, the limit of
//! admission changes, or the log's thread ends. After `log/{core,flush,thread,ticket,append}.rs`. The wait in
//! `log/gather.rs` is left out: it ends by itself.

use std::{
    collections::BTreeMap,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use shuttle::{
    future::block_on,
    sync::{
        Condvar, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
    },
    thread,
};

#[derive(Default)]
struct Wanted {
    upto: u64,
    stop: bool,
}

/// `Core`, with its `Marks`, `Gate`, `Waiters` and `Signal`.
#[derive(Default)]
struct Core {
    /// `State::end`
    state: Mutex<u64>,
    writer: Mutex<()>,
    /// `Gate::leading`
    gate: Mutex<bool>,
    gate_changed: Condvar,
    end: AtomicU64,
    written: AtomicU64,
    synced: AtomicU64,
    admitted: AtomicU64,
    poisoned: AtomicBool,
    sync_fails: AtomicBool,
    waiters: Mutex<BTreeMap<(u64, u64), Waker>>,
    next_waiter: AtomicU64,
    wanted: Mutex<Wanted>,
    changed: Condvar,
    has_thread: bool,
}

type Outcome = Result<(), ()>;

impl Core {
    fn new(has_thread: bool) -> Arc<Core> {
        Arc::new(Core { admitted: AtomicU64::new(u64::MAX), has_thread, ..Core::default() })
    }

    /// `Core::accept`
    fn append(&self) -> u64 {
        let mut end = self.state.lock().unwrap();
        *end += 1;
        self.end.store(*end, SeqCst);
        *end
    }

    fn acknowledged(&self) -> u64 {
        self.synced.load(SeqCst).min(self.admitted.load(SeqCst))
    }

    fn outcome(&self, end: u64) -> Option<Outcome> {
        if self.acknowledged() >= end {
            return Some(Ok(()));
        }
        self.poisoned.load(SeqCst).then_some(Err(()))
    }

    fn wake(&self, limit: u64) {
        let mut ready = Vec::new();
        {
            let mut waiters = self.waiters.lock().unwrap();
            while let Some(first) = waiters.first_entry().filter(|first| first.key().0 <= limit) {
                ready.push(first.remove());
            }
        }
        ready.into_iter().for_each(Waker::wake);
    }

    fn tell_blocked(&self) {
        drop(self.gate.lock().unwrap());
        self.gate_changed.notify_all();
    }

    /// `Core::fail`, and `Log::poison`, for failures outside of the log.
    fn fail(&self) {
        self.poisoned.store(true, SeqCst);
        self.tell_blocked();
        self.wake(u64::MAX);
    }

    fn admit(&self, limit: u64) {
        self.admitted.store(limit, SeqCst);
        self.tell_blocked();
        self.wake(self.acknowledged());
    }

    fn write_out(&self, upto: u64) -> Outcome {
        if self.written.load(SeqCst) >= upto {
            return Ok(());
        }
        let _one_at_a_time = self.writer.lock().unwrap();
        if self.written.load(SeqCst) >= upto {
            return Ok(());
        }
        if self.poisoned.load(SeqCst) {
            return Err(());
        }
        let end = *self.state.lock().unwrap();
        self.written.store(end, SeqCst);
        Ok(())
    }

    /// `Core::sync_written`
    fn sync_written(&self) -> Outcome {
        self.write_out(self.end.load(SeqCst))?;
        let target = self.written.load(SeqCst);
        if self.poisoned.load(SeqCst) {
            return Err(());
        }
        if self.sync_fails.load(SeqCst) {
            self.fail();
            return Err(());
        }
        self.synced.store(target, SeqCst);
        self.wake(self.acknowledged());
        Ok(())
    }

    /// `Core::sync_to`, which is `Core::lead`.
    fn sync_to(&self, upto: u64) -> Outcome {
        loop {
            if self.synced.load(SeqCst) >= upto {
                return Ok(());
            }
            if self.poisoned.load(SeqCst) {
                return Err(());
            }
            let mut leading = self.gate.lock().unwrap();
            if self.synced.load(SeqCst) >= upto {
                return Ok(());
            }
            if *leading {
                drop(self.gate_changed.wait(leading).unwrap());
                continue;
            }
            *leading = true;
            drop(leading);
            let done = self.sync_written();
            // `Leading::drop`
            *self.gate.lock().unwrap() = false;
            self.gate_changed.notify_all();
            done?;
        }
    }

    /// `Core::wait`
    fn wait(&self, end: u64) -> Outcome {
        loop {
            if let Some(outcome) = self.outcome(end) {
                return outcome;
            }
            if self.synced.load(SeqCst) < end {
                self.sync_to(end)?;
                continue;
            }
            let leading = self.gate.lock().unwrap();
            if self.outcome(end).is_none() {
                drop(self.gate_changed.wait(leading).unwrap());
            }
        }
    }

    /// `Core::has_thread`
    fn has_thread(&self) -> bool {
        self.has_thread && !self.wanted.lock().unwrap().stop
    }

    /// `Signal::want`
    fn want(&self, upto: u64) -> bool {
        let mut wanted = self.wanted.lock().unwrap();
        let running = !wanted.stop;
        if wanted.upto < upto {
            wanted.upto = upto;
            drop(wanted);
            self.changed.notify_one();
        }
        running
    }

    /// `Log::stop_thread`, without the join.
    fn stop(&self) {
        self.wanted.lock().unwrap().stop = true;
        self.changed.notify_one();
        self.wake(u64::MAX);
    }

    /// `thread::run` with `Signal::next`
    fn run(&self) {
        let mut wanted = self.wanted.lock().unwrap();
        loop {
            if wanted.stop {
                return;
            }
            if !self.poisoned.load(SeqCst) && wanted.upto > self.synced.load(SeqCst) {
                let upto = wanted.upto;
                drop(wanted);
                let _ = self.sync_to(upto);
                wanted = self.wanted.lock().unwrap();
            } else {
                wanted = self.changed.wait(wanted).unwrap();
            }
        }
    }
}

/// `Ticket` as a future, with `SyncMode::Always`.
struct Ticket {
    core: Arc<Core>,
    end: u64,
    yielded: bool,
    waiter: Option<u64>,
}

impl Ticket {
    fn of(core: &Arc<Core>, end: u64) -> Ticket {
        Ticket { core: core.clone(), end, yielded: false, waiter: None }
    }
}

impl Future for Ticket {
    type Output = Outcome;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Outcome> {
        let this = self.get_mut();
        if let Some(outcome) = this.core.outcome(this.end) {
            return Poll::Ready(outcome);
        }
        let mut wants_sync = false;
        if this.core.synced.load(SeqCst) < this.end {
            if this.core.has_thread() {
                wants_sync = true;
            } else if !this.yielded {
                this.yielded = true;
                cx.waker().wake_by_ref();
                return Poll::Pending;
            } else if this.core.sync_to(this.end).is_err() {
                return Poll::Ready(Err(()));
            }
        }
        let id = this.waiter.unwrap_or_else(|| this.core.next_waiter.fetch_add(1, SeqCst));
        this.waiter = Some(id);
        this.core.waiters.lock().unwrap().insert((this.end, id), cx.waker().clone());
        if let Some(outcome) = this.core.outcome(this.end) {
            return Poll::Ready(outcome);
        }
        if wants_sync && !this.core.want(this.end) {
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if let Some(id) = self.waiter {
            self.core.waiters.lock().unwrap().remove(&(self.end, id));
        }
    }
}

/// Two threads that block, two tasks that wait; each must get an answer, and `Ok` only for what is durable. `meanwhile`
/// happens beside them.
fn commit(core: &Arc<Core>, meanwhile: fn(&Core)) {
    let mut threads = Vec::new();
    for blocks in [true, true, false, false] {
        let core = core.clone();
        threads.push(thread::spawn(move || {
            let end = core.append();
            let done = if blocks { core.wait(end) } else { block_on(Ticket::of(&core, end)) };
            assert!(done.is_err() || core.synced.load(SeqCst) >= end, "acknowledged, yet not durable");
            assert!(done.is_ok() || core.poisoned.load(SeqCst), "refused for nothing");
        }));
    }
    let syncer = core.has_thread.then(|| {
        let core = core.clone();
        thread::spawn(move || core.run())
    });
    meanwhile(core);
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    core.stop();
    syncer.into_iter().for_each(|thread| thread.join().unwrap());
}

#[test]
fn everybody_is_told() {
    crate::explore(|| commit(&Core::new(true), |_| ()));
}

#[test]
fn without_a_thread_tasks_lead() {
    crate::explore(|| commit(&Core::new(false), |_| ()));
}

#[test]
fn the_thread_may_end_at_any_time() {
    crate::explore(|| commit(&Core::new(true), Core::stop));
}

#[test]
fn a_failed_sync_is_told_to_all() {
    crate::explore(|| {
        let core = Core::new(true);
        commit(&core, |core| core.sync_fails.store(true, SeqCst));
    });
}

#[test]
fn a_limit_holds_tickets_until_it_is_lifted() {
    crate::explore(|| {
        let core = Core::new(true);
        core.admit(1);
        commit(&core, |core| {
            core.admit(2);
            core.admit(u64::MAX);
        });
    });
}

#[test]
fn poison_reaches_those_whom_a_limit_holds() {
    crate::explore(|| {
        let core = Core::new(true);
        core.admit(1);
        commit(&core, Core::fail);
    });
}

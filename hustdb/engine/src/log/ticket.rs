//! A ticket: the promise that a record will be as durable as the mode says, for a thread or for a task.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use super::core::Core;
use crate::Result;
use crate::options::SyncMode;

/// Waits for a position of the log, by [`Ticket::wait`] or as a future. Dropping it takes nothing back.
#[derive(Debug)]
pub struct Ticket {
    core: Arc<Core>,
    end: u64,
    yielded: bool,
    waiter: Option<u64>,
}

impl Ticket {
    pub(super) fn new(core: Arc<Core>, end: u64) -> Ticket {
        Ticket { core, end, yielded: false, waiter: None }
    }

    /// The position it waits for.
    pub fn end(&self) -> u64 {
        self.end
    }

    /// Blocks until the position is reached. Does the writing and syncing itself if nobody else does.
    pub fn wait(self) -> Result<()> {
        self.core.wait(self.end)
    }

    /// Syncs at once, on this thread, where the position asks for that, nobody else is at it, and it will not take long
    /// by what the last one took. For threads that nobody else waits for: it spares the way to the log's thread and
    /// back. How it ends the ticket tells.
    pub fn hasten(&self) {
        self.core.hasten(self.end);
    }

    fn register(&mut self, cx: &Context<'_>) {
        self.waiter = Some(self.core.waiters.lock().keep(self.end, self.waiter, cx.waker()));
    }
}

impl Future for Ticket {
    type Output = Result<()>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let this = self.get_mut();
        if let Some(outcome) = this.core.outcome(this.end) {
            return Poll::Ready(outcome);
        }
        let mut wants_sync = false;
        if this.core.landed() < this.end {
            if this.core.options().sync == SyncMode::Always && this.core.has_thread() {
                wants_sync = true;
            } else if !this.yielded {
                // The other tasks that are ready append too before this one writes for all of them.
                this.yielded = true;
                cx.waker().wake_by_ref();
                return Poll::Pending;
            } else if let Err(error) = this.core.land(this.end) {
                return Poll::Ready(Err(error));
            }
        }
        this.register(cx);
        // What happened before the waker was kept woke nobody.
        if let Some(outcome) = this.core.outcome(this.end) {
            return Poll::Ready(outcome);
        }
        if wants_sync && !this.core.signal.want(this.end) {
            // The thread has just ended; the next poll leads.
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if let Some(id) = self.waiter {
            self.core.waiters.lock().forget(self.end, id);
        }
    }
}

//! The connections of one worker, to be woken when it drains. Costs them nothing per request.

use std::{
    collections::HashMap,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    task::Waker,
};

use parking_lot::Mutex;
use tokio::sync::Notify;

/// The open connections of a worker.
#[derive(Debug, Default)]
pub struct Roster {
    draining: AtomicBool,
    next: AtomicU64,
    wakers: Mutex<HashMap<u64, Waker>>,
    left: Notify,
}

/// A connection's entry; leaves when dropped.
pub struct Entry<'a> {
    roster: &'a Roster,
    number: u64,
}

impl Roster {
    /// Whether the worker drains.
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// Enters a connection whose task `waker` wakes.
    pub fn enter(&self, waker: &Waker) -> Entry<'_> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        self.wakers.lock().insert(number, waker.clone());
        Entry { roster: self, number }
    }

    /// Tells all connections to finish, and waits until they have.
    pub async fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
        let wakers: Vec<Waker> = self.wakers.lock().values().cloned().collect();
        wakers.into_iter().for_each(Waker::wake);
        self.emptied().await;
    }

    /// Waits until all connections have ended.
    pub async fn emptied(&self) {
        while !self.wakers.lock().is_empty() {
            self.left.notified().await;
        }
    }
}

impl Drop for Entry<'_> {
    fn drop(&mut self) {
        self.roster.wakers.lock().remove(&self.number);
        self.roster.left.notify_one();
    }
}

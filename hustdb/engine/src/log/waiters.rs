//! The wakers of tickets that wait, by the position they wait for.

use std::{collections::BTreeMap, task::Waker};

/// Wakers by position and number.
#[derive(Debug, Default)]
pub struct Waiters {
    wakers: BTreeMap<(u64, u64), Waker>,
    next: u64,
}

impl Waiters {
    /// Keeps `waker` until `end` is reached; `id` is the number it had before, if any. Answers its number.
    pub fn keep(&mut self, end: u64, id: Option<u64>, waker: &Waker) -> u64 {
        let id = id.unwrap_or_else(|| {
            self.next += 1;
            self.next
        });
        let slot = self.wakers.entry((end, id)).or_insert_with(|| waker.clone());
        slot.clone_from(waker);
        id
    }

    /// Forgets a waker.
    pub fn forget(&mut self, end: u64, id: u64) {
        self.wakers.remove(&(end, id));
    }

    /// Takes out the wakers up to and including `limit`.
    pub fn take(&mut self, limit: u64) -> Vec<Waker> {
        let mut ready = Vec::new();
        while let Some(first) = self.wakers.first_entry().filter(|first| first.key().0 <= limit) {
            ready.push(first.remove());
        }
        ready
    }
}

//! Counts what goes on by itself on a worker, whether its client waits or not, so that the worker can wait for it when
//! it ends.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::SeqCst},
};

use tokio::sync::Notify;

/// What goes on by itself on one worker.
#[derive(Debug, Default)]
pub struct Detached {
    count: AtomicUsize,
    ended: Notify,
}

/// One of them; leaves when dropped.
#[derive(Debug)]
pub struct Entry(Arc<Detached>);

impl Detached {
    /// Counts one more.
    pub fn enter(self: &Arc<Detached>) -> Entry {
        self.count.fetch_add(1, SeqCst);
        Entry(self.clone())
    }

    /// Waits until none is left.
    pub async fn finish(&self) {
        while self.count.load(SeqCst) > 0 {
            self.ended.notified().await;
        }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        if self.0.count.fetch_sub(1, SeqCst) == 1 {
            self.0.ended.notify_one();
        }
    }
}

//! Push queues: every live node has a copy, and the front keeps the copies equal.
//!
//! `publish.rs` gives a message to the lead, which gives it its index, then to all others under that index; pubs of one
//! queue wait in line (`line.rs`). `catch_up.rs` moves what a node missed, as `plan.rs` decides; `compare.rs` notices
//! that it must. `subscribe.rs` reads from whoever has the index.
//!
//! What is remembered here is only the largest index the front has seen of each queue, so that a new lead does not give
//! one again that it has not heard of.

mod catch_up;
mod compare;
mod line;
mod plan;
mod publish;
mod subscribe;

use std::{
    collections::HashMap,
    sync::{Arc, atomic::AtomicU64},
};

use parking_lot::Mutex;
use tokio::sync::{Notify, Semaphore};

pub use self::{
    catch_up::catch_up,
    compare::start,
    line::Alone,
    publish::{known, publish},
    subscribe::{Wanted, outside, sub, subscribe},
};
use self::{compare::Differences, line::LinesOfPubs};

/// The largest index there can be.
const INDEX_MAX: u64 = i64::MAX as u64;
/// So many queues are caught up at one time.
const CATCH_UPS: usize = 4;

/// What the front knows of push queues.
#[derive(Debug)]
pub struct Pushes {
    lines: Arc<LinesOfPubs>,
    /// The largest index seen of each queue.
    last: Mutex<HashMap<String, Noted>>,
    /// The queues being caught up; whether once more.
    under_way: Mutex<HashMap<String, bool>>,
    room: Semaphore,
    /// Those that could not be are tried again now.
    sooner: Notify,
    differences: Mutex<Differences>,
    /// What has been counted.
    pub counts: Counts,
}

/// An index that was seen.
#[derive(Clone, Copy, Debug)]
struct Noted {
    index: u64,
    /// Whether it was seen since names were forgotten last: the polls may not know the queue yet.
    is_fresh: bool,
}

/// Counters of push queues.
#[derive(Debug, Default)]
pub struct Counts {
    /// Copies of a publication that a live node did not take.
    pub copies_failed: AtomicU64,
    /// Rounds of catching up.
    pub catch_ups: AtomicU64,
    /// Messages that were moved to a node that lacked them.
    pub caught_up: AtomicU64,
    /// Messages that a node had otherwise under the same index.
    pub conflicts: AtomicU64,
}

impl Default for Pushes {
    fn default() -> Pushes {
        Pushes {
            lines: Arc::default(),
            last: Mutex::default(),
            under_way: Mutex::default(),
            room: Semaphore::new(CATCH_UPS),
            sooner: Notify::new(),
            differences: Mutex::default(),
            counts: Counts::default(),
        }
    }
}

impl Pushes {
    /// The largest index seen of a queue.
    fn last(&self, queue: &str) -> u64 {
        self.last.lock().get(queue).map_or(0, |noted| noted.index)
    }

    /// An index was seen.
    fn note(&self, queue: &str, index: u64) {
        let mut last = self.last.lock();
        let index = last.get(queue).map_or(index, |noted| index.max(noted.index));
        let noted = Noted { index, is_fresh: true };
        match last.get_mut(queue) {
            Some(known) => *known = noted,
            None => drop(last.insert(queue.to_owned(), noted)),
        }
    }

    /// Forgets what was seen of queues that are not `known`, unless it was seen since the last call. Every node must have
    /// been asked since then: one that is silent may have the index, and nobody else would know of it.
    fn prune(&self, known: impl Fn(&str) -> bool) {
        let stays = |queue: &String, noted: &mut Noted| std::mem::take(&mut noted.is_fresh) || known(queue);
        self.last.lock().retain(stays);
    }

    /// Waits behind the pubs and catching up that came before; until what it returns is dropped nothing of the queue is
    /// published. For a delete, which forgets what was remembered.
    pub async fn alone(&self, queue: &str) -> Alone {
        let alone = self.lines.alone(queue).await;
        self.last.lock().remove(queue);
        alone
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_published_a_moment_ago_outlives_a_poll_from_before() {
        let pushes = Pushes::default();
        pushes.note("new", 7);
        pushes.note("known", 3);
        pushes.note("new", 5);
        let known = |queue: &str| queue == "known";
        pushes.prune(known);
        assert_eq!((pushes.last("new"), pushes.last("known"), pushes.last("none")), (7, 3, 0));
        pushes.prune(known);
        assert_eq!((pushes.last("new"), pushes.last("known")), (0, 3), "nobody has it");
    }
}

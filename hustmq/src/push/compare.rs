//! Notices that the copies of a push queue differ.
//!
//! Polls of different nodes are not of one moment, so what differs once may only be a publication on its way: it has to
//! differ in two comparisons running. After a node came up once is enough.

use std::{
    collections::{BTreeSet, HashSet},
    sync::Arc,
    time::Duration,
};

use tokio::time::timeout;

use super::catch_up;
use crate::{
    front::Front,
    view::{self, Row, Rows},
};

/// Without polls only a node that came up leads to a comparison.
const WITHOUT_POLLS: Duration = Duration::from_secs(3600);

/// What differed in the last comparison.
#[derive(Debug, Default)]
pub struct Differences(HashSet<String>);

impl Differences {
    /// Takes in what differs now; what differed before too, or everything if `once` is enough.
    fn again(&mut self, now: HashSet<String>, once: bool) -> Vec<String> {
        let again = now.iter().filter(|queue| once || self.0.contains(*queue)).cloned().collect();
        self.0 = now;
        again
    }
}

/// Compares until the program ends, on the keeper's thread.
pub fn start(front: &Arc<Front>) {
    let shared = front.clone();
    let interval = front.config.autost_interval().unwrap_or(WITHOUT_POLLS);
    front.keeper.spawn(async move {
        // The polls that had begun when names were forgotten last.
        let mut begun = shared.view.begun();
        loop {
            let risen = timeout(interval, shared.keeper.risen.notified()).await.is_ok();
            if risen {
                view::first(shared.clone()).await;
                shared.pushes.sooner.notify_waiters();
            }
            compare(&shared, risen);
            if shared.view.is_newer(&begun) {
                forget(&shared);
                begun = shared.view.begun();
            }
        }
    });
}

/// Catches up with what differs.
fn compare(front: &Arc<Front>, once: bool) {
    let live: Vec<Arc<Rows>> = front.live().into_iter().map(|node| front.view.rows(node)).collect();
    let again = front.pushes.differences.lock().again(differing(&live), once);
    for queue in again {
        catch_up(front, &queue);
    }
}

/// Forgets the queues that no node has any more.
fn forget(front: &Front) {
    let nodes = 0..front.backends.len();
    let rows: Vec<Arc<Rows>> = nodes.map(|node| front.view.rows(node)).collect();
    front.pushes.prune(|queue| rows.iter().any(|rows| rows.contains_key(queue)));
}

/// The push queues of which not all nodes say the same.
fn differing(nodes: &[Arc<Rows>]) -> HashSet<String> {
    let is_push = |row: &&Row| row.is_push();
    let names: BTreeSet<&String> =
        nodes.iter().flat_map(|rows| rows.values().filter(is_push)).map(|row| &row.queue).collect();
    let copy = |rows: &Rows, queue: &str| {
        rows.get(queue).map(|row| (row.floor, row.ci, row.ready)).unwrap_or_default()
    };
    let differs = |queue: &&String| {
        let mut copies = nodes.iter().map(|rows| copy(rows, queue));
        let first = copies.next();
        copies.any(|copy| Some(copy) != first)
    };
    names.into_iter().filter(differs).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(rows: &[(&str, u8, u64, u64, u64)]) -> Arc<Rows> {
        let row = |(queue, number, floor, ci, ready): &(&str, u8, u64, u64, u64)| {
            let row = Row {
                queue: (*queue).to_owned(),
                number: *number,
                floor: *floor,
                ci: *ci,
                ready: [*ready, 0, 0],
                ..Row::default()
            };
            ((*queue).to_owned(), row)
        };
        Arc::new(rows.iter().map(row).collect())
    }

    #[test]
    fn push_queues_that_differ_in_what_copies_have() {
        let one =
            rows(&[("same", 1, 2, 9, 7), ("ci", 1, 0, 3, 3), ("only", 1, 0, 1, 1), ("normal", 0, 0, 5, 5)]);
        let two =
            rows(&[("same", 1, 2, 9, 7), ("ci", 1, 0, 4, 3), ("empty", 1, 0, 0, 0), ("normal", 0, 0, 6, 1)]);
        let differs = |nodes: &[Arc<Rows>]| {
            let mut names: Vec<String> = differing(nodes).into_iter().collect();
            names.sort();
            names
        };
        assert_eq!(differs(&[one.clone(), two.clone()]), ["ci", "only"]);
        assert!(differs(&[one.clone(), one.clone()]).is_empty() && differs(&[two]).is_empty());
        assert!(differs(&[]).is_empty());
    }

    #[test]
    fn twice_running_or_once_after_a_rise() {
        let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<HashSet<_>>();
        let mut differences = Differences::default();
        assert!(differences.again(set(&["a"]), false).is_empty());
        assert_eq!(differences.again(set(&["a", "b"]), false), ["a"]);
        assert!(differences.again(set(&[]), false).is_empty());
        assert!(differences.again(set(&["b"]), false).is_empty(), "not running");
        assert_eq!(differences.again(set(&["c"]), true), ["c"]);
    }
}

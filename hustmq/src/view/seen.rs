//! What each node said last.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc,
        atomic::{
            AtomicBool, AtomicU64,
            Ordering::{Relaxed, SeqCst},
        },
    },
};

use arc_swap::ArcSwap;
use bytes::Bytes;
use parking_lot::Mutex;

use super::row::{Row, Rows, rows};

/// Queues a node was told of are remembered up to this number.
const DECLARED_MAX: usize = 8192;

/// What the nodes say, by their numbers.
#[derive(Debug)]
pub struct View {
    nodes: Vec<Seen>,
    /// Whether a node that is silent counts as it was last seen.
    pub keeps_silent: bool,
}

/// What one node says.
#[derive(Debug, Default)]
pub struct Seen {
    rows: ArcSwap<Rows>,
    /// The answer that `rows` is made of.
    answer: Mutex<Bytes>,
    /// Whether it answered the last poll.
    answers: AtomicBool,
    has_answered: AtomicBool,
    /// Queues it was told of since its last answer.
    declared: Mutex<HashSet<String>>,
    /// Queues that went while a poll was under way, whose answer may still have them; its number.
    forgotten: Mutex<HashMap<String, u64>>,
    /// Held by the poll under way.
    pub polling: tokio::sync::Mutex<()>,
    /// How many polls began.
    begun: AtomicU64,
    /// The number of the last one that ended.
    ended: AtomicU64,
}

impl View {
    pub fn new(nodes: usize, keeps_silent: bool) -> View {
        View { nodes: (0..nodes).map(|_| Seen::default()).collect(), keeps_silent }
    }

    /// What one node says.
    pub fn node(&self, at: usize) -> Option<&Seen> {
        self.nodes.get(at)
    }

    /// Everything a node said last, even if it is silent now.
    pub fn rows(&self, at: usize) -> Arc<Rows> {
        self.nodes.get(at).map(|seen| seen.rows.load_full()).unwrap_or_default()
    }

    /// What a node said last of a queue, even if it is silent now.
    pub fn row(&self, at: usize, queue: &str) -> Option<Row> {
        self.nodes.get(at)?.rows.load().get(queue).cloned()
    }

    /// Whether a node's last answer had this queue, in a form that `is` looks for.
    pub fn has(&self, at: usize, queue: &str, is: impl FnOnce(&Row) -> bool) -> bool {
        self.nodes.get(at).is_some_and(|seen| seen.rows.load().get(queue).is_some_and(is))
    }

    /// Whether a node's rows count.
    pub fn counts(&self, at: usize) -> bool {
        self.keeps_silent || self.nodes.get(at).is_some_and(|seen| seen.answers.load(Relaxed))
    }

    /// The rows that count, by node.
    pub fn counted(&self) -> Vec<(usize, Arc<Rows>)> {
        (0..self.nodes.len()).filter(|at| self.counts(*at)).map(|at| (at, self.rows(at))).collect()
    }

    /// Whether any node ever answered.
    pub fn is_known(&self) -> bool {
        self.nodes.iter().any(|seen| seen.has_answered.load(Relaxed))
    }

    /// How many polls of each node began so far.
    pub fn begun(&self) -> Vec<u64> {
        self.nodes.iter().map(Seen::begun).collect()
    }

    /// Whether every node answered its last poll, and that began after `begun` had been counted.
    pub fn is_newer(&self, begun: &[u64]) -> bool {
        self.nodes.iter().zip(begun).all(|(seen, begun)| seen.since(*begun) == Some(true))
    }

    /// The settings that a node should be told of before it takes a message: it does not know the queue, and another
    /// node does (`first`, if that knows it).
    pub fn undeclared(&self, at: usize, queue: &str, first: usize) -> Option<Row> {
        let seen = self.nodes.get(at)?;
        if seen.rows.load().contains_key(queue) || seen.declared.lock().contains(queue) {
            return None;
        }
        let known = std::iter::once(first).chain(0..self.nodes.len()).filter(|other| *other != at);
        known.filter_map(|other| self.row(other, queue)).find(|row| !row.is_push())
    }

    /// A node was told of a queue.
    pub fn declared(&self, at: usize, queue: &str) {
        let Some(seen) = self.nodes.get(at) else { return };
        let mut declared = seen.declared.lock();
        if declared.len() >= DECLARED_MAX {
            declared.clear();
        }
        declared.insert(queue.to_owned());
    }

    /// A node no longer has a queue.
    pub fn forget(&self, at: usize, queue: &str) {
        let Some(seen) = self.nodes.get(at) else { return };
        seen.declared.lock().remove(queue);
        let mut answer = seen.answer.lock();
        let begun = seen.begun();
        if begun > seen.ended.load(SeqCst) {
            seen.forgotten.lock().insert(queue.to_owned(), begun);
        }
        if seen.rows.load().contains_key(queue) {
            let mut rows = Rows::clone(&seen.rows.load());
            rows.remove(queue);
            seen.rows.store(Arc::new(rows));
            // The next answer may be the one that had it, and must be read.
            *answer = Bytes::new();
        }
    }
}

impl Seen {
    /// How many polls of it began so far.
    pub fn begun(&self) -> u64 {
        self.begun.load(SeqCst)
    }

    /// One more begins; its number.
    pub fn begin(&self) -> u64 {
        self.begun.fetch_add(1, SeqCst) + 1
    }

    /// Poll `number` ended without an answer.
    pub fn silent(&self, number: u64) {
        self.forgotten.lock().retain(|_, during| *during > number);
        self.answers.store(false, Relaxed);
        self.ended.store(number, SeqCst);
    }

    /// Poll `number` was answered; `false` if by something that is no list of rows.
    pub fn answered(&self, number: u64, body: &Bytes) -> bool {
        let mut answer = self.answer.lock();
        if *answer != *body || body.is_empty() {
            let Some(mut rows) = rows(body) else {
                drop(answer);
                self.silent(number);
                return false;
            };
            *answer = body.clone();
            self.forgotten.lock().retain(|queue, during| {
                if number <= *during && rows.remove(queue).is_some() {
                    // Not what was answered: the next answer must be read.
                    *answer = Bytes::new();
                }
                *during > number
            });
            self.rows.store(Arc::new(rows));
            self.declared.lock().clear();
        }
        self.answers.store(true, Relaxed);
        self.has_answered.store(true, Relaxed);
        self.ended.store(number, SeqCst);
        true
    }

    /// Whether a poll that began after `begun` had been counted has ended, and was answered.
    pub fn since(&self, begun: u64) -> Option<bool> {
        (self.ended.load(SeqCst) > begun).then(|| self.answers.load(Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: Bytes = Bytes::from_static(br#"[{"queue":"q","ready":[1,0,0]}]"#);

    #[test]
    fn rows_outlive_silence() {
        for keeps_silent in [true, false] {
            let view = View::new(2, keeps_silent);
            assert!(!view.is_known() && view.row(0, "q").is_none());
            let seen = view.node(0).unwrap();
            assert!(seen.answered(seen.begin(), &BODY));
            assert!(view.is_known() && view.counts(0) && view.has(0, "q", Row::has_ready));
            seen.silent(seen.begin());
            assert_eq!(view.counts(0), keeps_silent);
            assert_eq!(view.counted().len(), if keeps_silent { 2 } else { 0 });
            assert!(view.row(0, "q").is_some() && view.is_known());
            assert!(!seen.answered(seen.begin(), &Bytes::from_static(b"x")));
            assert_eq!(view.counts(0), keeps_silent);
        }
    }

    #[test]
    fn what_is_forgotten_comes_back_with_the_next_answer_that_has_it() {
        let view = View::new(1, true);
        let seen = view.node(0).unwrap();
        seen.answered(1, &BODY);
        view.forget(0, "q");
        assert!(view.row(0, "q").is_none());
        seen.answered(2, &BODY);
        assert!(view.row(0, "q").is_some());
    }

    #[test]
    fn a_poll_that_was_under_way_does_not_bring_back_what_went() {
        let view = View::new(1, true);
        let seen = view.node(0).unwrap();
        for known in [true, false] {
            let early = seen.begin();
            view.forget(0, "q");
            assert!(seen.answered(early, &BODY));
            assert!(view.row(0, "q").is_none() && seen.forgotten.lock().is_empty(), "{known}");
            seen.answered(seen.begin(), &BODY);
            assert!(view.row(0, "q").is_some(), "made anew");
        }
        let lost = seen.begin();
        view.forget(0, "q");
        seen.silent(lost);
        assert!(seen.forgotten.lock().is_empty());
    }

    #[test]
    fn who_does_not_know_a_queue_is_told_its_settings_once() {
        let view = View::new(3, true);
        assert!(view.undeclared(1, "q", 0).is_none(), "nobody knows it");
        let rows =
            |max: u64| Bytes::from(format!(r#"[{{"queue":"q","max":{max}}},{{"queue":"p","type":1}}]"#));
        view.node(0).unwrap().answered(1, &rows(7));
        view.node(2).unwrap().answered(1, &rows(8));
        let max = |at, first| view.undeclared(at, "q", first).map(|row| row.max);
        assert_eq!((max(1, 2), max(1, 0), max(1, 1), max(0, 0)), (Some(8), Some(7), Some(7), None));
        assert!(view.undeclared(1, "p", 0).is_none(), "a push queue has none");
        view.declared(1, "q");
        assert_eq!(max(1, 0), None);
        view.node(1).unwrap().answered(1, &Bytes::from_static(b"[]"));
        assert_eq!(max(1, 0), Some(7), "it was not so");
    }

    #[test]
    fn a_view_is_newer_when_every_node_has_answered_since() {
        let view = View::new(2, true);
        let answer = |at: usize| {
            let seen = view.node(at).unwrap();
            seen.answered(seen.begin(), &BODY);
        };
        let before = view.begun();
        answer(0);
        assert!(!view.is_newer(&before), "one of two");
        answer(1);
        assert!(view.is_newer(&before) && !view.is_newer(&view.begun()));
        let silent = view.node(0).unwrap();
        silent.silent(silent.begin());
        assert!(!view.is_newer(&before), "what it says may be old");
        answer(0);
        assert!(view.is_newer(&before));
    }

    #[test]
    fn only_a_poll_that_began_later_is_news() {
        let seen = Seen::default();
        let early = seen.begin();
        let before = seen.begun();
        assert_eq!(seen.since(before), None);
        seen.silent(early);
        assert_eq!(seen.since(before), None);
        seen.answered(seen.begin(), &BODY);
        assert_eq!(seen.since(before), Some(true));
    }
}

//! The waiters for messages of push queues: each waits for an index, and all who wait for one are woken by it. Pure.
//!
//! Reading consumes nothing, so nobody waits for anybody. An entry is in a line until its index is seen to be
//! published, or it leaves.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

/// All readers. `W` leads to one.
#[derive(Debug)]
pub struct Readers<W> {
    next: u64,
    waiting: usize,
    lines: HashMap<Arc<str>, BTreeMap<(u64, u64), W>>,
}

impl<W> Default for Readers<W> {
    fn default() -> Readers<W> {
        Readers { next: 0, waiting: 0, lines: HashMap::new() }
    }
}

impl<W> Readers<W> {
    /// A reader waits for an index; returns its number.
    pub fn enter(&mut self, queue: &str, index: u64, reader: W) -> u64 {
        self.next += 1;
        self.waiting += 1;
        let line = match self.lines.get_mut(queue) {
            Some(line) => line,
            None => self.lines.entry(queue.into()).or_default(),
        };
        line.insert((index, self.next), reader);
        self.next
    }

    /// A reader stops to wait; `false` if it has been woken.
    pub fn leave(&mut self, queue: &str, index: u64, number: u64) -> bool {
        let Some(line) = self.lines.get_mut(queue) else { return false };
        let left = line.remove(&(index, number)).is_some();
        self.waiting -= usize::from(left);
        if line.is_empty() {
            self.lines.remove(queue);
        }
        left
    }

    /// Everything up to `ci` has been published: who is woken.
    pub fn published(&mut self, queue: &str, ci: u64) -> Vec<W> {
        self.take(queue, |line| {
            let later = line.split_off(&(ci.saturating_add(1), 0));
            std::mem::replace(line, later)
        })
    }

    /// Nothing behind `ci` has been published as far as anybody knows: who waits for more than the next index.
    pub fn astray(&mut self, queue: &str, ci: u64) -> Vec<W> {
        self.take(queue, |line| line.split_off(&(ci.saturating_add(1), u64::MAX)))
    }

    fn take(
        &mut self,
        queue: &str,
        part: impl FnOnce(&mut BTreeMap<(u64, u64), W>) -> BTreeMap<(u64, u64), W>,
    ) -> Vec<W> {
        let Some(line) = self.lines.get_mut(queue) else { return Vec::new() };
        let taken: Vec<W> = part(line).into_values().collect();
        if line.is_empty() {
            self.lines.remove(queue);
        }
        self.waiting -= taken.len();
        taken
    }

    /// The queues somebody waits for.
    pub fn queues(&self) -> impl Iterator<Item = &Arc<str>> {
        self.lines.keys()
    }

    /// Whether anybody waits for this queue.
    pub fn has(&self, queue: &str) -> bool {
        self.lines.contains_key(queue)
    }

    /// How many wait.
    pub fn waiting(&self) -> usize {
        self.waiting
    }

    /// Takes everybody out.
    pub fn clear(&mut self) -> Vec<W> {
        self.waiting = 0;
        self.lines.drain().flat_map(|(_, line)| line.into_values()).collect()
    }
}

/// What an index is to the joint window (`si`, `ci`] of all nodes that answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// It has been published.
    Inside,
    /// It is the next to be published.
    Next,
    /// Neither.
    Outside,
}

/// Where an index lies.
pub fn place(index: u64, (si, ci): (u64, u64)) -> Place {
    if si < index && index <= ci {
        Place::Inside
    } else if ci.checked_add(1) == Some(index) {
        Place::Next
    } else {
        Place::Outside
    }
}

/// The joint window of some nodes' windows: the smallest si, the largest ci; (0, 0) of none.
pub fn joint(windows: impl IntoIterator<Item = (u64, u64)>) -> (u64, u64) {
    windows.into_iter().reduce(|one, other| (one.0.min(other.0), one.1.max(other.1))).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_wakes_all_who_wait_for_it() {
        let mut readers = Readers::default();
        for (index, name) in [(5, "a"), (7, "b"), (5, "c"), (1 << 40, "d")] {
            readers.enter("q", index, name);
        }
        let number = readers.enter("other", 5, "e");
        assert!(readers.published("q", 4).is_empty() && readers.published("none", 9).is_empty());
        assert_eq!(readers.published("q", 6), ["a", "c"]);
        assert!(readers.has("q"));
        assert_eq!(readers.published("q", 1 << 40), ["b", "d"]);
        assert!(!readers.has("q") && readers.waiting() == 1);
        assert!(readers.leave("other", 5, number) && !readers.leave("other", 5, number));
        assert_eq!((readers.waiting(), readers.queues().count()), (0, 0));
        readers.enter("q", 1, "f");
        assert_eq!(readers.clear(), ["f"]);
        assert_eq!(readers.waiting(), 0);
    }

    #[test]
    fn an_index_that_is_not_the_next_any_more() {
        let mut readers = Readers::default();
        for (index, name) in [(1, "a"), (2, "b"), (3, "c"), (u64::MAX, "d")] {
            readers.enter("q", index, name);
        }
        assert!(readers.astray("none", 0).is_empty() && readers.astray("q", u64::MAX).is_empty());
        assert_eq!(readers.astray("q", 1), ["c", "d"], "2 is the next");
        assert_eq!(readers.astray("q", 0), ["b"]);
        assert_eq!((readers.waiting(), readers.published("q", 1)), (1, vec!["a"]));
        assert!(!readers.has("q"));
    }

    #[test]
    fn where_an_index_lies() {
        let table = [
            (0, (0, 0), Place::Outside),
            (1, (0, 0), Place::Next),
            (2, (0, 0), Place::Outside),
            (3, (3, 6), Place::Outside),
            (4, (3, 6), Place::Inside),
            (6, (3, 6), Place::Inside),
            (7, (3, 6), Place::Next),
            (8, (3, 6), Place::Outside),
            (u64::MAX, (0, u64::MAX), Place::Inside),
            (0, (u64::MAX, u64::MAX), Place::Outside),
        ];
        for (index, window, expected) in table {
            assert_eq!(place(index, window), expected, "{index} in {window:?}");
        }
        assert_eq!(joint([(3, 6), (2, 4), (5, 9)]), (2, 9));
        assert_eq!(joint([]), (0, 0));
    }
}

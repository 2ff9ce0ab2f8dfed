//! The waiters for messages of normal queues, decided: who is woken when a node is seen to have some. Pure.
//!
//! | word | meaning |
//! |---|---|
//! | line | the waiters of one queue, by number; a number is an arrival, and whoever comes back to the line has the same |
//! | claim | one message of one node for which somebody has been woken; ends when a get passes, or after a second |
//! | sight | how many messages a node said it has ready, and when it was asked |
//!
//! Invariant: a sight of n messages wakes at most n waiters less the claims on that node that had not ended when it was
//! asked, for the answer may count what those will take. A line that was woken less than it could be is short of what
//! is claimed: it has to be looked at again when a claim ends.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use tokio::time::Instant;

/// How long somebody who was woken has to come for his message.
pub const CLAIM: Duration = Duration::from_secs(1);

/// All lines. `W` leads to a waiter.
#[derive(Debug)]
pub struct Lines<W> {
    next: u64,
    waiting: usize,
    /// Sights are not older than this.
    sight_max: Duration,
    lines: HashMap<Arc<str>, Line<W>>,
}

#[derive(Debug)]
struct Line<W> {
    waiters: BTreeMap<u64, W>,
    /// Claims that have not ended, in the order of their ends.
    open: VecDeque<Claim>,
    /// Claims that have, in the order of their ends: what was asked before may still be told.
    ended: VecDeque<Claim>,
    /// The nodes whose messages were all claimed while somebody waited.
    short: BTreeSet<usize>,
}

#[derive(Clone, Copy, Debug)]
struct Claim {
    node: usize,
    ends: Instant,
}

/// What a sight leads to.
#[derive(Debug, PartialEq, Eq)]
pub struct Woken<W> {
    /// Who is woken, and has left the line.
    pub waiters: Vec<W>,
    /// When to look again, if nothing happens before.
    pub again: Option<Instant>,
}

impl<W> Lines<W> {
    /// No waiters. Sights older than `sight_max` will not be told.
    pub fn new(sight_max: Duration) -> Lines<W> {
        Lines { next: 0, waiting: 0, sight_max, lines: HashMap::new() }
    }

    /// A number for somebody new.
    pub fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// Puts a waiter where its number belongs.
    pub fn enter(&mut self, queue: &str, number: u64, waiter: W) {
        let line = match self.lines.get_mut(queue) {
            Some(line) => line,
            None => self.lines.entry(queue.into()).or_insert_with(|| Line {
                waiters: BTreeMap::new(),
                open: VecDeque::new(),
                ended: VecDeque::new(),
                short: BTreeSet::new(),
            }),
        };
        if line.waiters.insert(number, waiter).is_none() {
            self.waiting += 1;
        }
    }

    /// Takes a waiter out; `false` if it is not in the line: it has been woken.
    pub fn leave(&mut self, queue: &str, number: u64) -> bool {
        let Some(line) = self.lines.get_mut(queue) else { return false };
        if line.waiters.remove(&number).is_none() {
            return false;
        }
        self.waiting -= 1;
        if line.is_idle() {
            self.lines.remove(queue);
        }
        true
    }

    /// A node, asked at `asked`, said that it has so many messages ready.
    pub fn seen(&mut self, queue: &str, node: usize, ready: u64, asked: Instant, now: Instant) -> Woken<W> {
        let none = Woken { waiters: Vec::new(), again: None };
        let sight_max = self.sight_max;
        let Some(line) = self.lines.get_mut(queue) else { return none };
        line.forget(now, sight_max);
        line.short.remove(&node);
        let free = usize::try_from(ready).unwrap_or(usize::MAX).saturating_sub(line.claimed(node, asked));
        let mut waiters = Vec::new();
        while waiters.len() < free
            && let Some((_, waiter)) = line.waiters.pop_first()
        {
            line.open.push_back(Claim { node, ends: now + CLAIM });
            waiters.push(waiter);
        }
        self.waiting -= waiters.len();
        let mut again = None;
        if ready > 0 && !line.waiters.is_empty() {
            line.short.insert(node);
            again = Some(line.open.iter().find(|claim| claim.node == node).map_or(now, |claim| claim.ends));
        }
        if line.is_idle() {
            self.lines.remove(queue);
        }
        Woken { waiters, again }
    }

    /// A get of this queue passed: it took something from `node`, or there was nothing. The nodes to look at again.
    pub fn passed(&mut self, queue: &str, node: Option<usize>, now: Instant) -> Vec<usize> {
        let sight_max = self.sight_max;
        let Some(line) = self.lines.get_mut(queue) else { return Vec::new() };
        line.forget(now, sight_max);
        let here = line.open.iter().position(|claim| Some(claim.node) == node);
        if let Some(claim) = line.open.remove(here.unwrap_or(0)) {
            line.ended.push_back(Claim { ends: now, ..claim });
        }
        let short = std::mem::take(&mut line.short).into_iter().collect();
        if line.is_idle() {
            self.lines.remove(queue);
        }
        short
    }

    /// The queues somebody waits for.
    pub fn queues(&self) -> impl Iterator<Item = &Arc<str>> {
        self.lines.iter().filter(|(_, line)| !line.waiters.is_empty()).map(|(queue, _)| queue)
    }

    /// Whether anybody waits for this queue.
    pub fn has(&self, queue: &str) -> bool {
        self.lines.get(queue).is_some_and(|line| !line.waiters.is_empty())
    }

    /// How many wait.
    pub fn waiting(&self) -> usize {
        self.waiting
    }

    /// Forgets claims that no sight can count any more, and lines in which nobody has waited since.
    pub fn sweep(&mut self, now: Instant) {
        let sight_max = self.sight_max;
        self.lines.retain(|_, line| {
            line.forget(now, sight_max);
            !line.is_idle()
        });
    }

    /// Takes everybody out.
    pub fn clear(&mut self) -> Vec<W> {
        self.waiting = 0;
        self.lines.drain().flat_map(|(_, line)| line.waiters.into_values()).collect()
    }
}

impl<W> Line<W> {
    /// How many of a node's messages somebody was still to come for when it was asked.
    fn claimed(&self, node: usize, asked: Instant) -> usize {
        let ended = self.ended.iter().rev().take_while(|claim| claim.ends > asked);
        self.open.iter().chain(ended).filter(|claim| claim.node == node).count()
    }

    /// Ends the claims whose time is over, and forgets those that ended before any sight that may still be told was
    /// asked for.
    fn forget(&mut self, now: Instant, sight_max: Duration) {
        while let Some(claim) = self.open.pop_front_if(|claim| claim.ends <= now) {
            self.ended.push_back(claim);
        }
        while self.ended.pop_front_if(|claim| claim.ends + sight_max < now).is_some() {}
    }

    fn is_idle(&self) -> bool {
        self.waiters.is_empty() && self.open.is_empty() && self.ended.is_empty()
    }
}

#[cfg(test)]
#[path = "lines_tests.rs"]
mod tests;

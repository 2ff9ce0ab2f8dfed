//! Numbers by queue, the lowest first; a queue without any costs nothing.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

/// Numbers by queue.
#[derive(Debug, Default)]
pub struct ByQueue(HashMap<Arc<str>, BTreeSet<u64>>);

impl ByQueue {
    /// Adds a number to a queue.
    pub fn insert(&mut self, queue: &Arc<str>, number: u64) {
        self.0.entry(queue.clone()).or_default().insert(number);
    }

    /// Takes a number from a queue.
    pub fn remove(&mut self, queue: &str, number: u64) {
        if let Some(numbers) = self.0.get_mut(queue) {
            numbers.remove(&number);
            if numbers.is_empty() {
                self.0.remove(queue);
            }
        }
    }

    /// The lowest number of a queue.
    pub fn first(&self, queue: &str) -> Option<u64> {
        self.0.get(queue)?.first().copied()
    }

    /// How many queues have any.
    #[cfg(test)]
    pub fn queues(&self) -> usize {
        self.0.len()
    }
}

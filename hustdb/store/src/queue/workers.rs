//! The workers of a queue: who asked for messages, and when.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// Names remembered.
const WORKERS_MAX: usize = 1024;
/// Workers idle for so long are not shown, ms.
const IDLE_MAX_MS: u64 = 512_000;

/// Names by the time they were seen last.
#[derive(Clone, Debug, Default)]
pub(crate) struct Workers {
    seen: BTreeMap<Arc<str>, u64>,
    by_time: BTreeSet<(u64, Arc<str>)>,
}

/// A worker of a queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Worker {
    /// Its name.
    pub name: Arc<str>,
    /// When it asked last, unix s.
    pub seen_s: u64,
}

impl Workers {
    /// A worker asked.
    pub(crate) fn see(&mut self, name: &str, now_ms: u64) {
        let name = match self.seen.remove_entry(name) {
            Some((name, before_ms)) => {
                self.by_time.remove(&(before_ms, name.clone()));
                name
            }
            None => Arc::from(name),
        };
        self.seen.insert(name.clone(), now_ms);
        self.by_time.insert((now_ms, name));
        if self.seen.len() > WORKERS_MAX
            && let Some((_, oldest)) = self.by_time.pop_first()
        {
            self.seen.remove(&oldest);
        }
    }

    /// Those that are not idle, by name.
    pub(crate) fn list(&self, now_ms: u64) -> Vec<Worker> {
        let awake = self.seen.iter().filter(|(_, seen_ms)| now_ms.saturating_sub(**seen_ms) < IDLE_MAX_MS);
        awake.map(|(name, seen_ms)| Worker { name: name.clone(), seen_s: seen_ms / 1000 }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_seen_last_are_remembered_and_the_idle_not_shown() {
        let mut workers = Workers::default();
        for number in 0..WORKERS_MAX as u64 {
            workers.see(&format!("w{number:04}"), 1000 + number);
        }
        workers.see("w0000", 9000);
        workers.see("new", 9001);
        let names = |workers: &Workers, now_ms| -> Vec<String> {
            workers.list(now_ms).iter().map(|worker| worker.name.to_string()).collect()
        };
        let all = names(&workers, 9001);
        assert_eq!(all.len(), WORKERS_MAX);
        assert!(all.is_sorted() && all.contains(&"w0000".into()) && !all.contains(&"w0001".into()));
        assert_eq!(names(&workers, 9000 + IDLE_MAX_MS), ["new"]);
        assert_eq!(workers.list(9001)[0], Worker { name: "new".into(), seen_s: 9 });
    }
}

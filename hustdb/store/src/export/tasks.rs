//! Which snapshots there are, which wait to be taken, and what became of those asked for: pure bookkeeping.
//!
//! Tokens grow: they are microseconds of the wall clock, or one more than the last. So the order of tokens is the order
//! of tasks, and the newest file of a name has the greatest one. A token is a whole number below 2^53 for some 250 years,
//! which clients may keep in a double.

use std::collections::{BTreeMap, HashMap};

use super::{
    figures::{ExportStats, SnapshotInfo},
    keep::ExportKeep,
    name::SnapshotName,
};
use crate::error::{Error, Result};

/// Tasks that may wait; each takes some 200 bytes.
const WAITING_MAX: usize = 1 << 16;
/// Outcomes remembered beside those of snapshots that are there.
const OUTCOMES_MAX: usize = 1 << 16;

/// A snapshot to be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Task {
    pub token: u64,
    pub name: SnapshotName,
    /// Rows to pass over.
    pub offset: u64,
    /// Rows to take; 0 = all.
    pub size: u64,
}

/// What is known of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskStatus {
    /// Waits for others.
    Queued = 0,
    /// Is being taken.
    Running = 1,
    /// The snapshot was taken.
    Done = 2,
    /// No such token, or forgotten.
    Unknown = 3,
    /// Could not be taken.
    Failed = 4,
}

/// How many tasks there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TaskCounts {
    /// Waiting.
    pub queued: u64,
    /// Under way: 0 or 1.
    pub running: u64,
    /// Finished since start, failed ones too.
    pub finished: u64,
}

/// What became of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ended {
    /// Length of the file; `None`: it failed.
    pub bytes: Option<u64>,
    pub took_ms: u64,
}

/// A snapshot that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct There {
    token: u64,
    bytes: u64,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Tasks {
    there: HashMap<SnapshotName, There>,
    queue: BTreeMap<u64, Task>,
    /// How many of the queue have a name.
    waiting: HashMap<SnapshotName, usize>,
    running: Option<(u64, SnapshotName)>,
    outcomes: BTreeMap<u64, TaskStatus>,
    last_token: u64,
    finished: u64,
    failed: u64,
    written_bytes: u64,
    last_ms: u64,
    removed: u64,
}

impl Tasks {
    /// A file that was found at the start. Answers the token of the older file if there are two of the name.
    pub(super) fn found(&mut self, token: u64, bytes: u64, name: SnapshotName) -> Option<u64> {
        self.last_token = self.last_token.max(token);
        match self.there.get(&name) {
            Some(other) if other.token > token => Some(token),
            _ => self.there.insert(name, There { token, bytes }).map(|other| other.token),
        }
    }

    /// Queues a task and gives its token.
    pub(super) fn add(
        &mut self,
        name: SnapshotName,
        offset: u64,
        size: u64,
        cover: bool,
        now_ms: u64,
    ) -> Result<u64> {
        let under_way = self.waiting.contains_key(&name)
            || self.running.as_ref().is_some_and(|(_, running)| *running == name);
        if !cover && under_way {
            return Err(Error::Snapshot("under way"));
        }
        if !cover && self.there.contains_key(&name) {
            return Err(Error::Snapshot("already there"));
        }
        if self.queue.len() >= WAITING_MAX {
            return Err(Error::Busy("too many snapshots wait"));
        }
        let token = now_ms.saturating_mul(1000).max(self.last_token.saturating_add(1));
        self.last_token = token;
        *self.waiting.entry(name.clone()).or_default() += 1;
        self.queue.insert(token, Task { token, name, offset, size });
        Ok(token)
    }

    /// The next task, which is now under way.
    pub(super) fn begin(&mut self) -> Option<Task> {
        let (token, task) = self.queue.pop_first()?;
        if let Some(count) = self.waiting.get_mut(&task.name) {
            *count -= 1;
            if *count == 0 {
                self.waiting.remove(&task.name);
            }
        }
        self.running = Some((token, task.name.clone()));
        Some(task)
    }

    /// Ends a task. Answers the token of the snapshot that this one took the place of.
    pub(super) fn end(&mut self, task: Task, ended: Ended) -> Option<u64> {
        self.running = None;
        self.finished += 1;
        self.last_ms = ended.took_ms;
        let outcome = if ended.bytes.is_some() { TaskStatus::Done } else { TaskStatus::Failed };
        self.outcomes.insert(task.token, outcome);
        if self.outcomes.len() > OUTCOMES_MAX {
            self.outcomes.pop_first();
        }
        let Some(bytes) = ended.bytes else {
            self.failed += 1;
            return None;
        };
        self.written_bytes += bytes;
        self.there.insert(task.name, There { token: task.token, bytes }).map(|covered| covered.token)
    }

    /// Takes out the snapshots that are too many or too old; their files are the caller's to remove.
    pub(super) fn take_excess(&mut self, keep: &ExportKeep, now_ms: u64) -> Vec<(SnapshotName, u64)> {
        let tokens = self.tokens();
        let Some(last) = keep.excess(&tokens, now_ms).checked_sub(1).and_then(|last| tokens.get(last)) else {
            return Vec::new();
        };
        let gone: Vec<_> = self.there.extract_if(|_, there| there.token <= *last).collect();
        self.removed += gone.len() as u64;
        gone.into_iter().map(|(name, there)| (name, there.token)).collect()
    }

    /// When the oldest snapshot will be too old, unix ms.
    pub(super) fn next_end_ms(&self, keep: &ExportKeep) -> Option<u64> {
        self.there.values().map(|there| there.token).min().and_then(|oldest| keep.until_ms(oldest))
    }

    /// Tokens of the snapshots that are there, ascending.
    fn tokens(&self) -> Vec<u64> {
        let mut tokens: Vec<u64> = self.there.values().map(|there| there.token).collect();
        tokens.sort_unstable();
        tokens
    }

    /// All that are there, oldest first.
    pub(super) fn snapshots(&self) -> Vec<SnapshotInfo> {
        let info = |(name, there): (&SnapshotName, &There)| SnapshotInfo {
            token: there.token,
            subject: name.subject.clone(),
            slots: name.slots.clone(),
            values: name.values,
            bytes: there.bytes,
        };
        let mut all: Vec<SnapshotInfo> = self.there.iter().map(info).collect();
        all.sort_unstable_by_key(|snapshot| snapshot.token);
        all
    }

    /// The snapshot of this name that is there.
    pub(super) fn token_of(&self, name: &SnapshotName) -> Option<u64> {
        self.there.get(name).map(|there| there.token)
    }

    pub(super) fn status(&self, token: u64) -> TaskStatus {
        if self.queue.contains_key(&token) {
            TaskStatus::Queued
        } else if self.running.as_ref().is_some_and(|(running, _)| *running == token) {
            TaskStatus::Running
        } else if let Some(outcome) = self.outcomes.get(&token) {
            *outcome
        } else if self.there.values().any(|there| there.token == token) {
            TaskStatus::Done
        } else {
            TaskStatus::Unknown
        }
    }

    pub(super) fn counts(&self) -> TaskCounts {
        let running = u64::from(self.running.is_some());
        TaskCounts { queued: self.queue.len() as u64, running, finished: self.finished }
    }

    pub(super) fn stats(&self) -> ExportStats {
        ExportStats {
            tasks: self.counts(),
            failed: self.failed,
            written_bytes: self.written_bytes,
            last_ms: self.last_ms,
            removed: self.removed,
            snapshots: self.there.len() as u64,
            snapshot_bytes: self.there.values().map(|there| there.bytes).sum(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::name::Subject;

    fn name(file: usize) -> SnapshotName {
        SnapshotName { subject: Subject::File(file), slots: 0..1024, values: false }
    }

    const DONE: Ended = Ended { bytes: Some(10), took_ms: 3 };
    const FAILED: Ended = Ended { bytes: None, took_ms: 4 };

    #[test]
    fn a_task_goes_from_queued_to_done_or_failed() {
        let mut tasks = Tasks::default();
        let one = tasks.add(name(1), 0, 0, false, 5).unwrap();
        let two = tasks.add(name(2), 0, 0, false, 5).unwrap();
        assert_eq!((one, two), (5000, 5001));
        assert_eq!(tasks.add(name(1), 0, 0, false, 5).unwrap_err().to_string(), "snapshot: under way");
        assert_eq!(tasks.counts(), TaskCounts { queued: 2, running: 0, finished: 0 });
        let task = tasks.begin().unwrap();
        assert_eq!(
            (task.token, tasks.status(one), tasks.status(two)),
            (one, TaskStatus::Running, TaskStatus::Queued)
        );
        assert_eq!(tasks.add(name(1), 0, 0, false, 5).unwrap_err().to_string(), "snapshot: under way");
        assert_eq!(tasks.end(task, DONE), None);
        assert_eq!((tasks.status(one), tasks.token_of(&name(1))), (TaskStatus::Done, Some(one)));
        assert_eq!(tasks.add(name(1), 0, 0, false, 5).unwrap_err().to_string(), "snapshot: already there");
        let task = tasks.begin().unwrap();
        assert_eq!(tasks.end(task, FAILED), None);
        assert_eq!((tasks.status(two), tasks.token_of(&name(2))), (TaskStatus::Failed, None));
        assert!(tasks.add(name(2), 0, 0, false, 5).is_ok(), "a failed one may be tried again");
        assert_eq!(tasks.counts(), TaskCounts { queued: 1, running: 0, finished: 2 });
        assert_eq!(tasks.status(1), TaskStatus::Unknown);
    }

    #[test]
    fn covering_takes_the_place_when_it_is_done() {
        let mut tasks = Tasks::default();
        assert_eq!(tasks.found(70, 1, name(1)), None);
        assert_eq!(tasks.found(60, 1, name(1)), Some(60), "the older one is to go");
        assert_eq!(tasks.found(80, 1, name(1)), Some(70));
        assert_eq!(tasks.status(80), TaskStatus::Done);
        let one = tasks.add(name(1), 0, 0, true, 0).unwrap();
        let two = tasks.add(name(1), 0, 0, true, 0).unwrap();
        assert_eq!((one, two), (81, 82), "greater than any file's, whatever the clock says");
        let first = tasks.begin().unwrap();
        assert_eq!(tasks.token_of(&name(1)), Some(80));
        assert_eq!(tasks.end(first, DONE), Some(80));
        assert_eq!(tasks.add(name(1), 0, 0, false, 0).unwrap_err().to_string(), "snapshot: under way");
        let second = tasks.begin().unwrap();
        assert_eq!(tasks.end(second, DONE), Some(one));
        assert_eq!(tasks.begin(), None);
    }

    #[test]
    fn what_was_done_and_is_there_is_counted() {
        let mut tasks = Tasks::default();
        tasks.found(7, 100, name(9));
        tasks.found(6, 50, name(9));
        for (number, ended) in [(1, DONE), (1, DONE), (2, FAILED)] {
            tasks.add(name(number), 0, 0, true, 1).unwrap();
            let task = tasks.begin().unwrap();
            tasks.end(task, ended);
        }
        let mut stats = ExportStats {
            tasks: TaskCounts { queued: 0, running: 0, finished: 3 },
            failed: 1,
            written_bytes: 20,
            last_ms: 4,
            removed: 0,
            snapshots: 2,
            snapshot_bytes: 110,
        };
        assert_eq!(tasks.stats(), stats);
        let told: Vec<_> = tasks.snapshots().into_iter().map(|of| (of.token, of.subject, of.bytes)).collect();
        assert_eq!(told, [(7, Subject::File(9), 100), (1001, Subject::File(1), 10)]);
        let keep = ExportKeep { maximum: 1, age_ms: 5 };
        assert_eq!(tasks.next_end_ms(&keep), Some(5));
        assert_eq!(tasks.take_excess(&keep, 0), [(name(9), 7)]);
        assert_eq!(tasks.take_excess(&keep, 5), []);
        assert_eq!(tasks.next_end_ms(&keep), Some(6));
        assert_eq!(tasks.next_end_ms(&ExportKeep { age_ms: 0, ..keep }), None);
        (stats.removed, stats.snapshots, stats.snapshot_bytes) = (1, 1, 10);
        assert_eq!(tasks.stats(), stats);
        assert_eq!((tasks.status(7), tasks.status(1001)), (TaskStatus::Unknown, TaskStatus::Done));
        assert_eq!(tasks.take_excess(&keep, 6), [(name(1), 1001)]);
        assert_eq!(tasks.next_end_ms(&keep), None);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut tasks = Tasks::default();
        for number in 0..WAITING_MAX {
            tasks.add(name(number), 0, 0, false, 1).unwrap();
        }
        assert!(matches!(tasks.add(name(WAITING_MAX), 0, 0, false, 1), Err(Error::Busy(_))));
        for _ in 0..2 {
            while let Some(task) = tasks.begin() {
                tasks.end(task, FAILED);
            }
            tasks.add(name(0), 0, 0, false, 1).unwrap();
        }
        assert_eq!((tasks.outcomes.len(), tasks.waiting.len()), (OUTCOMES_MAX, 1));
        assert_eq!(tasks.status(1000), TaskStatus::Unknown, "the oldest is forgotten");
    }
}

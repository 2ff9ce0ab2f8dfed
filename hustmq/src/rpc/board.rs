//! Calls and the workers that wait for them, decided: who gets what next. Pure; it knows neither time nor sockets.
//!
//! A task is unclaimed or claimed, a worker is parked or gone. Numbers are given in the order of arrival and kept, so a
//! task that is given back stands where it stood: before everything that came after it.
//!
//! Invariants: no task is unclaimed while a worker is parked that would take it; each task is in exactly one of
//! `unclaimed` and the claimed ones; a token leads to a task as long as that is on the board, and is honoured while the
//! task is claimed. A claim starts the caller's time anew; a task given back has the time it had before.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use tokio::time::Instant;

use super::{by_queue::ByQueue, token::Token};

/// A task's number, in the order of arrival.
pub type TaskId = u64;
/// A parked worker's number, in the order of arrival.
pub type WorkerId = u64;

/// What a worker gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    pub token: Token,
    pub queue: Arc<str>,
    pub arguments: Bytes,
}

/// Everything that is waiting. `C` leads to a caller, `W` to a parked worker.
#[derive(Debug)]
pub struct Board<C, W> {
    limit: usize,
    patience: Duration,
    draining: bool,
    next: u64,
    tasks: BTreeMap<TaskId, Task<C>>,
    unclaimed: BTreeSet<TaskId>,
    unclaimed_of: ByQueue,
    by_token: HashMap<Token, TaskId>,
    workers: BTreeMap<WorkerId, Worker<W>>,
    takes_any: BTreeSet<WorkerId>,
    takes_named: ByQueue,
}

#[derive(Debug)]
struct Task<C> {
    job: Job,
    caller: C,
    /// When it is late, if nobody claims it.
    unclaimed_until: Instant,
    /// When it is late now that it is claimed.
    claimed_until: Option<Instant>,
}

#[derive(Debug)]
struct Worker<W> {
    queue: Option<Arc<str>>,
    seat: W,
}

/// Why nothing more is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    Full,
    Draining,
    /// There is no randomness for a token.
    NoToken,
}

/// What becomes of a task whose worker did not get it.
#[derive(Debug, PartialEq, Eq)]
pub enum Back<C, W> {
    /// It waits again.
    Waits,
    /// The next worker gets it.
    Handed(W, Job),
    /// Its time is over, or nobody will come for it: it is off the board.
    Ended(C),
    /// It had gone already.
    Gone,
}

/// What a caller hears whose timer rang.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Late {
    /// Too early: it has this long.
    Until(Instant),
    /// Off the board.
    Ended,
    /// Not on the board: something else ended it.
    Gone,
}

/// The parts of the board.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub unclaimed: usize,
    pub claimed: usize,
    pub workers: usize,
    pub limit: usize,
}

impl<C, W> Board<C, W> {
    /// A board for `limit` tasks and as many parked workers. An unclaimed task waits for `patience`, a claimed one for as
    /// long again.
    pub fn new(limit: usize, patience: Duration) -> Board<C, W> {
        Board {
            limit,
            patience,
            draining: false,
            next: 0,
            tasks: BTreeMap::new(),
            unclaimed: BTreeSet::new(),
            unclaimed_of: ByQueue::default(),
            by_token: HashMap::new(),
            workers: BTreeMap::new(),
            takes_any: BTreeSet::new(),
            takes_named: ByQueue::default(),
        }
    }

    /// A new task; goes to the worker that has waited longest of those that take it.
    pub fn call(
        &mut self,
        queue: &str,
        arguments: Bytes,
        caller: C,
        now: Instant,
        mut token: impl FnMut() -> Option<Token>,
    ) -> Result<(TaskId, Option<(W, Job)>), Refused> {
        if self.draining {
            return Err(Refused::Draining);
        }
        if self.tasks.len() >= self.limit {
            return Err(Refused::Full);
        }
        let token = loop {
            let token = token().ok_or(Refused::NoToken)?;
            if !self.by_token.contains_key(&token) {
                break token;
            }
        };
        let id = self.number();
        self.by_token.insert(token, id);
        let job = Job { token, queue: queue.into(), arguments };
        let unclaimed_until = now + self.patience;
        self.tasks.insert(id, Task { job, caller, unclaimed_until, claimed_until: None });
        Ok((id, self.hand(id, now)))
    }

    /// The oldest unclaimed task, of this queue if one is named; it is claimed.
    pub fn take(&mut self, queue: Option<&str>, now: Instant) -> Option<Job> {
        let id = match queue {
            Some(queue) => self.unclaimed_of.first(queue),
            None => self.unclaimed.first().copied(),
        }?;
        self.claim(id, now)
    }

    /// Parks a worker for whom there was nothing to take.
    pub fn park(&mut self, queue: Option<&str>, seat: W) -> Result<WorkerId, Refused> {
        if self.draining {
            return Err(Refused::Draining);
        }
        if self.workers.len() >= self.limit {
            return Err(Refused::Full);
        }
        let id = self.number();
        let queue: Option<Arc<str>> = queue.map(Arc::from);
        match &queue {
            Some(queue) => self.takes_named.insert(queue, id),
            None => drop(self.takes_any.insert(id)),
        }
        self.workers.insert(id, Worker { queue, seat });
        Ok(id)
    }

    /// A parked worker goes; `false` if it has been given a task already.
    pub fn leave(&mut self, id: WorkerId) -> bool {
        self.seat(id).is_some()
    }

    /// The caller that a result is for; its task is done.
    pub fn answer(&mut self, token: Token) -> Option<C> {
        let id = *self.by_token.get(&token)?;
        self.tasks.get(&id)?.claimed_until?;
        self.remove(id).map(|task| task.caller)
    }

    /// A worker did not get the task it was to have.
    pub fn give_back(&mut self, token: Token, now: Instant) -> Back<C, W> {
        let Some(id) = self.by_token.get(&token).copied() else { return Back::Gone };
        let Some(task) = self.tasks.get_mut(&id) else { return Back::Gone };
        if task.claimed_until.take().is_none() {
            return Back::Gone;
        }
        if self.draining || task.unclaimed_until <= now {
            return self.remove(id).map_or(Back::Gone, |task| Back::Ended(task.caller));
        }
        match self.hand(id, now) {
            Some((seat, job)) => Back::Handed(seat, job),
            None => Back::Waits,
        }
    }

    /// A caller's timer rang.
    pub fn late(&mut self, id: TaskId, now: Instant) -> Late {
        let Some(task) = self.tasks.get(&id) else { return Late::Gone };
        let until = task.claimed_until.unwrap_or(task.unclaimed_until);
        if now < until {
            return Late::Until(until);
        }
        self.remove(id);
        Late::Ended
    }

    /// A caller has gone: its task goes too, and its token.
    pub fn abandon(&mut self, id: TaskId) {
        self.remove(id);
    }

    /// From now on nothing new is taken; who will not be served any more.
    pub fn drain(&mut self) -> (Vec<C>, Vec<W>) {
        self.draining = true;
        let unclaimed: Vec<TaskId> = self.unclaimed.iter().copied().collect();
        let callers = unclaimed.into_iter().filter_map(|id| Some(self.remove(id)?.caller)).collect();
        let workers: Vec<WorkerId> = self.workers.keys().copied().collect();
        (callers, workers.into_iter().filter_map(|id| self.seat(id)).collect())
    }

    /// How much there is of everything.
    pub fn counts(&self) -> Counts {
        Counts {
            unclaimed: self.unclaimed.len(),
            claimed: self.tasks.len() - self.unclaimed.len(),
            workers: self.workers.len(),
            limit: self.limit,
        }
    }

    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// Gives a task that nobody has to the worker that has waited longest, or lets it wait.
    fn hand(&mut self, id: TaskId, now: Instant) -> Option<(W, Job)> {
        let queue = self.tasks.get(&id)?.job.queue.clone();
        self.unclaimed.insert(id);
        self.unclaimed_of.insert(&queue, id);
        let any = self.takes_any.first().copied();
        let worker = any.into_iter().chain(self.takes_named.first(&queue)).min()?;
        let seat = self.seat(worker)?;
        self.claim(id, now).map(|job| (seat, job))
    }

    fn claim(&mut self, id: TaskId, now: Instant) -> Option<Job> {
        let until = now + self.patience;
        let task = self.tasks.get_mut(&id)?;
        task.claimed_until = Some(until);
        let job = task.job.clone();
        self.unclaimed.remove(&id);
        self.unclaimed_of.remove(&job.queue, id);
        Some(job)
    }

    /// Takes a worker out.
    fn seat(&mut self, id: WorkerId) -> Option<W> {
        let worker = self.workers.remove(&id)?;
        match &worker.queue {
            Some(queue) => self.takes_named.remove(queue, id),
            None => drop(self.takes_any.remove(&id)),
        }
        Some(worker.seat)
    }

    fn remove(&mut self, id: TaskId) -> Option<Task<C>> {
        let task = self.tasks.remove(&id)?;
        self.by_token.remove(&task.job.token);
        self.unclaimed.remove(&id);
        self.unclaimed_of.remove(&task.job.queue, id);
        Some(task)
    }
}

#[cfg(test)]
#[path = "board_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "board_random_tests.rs"]
mod random_tests;

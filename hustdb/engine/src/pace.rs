//! Pacing: how fast writers may go, given what background work is behind with.
//!
//! Every kind of debt has a soft limit, from which on writers are slowed, and a hard one, at which writes are refused.
//! Between the two the allowance falls smoothly: writers get so many bytes for each byte of background work done, from
//! far more than the background needs down to far less, so that somewhere in between the debt stands still. Nobody
//! sleeps: [`Admission`] turns progress into a log position, and the log acknowledges writes up to there.
//!
//! Both are plain state owned by whoever runs the log; they read no clock.

use std::collections::VecDeque;

/// What background work is behind with, over all partitions (the worst partition where it says so).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pressure {
    /// Memory of all memtables, frozen ones included.
    pub memtable_bytes: u64,
    /// Its budget.
    pub memtable_limit_bytes: u64,
    /// Frozen memtables of the partition that has most.
    pub frozen: usize,
    /// Files in level 0 of the partition that has most.
    pub l0_files_max: usize,
    /// Bytes that compaction is behind with.
    pub compaction_debt_bytes: u64,
    /// Log bytes that a restart would replay.
    pub log_unflushed_bytes: u64,
    /// Their budget.
    pub log_limit_bytes: u64,
}

/// Where slowing begins and where writes are refused.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PaceConfig {
    /// Shares of the memtable and log budgets, soft and hard. The hard one lies above 1: budgets start flushes.
    pub budget_share: [f64; 2],
    /// Frozen memtables of one partition.
    pub frozen: [usize; 2],
    /// Files in level 0 of one partition.
    pub l0_files: [usize; 2],
    /// Compaction debt.
    pub debt_bytes: [u64; 2],
    /// Writer bytes for each byte of background work at the soft and just below the hard limit.
    pub ratio: [f64; 2],
    /// Bytes that writers may use at once after a lull.
    pub burst_bytes: u64,
}

impl Default for PaceConfig {
    fn default() -> PaceConfig {
        PaceConfig {
            budget_share: [0.85, 1.25],
            frozen: [2, 6],
            l0_files: [8, 24],
            debt_bytes: [1 << 30, 8 << 30],
            ratio: [64.0, 1.0 / 16.0],
            burst_bytes: 1 << 20,
        }
    }
}

/// How fast writers may go.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pace {
    /// As fast as they can.
    Free,
    /// Bound to background progress.
    Paced {
        /// Writer bytes allowed for each byte of background work.
        ratio: f64,
    },
    /// Not at all; the reason goes to the client and into the metrics.
    Refuse(&'static str),
}

impl Pace {
    /// Decides from the worst of all debts. More of any debt never makes the pace faster.
    pub fn decide(pressure: &Pressure, cfg: &PaceConfig) -> Pace {
        let count = |limits: [usize; 2]| limits.map(|limit| limit as f64);
        let budget = |bytes: u64, limit_bytes: u64| bytes as f64 / limit_bytes.max(1) as f64;
        let strains = [
            (
                strain(budget(pressure.memtable_bytes, pressure.memtable_limit_bytes), cfg.budget_share),
                "memtables are full, flushing is behind",
            ),
            (
                strain(budget(pressure.log_unflushed_bytes, pressure.log_limit_bytes), cfg.budget_share),
                "too much log to replay, flushing is behind",
            ),
            (
                strain(pressure.frozen as f64, count(cfg.frozen)),
                "too many frozen memtables, flushing is behind",
            ),
            (
                strain(pressure.l0_files_max as f64, count(cfg.l0_files)),
                "too many files in level 0, compaction is behind",
            ),
            (
                strain(pressure.compaction_debt_bytes as f64, cfg.debt_bytes.map(|bytes| bytes as f64)),
                "too much compaction debt",
            ),
        ];
        // The first of equals, so that the reason does not flicker.
        let (worst, reason) =
            strains.into_iter().reduce(|a, b| if b.0 > a.0 { b } else { a }).unwrap_or_default();
        if worst >= 1.0 {
            Pace::Refuse(reason)
        } else if worst > 0.0 {
            let [fast, slow] = cfg.ratio;
            Pace::Paced { ratio: fast * (slow / fast).powf(worst) }
        } else {
            Pace::Free
        }
    }
}

/// 0 up to the soft limit, 1 from the hard limit on.
fn strain(value: f64, [soft, hard]: [f64; 2]) -> f64 {
    if value >= hard { 1.0 } else { ((value - soft) / (hard - soft)).max(0.0) }
}

/// Turns background progress into the log position up to which writes may be acknowledged.
///
/// The log tells where a segment ended and the next began ([`Admission::rolled`]), since positions jump there.
/// Writes that are in the log already are never refused: under [`Pace::Refuse`] they trickle at the slowest ratio.
/// While no background work runs there is nothing to wait for, and all is admitted.
#[derive(Debug)]
pub struct Admission {
    cfg: PaceConfig,
    /// Allowance for each byte of progress; `None` = free.
    ratio: Option<f64>,
    working: bool,
    /// Position admitted so far.
    at: u64,
    /// Allowance not yet used, bytes.
    credit: f64,
    /// Ends of segments beyond `at`, and where the next ones begin.
    jumps: VecDeque<(u64, u64)>,
}

impl Admission {
    /// Free, with the log ending at `end`.
    pub fn new(cfg: PaceConfig, end: u64) -> Admission {
        Admission { cfg, ratio: None, working: false, at: end, credit: 0.0, jumps: VecDeque::new() }
    }

    /// Takes a new decision. `working`: background work that reports progress is running or about to.
    pub fn set(&mut self, pace: Pace, working: bool) {
        self.working = working;
        self.ratio = match pace {
            Pace::Free => None,
            Pace::Paced { ratio } => Some(ratio),
            Pace::Refuse(_) => Some(self.cfg.ratio[1]),
        };
    }

    /// Background work has read and written this many bytes.
    pub fn progress(&mut self, bytes: u64) {
        self.credit += bytes as f64 * self.ratio.unwrap_or(0.0);
    }

    /// The log went from `end`, the end of a segment, to `start`, the beginning of the next.
    pub fn rolled(&mut self, end: u64, start: u64) {
        self.jumps.push_back((end, start));
    }

    /// The position up to which writes may be acknowledged, the log ending at `now_end`. Never goes back from one
    /// call to the next while paced; `u64::MAX` when free.
    pub fn limit(&mut self, now_end: u64) -> u64 {
        if self.ratio.is_none() || !self.working {
            self.at = self.at.max(now_end);
            self.credit = 0.0;
            self.jumps.clear();
            return u64::MAX;
        }
        while self.credit >= 1.0 && self.at < now_end {
            let (end, jump) = match self.jumps.front() {
                Some((end, start)) if *end < now_end => (*end, Some(*start)),
                _ => (now_end, None),
            };
            let step = (self.credit as u64).min(end.saturating_sub(self.at));
            self.credit -= step as f64;
            self.at += step;
            if self.at >= end
                && let Some(start) = jump
            {
                self.at = self.at.max(start);
                self.jumps.pop_front();
            }
        }
        // What writers leave unused does not pile up.
        self.credit = self.credit.min(self.cfg.burst_bytes as f64);
        self.at
    }
}

#[cfg(test)]
mod tests;

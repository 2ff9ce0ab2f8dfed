//! Holding writers to what the background can follow: paced from a soft limit on, refused at a hard one.
//!
//! Pressure is the worst of three shares, each of its hard limit: memtable memory, log bytes a restart would replay,
//! and files in level 0 (which every read has to look at). Below the soft limit writers are free. Between, an
//! acknowledgement waits until background work has earned it: every byte flushed or compacted allows `ratio` bytes of
//! log, less the higher the pressure. At the hard limit writes are refused as `Busy`. Nothing sleeps: tickets wait
//! for the log's admission limit, which is raised here, and is lifted when no background work is left to wait for.
//! Writers look at the pressure every so many bytes of log, workers at the end of each job.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};

use parking_lot::Mutex;

use crate::{
    Error, Result,
    engine::{Engine, Inner},
    options::Background,
};

/// Share of a hard limit from which on writers are paced.
const SOFT_SHARE: f64 = 0.75;
/// Log bytes that a byte of background work earns when pacing begins; none at the hard limit.
const RATIO_MAX: f64 = 8.0;
/// What may be earned ahead.
const CREDIT_MAX_BYTES: f64 = (1u64 << 20) as f64;
/// Share of a hard limit at which there is something for the background to do.
const WORK_SHARE: f64 = 0.5;
/// Looks at the pressure while the log grows by the memtables' budget: what a limit may be passed by is a few times
/// this part of it, since small rows take more memory than log.
const LOOKS: u64 = 64;
/// Files in level 0 of one partition at which writes are refused.
const LEVEL_ZERO_MAX: usize = 24;

/// The hard limits, as whoever is refused is told of them.
pub(crate) const LIMITS: [&str; 3] = [MEMTABLES, LOG, LEVEL_ZERO];
const MEMTABLES: &str = "memtables are full";
const LOG: &str = "the log waits for flushes";
const LEVEL_ZERO: &str = "compaction is behind";

/// The present pace, shared by writers and workers.
#[derive(Debug, Default)]
pub(crate) struct Pacer {
    refusing: AtomicBool,
    pacing: AtomicBool,
    /// Background jobs that run now.
    pub running: AtomicUsize,
    /// Log bytes appended when a writer last looked.
    looked_at: AtomicU64,
    credit: Mutex<Credit>,
}

#[derive(Debug, Default)]
struct Credit {
    bytes: f64,
    /// Log bytes appended when credit was last settled.
    settled_at: u64,
    /// Bytes the background had written then.
    worked_at: u64,
}

/// How near the worst of the limits is: 1 = reached.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Pressure {
    pub share: f64,
    pub why: &'static str,
}

/// The worst share of several (value, hard limit, reason).
pub(crate) fn worst(limits: &[(u64, u64, &'static str)]) -> Pressure {
    let shares =
        limits.iter().map(|&(value, limit, why)| Pressure { share: value as f64 / limit.max(1) as f64, why });
    shares.max_by(|a, b| a.share.total_cmp(&b.share)).unwrap_or(Pressure { share: 0.0, why: "" })
}

/// Log bytes earned by a byte of background work, at this share of the hard limit.
pub(crate) fn ratio(share: f64) -> f64 {
    RATIO_MAX * ((1.0 - share) / (1.0 - SOFT_SHARE)).clamp(0.0, 1.0)
}

impl Inner {
    fn pressure(&self) -> Pressure {
        let level_zero = self.partitions.iter().map(|p| p.view().levels.first().map_or(0, Vec::len)).max();
        worst(&[
            (self.memtable_bytes(), self.budget.memtable_bytes(), MEMTABLES),
            (self.unflushed_log_bytes(), self.log_limit_bytes(), LOG),
            (level_zero.unwrap_or(0) as u64, LEVEL_ZERO_MAX as u64, LEVEL_ZERO),
        ])
    }

    /// Refuses a write while a hard limit is reached.
    pub fn admit_write(&self) -> Result<()> {
        if !self.pacer.refusing.load(Relaxed) {
            return Ok(());
        }
        let pressure = self.update_pace();
        if pressure.share < 1.0 {
            return Ok(());
        }
        // Then nobody flushes or compacts any more, and it would be of no use to try again.
        if let Some(cause) = self.log.poisoned() {
            return Err(Error::Poisoned(cause));
        }
        self.counters.refused(pressure.why);
        Err(Error::Busy(pressure.why))
    }

    /// Looks at the pressure if the log has grown enough since somebody did. After every write, without its locks.
    pub fn keep_pace(&self) {
        let appended = self.appended_bytes.load(Relaxed);
        let grown = appended.saturating_sub(self.pacer.looked_at.load(Relaxed));
        if grown >= self.budget.memtable_bytes() / LOOKS {
            self.pacer.looked_at.store(appended, Relaxed);
            if self.update_pace().share >= WORK_SHARE {
                self.signal.work();
            }
        }
    }

    /// Sets the pace by the present pressure and what the background has written since the last time.
    pub fn update_pace(&self) -> Pressure {
        let pressure = self.pressure();
        // Held to the end: whoever sees that nobody works any more has the last word.
        let mut credit = self.pacer.credit.lock();
        self.pacer.refusing.store(pressure.share >= 1.0, Relaxed);
        let nobody_works =
            self.options.background == Background::Manual || self.pacer.running.load(Relaxed) == 0;
        if pressure.share < SOFT_SHARE || nobody_works {
            if self.pacer.pacing.swap(false, Relaxed) {
                self.log.admit(u64::MAX);
            }
            return pressure;
        }
        let (appended, worked) = (self.appended_bytes.load(Relaxed), self.counters.worked_bytes());
        if !self.pacer.pacing.swap(true, Relaxed) {
            *credit = Credit { bytes: 0.0, settled_at: appended, worked_at: worked };
        }
        let spent = appended.saturating_sub(credit.settled_at) as f64;
        let earned = worked.saturating_sub(credit.worked_at) as f64 * ratio(pressure.share);
        let bytes = (credit.bytes - spent + earned).clamp(-CREDIT_MAX_BYTES, CREDIT_MAX_BYTES);
        *credit = Credit { bytes, settled_at: appended, worked_at: worked };
        if bytes >= 0.0 {
            // Positions are bytes within a segment; a limit that falls short of the next one is raised soon.
            self.log.admit(self.log.end().saturating_add(bytes as u64));
        }
        pressure
    }
}

impl Engine {
    /// Waits until writes are not refused as `Busy` any more, or the engine stops or is poisoned. For callers that may block.
    pub fn wait_writable(&self) {
        let inner = &self.inner;
        while let Err(Error::Busy(_)) = inner.admit_write() {
            let seen = inner.signal.finished();
            if inner.signal.is_stopping() || inner.admit_write().is_ok() {
                return;
            }
            inner.signal.wait_progress(seen);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_limit_decides() {
        let pressure = worst(&[(10, 100, "a"), (60, 80, "b"), (0, 0, "c")]);
        assert_eq!(pressure, Pressure { share: 0.75, why: "b" });
        assert_eq!(worst(&[]).share, 0.0);
    }

    #[test]
    fn the_ratio_falls_steadily_to_nothing() {
        assert_eq!(ratio(0.0), RATIO_MAX);
        assert_eq!(ratio(SOFT_SHARE), RATIO_MAX);
        assert_eq!(ratio(1.0), 0.0);
        assert_eq!(ratio(7.0), 0.0);
        let shares: Vec<f64> = (0..=100).map(|share| f64::from(share) / 100.0).collect();
        assert!(shares.windows(2).all(|pair| ratio(pair[0]) >= ratio(pair[1])));
    }
}

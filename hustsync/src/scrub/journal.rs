//! What is known of the rounds of comparison, and the one place where a round begins: by the clock or by a request.

use parking_lot::Mutex;
use serde::Serialize;
use tokio::sync::Notify;

/// The running round, or the last one; all zero before the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Round {
    /// Its number, from 1 since the start.
    pub round: u64,
    /// Whether it runs.
    pub running: bool,
    /// Pairs of the table.
    pub pairs: u64,
    /// Pairs that have been compared or skipped.
    pub pairs_done: u64,
    /// Slots that were different twice.
    pub slots_different: u64,
    /// Records merged into the other node.
    pub records_sent: u64,
    /// Their bytes.
    pub bytes_sent: u64,
    /// Pairs that were skipped or not finished, and records that were refused.
    pub errors: u64,
    /// When it began, unix ms.
    pub started_ms: u64,
    /// When it ended; 0 while it runs.
    pub finished_ms: u64,
}

/// Sums over all rounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    pub rounds: u64,
    pub records: u64,
    pub bytes: u64,
    pub errors: u64,
}

/// The rounds.
#[derive(Debug, Default)]
pub struct Journal {
    state: Mutex<(Round, Totals)>,
    begun: Notify,
}

impl Journal {
    /// Begins a round unless one runs. Returns the number of the one that runs.
    pub fn begin(&self, now_ms: u64) -> u64 {
        let (round, _) = &mut *self.state.lock();
        if !round.running {
            *round = Round { round: round.round + 1, running: true, started_ms: now_ms, ..Round::default() };
            self.begun.notify_one();
        }
        round.round
    }

    /// Waits until a round has begun.
    pub async fn begun(&self) {
        loop {
            self.begun.notified().await;
            if self.round().running {
                return;
            }
        }
    }

    /// Notes progress of the running round.
    pub fn note(&self, change: impl FnOnce(&mut Round)) {
        change(&mut self.state.lock().0);
    }

    /// Ends the running round.
    pub fn finish(&self, now_ms: u64) {
        let (round, totals) = &mut *self.state.lock();
        round.running = false;
        round.finished_ms = now_ms;
        totals.rounds += 1;
        totals.records += round.records_sent;
        totals.bytes += round.bytes_sent;
        totals.errors += round.errors;
    }

    /// The running or last round.
    pub fn round(&self) -> Round {
        self.state.lock().0
    }

    /// Sums over all rounds, the running one included.
    pub fn totals(&self) -> Totals {
        let (round, totals) = *self.state.lock();
        if !round.running {
            return totals;
        }
        Totals {
            rounds: totals.rounds,
            records: totals.records + round.records_sent,
            bytes: totals.bytes + round.bytes_sent,
            errors: totals.errors + round.errors,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_round_at_a_time() {
        let journal = Journal::default();
        assert_eq!((journal.begin(5), journal.begin(6)), (1, 1));
        journal.note(|round| {
            round.records_sent = 7;
            round.errors = 1;
        });
        assert_eq!((journal.totals().records, journal.totals().rounds), (7, 0));
        journal.finish(9);
        assert_eq!((journal.totals().records, journal.totals().rounds), (7, 1));
        let round = journal.round();
        assert_eq!((round.running, round.started_ms, round.finished_ms), (false, 5, 9));
        assert_eq!(journal.begin(10), 2);
        assert_eq!(
            (journal.round().records_sent, journal.totals().errors),
            (0, 1),
            "a new one begins at nothing"
        );
    }
}

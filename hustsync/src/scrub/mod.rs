//! Scrub: compares the two masters of every pair, round by round, until they are equal.
//!
//! `journal.rs` knows the rounds, `plan.rs` what a round compares, `pair.rs` does one pair, `difference.rs` finds the
//! records that differ, `throttle.rs` paces. A pair that fails costs nothing but itself.

mod difference;
mod journal;
mod pair;
mod plan;
mod throttle;

use std::{
    collections::HashSet,
    hash::{BuildHasher, RandomState},
    sync::Arc,
};

use tokio::time::{Duration, Instant, sleep};

pub use journal::{Journal, Round, Totals};

use crate::{
    clock,
    nodes::{Nodes, Trouble, Watch},
    table::Tables,
};
use pair::Comparer;
use plan::PairRange;
use throttle::Throttle;

/// What comparing needs.
#[derive(Debug)]
pub struct Scrub {
    pub nodes: Nodes,
    pub tables: Arc<Tables>,
    pub watch: Arc<Watch>,
    pub journal: Arc<Journal>,
    /// From the end of a round to the next; `None` if only requests begin one.
    pub interval: Option<Duration>,
    /// Bytes a second; 0 = no limit.
    pub rate_bytes: u64,
}

impl Scrub {
    /// Round after round, for ever.
    pub async fn run(self) {
        loop {
            match self.interval {
                None => self.journal.begun().await,
                Some(interval) => tokio::select! {
                    () = self.journal.begun() => {}
                    () = sleep(interval) => {
                        self.journal.begin(clock::now_ms());
                        self.journal.begun().await;
                    }
                },
            }
            self.round().await;
            self.journal.finish(clock::now_ms());
        }
    }

    async fn round(&self) {
        let Some(table) = self.tables.current() else {
            tracing::warn!("nothing is compared: there is no table");
            return self.journal.note(|round| round.errors += 1);
        };
        let pairs = plan::pairs(&table, RandomState::new().hash_one(0));
        self.journal.note(|round| round.pairs = pairs.len() as u64);
        let throttle = Throttle::new(self.rate_bytes);
        let mut comparer =
            Comparer { nodes: &self.nodes, journal: &self.journal, throttle, begun: Instant::now() };
        // A host that is away is in the way of all its pairs.
        let mut told = HashSet::new();
        for pair in pairs {
            if let Err(trouble) = self.pair(&mut comparer, &pair).await {
                let [first, second] = &pair.masters;
                if told.insert(trouble.cause.clone()) {
                    tracing::warn!(%first, %second, "a pair is not compared: {trouble}");
                }
                self.journal.note(|round| round.errors += 1);
            }
            self.journal.note(|round| round.pairs_done += 1);
        }
        let done = self.journal.round();
        tracing::info!(
            round = done.round,
            different = done.slots_different,
            records = done.records_sent,
            errors = done.errors,
            "round done"
        );
    }

    async fn pair(&self, comparer: &mut Comparer<'_>, pair: &PairRange) -> Result<(), Trouble> {
        for host in &pair.masters {
            self.nodes.check(host).await?;
            if self.watch.is_stale(host) {
                return Err(Trouble::new(format!(
                    "{host}: away for longer than deletions are remembered; empty it first"
                )));
            }
        }
        comparer.pair(pair).await
    }
}

//! Debts that a host refused by themselves: they stay owed, are tried again after a while, and hold up no other.
//!
//! Of a bounded number it is known when to try again; of others beyond that, not. A debt that was noted again is
//! another one.

use std::collections::HashMap;

use hust_store::Debt;
use tokio::time::Instant;

use hust_wire::backoff::Backoff;

use super::WAITS;

/// Refused debts that are remembered for one host.
const REMEMBERED_MAX: usize = 4096;

/// The refused debts of one host.
#[derive(Debug, Default)]
pub struct Refused(HashMap<Debt, Refusal>);

#[derive(Debug)]
struct Refusal {
    due: Instant,
    backoff: Backoff,
    /// Whether it was met in this pass.
    met: bool,
}

impl Refused {
    /// Whether a debt is to be sent now.
    pub fn is_due(&mut self, debt: &Debt, now: Instant) -> bool {
        let Some(refusal) = self.0.get_mut(debt) else { return true };
        refusal.met = true;
        refusal.due <= now
    }

    /// Remembers a refusal; whether it is the first of this debt.
    pub fn add(&mut self, debt: Debt, now: Instant) -> bool {
        let first = !self.0.contains_key(&debt);
        if first && self.0.len() >= REMEMBERED_MAX {
            return false;
        }
        let refusal = self.0.entry(debt).or_insert_with(|| Refusal { due: now, backoff: WAITS, met: true });
        refusal.due = now + refusal.backoff.after_failure();
        refusal.met = true;
        first
    }

    /// Forgets debts that are settled.
    pub fn settle(&mut self, debts: &[Debt]) {
        for debt in debts {
            self.0.remove(debt);
        }
    }

    /// Ends a pass over all debts: what was not met is gone. When the next one is due, if any is left.
    pub fn end_pass(&mut self) -> Option<Instant> {
        self.0.retain(|_, refusal| std::mem::take(&mut refusal.met));
        self.0.values().map(|refusal| refusal.due).min()
    }
}

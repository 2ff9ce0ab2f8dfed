//! `/sync_status`: what is owed, and how comparing goes on. Names and order of fields are the contract's.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::{
    backlog::Counts,
    scrub::Round,
    shared::{HostCounts, Shared},
};

/// The answer.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Status {
    total_status: HostStatus,
    status: BTreeMap<String, HostStatus>,
    scrub: Round,
}

/// What is owed to one host, or to all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
struct HostStatus {
    processed_items: u64,
    synced_items: u64,
    pending: u64,
    oldest_age_s: u64,
    debts: u64,
    damaged: u64,
}

impl HostStatus {
    fn of(counts: &Counts, debts: u64, now_ms: u64) -> HostStatus {
        HostStatus {
            processed_items: counts.processed,
            synced_items: counts.synced,
            pending: counts.pending,
            oldest_age_s: counts.age_s(now_ms),
            debts,
            damaged: counts.damaged + counts.refused,
        }
    }

    fn add(&mut self, other: &HostStatus) {
        self.processed_items += other.processed_items;
        self.synced_items += other.synced_items;
        self.pending += other.pending;
        self.oldest_age_s = self.oldest_age_s.max(other.oldest_age_s);
        self.debts += other.debts;
        self.damaged += other.damaged;
    }
}

impl Status {
    /// The status now.
    pub fn of(shared: &Shared, now_ms: u64) -> Status {
        Status::from_counts(&shared.hosts(), shared.journal.round(), now_ms)
    }

    fn from_counts(hosts: &BTreeMap<String, HostCounts>, scrub: Round, now_ms: u64) -> Status {
        let mut total_status = HostStatus::default();
        let one = |(host, seen): (&String, &HostCounts)| {
            let status = HostStatus::of(&seen.counts, seen.debts, now_ms);
            total_status.add(&status);
            (host.clone(), status)
        };
        let status = hosts.iter().map(one).collect();
        Status { total_status, status, scrub }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_as_the_contract_has_it() {
        let counts = Counts {
            processed: 120,
            synced: 99,
            pending: 20,
            oldest_ms: Some(1000),
            refused: 1,
            ..Counts::default()
        };
        let hosts = [
            ("10.0.0.2:8085".to_owned(), HostCounts { counts, debts: 3 }),
            ("b:1".to_owned(), HostCounts { counts: Counts::default(), debts: 2 }),
        ];
        let scrub = Round { round: 4, pairs: 2, pairs_done: 2, ..Round::default() };
        let status = Status::from_counts(&hosts.into(), scrub, 18_999);
        let first = r#"{"processed_items":120,"synced_items":99,"pending":20,"oldest_age_s":17,"debts":3,"damaged":1}"#;
        let second =
            r#"{"processed_items":0,"synced_items":0,"pending":0,"oldest_age_s":0,"debts":2,"damaged":0}"#;
        let total = first.replace(r#""debts":3"#, r#""debts":5"#);
        let scrub = r#"{"round":4,"running":false,"pairs":2,"pairs_done":2,"slots_different":0,"records_sent":0,"bytes_sent":0,"errors":0,"started_ms":0,"finished_ms":0}"#;
        let expected = format!(
            r#"{{"total_status":{total},"status":{{"10.0.0.2:8085":{first},"b:1":{second}}},"scrub":{scrub}}}"#
        );
        assert_eq!(serde_json::to_string(&status).unwrap(), expected);
    }
}

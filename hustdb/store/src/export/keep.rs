//! Which snapshots stay: a decision by their number and age alone.
//!
//! A snapshot is as old as its token, which is the time it was asked for; so the answer is the same after a restart.

/// Bounds of the snapshots that are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExportKeep {
    /// Most snapshots; the oldest go. At least one stays.
    pub maximum: usize,
    /// Age at which one goes, ms; 0 = never.
    pub age_ms: u64,
}

impl Default for ExportKeep {
    fn default() -> ExportKeep {
        ExportKeep { maximum: 1024, age_ms: 30 * 24 * 3600 * 1000 }
    }
}

impl ExportKeep {
    /// When the snapshot with this token is too old, unix ms.
    pub(super) fn until_ms(&self, token: u64) -> Option<u64> {
        (self.age_ms > 0).then(|| (token / 1000).saturating_add(self.age_ms))
    }

    /// How many of these ascending tokens, from the first, are to go.
    pub(super) fn excess(&self, tokens: &[u64], now_ms: u64) -> usize {
        let too_old = tokens.iter().take_while(|token| self.until_ms(**token).is_some_and(|at| at <= now_ms));
        tokens.len().saturating_sub(self.maximum.max(1)).max(too_old.count())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_go_by_number_and_by_age() {
        let keep = |maximum, age_ms| ExportKeep { maximum, age_ms };
        let tokens = [1_000_000, 1_000_001, 2_000_000, 3_000_000];
        for (keep, now_ms, gone) in [
            (keep(4, 0), u64::MAX, 0),
            (keep(3, 0), 0, 1),
            (keep(1, 0), 0, 3),
            (keep(0, 0), 0, 3),
            (keep(9, 500), 1499, 0),
            (keep(9, 500), 1500, 2),
            (keep(9, 500), 3499, 3),
            (keep(9, 500), 3500, 4),
            (keep(2, 500), 1500, 2),
            (keep(1, 500), 1500, 3),
            (keep(9, u64::MAX), u64::MAX - 1, 0),
        ] {
            assert_eq!(keep.excess(&tokens, now_ms), gone, "{keep:?} at {now_ms}");
        }
        assert_eq!(keep(1, 1).excess(&[], 5), 0);
    }
}

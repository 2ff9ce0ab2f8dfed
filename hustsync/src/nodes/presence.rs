//! Since when a node has not answered. Pure.
//!
//! Deletions are remembered for [`AWAY_MAX_MS`]. A node that was away for longer may hold records whose deletion nobody
//! remembers; comparing it would bring them back. Such a node is stale until it is seen empty.

use serde::{Deserialize, Serialize};

/// How long a node may be away.
pub const AWAY_MAX_MS: u64 = 950_400_000;

/// What was seen of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Presence {
    /// Its first silence after its last answer, unix ms.
    pub away_since_ms: Option<u64>,
    /// Its last silence.
    pub last_silent_ms: u64,
    /// Whether it was away for too long and has not been seen empty since.
    pub is_stale: bool,
}

/// What a look at a node found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// It gave no answer.
    Silent,
    /// It answered.
    Answered,
    /// It answered, and holds no record.
    Empty,
}

impl Presence {
    /// What is known after a look.
    pub fn after(self, look: Look, now_ms: u64) -> Presence {
        match look {
            Look::Silent => {
                let since_ms = self.away_since_ms.unwrap_or(now_ms);
                let away_ms = now_ms.saturating_sub(since_ms);
                Presence {
                    away_since_ms: Some(since_ms),
                    last_silent_ms: now_ms,
                    is_stale: self.is_stale || away_ms > AWAY_MAX_MS,
                }
            }
            Look::Answered => Presence { is_stale: self.is_stale, ..Presence::default() },
            Look::Empty => Presence::default(),
        }
    }

    /// How long it has been away.
    pub fn away_ms(&self) -> u64 {
        self.away_since_ms.map_or(0, |since_ms| self.last_silent_ms.saturating_sub(since_ms))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_away_for_too_long_is_stale_until_it_is_empty() {
        let day = 86_400_000;
        let mut presence = Presence::default();
        let steps = [
            (Look::Answered, 0, false),
            (Look::Silent, day, false),
            (Look::Silent, 11 * day, false),
            (Look::Answered, 12 * day, false),
            (Look::Silent, 13 * day, false),
            (Look::Silent, 13 * day + AWAY_MAX_MS, false),
            (Look::Silent, 13 * day + AWAY_MAX_MS + 1, true),
            (Look::Answered, 30 * day, true),
            (Look::Silent, 31 * day, true),
            (Look::Empty, 32 * day, false),
            (Look::Silent, 33 * day, false),
        ];
        for (look, now_ms, stale) in steps {
            presence = presence.after(look, now_ms);
            assert_eq!(presence.is_stale, stale, "{look:?} at day {}", now_ms / day);
        }
        assert_eq!(presence.away_ms(), 0);
        assert_eq!(presence.after(Look::Silent, 33 * day + 5).away_ms(), 5);
    }

    #[test]
    fn a_clock_that_steps_back_makes_nothing_stale() {
        let presence = Presence::default().after(Look::Silent, 100).after(Look::Silent, 50);
        assert_eq!((presence.away_ms(), presence.is_stale), (0, false));
    }
}

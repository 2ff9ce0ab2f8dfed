//! An entry: a message of a normal queue that is more than ready and never delivered.

use serde::{Deserialize, Serialize};

/// Where such a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Place {
    /// Not ready before this time, ms.
    Delayed {
        /// Unix ms.
        due_ms: u64,
    },
    /// Ready at the place of its index: its delay is over and it was never delivered.
    Late,
    /// Delivered, or touched, at this time and not acknowledged.
    InFlight {
        /// Unix ms.
        since_ms: u64,
    },
    /// Ready again, in this order.
    Returned {
        /// Grows with every return.
        order: u64,
    },
}

/// One message in a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// The message's index.
    pub(crate) index: u64,
    /// Where it is.
    pub(crate) place: Place,
    /// Number of the last delivery, unique in the queue for ever; 0 = none.
    pub(crate) delivery: u64,
    /// Deliveries with `ack=false` so far.
    pub(crate) deliveries: u32,
    /// Item bytes.
    pub(crate) bytes: u32,
    /// When it expires, unix ms; 0 = never.
    pub(crate) expire_ms: u64,
}

impl Entry {
    /// Whether it has expired.
    pub(crate) fn is_expired(&self, now_ms: u64) -> bool {
        is_past(self.expire_ms, now_ms)
    }

    /// Whether a get may have it.
    pub(crate) fn is_ready(&self) -> bool {
        matches!(self.place, Place::Late | Place::Returned { .. })
    }
}

/// Whether a message with this expiry has expired.
pub(crate) fn is_past(expire_ms: u64, now_ms: u64) -> bool {
    expire_ms != 0 && expire_ms <= now_ms
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_and_its_places_in_two_orders_take_less_than_128_bytes() {
        // A B-tree's nodes are at least half full.
        let in_order = 2 * size_of::<(u64, u32)>();
        assert!(size_of::<Option<Entry>>() + 2 * in_order <= 128, "{}", size_of::<Option<Entry>>());
    }
}

//! Kinds of rows and their table numbers.
//!
//! The top 4 bits of an engine table number are the kind. Kinds 0..7 are *hashed* (rows by md5), 8..15 *ordered*
//! (the engine keeps each of their tables in one partition). The numbers are on disk and in the digest: they never
//! change. Taken or spoken for:
//!
//! | number | rows | number | rows |
//! |---|---|---|---|
//! | 0 | kv pairs | 8 | expiry index |
//! | 1 | hash fields | 9 | sorted sets by score |
//! | 2 | set members | 10 | queue items |
//! | 3 | sorted-set members | 11 | queues: slots, due times, ids |
//! | 4 | metadata | 12 | debts |
//! | | | 13 | queues: settings and counters |

/// What a row is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// A kv pair.
    Kv = 0,
    /// When a record expires; kept so that expired records are found in time order.
    Expiry = 8,
    /// A message of a queue.
    QueueItem = 10,
    /// What a queue keeps beside its messages: slots, due times, ids.
    QueueAux = 11,
    /// A queue: settings and counters.
    Queue = 13,
}

impl Kind {
    /// The engine table of this kind with a number of its own, below 2^28.
    pub const fn table(self, number: u32) -> u32 {
        debug_assert!(number >> 28 == 0);
        (self as u32) << 28 | number
    }
}

#[cfg(test)]
mod tests {
    use hust_engine::key::ORDERED_TABLE_BIT;

    use super::*;

    #[test]
    fn ordered_kinds_have_the_bit_the_engine_looks_at() {
        assert_eq!(Kind::Kv.table(0) & ORDERED_TABLE_BIT, 0);
        assert_eq!(Kind::Expiry.table(5) & ORDERED_TABLE_BIT, ORDERED_TABLE_BIT);
        assert_eq!(Kind::Expiry.table(5), 0x8000_0005);
    }
}

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
//! | 4 | names of tables, hosts owed to | 12 | debts |
//! | | | 13 | queues: settings and counters |

/// What a row is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Kind {
    /// A kv pair.
    Kv = 0,
    /// A field of a hash.
    Hash = 1,
    /// A member of a set.
    Set = 2,
    /// A member of a sorted set; its value is the score.
    Zset = 3,
    /// What the store itself must know: names of tables, hosts that are owed to.
    Meta = 4,
    /// When a record expires; kept so that expired records are found in time order.
    Expiry = 8,
    /// A member of a sorted set once more, in the order of scores.
    Score = 9,
    /// A message of a queue.
    QueueItem = 10,
    /// What a queue keeps beside its messages: slots, due times, ids.
    QueueAux = 11,
    /// A record that is owed to another host; one number a host.
    Debt = 12,
    /// A queue: settings and counters.
    Queue = 13,
}

/// Bits of an engine table number below the kind.
const NUMBER_BITS: u32 = 28;
/// First number that no table may have.
pub(crate) const NUMBERS: u32 = 1 << NUMBER_BITS;

impl Kind {
    /// The engine table of this kind with a number of its own, below 2^28.
    pub const fn table(self, number: u32) -> u32 {
        debug_assert!(number < NUMBERS);
        (self as u32) << NUMBER_BITS | number
    }

    /// Kind and number of an engine table that holds records; `None` for all others.
    pub fn of_record(table: u32) -> Option<(Kind, u32)> {
        let kind = match table >> NUMBER_BITS {
            0 => Kind::Kv,
            1 => Kind::Hash,
            2 => Kind::Set,
            3 => Kind::Zset,
            _ => return None,
        };
        Some((kind, table & (NUMBERS - 1)))
    }

    /// The letter that stands for a type of table: H, S or Z.
    pub fn letter(self) -> Option<&'static str> {
        match self {
            Kind::Hash => Some("H"),
            Kind::Set => Some("S"),
            Kind::Zset => Some("Z"),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use hust_engine::key::ORDERED_TABLE_BIT;

    use super::*;

    #[test]
    fn ordered_kinds_have_the_bit_the_engine_looks_at() {
        for hashed in [Kind::Kv, Kind::Hash, Kind::Set, Kind::Zset, Kind::Meta] {
            assert_eq!(hashed.table(NUMBERS - 1) & ORDERED_TABLE_BIT, 0);
        }
        for ordered in [Kind::Expiry, Kind::Score, Kind::Debt] {
            assert_eq!(ordered.table(0) & ORDERED_TABLE_BIT, ORDERED_TABLE_BIT);
        }
        assert_eq!(Kind::Expiry.table(5), 0x8000_0005);
    }

    #[test]
    fn tables_of_records_lead_back_to_kind_and_number() {
        for kind in [Kind::Kv, Kind::Hash, Kind::Set, Kind::Zset] {
            assert_eq!(Kind::of_record(kind.table(77)), Some((kind, 77)));
        }
        for kind in [Kind::Meta, Kind::Expiry, Kind::Score, Kind::Debt] {
            assert_eq!(Kind::of_record(kind.table(77)), None);
        }
    }
}

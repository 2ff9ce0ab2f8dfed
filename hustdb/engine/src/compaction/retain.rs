//! Which rows a compaction writes again.

use crate::Meta;

/// The fate of a row in a compaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retain {
    /// Write it to the output.
    Keep,
    /// Forget it.
    Drop,
}

/// Decides over the newest row of a key in a compaction.
///
/// A row may go when nothing older of its key lies below (`bottom`, see `Plan`), its time has come, and no stored value
/// hangs on it: the value's segment counts it as live until a write to the log replaces the row.
pub fn retain(meta: &Meta, has_pointer: bool, bottom: bool, now_ms: u64, grace_ms: u64) -> Retain {
    let due = meta.droppable_from_ms(grace_ms).is_some_and(|from_ms| from_ms <= now_ms);
    if bottom && due && !has_pointer { Retain::Drop } else { Retain::Keep }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::{EXPIRED, PURGE, TOMBSTONE};

    #[test]
    fn rows_go_only_at_the_bottom_when_due_and_without_a_stored_value() {
        let live = Meta { stamp: 1000 << 16, ..Meta::default() };
        let expiring = Meta { expire_ms: 2000, ..live };
        let tombstone = Meta { flags: TOMBSTONE, ..live };
        let purge = Meta { flags: TOMBSTONE | PURGE, ..live };
        let expired = Meta { flags: TOMBSTONE | EXPIRED, ..expiring };
        // Meta, time from which it may go with a grace of 50 ms.
        let cases = [
            (live, None),
            (expiring, None),
            (tombstone, Some(1050)),
            (purge, Some(0)),
            (expired, Some(2050)),
        ];
        for (meta, from_ms) in cases {
            assert_eq!(retain(&meta, false, false, u64::MAX, 50), Retain::Keep, "{meta:?}");
            assert_eq!(retain(&meta, true, true, u64::MAX, 50), Retain::Keep, "{meta:?}");
            let Some(from_ms) = from_ms else {
                assert_eq!(retain(&meta, false, true, u64::MAX, 50), Retain::Keep);
                continue;
            };
            assert_eq!(retain(&meta, false, true, from_ms, 50), Retain::Drop, "{meta:?}");
            if from_ms > 0 {
                assert_eq!(retain(&meta, false, true, from_ms - 1, 50), Retain::Keep, "{meta:?}");
            }
        }
    }
}

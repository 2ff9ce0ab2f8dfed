//! What a write makes of a record's value: pure.

use crate::error::{Error, Result};

/// Bytes of a stored score.
pub const SCORE_BYTES: usize = 8;

/// What a write does to its record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change<'a> {
    /// Stores a value.
    Put(&'a [u8]),
    /// Leaves a tombstone.
    Delete,
    /// Leaves what is left of a record that expired; of replicas only.
    Remains,
    /// Adds to the signed decimal that is stored; an absent record counts as 0.
    Add(i64),
    /// Sets or changes the score of a member of a sorted set; an absent member counts as 0.
    Score {
        /// The operand.
        score: i64,
        /// What to do with it.
        operation: ScoreOperation,
    },
}

/// How a score is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScoreOperation {
    /// It becomes the operand.
    Set,
    /// The operand is added.
    Add,
    /// The operand is subtracted.
    Subtract,
}

/// A value to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NewValue<'a> {
    Bytes(&'a [u8]),
    /// Stored in decimal.
    Sum(i64),
    Score(i64),
}

/// The score in its stored form: 8 bytes whose order is the order of scores.
pub fn score_bytes(score: i64) -> [u8; SCORE_BYTES] {
    (score.cast_unsigned() ^ 1 << 63).to_be_bytes()
}

/// The score in these bytes; `None`: they are none.
pub fn score_of(bytes: &[u8]) -> Option<i64> {
    let stored = <[u8; SCORE_BYTES]>::try_from(bytes).ok()?;
    Some((u64::from_be_bytes(stored) ^ 1 << 63).cast_signed())
}

impl<'a> Change<'a> {
    /// Whether the record will be there after the write.
    pub(super) fn stores(&self) -> bool {
        !matches!(self, Change::Delete | Change::Remains)
    }

    /// The value to be, from the live one if there is one.
    pub(super) fn apply(&self, live: Option<&[u8]>) -> Result<NewValue<'a>> {
        match *self {
            Change::Put(value) => Ok(NewValue::Bytes(value)),
            Change::Delete | Change::Remains => Ok(NewValue::Bytes(&[])),
            Change::Add(by) => {
                let stored = live.map_or(Some(0), decimal).ok_or(Error::Refused {
                    subject: "val",
                    reason: "what is stored is not a signed integer",
                })?;
                let overflow = Error::Refused { subject: "val", reason: "the sum leaves the range of int64" };
                stored.checked_add(by).map(NewValue::Sum).ok_or(overflow)
            }
            Change::Score { score, operation } => {
                let stored = live.map_or(Some(0), score_of).ok_or(Error::Damaged("a stored score"))?;
                let result = match operation {
                    ScoreOperation::Set => Some(score),
                    ScoreOperation::Add => stored.checked_add(score),
                    ScoreOperation::Subtract => stored.checked_sub(score),
                };
                let overflow =
                    Error::Refused { subject: "score", reason: "the result leaves the range of int64" };
                result.map(NewValue::Score).ok_or(overflow)
            }
        }
    }
}

/// Strict decimal: an optional minus, digits, nothing else.
fn decimal(bytes: &[u8]) -> Option<i64> {
    let digits = bytes.strip_prefix(b"-").unwrap_or(bytes);
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(bytes).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_exact_or_refused() {
        let sum = |live: Option<&[u8]>, by| match Change::Add(by).apply(live) {
            Ok(NewValue::Sum(sum)) => Some(sum),
            Ok(other) => panic!("{other:?}"),
            Err(Error::Refused { .. }) => None,
            Err(other) => panic!("{other}"),
        };
        assert_eq!(sum(None, -8), Some(-8));
        assert_eq!(sum(Some(b"5"), -8), Some(-3));
        assert_eq!(sum(Some(b"-0007"), 7), Some(0));
        assert_eq!(sum(Some(b"9223372036854775807"), 0), Some(i64::MAX));
        assert_eq!(sum(Some(b"9223372036854775807"), 1), None);
        assert_eq!(sum(Some(b"-9223372036854775808"), -1), None);
        for stored in [&b""[..], b"-", b"+1", b" 1", b"1 ", b"1.0", b"0x1", b"9223372036854775808", b"\xff"] {
            assert_eq!(sum(Some(stored), 1), None, "{stored:?}");
        }
    }

    #[test]
    fn scores_are_set_added_and_subtracted() {
        let of = |live: Option<i64>, score, operation| {
            let live = live.map(score_bytes);
            match (Change::Score { score, operation }).apply(live.as_ref().map(|bytes| &bytes[..])) {
                Ok(NewValue::Score(score)) => Some(score),
                Ok(other) => panic!("{other:?}"),
                Err(_) => None,
            }
        };
        assert_eq!(of(Some(100), 7, ScoreOperation::Set), Some(7));
        assert_eq!(of(Some(100), 150, ScoreOperation::Subtract), Some(-50));
        assert_eq!(of(None, 150, ScoreOperation::Subtract), Some(-150));
        assert_eq!(of(Some(i64::MAX), 1, ScoreOperation::Add), None);
        assert_eq!(of(Some(0), i64::MIN, ScoreOperation::Subtract), None);
        assert!(Change::Score { score: 1, operation: ScoreOperation::Add }.apply(Some(b"short")).is_err());
    }

    #[test]
    fn stored_scores_have_the_order_of_scores() {
        let scores = [i64::MIN, -2, -1, 0, 1, 300, i64::MAX];
        assert!(scores.map(score_bytes).is_sorted());
        assert_eq!(scores.map(|score| score_of(&score_bytes(score)).unwrap()), scores);
        assert_eq!(score_of(b"1234567"), None);
    }
}

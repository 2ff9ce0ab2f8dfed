//! A row as a listing shows it.

use crate::{kind::Kind, record::Shown};

/// A listed record, as long as it is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListedRow<'a> {
    /// Key, field or member.
    pub key: &'a [u8],
    /// The value, if values were asked for.
    pub value: ListedValue<'a>,
    /// Version, stamp and expiry.
    pub shown: Shown,
    /// Name and type of its table, in listings of files.
    pub table: Option<(&'a [u8], Kind)>,
}

/// The value of a listed record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListedValue<'a> {
    /// None: a set member, or values were not asked for.
    None,
    /// Bytes of a kv pair or field.
    Bytes(&'a [u8]),
    /// Score of a sorted-set member.
    Score(i64),
}

impl ListedRow<'_> {
    /// Upper bound of the bytes that this row takes as JSON.
    pub(crate) fn json_bytes(key_len: usize, value_len: usize) -> usize {
        let base64 = |bytes: usize| bytes.div_ceil(3) * 4;
        base64(key_len) + base64(value_len) + ROW_JSON_BYTES
    }
}

/// JSON around a row's key and value, at most: names of fields, three numbers, the name of the table, a score.
const ROW_JSON_BYTES: usize = 224;

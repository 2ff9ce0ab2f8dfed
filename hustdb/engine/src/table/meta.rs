//! What is known of a table without opening it: the manifest keeps this, the file's properties repeat it.

use serde::{Deserialize, Serialize};

use super::layout::{PROPERTIES_BYTES, crc_leads, key_at, lead_with_crc, u64_at};
use crate::{Key, Meta, RowRef};

/// Facts of one table file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableMeta {
    /// Number of the file.
    pub id: u64,
    /// Rows, tombstones included.
    pub rows: u64,
    /// Rows that are tombstones.
    pub tombstones: u64,
    /// Smallest key.
    #[serde(with = "key_words")]
    pub min: Key,
    /// Greatest key.
    #[serde(with = "key_words")]
    pub max: Key,
    /// Length of the file.
    pub size_bytes: u64,
    /// User keys and inline values before compression.
    pub payload_bytes: u64,
    /// Greatest stamp of a row.
    pub max_stamp: u64,
    /// The time at which all of `droppable_rows` may be dropped (the earliest would have the file rewritten for each of
    /// them); `u64::MAX` = never.
    pub droppable_from_ms: u64,
    /// Rows without pointer that may be dropped some time.
    pub droppable_rows: u64,
}

impl TableMeta {
    /// Facts of a table without rows.
    pub(super) fn empty(id: u64) -> TableMeta {
        TableMeta {
            id,
            rows: 0,
            tombstones: 0,
            min: Key::MIN,
            max: Key::MIN,
            size_bytes: 0,
            payload_bytes: 0,
            max_stamp: 0,
            droppable_from_ms: u64::MAX,
            droppable_rows: 0,
        }
    }

    /// Counts a row behind all others.
    pub(super) fn count(&mut self, key: Key, row: &RowRef<'_>, grace_ms: u64) {
        let meta: &Meta = &row.meta;
        if self.rows == 0 {
            self.min = key;
        }
        self.max = key;
        self.rows += 1;
        self.tombstones += u64::from(meta.is_tombstone());
        self.payload_bytes += row.inline_bytes() as u64;
        self.max_stamp = self.max_stamp.max(meta.stamp);
        if row.pointer().is_none()
            && let Some(from_ms) = meta.droppable_from_ms(grace_ms)
        {
            let others = if self.droppable_rows == 0 { 0 } else { self.droppable_from_ms };
            self.droppable_from_ms = others.max(from_ms);
            self.droppable_rows += 1;
        }
    }

    /// The properties section.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = vec![0; 4];
        out.extend_from_slice(&self.rows.to_le_bytes());
        out.extend_from_slice(&self.tombstones.to_le_bytes());
        out.extend_from_slice(&self.min.to_bytes());
        out.extend_from_slice(&self.max.to_bytes());
        for number in
            [self.max_stamp, self.payload_bytes, self.droppable_from_ms, self.droppable_rows, self.size_bytes]
        {
            out.extend_from_slice(&number.to_le_bytes());
        }
        debug_assert_eq!(out.len(), PROPERTIES_BYTES);
        lead_with_crc(&mut out);
        out
    }

    /// Reads what [`TableMeta::encode`] wrote; `None` if it is not whole.
    pub(super) fn decode(id: u64, section: &[u8]) -> Option<TableMeta> {
        if section.len() != PROPERTIES_BYTES || !crc_leads(section) {
            return None;
        }
        Some(TableMeta {
            id,
            rows: u64_at(section, 4),
            tombstones: u64_at(section, 12),
            min: key_at(section, 20),
            max: key_at(section, 44),
            max_stamp: u64_at(section, 68),
            payload_bytes: u64_at(section, 76),
            droppable_from_ms: u64_at(section, 84),
            droppable_rows: u64_at(section, 92),
            size_bytes: u64_at(section, 100),
        })
    }
}

/// A key as its three words, in whatever form serde is asked for.
mod key_words {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::Key;

    pub(super) fn serialize<S: Serializer>(key: &Key, out: S) -> Result<S::Ok, S::Error> {
        key.0.serialize(out)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Key, D::Error> {
        <[u64; 3]>::deserialize(from).map(Key)
    }
}

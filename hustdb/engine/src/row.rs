//! What a row is made of: fixed-width meta, the user key, and a value that is inline or elsewhere.
//!
//! These are the borrowed forms that pass between log, memtable, tables and compaction. The form a reader gets is
//! `Row` of the engine.

/// A deletion. Kept until `Options::tombstone_grace_ms` after its stamp, so that it wins over late replicas.
pub const TOMBSTONE: u8 = 1 << 0;
/// With [`TOMBSTONE`]: a deletion nobody outside needs to hear of; it leaves as soon as nothing older lies below it.
pub const PURGE: u8 = 1 << 1;
/// With [`TOMBSTONE`]: the remains of an expired row; kept until the grace after its expiry.
pub const EXPIRED: u8 = 1 << 2;
/// The bits above are the engine's; these four are the caller's to use.
pub const USER_FLAGS: u8 = 0xF0;

/// The fixed-width part of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Meta {
    /// Write time on the hybrid clock: `unix_ms << 16 | counter`.
    pub stamp: u64,
    /// Number of the write, counted by the caller.
    pub version: u64,
    /// When the row ceases to be shown, unix ms; 0 = never.
    pub expire_ms: u64,
    /// Bits of this module.
    pub flags: u8,
}

impl Meta {
    /// Whether this row says that there is none.
    pub fn is_tombstone(&self) -> bool {
        self.flags & TOMBSTONE != 0
    }

    /// The time from which compaction may forget this row where nothing older lies below it; `None` = never.
    /// Live rows stay, expired or not: only the caller can take them out of its sums, by writing [`EXPIRED`] remains.
    pub fn droppable_from_ms(&self, grace_ms: u64) -> Option<u64> {
        if self.flags & PURGE != 0 {
            Some(0)
        } else if self.flags & EXPIRED != 0 {
            Some(self.expire_ms.saturating_add(grace_ms))
        } else if self.is_tombstone() {
            Some((self.stamp >> 16).saturating_add(grace_ms))
        } else {
            None
        }
    }
}

/// Where in the content log a value lies. The bytes there are exactly the stored value, without any header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pointer {
    /// Segment number.
    pub segment: u32,
    /// First byte of the value in the segment file.
    pub offset: u32,
    /// Stored length, bytes.
    pub len: u32,
    /// Length of the value itself; greater than `len` iff the stored bytes are Snappy-compressed.
    pub raw_len: u32,
    /// CRC-32 of the stored bytes.
    pub crc: u32,
}

/// The value of a row as the layers pass it on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// The bytes themselves.
    Inline(&'a [u8]),
    /// Bytes in the content log.
    Stored(Pointer),
}

/// A row as the layers pass it on. The user key is always inline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowRef<'a> {
    /// Fixed-width part.
    pub meta: Meta,
    /// The full user key, compared on every read.
    pub user_key: &'a [u8],
    /// The value; empty and inline for tombstones.
    pub value: Value<'a>,
}

impl RowRef<'_> {
    /// Bytes of user key and inline value together.
    pub fn inline_bytes(&self) -> usize {
        self.user_key.len()
            + match self.value {
                Value::Inline(bytes) => bytes.len(),
                Value::Stored(_) => 0,
            }
    }

    /// The pointer, if the value lies in the content log.
    pub fn pointer(&self) -> Option<Pointer> {
        match self.value {
            Value::Inline(_) => None,
            Value::Stored(pointer) => Some(pointer),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_leave_only_when_no_replica_can_revive_them() {
        let stamp = 1000 << 16;
        let live = Meta { stamp, version: 1, ..Meta::default() };
        assert_eq!(live.droppable_from_ms(50), None);
        assert_eq!(Meta { expire_ms: 2000, ..live }.droppable_from_ms(50), None);
        assert_eq!(Meta { flags: TOMBSTONE, ..live }.droppable_from_ms(50), Some(1050));
        assert_eq!(Meta { flags: TOMBSTONE, expire_ms: 9, ..live }.droppable_from_ms(50), Some(1050));
        assert_eq!(
            Meta { flags: TOMBSTONE | EXPIRED, expire_ms: 2000, ..live }.droppable_from_ms(50),
            Some(2050)
        );
        assert_eq!(Meta { flags: TOMBSTONE | PURGE, ..live }.droppable_from_ms(50), Some(0));
    }
}

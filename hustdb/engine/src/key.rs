//! The fixed-width row key: 24 bytes, compared as three big-endian words.
//!
//! Bytes 0..4 are the table (its top 4 bits are the kind), bytes 4..24 depend on the kind. Tables with the top bit
//! clear are *hashed*: bytes 4..20 are an md5 and decide the partition. Tables with the top bit set are *ordered*
//! (scores, queues, due times, debts): all their rows lie in the partition their table number hashes to.

use std::fmt;

/// Width of a key in bytes, on disk and in memory.
pub const KEY_BYTES: usize = 24;

/// A table number with this bit set holds rows in an order of its own instead of rows by md5.
pub const ORDERED_TABLE_BIT: u32 = 1 << 31;

/// Identity and order of a row. Word order is byte order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Key(pub [u64; 3]);

impl Key {
    /// The smallest key.
    pub const MIN: Key = Key([0; 3]);
    /// The greatest key.
    pub const MAX: Key = Key([u64::MAX; 3]);

    /// The key of `tail` in `table`.
    pub fn new(table: u32, tail: [u8; 20]) -> Key {
        let mut bytes = [0; KEY_BYTES];
        bytes[..4].copy_from_slice(&table.to_be_bytes());
        bytes[4..].copy_from_slice(&tail);
        Key::from_bytes(&bytes)
    }

    /// The key of a row that is found by the md5 of its user key.
    pub fn hashed(table: u32, md5: [u8; 16]) -> Key {
        let mut tail = [0; 20];
        tail[..16].copy_from_slice(&md5);
        Key::new(table, tail)
    }

    /// Reads the 24 bytes that [`Key::to_bytes`] wrote.
    pub fn from_bytes(bytes: &[u8; KEY_BYTES]) -> Key {
        let (words, _) = bytes.as_chunks::<8>();
        Key([u64::from_be_bytes(words[0]), u64::from_be_bytes(words[1]), u64::from_be_bytes(words[2])])
    }

    /// The key as bytes whose order is the order of keys.
    pub fn to_bytes(self) -> [u8; KEY_BYTES] {
        let mut bytes = [0; KEY_BYTES];
        for (chunk, word) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(self.0) {
            *chunk = word.to_be_bytes();
        }
        bytes
    }

    /// The table number, kind included.
    pub fn table(self) -> u32 {
        (self.0[0] >> 32) as u32
    }

    /// The 20 bytes after the table number.
    pub fn tail(self) -> [u8; 20] {
        let mut tail = [0; 20];
        tail.copy_from_slice(&self.to_bytes()[4..]);
        tail
    }

    /// Whether the rows of this key's table have an order of their own (see [`ORDERED_TABLE_BIT`]).
    pub fn is_ordered(self) -> bool {
        self.table() & ORDERED_TABLE_BIT != 0
    }

    /// The first key after this one, if there is one.
    pub fn successor(self) -> Option<Key> {
        let Key([a, b, c]) = self;
        match (c.checked_add(1), b.checked_add(1), a.checked_add(1)) {
            (Some(c), ..) => Some(Key([a, b, c])),
            (None, Some(b), _) => Some(Key([a, b, 0])),
            (None, None, Some(a)) => Some(Key([a, 0, 0])),
            (None, None, None) => None,
        }
    }

    /// The last key before this one, if there is one.
    pub fn predecessor(self) -> Option<Key> {
        let Key([a, b, c]) = self;
        match (c.checked_sub(1), b.checked_sub(1), a.checked_sub(1)) {
            (Some(c), ..) => Some(Key([a, b, c])),
            (None, Some(b), _) => Some(Key([a, b, u64::MAX])),
            (None, None, Some(a)) => Some(Key([a, u64::MAX, u64::MAX])),
            (None, None, None) => None,
        }
    }

    /// The partition among `1 << bits`: the high bits of the md5, or of the mixed table number.
    pub fn partition(self, bits: u32) -> usize {
        debug_assert!(bits <= 16);
        let high = if self.is_ordered() { self.table().wrapping_mul(0x9E37_79B1) } else { self.0[0] as u32 };
        (u64::from(high) >> (32 - bits)) as usize
    }

    /// What filters are built on: all bits of the key folded into 64. Equal keys have equal hashes; filters mix it
    /// with a seed of their own.
    pub fn filter_hash(self) -> u64 {
        let Key([a, b, c]) = self;
        b ^ a.rotate_left(32).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ c.wrapping_mul(0xD6E8_FEB8_6659_FD93)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Key([a, b, c]) = self;
        write!(f, "{a:016x}{b:016x}{c:016x}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_round_trip_and_keep_the_order() {
        let low = Key::hashed(7, [9; 16]);
        let high = Key::hashed(7, [10; 16]);
        assert_eq!(Key::from_bytes(&low.to_bytes()), low);
        assert!(low < high && low.to_bytes() < high.to_bytes());
        assert_eq!(low.table(), 7);
        assert_eq!(low.tail()[..16], [9; 16]);
    }

    #[test]
    fn successor_carries_and_ends() {
        assert_eq!(Key([0, 0, u64::MAX]).successor(), Some(Key([0, 1, 0])));
        assert_eq!(Key([0, u64::MAX, u64::MAX]).successor(), Some(Key([1, 0, 0])));
        assert_eq!(Key::MAX.successor(), None);
        for key in [Key([0, 0, u64::MAX]), Key([0, u64::MAX, u64::MAX]), Key([3, 4, 5])] {
            assert_eq!(key.successor().and_then(Key::predecessor), Some(key));
        }
        assert_eq!(Key::MIN.predecessor(), None);
    }

    #[test]
    fn partitions_follow_the_md5_or_the_table() {
        assert_eq!(Key::hashed(1, [0x8c; 16]).partition(3), 4);
        assert_eq!(Key::hashed(1, [0xff; 16]).partition(0), 0);
        let queue = ORDERED_TABLE_BIT | 5;
        assert_eq!(Key::new(queue, [0; 20]).partition(3), Key::new(queue, [255; 20]).partition(3));
    }
}

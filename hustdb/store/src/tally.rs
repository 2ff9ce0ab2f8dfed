//! Sums over live records that the engine keeps a slot: counts, sizes, the digest.
//!
//! A row counts iff it is not a tombstone, so an expired record counts until the sweep (or a write over it) takes it
//! out, exactly once. Every batch that changes a record carries the difference; the engine applies it with the rows or
//! not at all.
//!
//! The digest of a record is a 64-bit mix of (kind, table, md5 of the key, stamp, version); nodes compare sums of it,
//! so neither the function nor the constants may ever change.

use hust_engine::{Batch, Meta};

use crate::{address::Address, kind::Kind};

/// Lane of the wrapping sum of record digests.
pub const DIGEST: u8 = 0;
/// Lane of the number of kv pairs.
pub const KV_COUNT: u8 = 1;
/// Lane of the key and value bytes of kv pairs.
pub const KV_SIZE: u8 = 2;
/// Lane of the same, each pair rounded up to a multiple of 1024.
pub const KV_CAPACITY: u8 = 3;
/// Lane of what the capacity limit bounds: key, value and 64 bytes a record, of all kinds.
pub const GUARDED_BYTES: u8 = 4;
/// Lane of the number of fields of all hashes.
pub const HASH_COUNT: u8 = 5;
/// Lane of their key and value bytes.
pub const HASH_SIZE: u8 = 6;
/// Lane of the same, each field rounded up to a multiple of 1024.
pub const HASH_CAPACITY: u8 = 7;

/// Lanes a slot has.
const LANES: usize = 8;

/// What the capacity limit adds for each record, bytes.
const RECORD_OVERHEAD_BYTES: i64 = 64;

/// What each record is rounded up to a multiple of in `capacity`, bytes.
const CAPACITY_STEP_BYTES: u64 = 1024;

/// Figures of a kind, or of a hash.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stat {
    /// Live records.
    pub count: u64,
    /// Their key and value bytes.
    pub size: u64,
    /// The same, each record rounded up to a multiple of 1024.
    pub capacity: u64,
}

impl Stat {
    /// The figures of one record with this many bytes of key and value.
    pub fn of_record(bytes: u64) -> Stat {
        Stat { count: 1, size: bytes, capacity: bytes.next_multiple_of(CAPACITY_STEP_BYTES) }
    }
}

/// The digest of one record. `table` is 0 for kv pairs and the first 8 bytes of md5(name), big-endian, for rows of
/// tables.
pub fn digest(kind: Kind, table: u64, md5: &[u8; 16], stamp: u64, version: u64) -> u64 {
    let key = u128::from_be_bytes(*md5);
    // A product keeps a key from cancelling the name of its table. The md5 is uniform already: three rounds do.
    let place = table.wrapping_add(kind as u64).wrapping_mul(0xD6E8_FEB8_6659_FD93);
    mix(mix(mix((key >> 64) as u64 ^ place ^ stamp) ^ key as u64) ^ version)
}

/// The finalizer of splitmix64: a bijection that spreads every bit.
fn mix(word: u64) -> u64 {
    let word = word.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let word = (word ^ word >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let word = (word ^ word >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    word ^ word >> 31
}

/// The difference a change makes to the sums of one record's slot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Delta([i64; LANES]);

impl Delta {
    /// Adds a row that is being stored; tombstones add nothing.
    pub fn add(&mut self, address: &Address, meta: &Meta, key_bytes: usize, value_bytes: usize) {
        self.change(address, meta, key_bytes, value_bytes, 1);
    }

    /// Takes out a row that is being replaced; tombstones were not in.
    pub fn subtract(&mut self, address: &Address, meta: &Meta, key_bytes: usize, value_bytes: usize) {
        self.change(address, meta, key_bytes, value_bytes, -1);
    }

    fn change(&mut self, address: &Address, meta: &Meta, key_bytes: usize, value_bytes: usize, sign: i64) {
        if meta.is_tombstone() {
            return;
        }
        let one = Stat::of_record((key_bytes + value_bytes) as u64);
        let digest =
            digest(address.kind, address.table_digest, &address.md5, meta.stamp, meta.version) as i64;
        self.bump(DIGEST, digest.wrapping_mul(sign));
        self.bump(GUARDED_BYTES, sign * (one.size as i64 + RECORD_OVERHEAD_BYTES));
        let lanes = match address.kind {
            Kind::Kv => [KV_COUNT, KV_SIZE, KV_CAPACITY],
            Kind::Hash => [HASH_COUNT, HASH_SIZE, HASH_CAPACITY],
            _ => return,
        };
        for (lane, by) in lanes.into_iter().zip([one.count, one.size, one.capacity]) {
            self.bump(lane, sign * by as i64);
        }
    }

    fn bump(&mut self, lane: u8, by: i64) {
        if let Some(sum) = self.0.get_mut(usize::from(lane)) {
            *sum = sum.wrapping_add(by);
        }
    }

    /// Puts the differences into the batch that changes the record.
    pub(crate) fn apply(&self, address: &Address, batch: &mut Batch<'_>) {
        for (lane, by) in self.lanes() {
            batch.tally(&address.key, address.slot, lane, by);
        }
    }

    /// The lanes that change, with their differences.
    fn lanes(&self) -> impl Iterator<Item = (u8, i64)> + '_ {
        (0u8..).zip(self.0).filter(|(_, by)| *by != 0)
    }
}

#[cfg(test)]
mod tests {
    use hust_engine::row::TOMBSTONE;

    use super::*;
    use crate::address::TableId;

    #[test]
    fn digests_are_those_of_every_release() {
        let md5 = Address::kv(b"hello").md5;
        let digest = |stamp, version| digest(Kind::Kv, 0, &md5, stamp, version);
        assert_eq!(digest(1 << 16, 1), 0xc525_3a05_e0f9_d037);
        assert_eq!(digest(1 << 16, 2), 0xb5a8_d2d1_7780_42ce);
        assert_eq!(super::digest(Kind::Kv, 1, &md5, 1 << 16, 1), 0xd000_8685_4127_a378);
    }

    #[test]
    fn what_is_added_and_subtracted_is_nothing() {
        let address = Address::kv(b"hello");
        let meta = Meta { stamp: 77, version: 3, ..Meta::default() };
        let mut delta = Delta::default();
        delta.add(&address, &meta, 5, 1020);
        let sums: Vec<_> = delta.lanes().filter(|(lane, _)| *lane != DIGEST).collect();
        assert_eq!(sums, [(KV_COUNT, 1), (KV_SIZE, 1025), (KV_CAPACITY, 2048), (GUARDED_BYTES, 1089)]);
        delta.subtract(&address, &meta, 5, 1020);
        assert_eq!(delta.lanes().count(), 0);
        delta.add(&address, &Meta { flags: TOMBSTONE, ..meta }, 5, 0xd000_8685_4127_a378);
        assert_eq!(delta, Delta::default());
    }

    #[test]
    fn fields_of_hashes_count_apart_and_members_of_sets_only_for_the_guard() {
        let table = TableId { number: 1, md5: crate::address::md5(b"t") };
        let meta = Meta { stamp: 77, version: 3, ..Meta::default() };
        let lanes = |kind| {
            let mut delta = Delta::default();
            delta.add(&Address::member(kind, &table, b"f"), &meta, 1, 8);
            delta.lanes().filter(|(lane, _)| *lane != DIGEST).collect::<Vec<_>>()
        };
        let guard = (GUARDED_BYTES, 73);
        assert_eq!(lanes(Kind::Hash), [guard, (HASH_COUNT, 1), (HASH_SIZE, 9), (HASH_CAPACITY, 1024)]);
        assert_eq!(lanes(Kind::Set), [guard]);
        assert_eq!(lanes(Kind::Zset), [guard]);
    }
}

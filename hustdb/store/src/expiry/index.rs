//! The expiry index: rows of ordered tables, by due time.
//!
//! There is one table a partition, with a number chosen such that the engine keeps it in the very partition of the
//! records it tells about; so a write and its index row share one lock. Row key: due time, ms (8 bytes big-endian),
//! then the first 12 bytes of the record's md5, the last 4 of them mixed with its table number. The row's user key is
//! the record's row key.
//!
//! In memory, `unswept_from_ms` bounds from below the due time of every row that the sweep must still look at. Writers
//! lower it after their batch is in; the sweep takes it away before it looks and puts back how far it came.

use std::sync::atomic::{AtomicU64, Ordering};

use hust_engine::{Key, Meta, key::KEY_BYTES};

use crate::kind::Kind;

/// One row of the index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Its row key.
    pub(crate) key: Key,
    /// Its user key: the row key of the record.
    pub(crate) owner: [u8; KEY_BYTES],
}

impl Entry {
    /// The meta of an index row that is in force. The engine must not drop it, so it has no expiry itself.
    pub(crate) fn meta(stamp: u64) -> Meta {
        Meta { stamp, version: 0, expire_ms: 0, flags: 0 }
    }
}

/// Where index rows lie, and from where they are still to be swept.
#[derive(Debug)]
pub(crate) struct ExpiryIndex {
    partition_bits: u32,
    partitions: Vec<Partition>,
}

#[derive(Debug)]
struct Partition {
    table: u32,
    unswept_from_ms: AtomicU64,
}

impl ExpiryIndex {
    /// The index of an engine with `1 << partition_bits` partitions.
    pub(crate) fn new(partition_bits: u32) -> ExpiryIndex {
        let mut tables = vec![None; 1 << partition_bits];
        let mut missing = tables.len();
        for table in (0..1 << 28).map(|number| Kind::Expiry.table(number)) {
            if missing == 0 {
                break;
            }
            if let Some(free @ None) = tables.get_mut(Key::new(table, [0; 20]).partition(partition_bits)) {
                *free = Some(table);
                missing -= 1;
            }
        }
        let partition = |table| Partition { table, unswept_from_ms: AtomicU64::new(0) };
        ExpiryIndex { partition_bits, partitions: tables.into_iter().flatten().map(partition).collect() }
    }

    /// The index row of a record that expires at `due_ms`; `None` if it never does.
    pub(crate) fn entry(&self, record: Key, due_ms: u64) -> Option<Entry> {
        let partition = self.partitions.get(record.partition(self.partition_bits)).filter(|_| due_ms != 0)?;
        let owner = record.to_bytes();
        let mut tail = [0; 20];
        tail[..8].copy_from_slice(&due_ms.to_be_bytes());
        tail[8..].copy_from_slice(&owner[4..16]);
        for (byte, mixed) in tail[16..].iter_mut().zip(record.table().to_be_bytes()) {
            *byte ^= mixed;
        }
        Some(Entry { key: Key::new(partition.table, tail), owner })
    }

    /// Number of partitions.
    pub(crate) fn partitions(&self) -> usize {
        self.partitions.len()
    }

    /// The keys of partition `number` that are due from `from_ms` to `to_ms`, both inclusive.
    pub(crate) fn range(&self, number: usize, from_ms: u64, to_ms: u64) -> Option<(Key, Key)> {
        let table = self.partitions.get(number)?.table;
        let bound = |ms: u64, fill: u8| {
            let mut tail = [fill; 20];
            tail[..8].copy_from_slice(&ms.to_be_bytes());
            Key::new(table, tail)
        };
        Some((bound(from_ms, 0), bound(to_ms, 0xff)))
    }

    /// Says that the index row of this key is in the engine. Call after the batch, or the sweep may pass it by.
    pub(crate) fn note(&self, index_key: Key) {
        self.lower(index_key.partition(self.partition_bits), due_ms(index_key));
    }

    /// Says that partition `number` has nothing to sweep below `from_ms`, beside what is noted meanwhile.
    pub(crate) fn lower(&self, number: usize, from_ms: u64) {
        if let Some(partition) = self.partitions.get(number) {
            partition.unswept_from_ms.fetch_min(from_ms, Ordering::AcqRel);
        }
    }

    /// Takes the lower bound of partition `number` away. Whoever took it must [`ExpiryIndex::lower`] it again.
    pub(crate) fn take(&self, number: usize) -> u64 {
        self.partitions.get(number).map_or(u64::MAX, |p| p.unswept_from_ms.swap(u64::MAX, Ordering::AcqRel))
    }
}

/// When the row of this index key is due, ms.
pub(crate) fn due_ms(index_key: Key) -> u64 {
    let Key([high, low, _]) = index_key;
    high << 32 | low >> 32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::Address;

    #[test]
    fn index_rows_lie_beside_their_records_in_due_order() {
        for bits in [0, 3, 10] {
            let index = ExpiryIndex::new(bits);
            assert_eq!(index.partitions(), 1 << bits);
            for number in 0..200u32 {
                let record = Address::kv(&number.to_be_bytes()).key;
                let entry = index.entry(record, 0x1234_5678_9abc + u64::from(number)).unwrap();
                let partition = record.partition(bits);
                assert_eq!(entry.key.partition(bits), partition);
                assert_eq!(due_ms(entry.key), 0x1234_5678_9abc + u64::from(number));
                assert_eq!(Key::from_bytes(&entry.owner), record);
                let (from, to) = index.range(partition, due_ms(entry.key), due_ms(entry.key)).unwrap();
                assert!(from <= entry.key && entry.key <= to);
                let (from, _) = index.range(partition, due_ms(entry.key) + 1, u64::MAX).unwrap();
                assert!(entry.key < from);
            }
        }
    }

    #[test]
    fn records_of_two_tables_have_two_rows() {
        let index = ExpiryIndex::new(3);
        let md5 = Address::kv(b"f").md5;
        let [one, two] =
            [1 << 28 | 1, 1 << 28 | 2].map(|table| index.entry(Key::hashed(table, md5), 9).unwrap());
        assert_ne!(one.key, two.key);
        assert_eq!(index.entry(Key::hashed(0, md5), 0), None);
    }

    #[test]
    fn what_is_noted_while_the_sweep_is_under_way_stays_noted() {
        let index = ExpiryIndex::new(0);
        assert_eq!(index.take(0), 0);
        index.note(index.entry(Address::kv(b"k").key, 70).unwrap().key);
        index.lower(0, 100);
        assert_eq!(index.take(0), 70);
        assert_eq!(index.take(0), u64::MAX);
    }
}

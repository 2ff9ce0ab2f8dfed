//! Where the rows of a queue lie.
//!
//! There is one table of each sort a partition, with numbers chosen such that the engine keeps them in that very
//! partition; a queue belongs to the partition that the md5 of its name says. So all rows of a queue share one lock
//! and one batch. What belongs to one life of a queue has its *incarnation* in front, a number never used again.
//!
//! | table | the 20 bytes after the table number | user key | value |
//! |---|---|---|---|
//! | queues | md5 of the name, 0 or 1 (4 bytes) | name | settings (0), counters (1) |
//! | graves | incarnation, zeros | name | - |
//! | items | incarnation, priority (1), index (8) | queue it left as a dead letter | the item |
//! | slots | incarnation, priority (1), slot (4) | - | an entry, or a run |
//! | expiries | incarnation, expiry ms (8), place (4) | priority (1), index (8) | item bytes (4) |
//! | ids | incarnation, first 12 bytes of the md5 of the id | id | put ms, priority, index |
//! | id times | incarnation, put ms (8), place (4) | those 12 bytes | - |
//!
//! A *place* is the priority (2 bits) and the low 30 bits of the index.

use hust_engine::Key;

use crate::{
    address::{md5, slot_of},
    kind::Kind,
};

/// Table numbers of one partition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tables {
    pub(crate) queues: u32,
    pub(crate) graves: u32,
    pub(crate) items: u32,
    pub(crate) slots: u32,
    pub(crate) expiries: u32,
    pub(crate) ids: u32,
    pub(crate) id_times: u32,
}

impl Tables {
    /// First and last key of a whole table.
    pub(crate) fn whole(table: u32) -> (Key, Key) {
        (Key::new(table, [0; 20]), Key::new(table, [0xff; 20]))
    }

    /// The grave of an incarnation: its rows are still to be deleted.
    pub(crate) fn grave(&self, incarnation: u64) -> Key {
        Key::new(self.graves, tail(incarnation, [0; 12]))
    }

    /// First and last key of an incarnation in each table that has rows of it.
    pub(crate) fn incarnation(&self, incarnation: u64) -> [(Key, Key); 5] {
        [self.items, self.slots, self.expiries, self.ids, self.id_times].map(|table| {
            (Key::new(table, tail(incarnation, [0; 12])), Key::new(table, tail(incarnation, [0xff; 12])))
        })
    }
}

/// The tables of all partitions.
#[derive(Debug)]
pub(crate) struct Layout {
    partition_bits: u32,
    partitions: Vec<Tables>,
}

impl Layout {
    /// The tables of an engine with `1 << partition_bits` partitions.
    pub(crate) fn new(partition_bits: u32) -> Layout {
        let mut queues = numbers(Kind::Queue, 2, partition_bits).into_iter();
        let mut items = numbers(Kind::QueueItem, 1, partition_bits).into_iter();
        let mut aux = numbers(Kind::QueueAux, 4, partition_bits).into_iter();
        let mut next = |of: u8| {
            let numbers = match of {
                0 => queues.next(),
                1 => items.next(),
                _ => aux.next(),
            };
            numbers.unwrap_or_default()
        };
        let tables = (0..1 << partition_bits).map(|_| Tables {
            queues: next(0),
            graves: next(0),
            items: next(1),
            slots: next(2),
            expiries: next(2),
            ids: next(2),
            id_times: next(2),
        });
        Layout { partition_bits, partitions: tables.collect() }
    }

    /// The tables of each partition.
    pub(crate) fn partitions(&self) -> &[Tables] {
        &self.partitions
    }

    /// The keys of the queue of this name in this life.
    pub(crate) fn keys(&self, name: &str, incarnation: u64) -> QueueKeys {
        let md5 = md5(name.as_bytes());
        let partition = Key::hashed(Kind::Kv.table(0), md5).partition(self.partition_bits);
        let tables = self.partitions.get(partition).copied().unwrap_or_default();
        QueueKeys { tables, md5, incarnation }
    }
}

/// The first `count` table numbers of a kind for each partition, partition after partition.
fn numbers(kind: Kind, count: usize, partition_bits: u32) -> Vec<u32> {
    let mut found = vec![Vec::new(); 1 << partition_bits];
    let mut missing = found.len() * count;
    for table in (0..1 << 28).map(|number| kind.table(number)) {
        if missing == 0 {
            break;
        }
        if let Some(of_one) = found.get_mut(Key::new(table, [0; 20]).partition(partition_bits))
            && of_one.len() < count
        {
            of_one.push(table);
            missing -= 1;
        }
    }
    found.into_iter().flatten().collect()
}

fn tail(incarnation: u64, rest: [u8; 12]) -> [u8; 20] {
    let mut tail = [0; 20];
    tail[..8].copy_from_slice(&incarnation.to_be_bytes());
    tail[8..].copy_from_slice(&rest);
    tail
}

fn ordinal(priority: u8, index: u64) -> [u8; 12] {
    let mut rest = [0; 12];
    rest[0] = priority;
    rest[1..9].copy_from_slice(&index.to_be_bytes());
    rest
}

fn timed(time_ms: u64, priority: u8, index: u64) -> [u8; 12] {
    let mut rest = [0; 12];
    rest[..8].copy_from_slice(&time_ms.to_be_bytes());
    let place = u32::from(priority) << 30 | (index & 0x3fff_ffff) as u32;
    rest[8..].copy_from_slice(&place.to_be_bytes());
    rest
}

/// The keys of one queue in one of its lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct QueueKeys {
    pub(crate) tables: Tables,
    md5: [u8; 16],
    pub(crate) incarnation: u64,
}

impl QueueKeys {
    /// The slot whose sums the queue's bytes are counted in.
    pub(crate) fn tally_slot(&self) -> u16 {
        slot_of(&self.md5)
    }

    /// The row of the settings.
    pub(crate) fn settings(&self) -> Key {
        self.queue_row(0)
    }

    /// The row of the counters.
    pub(crate) fn counters(&self) -> Key {
        self.queue_row(1)
    }

    fn queue_row(&self, number: u32) -> Key {
        let mut tail = [0; 20];
        tail[..16].copy_from_slice(&self.md5);
        tail[16..].copy_from_slice(&number.to_be_bytes());
        Key::new(self.tables.queues, tail)
    }

    /// The row of a message.
    pub(crate) fn item(&self, priority: u8, index: u64) -> Key {
        Key::new(self.tables.items, tail(self.incarnation, ordinal(priority, index)))
    }

    /// The row of a slot.
    pub(crate) fn slot(&self, priority: u8, slot: u32) -> Key {
        Key::new(self.tables.slots, tail(self.incarnation, ordinal(priority, u64::from(slot) << 32)))
    }

    /// The row that says when a message expires that was never delivered nor delayed.
    pub(crate) fn expiry(&self, expire_ms: u64, priority: u8, index: u64) -> Key {
        Key::new(self.tables.expiries, tail(self.incarnation, timed(expire_ms, priority, index)))
    }

    /// The row of an id, by the first 12 bytes of its md5.
    pub(crate) fn id(&self, hash: [u8; 12]) -> Key {
        Key::new(self.tables.ids, tail(self.incarnation, hash))
    }

    /// The row that says when an id was put.
    pub(crate) fn id_time(&self, put_ms: u64, priority: u8, index: u64) -> Key {
        Key::new(self.tables.id_times, tail(self.incarnation, timed(put_ms, priority, index)))
    }

    /// First and last key of a timed table up to `to_ms`.
    pub(crate) fn until(&self, table: u32, from_ms: u64, to_ms: u64) -> (Key, Key) {
        let mut last = [0xff; 12];
        last[..8].copy_from_slice(&to_ms.to_be_bytes());
        let first = timed(from_ms, 0, 0);
        (Key::new(table, tail(self.incarnation, first)), Key::new(table, tail(self.incarnation, last)))
    }

    /// First and last key of all slots of a priority.
    pub(crate) fn slots(&self, priority: u8) -> (Key, Key) {
        (self.slot(priority, 0), self.slot(priority, u32::MAX))
    }
}

/// What an id is known by.
pub(crate) fn id_hash(id: &[u8]) -> [u8; 12] {
    let mut hash = [0; 12];
    hash.copy_from_slice(&md5(id)[..12]);
    hash
}

/// The time in the key of a timed row, ms.
pub(crate) fn time_ms(key: Key) -> u64 {
    let Key([_, middle, low]) = key;
    middle << 32 | low >> 32
}

/// The index in the key of an item.
pub(crate) fn item_index(key: Key) -> u64 {
    let Key([_, middle, low]) = key;
    middle << 40 | low >> 24
}

/// The number in the key of a slot.
pub(crate) fn slot_number(key: Key) -> u32 {
    (item_index(key) >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_rows_of_a_queue_lie_in_one_partition() {
        for bits in [0, 3, 8] {
            let layout = Layout::new(bits);
            assert_eq!(layout.partitions().len(), 1 << bits);
            for name in ["a", "b", "queue:1", "x.y"] {
                let keys = layout.keys(name, 77);
                let all = [
                    keys.settings(),
                    keys.counters(),
                    keys.item(2, 9),
                    keys.slot(1, 4),
                    keys.expiry(5, 0, 9),
                    keys.id(id_hash(b"i")),
                    keys.id_time(5, 0, 9),
                    keys.tables.grave(77),
                ];
                let partition = all[0].partition(bits);
                assert!(all.iter().all(|key| key.partition(bits) == partition), "{name}");
                let tables: std::collections::BTreeSet<u32> = all.iter().map(|key| key.table()).collect();
                assert_eq!(tables.len(), 7, "settings and counters share one");
            }
        }
    }

    #[test]
    fn keys_sort_by_what_they_tell_and_give_it_back() {
        let keys = Layout::new(3).keys("q", 7);
        assert!(keys.item(0, u64::MAX) < keys.item(1, 0) && keys.item(1, 255) < keys.item(1, 256));
        assert_eq!(item_index(keys.item(2, 0x0102_0304_0506_0708)), 0x0102_0304_0506_0708);
        assert_eq!(slot_number(keys.slot(2, 0xfedc_ba98)), 0xfedc_ba98);
        assert!(keys.expiry(5, 2, 1 << 29) < keys.expiry(6, 0, 0));
        assert_eq!(time_ms(keys.expiry(0x1234_5678_9abc, 2, 3)), 0x1234_5678_9abc);
        let (from, to) = keys.until(keys.tables.expiries, 5, 6);
        assert!(from <= keys.expiry(5, 0, 0) && keys.expiry(6, 2, 77) <= to && to < keys.expiry(7, 0, 0));
        let next = Layout::new(3).keys("q", 8);
        let [items, ..] = keys.tables.incarnation(7);
        assert!(items.1 < next.item(0, 0) && items.0 <= keys.item(0, 0) && keys.item(2, u64::MAX) <= items.1);
    }
}

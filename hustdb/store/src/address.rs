//! Where a record lives: its row key, its slot, and what the digest knows it by.
//!
//! Everything here is a function of (kind, table, user key), computed once a request. The slot is the top 10 bits of
//! the md5; clients, proxies and nodes all use this one function.

use hust_engine::Key;
use md5::{Digest as _, Md5};

use crate::kind::Kind;

/// Number of slots the key space has.
pub const SLOTS: u16 = 1024;

/// Longest key, bytes.
pub const MAX_KEY_BYTES: usize = 65_536;

/// md5 of routing bytes.
pub fn md5(bytes: &[u8]) -> [u8; 16] {
    Md5::digest(bytes).into()
}

/// The slot of an md5: its first 10 bits.
pub fn slot_of(md5: &[u8; 16]) -> u16 {
    u16::from(md5[0]) << 2 | u16::from(md5[1] >> 6)
}

/// What the addresses of a table's rows need to know of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TableId {
    /// Its number in engine tables of all kinds.
    pub number: u32,
    /// md5 of its name.
    pub md5: [u8; 16],
}

impl TableId {
    /// What the digest knows the table by: the first 8 bytes of the md5.
    pub fn digest(&self) -> u64 {
        self.md5.first_chunk().map_or(0, |first| u64::from_be_bytes(*first))
    }
}

/// Identity of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address {
    /// What kind of record.
    pub kind: Kind,
    /// The engine's row key.
    pub key: Key,
    /// md5 of the user key.
    pub md5: [u8; 16],
    /// The slot, 0..1023.
    pub slot: u16,
    /// What the digest knows the table by; 0 for kv pairs.
    pub table_digest: u64,
}

impl Address {
    /// The kv pair of this key.
    pub fn kv(user_key: &[u8]) -> Address {
        Address::of_kv_md5(md5(user_key))
    }

    /// The row of a table: hash fields and set members are spread over the slots by their own md5, a sorted set is
    /// whole in the slot of its name.
    pub fn member(kind: Kind, table: &TableId, user_key: &[u8]) -> Address {
        Address::of_member_md5(kind, table, md5(user_key))
    }

    /// The record whose row has this key. `table` is that of the row's number, and not looked at for kv pairs; `None`
    /// for a row that is no record.
    pub fn of_row(key: Key, table: &TableId) -> Option<Address> {
        let md5 = *key.tail().first_chunk()?;
        Some(match Kind::of_record(key.table())? {
            (Kind::Kv, _) => Address::of_kv_md5(md5),
            (kind, _) => Address::of_member_md5(kind, table, md5),
        })
    }

    fn of_kv_md5(md5: [u8; 16]) -> Address {
        let key = Key::hashed(Kind::Kv.table(0), md5);
        Address { kind: Kind::Kv, key, md5, slot: slot_of(&md5), table_digest: 0 }
    }

    fn of_member_md5(kind: Kind, table: &TableId, md5: [u8; 16]) -> Address {
        let slot = slot_of(if kind == Kind::Zset { &table.md5 } else { &md5 });
        let key = Key::hashed(kind.table(table.number), md5);
        Address { kind, key, md5, slot, table_digest: table.digest() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_those_of_the_contract() {
        let x = vec![b'x'; 65_536];
        let table: [(&[u8], u16, usize); 16] = [
            (b"a", 51, 0),
            (b"b", 587, 4),
            (b"hello", 373, 2),
            (b"test_key", 560, 4),
            (b"key_1", 755, 5),
            (b"key_2", 147, 1),
            (b"test_table", 902, 7),
            (b"user:42", 347, 2),
            (b"a b", 51, 0),
            (b"a+b", 407, 3),
            (b"\0", 590, 4),
            (b"a\0b", 448, 3),
            (b"\x80", 564, 4),
            (b"\xff", 1, 0),
            ("中文".as_bytes(), 670, 5),
            (&x, 358, 2),
        ];
        for (key, slot, file) in table {
            let address = Address::kv(key);
            assert_eq!(address.slot, slot, "{key:?}");
            assert_eq!(address.key.partition(3), file, "{key:?}");
        }
    }

    #[test]
    fn a_row_key_leads_back_to_the_address() {
        let table = TableId { number: 9, md5: md5(b"test_table") };
        for address in [
            Address::kv(b"k"),
            Address::member(Kind::Hash, &table, b"k"),
            Address::member(Kind::Set, &table, b"k"),
            Address::member(Kind::Zset, &table, b"k"),
        ] {
            assert_eq!(Address::of_row(address.key, &table), Some(address));
        }
        assert_eq!(Address::of_row(Key::new(Kind::Expiry.table(0), [0; 20]), &table), None);
    }

    #[test]
    fn sorted_sets_have_one_slot_and_other_tables_are_spread() {
        let table = TableId { number: 9, md5: md5(b"test_table") };
        assert_eq!(Address::member(Kind::Hash, &table, b"hello").slot, 373);
        assert_eq!(Address::member(Kind::Set, &table, b"hello").slot, 373);
        assert_eq!(Address::member(Kind::Zset, &table, b"hello").slot, 902);
    }
}

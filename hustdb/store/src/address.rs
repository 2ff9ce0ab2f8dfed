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
}

impl Address {
    /// The kv pair of this key.
    pub fn kv(user_key: &[u8]) -> Address {
        let md5 = md5(user_key);
        Address { kind: Kind::Kv, key: Key::hashed(Kind::Kv.table(0), md5), md5, slot: slot_of(&md5) }
    }

    /// The kv pair whose row has this key; `None` for a row of another kind.
    pub fn of_kv_row(key: Key) -> Option<Address> {
        if key.table() != Kind::Kv.table(0) {
            return None;
        }
        let mut md5 = [0; 16];
        md5.copy_from_slice(&key.tail()[..16]);
        Some(Address { kind: Kind::Kv, key, md5, slot: slot_of(&md5) })
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
        let address = Address::kv(b"k");
        assert_eq!(Address::of_kv_row(address.key), Some(address));
        assert_eq!(Address::of_kv_row(Key::new(Kind::Expiry.table(0), [0; 20])), None);
    }
}

//! The rows of debts.

use hust_engine::{Key, Meta, key::KEY_BYTES};

use crate::{address::md5, kind::Kind};

/// A debt as it was when it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Debt {
    /// Row key of the record.
    pub(super) record: Key,
    /// Stamp of the note.
    pub(super) stamp: u64,
}

/// Where the row of a host lies.
pub(super) fn host_key(identity: &str) -> Key {
    Key::hashed(Kind::Meta.table(2), md5(identity.as_bytes()))
}

/// Where the debt of a record to the host with this number lies.
pub(crate) fn debt_key(number: u32, record: Key) -> Key {
    let mut tail = [0; 20];
    tail.copy_from_slice(&record.to_bytes()[..20]);
    Key::new(Kind::Debt.table(number), tail)
}

/// The record that the debt at this key is about.
pub(super) fn record_key(debt: Key) -> Key {
    let mut bytes = [0; KEY_BYTES];
    bytes[..20].copy_from_slice(&debt.tail());
    Key::from_bytes(&bytes)
}

/// All keys of debts to the host with this number.
pub(super) fn range(number: u32) -> (Key, Key) {
    let table = Kind::Debt.table(number);
    (Key::new(table, [0; 20]), Key::new(table, [0xff; 20]))
}

/// Meta of a row in force.
pub(super) fn meta(stamp: u64) -> Meta {
    Meta { stamp, ..Meta::default() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::{Address, TableId};

    #[test]
    fn a_debt_leads_to_its_record() {
        let table = TableId { number: 77, md5: md5(b"t") };
        for address in [Address::kv(b"k"), Address::member(Kind::Zset, &table, b"m")] {
            let key = debt_key(5, address.key);
            assert_eq!(record_key(key), address.key);
            let (first, last) = range(5);
            assert!(first <= key && key <= last && last < range(6).0);
        }
    }
}

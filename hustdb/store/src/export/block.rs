//! Rows in a block: written one after another, read back strictly.
//!
//! A row is a byte of flags; if the table is another than the row's before, its type and name; version, stamp and, if
//! there is one, expiry; the key; the value. A block begins without a table, so it is read without the others.

use super::bytes::{Rest, put_varint};
use crate::{
    kind::Kind,
    listing::{ListedRow, ListedValue},
    record::Shown,
    write::{score_bytes, score_of},
};

const EXPIRES: u8 = 1 << 0;
/// Of the table of the row before.
const SAME_TABLE: u8 = 1 << 1;
/// Of a table that is told here.
const NEW_TABLE: u8 = 1 << 2;
const BYTES: u8 = 1 << 3;
const SCORE: u8 = 1 << 4;
const FLAGS: u8 = EXPIRES | SAME_TABLE | NEW_TABLE | BYTES | SCORE;

/// A block being filled.
#[derive(Debug, Default)]
pub(super) struct Filling {
    pub bytes: Vec<u8>,
    pub rows: u32,
    table: Option<(Vec<u8>, Kind)>,
}

impl Filling {
    pub(super) fn push(&mut self, row: &ListedRow<'_>) {
        let same = row.table.map(|(name, kind)| {
            self.table.as_ref().is_some_and(|(known, known_kind)| *known == name && *known_kind == kind)
        });
        let table = match same {
            None => 0,
            Some(true) => SAME_TABLE,
            Some(false) => NEW_TABLE,
        };
        let value = match row.value {
            ListedValue::None => 0,
            ListedValue::Bytes(_) => BYTES,
            ListedValue::Score(_) => SCORE,
        };
        let expires = if row.shown.expire_ms == 0 { 0 } else { EXPIRES };
        self.bytes.push(table | value | expires);
        if let Some((name, kind)) = row.table.filter(|_| same == Some(false)) {
            self.bytes.push(kind as u8);
            put_varint(&mut self.bytes, name.len() as u64);
            self.bytes.extend_from_slice(name);
            self.table = Some((name.to_vec(), kind));
        }
        put_varint(&mut self.bytes, row.shown.version);
        put_varint(&mut self.bytes, row.shown.stamp);
        if expires != 0 {
            put_varint(&mut self.bytes, row.shown.expire_ms);
        }
        put_varint(&mut self.bytes, row.key.len() as u64);
        self.bytes.extend_from_slice(row.key);
        match row.value {
            ListedValue::None => {}
            ListedValue::Bytes(bytes) => {
                put_varint(&mut self.bytes, bytes.len() as u64);
                self.bytes.extend_from_slice(bytes);
            }
            ListedValue::Score(score) => self.bytes.extend(score_bytes(score)),
        }
        self.rows += 1;
    }

    /// Begins the next block.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        (self.rows, self.table) = (0, None);
    }
}

/// Reads the rows of a block, in order.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rows<'a> {
    rest: Rest<'a>,
    table: Option<(&'a [u8], Kind)>,
}

impl<'a> Rows<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Rows<'a> {
        Rows { rest: Rest(bytes), table: None }
    }

    /// Whether all was read.
    pub(super) fn is_done(&self) -> bool {
        self.rest.is_empty()
    }

    /// The next row; `None`: these bytes are no row.
    pub(super) fn row(&mut self) -> Option<ListedRow<'a>> {
        let rest = &mut self.rest;
        let flags = rest.u8().filter(|flags| flags & !FLAGS == 0)?;
        let table = match flags & (SAME_TABLE | NEW_TABLE) {
            0 => None,
            SAME_TABLE => Some(self.table?),
            NEW_TABLE => {
                let number = rest.u8()?;
                let kind =
                    [Kind::Hash, Kind::Set, Kind::Zset].into_iter().find(|kind| *kind as u8 == number)?;
                self.table = Some((rest.bytes()?, kind));
                self.table
            }
            _ => return None,
        };
        let (version, stamp) = (rest.varint()?, rest.varint()?);
        let expire_ms = if flags & EXPIRES == 0 { 0 } else { rest.varint()? };
        let key = rest.bytes()?;
        let value = match flags & (BYTES | SCORE) {
            0 => ListedValue::None,
            BYTES => ListedValue::Bytes(rest.bytes()?),
            SCORE => ListedValue::Score(score_of(rest.take(8)?)?),
            _ => return None,
        };
        Some(ListedRow { key, value, shown: Shown { version, stamp, expire_ms }, table })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_round_trip_and_a_cut_block_is_refused() {
        let shown = Shown { version: 1 << 62, stamp: 7, expire_ms: 0 };
        let later = Shown { expire_ms: 99, ..shown };
        let row = |key, value, shown, table| ListedRow { key, value, shown, table };
        let rows = [
            row(&b"k"[..], ListedValue::Bytes(b""), shown, None),
            row(b"f", ListedValue::Bytes(b"value"), later, Some((&b"t"[..], Kind::Hash))),
            row(b"g", ListedValue::None, shown, Some((b"t", Kind::Hash))),
            row(b"m", ListedValue::None, shown, Some((b"t", Kind::Set))),
            row(b"n", ListedValue::Score(-5), later, Some((b"z", Kind::Zset))),
        ];
        let mut filling = Filling::default();
        for _ in 0..2 {
            filling.clear();
            rows.iter().for_each(|row| filling.push(row));
        }
        assert_eq!(filling.rows, 5);
        let mut reading = Rows::new(&filling.bytes);
        for row in &rows {
            assert_eq!(reading.row(), Some(*row));
        }
        assert!(reading.is_done() && reading.row().is_none());
        for cut in 0..filling.bytes.len() {
            let mut reading = Rows::new(&filling.bytes[..cut]);
            let read = std::iter::from_fn(|| (!reading.is_done()).then(|| reading.row())).take(9);
            let whole = read.take_while(Option::is_some).count();
            assert!(whole < 5, "cut at {cut}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_end(bytes in proptest::collection::vec(0u8..40, 0..300)) {
            let mut reading = Rows::new(&bytes);
            let rows = std::iter::from_fn(|| reading.row()).count();
            assert!(rows <= bytes.len());
        }
    }
}

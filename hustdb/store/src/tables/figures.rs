//! What is known of a table: counts by type, and the bytes of the row that keeps them.
//!
//! The value of a name row is a format byte and seven varints (LEB128): number, then count, size and capacity of the
//! hash, then the counts of the set and of the sorted set, then zero. Read back strictly: anything else is damage.

use crate::{kind::Kind, tally::Stat};

/// Counts of a table's live rows. At most one type has rows, unless masters disagreed during a partition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Fields of the hash.
    pub hash: Stat,
    /// Members of the set.
    pub set: u64,
    /// Members of the sorted set.
    pub zset: u64,
}

impl Figures {
    /// The type that the name shows: the first of hash, set and sorted set that has live rows.
    pub fn shown(&self) -> Option<Kind> {
        [(Kind::Hash, self.hash.count), (Kind::Set, self.set), (Kind::Zset, self.zset)]
            .into_iter()
            .find_map(|(kind, count)| (count > 0).then_some(kind))
    }

    /// Counts a row in.
    pub(crate) fn add(&mut self, kind: Kind, bytes: u64) {
        let one = Stat::of_record(bytes);
        match kind {
            Kind::Hash => {
                self.hash.count += one.count;
                self.hash.size += one.size;
                self.hash.capacity += one.capacity;
            }
            Kind::Set => self.set += 1,
            Kind::Zset => self.zset += 1,
            _ => {}
        }
    }

    /// Counts a row out. It was counted in, with the same bytes.
    pub(crate) fn subtract(&mut self, kind: Kind, bytes: u64) {
        let one = Stat::of_record(bytes);
        let less = |figure: &mut u64, by: u64| {
            debug_assert!(*figure >= by, "a row is counted out that was not in");
            *figure = figure.saturating_sub(by);
        };
        match kind {
            Kind::Hash => {
                less(&mut self.hash.count, one.count);
                less(&mut self.hash.size, one.size);
                less(&mut self.hash.capacity, one.capacity);
            }
            Kind::Set => less(&mut self.set, 1),
            Kind::Zset => less(&mut self.zset, 1),
            _ => {}
        }
    }
}

/// First byte of the value of a name row.
const FORMAT: u8 = 1;
/// Longest such value: the format and seven varints.
pub(crate) const NAME_ROW_BYTES_MAX: usize = 1 + 7 * 10;

/// The value of a name row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct NameRow {
    pub number: u32,
    pub figures: Figures,
}

impl NameRow {
    /// Writes the value; gives its length.
    pub(crate) fn encode(&self, to: &mut [u8; NAME_ROW_BYTES_MAX]) -> usize {
        let Figures { hash, set, zset } = self.figures;
        let mut len = 0;
        let mut push = |byte| {
            if let Some(place) = to.get_mut(len) {
                *place = byte;
                len += 1;
            }
        };
        push(FORMAT);
        for mut word in [u64::from(self.number), hash.count, hash.size, hash.capacity, set, zset, 0] {
            while word >= 0x80 {
                push(word as u8 | 0x80);
                word >>= 7;
            }
            push(word as u8);
        }
        len
    }

    /// Reads what [`NameRow::encode`] wrote; `None`: damaged, or of a format to come.
    pub(crate) fn decode(bytes: &[u8]) -> Option<NameRow> {
        let (&FORMAT, mut rest) = bytes.split_first()? else { return None };
        let mut words = [0; 7];
        for word in &mut words {
            *word = varint(&mut rest)?;
        }
        let [number, count, size, capacity, set, zset, 0] = words else { return None };
        let number = u32::try_from(number).ok().filter(|number| *number < crate::kind::NUMBERS)?;
        let hash = Stat { count, size, capacity };
        rest.is_empty().then_some(NameRow { number, figures: Figures { hash, set, zset } })
    }
}

fn varint(from: &mut &[u8]) -> Option<u64> {
    let mut word = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = from.split_first()?;
        *from = rest;
        word |= u64::from(byte & 0x7f).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            return Some(word);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> NameRow {
        let hash = Stat { count: 300, size: 77_777, capacity: 1 << 40 };
        NameRow { number: 0xfff_ffff, figures: Figures { hash, set: 1, zset: u64::MAX } }
    }

    #[test]
    fn rows_round_trip() {
        for row in [NameRow::default(), row()] {
            let mut bytes = [0; NAME_ROW_BYTES_MAX];
            let len = row.encode(&mut bytes);
            assert_eq!(NameRow::decode(&bytes[..len]), Some(row));
            for cut in 0..len {
                assert_eq!(NameRow::decode(&bytes[..cut]), None, "cut at {cut}");
            }
            assert_eq!(NameRow::decode(&[&bytes[..len], b"\0"].concat()), None);
        }
        assert_eq!(NameRow::decode(b"\x02\0\0\0\0\0\0\0"), None, "a format to come");
        assert_eq!(NameRow::decode(b"\x01\xff\xff\xff\xff\x7f\0\0\0\0\0\0"), None, "a number too great");
    }

    #[test]
    fn the_first_type_with_rows_is_shown() {
        let mut figures = Figures::default();
        assert_eq!(figures.shown(), None);
        for kind in [Kind::Zset, Kind::Set, Kind::Hash] {
            figures.add(kind, 9);
            assert_eq!(figures.shown(), Some(kind));
        }
        figures.subtract(Kind::Hash, 9);
        assert_eq!(figures.shown(), Some(Kind::Set));
        figures.subtract(Kind::Set, 1);
        figures.subtract(Kind::Zset, 1);
        assert_eq!(figures, Figures::default());
    }
}

//! The rows of one file within a window of slots: a range of md5s.
//!
//! Files and slots are both prefixes of the md5, so in each hashed table of the engine the rows of a file that a window
//! shows lie side by side.

use std::ops::Range;

use hust_engine::Key;

use crate::address::{SLOTS, slot_of};

/// Least and greatest md5.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    low: [u8; 16],
    high: [u8; 16],
}

impl Window {
    /// The part of `file` that lies in `slots`, if there is one.
    pub(crate) fn of_file(file: usize, files: usize, slots: &Range<u16>) -> Option<Window> {
        let slots_to = |file: usize| (file * usize::from(SLOTS)).div_ceil(files) as u16;
        let low = slots.start.max(slots_to(file));
        let high = slots.end.min(slots_to(file + 1));
        let bound = |slot: u16, fill: u8| {
            let mut md5 = [fill; 16];
            let [first, second] = (slot << 6).to_be_bytes();
            md5[0] = first;
            md5[1] = second | fill & 0x3f;
            md5
        };
        (low < high).then(|| Window { low: bound(low, 0), high: bound(high - 1, 0xff) })
    }

    /// The first key in this engine table.
    pub(crate) fn first(&self, table: u32) -> Key {
        Key::hashed(table, self.low)
    }

    /// The last key in this engine table.
    pub(crate) fn last(&self, table: u32) -> Key {
        let mut tail = [0xff; 20];
        tail[..16].copy_from_slice(&self.high);
        Key::new(table, tail)
    }

    /// Where `key` lies among the rows that the window shows of its table.
    pub(crate) fn holds(&self, key: Key) -> Within {
        let table = key.table();
        if key < self.first(table) {
            Within::Before
        } else if key > self.last(table) {
            Within::Behind
        } else {
            Within::Inside
        }
    }
}

/// Where a key lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Within {
    Before,
    Inside,
    Behind,
}

/// Whether a window of slots shows what lies at this md5.
pub(crate) fn shows(slots: &Range<u16>, md5: &[u8; 16]) -> bool {
    slots.contains(&slot_of(md5))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{address::Address, kind::Kind};

    #[test]
    fn a_file_within_a_window_is_a_range_of_keys() {
        for number in 0..500u32 {
            let address = Address::kv(&number.to_be_bytes());
            let in_table = Key::hashed(Kind::Hash.table(7), address.md5);
            for files in [1usize, 8, 1024] {
                for file in [0, 1, 5, 7].into_iter().filter(|file| *file < files) {
                    for slots in [0..1024, 51..53, 127..600, 5..6] {
                        let inside =
                            address.key.partition(files.ilog2()) == file && slots.contains(&address.slot);
                        let window = Window::of_file(file, files, &slots);
                        for key in [address.key, in_table] {
                            let within = window.is_some_and(|window| window.holds(key) == Within::Inside);
                            assert_eq!(within, inside, "{number} {file}/{files} {slots:?}");
                        }
                    }
                }
            }
        }
        assert_eq!(Window::of_file(0, 8, &(128..1024)), None);
        assert_eq!(Window::of_file(7, 8, &(0..1024)).unwrap().last(0), Key::new(0, [0xff; 20]));
    }
}

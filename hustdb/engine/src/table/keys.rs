//! The key array of a block: what all keys have in common is left out, the rest is compared where it lies.
//!
//! The first `skip` bytes are equal in all keys (and kept once, in the first key), bytes from `skip + width` on are
//! zero in all. A width of 8 or 16 is read as whole words; 16 holds an md5 without its table number and its trailing
//! zeros. Fields of many small tables in one block have table numbers that differ in their last bytes: those keys take
//! the width they need, 18 or so, and the last word is read such that it ends with the key.

use std::cmp::Ordering;

use super::{layout::u64_be_at, search::search};
use crate::{Key, key::KEY_BYTES};

/// Widths a stored key can have, ascending.
const WIDTHS: [usize; 10] = [8, 16, 17, 18, 19, 20, 21, 22, 23, 24];

/// How the keys of a block are cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct KeyShape {
    pub skip: u8,
    pub width: u8,
}

impl KeyShape {
    /// The narrowest shape for the ascending `keys`.
    pub fn of(keys: &[Key]) -> KeyShape {
        let (Some(first), Some(last)) = (keys.first(), keys.last()) else {
            return KeyShape { skip: 0, width: 8 };
        };
        let union = keys.iter().fold([0; 3], |[a, b, c], Key([x, y, z])| [a | x, b | y, c | z]);
        let common = common_bits(*first, *last) / 8;
        let end = KEY_BYTES - trailing_zero_bits(union) / 8;
        let width = WIDTHS.into_iter().find(|width| common.min(KEY_BYTES - width) + width >= end);
        let width = width.unwrap_or(KEY_BYTES);
        KeyShape { skip: common.min(KEY_BYTES - width) as u8, width: width as u8 }
    }

    /// Whether there is such a shape.
    pub fn is_sound(self) -> bool {
        let width = usize::from(self.width);
        WIDTHS.contains(&width) && usize::from(self.skip) + width <= KEY_BYTES
    }

    /// Leading bits that are not stored, at most 128.
    #[inline(always)]
    pub fn skipped_bits(self) -> u32 {
        u32::from(self.skip.min(16)) * 8
    }

    /// Appends the stored part of a key.
    pub fn encode(self, key: Key, out: &mut Vec<u8>) {
        let (skip, width) = (usize::from(self.skip), usize::from(self.width));
        out.extend(key.to_bytes().into_iter().skip(skip).take(width));
    }
}

/// Where in a block a key may be. Hints: right answers do not depend on them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Guess {
    pub row: usize,
    /// About how far the block's first key lies below it, in the first word of the stored parts.
    pub below: u64,
    /// About how far the first key behind the block lies above it.
    pub above: u64,
}

/// Leading bits that two keys share, 0 to 192.
pub(super) fn common_bits(a: Key, b: Key) -> usize {
    let [x, y, z] = [a.0[0] ^ b.0[0], a.0[1] ^ b.0[1], a.0[2] ^ b.0[2]];
    (if x != 0 {
        x.leading_zeros()
    } else if y != 0 {
        64 + y.leading_zeros()
    } else {
        128 + z.leading_zeros()
    }) as usize
}

fn trailing_zero_bits([a, b, c]: [u64; 3]) -> usize {
    (if c != 0 {
        c.trailing_zeros()
    } else if b != 0 {
        64 + b.trailing_zeros()
    } else {
        128 + a.trailing_zeros()
    }) as usize
}

/// `key` without its first `bits` bits, zeros moving in; `bits` is below 192.
#[inline(always)]
pub(super) fn shifted([a, b, c]: [u64; 3], bits: u32) -> [u64; 3] {
    let [a, b, c] = match bits / 64 {
        0 => [a, b, c],
        1 => [b, c, 0],
        _ => [c, 0, 0],
    };
    let bits = bits % 64;
    let carry = |word: u64| (word >> 1) >> (63 - bits);
    [a << bits | carry(b), b << bits | carry(c), c << bits]
}

/// The keys of one block as they lie in the file.
#[derive(Clone, Copy)]
pub(super) struct Keys<'a> {
    pub bytes: &'a [u8],
    pub shape: KeyShape,
    /// The block's first key, for what is left out of the others.
    pub first: Key,
}

impl Keys<'_> {
    /// Number of keys.
    pub fn len(&self) -> usize {
        self.bytes.len() / usize::from(self.shape.width).max(1)
    }

    /// Bytes of a stored key of `WORDS` words: known when compiled but for keys of three.
    #[inline(always)]
    fn width<const WORDS: usize>(&self) -> usize {
        if WORDS < 3 { WORDS * 8 } else { usize::from(self.shape.width).max(WORDS * 8 - 7) }
    }

    /// The stored part of key `row`, left-aligned, zeros behind.
    #[inline(always)]
    fn words<const WORDS: usize>(&self, row: usize) -> [u64; WORDS] {
        let width = self.width::<WORDS>();
        let at = row * width;
        std::array::from_fn(|word| {
            // A last word of fewer bytes is read where it ends, since behind it is another key or nothing.
            let over = (word * 8 + 8).saturating_sub(width);
            u64_be_at(self.bytes, at + word * 8 - over) << (over * 8)
        })
    }

    /// Key `row` in full.
    pub fn key(&self, row: usize) -> Key {
        let [a, b, c] = match self.shape.width {
            8 => [self.words::<1>(row)[0], 0, 0],
            16 => {
                let [a, b] = self.words::<2>(row);
                [a, b, 0]
            }
            _ => self.words::<3>(row),
        };
        let bits = self.shape.skipped_bits();
        let Key(first) = self.first;
        if bits == 0 {
            return Key([a, b, c]);
        }
        let kept = |word: u32| match bits.saturating_sub(64 * word) {
            0 => 0,
            bits if bits < 64 => !(u64::MAX >> bits),
            _ => u64::MAX,
        };
        let (word, bit) = (bits / 64, bits % 64);
        let carry = |word: u64| (word << 1) << (63 - bit);
        let [a, b, c] = [a >> bit, b >> bit | carry(a), c >> bit | carry(b)];
        let [a, b, c] = match word {
            0 => [a, b, c],
            1 => [0, a, b],
            _ => [0, 0, a],
        };
        Key([first[0] & kept(0) | a, first[1] & kept(1) | b, first[2] & kept(2) | c])
    }

    /// The row of `key`, if there is one.
    #[inline(always)]
    pub fn find(&self, key: Key, guess: Guess) -> Option<usize> {
        let row = self.search_stored(key, guess).ok()?;
        // Last, since the first key comes from memory that may still be on its way.
        self.shares_skipped(key).then_some(row)
    }

    /// The row of `key`, or where it would be inserted.
    pub fn search(&self, key: Key, guess: Guess) -> Result<usize, usize> {
        if !self.shares_skipped(key) {
            return Err(if key < self.first { 0 } else { self.len() });
        }
        self.search_stored(key, guess)
    }

    /// Whether `key` has the bytes that all keys of the block have and that are not stored.
    #[inline(always)]
    fn shares_skipped(&self, key: Key) -> bool {
        common_bits(self.first, key) as u32 >= self.shape.skipped_bits()
    }

    /// Searches the stored parts alone.
    #[inline(always)]
    fn search_stored(&self, key: Key, guess: Guess) -> Result<usize, usize> {
        let target = shifted(key.0, self.shape.skipped_bits());
        match self.shape.width {
            8 => self.search_words::<1>(target, guess),
            16 => self.search_words::<2>(target, guess),
            _ => self.search_words::<3>(target, guess),
        }
    }

    #[inline(always)]
    fn search_words<const WORDS: usize>(&self, target: [u64; 3], guess: Guess) -> Result<usize, usize> {
        let wanted: [u64; WORDS] = std::array::from_fn(|word| target[word]);
        // A stored key goes on with zeros; where the wanted one does not, it is greater than an equal one.
        let on_equal =
            if target.iter().skip(WORDS).all(|&word| word == 0) { Ordering::Equal } else { Ordering::Less };
        let compare = |row| self.words::<WORDS>(row).cmp(&wanted).then(on_equal);
        let span = (target[0].saturating_sub(guess.below), target[0].saturating_add(guess.above));
        let width = self.width::<WORDS>();
        let word = |row: usize| u64_be_at(self.bytes, row * width);
        search(self.bytes.len() / width, guess.row, target[0], span, word, compare)
    }
}

//! Search in a sorted array whose keys are mostly spread evenly.
//!
//! A few interpolated probes land next to the place when keys are hashes; from there the search gallops outwards and
//! ends as a binary search, so that an array of any distribution costs O(log n) probes.

use std::cmp::Ordering;

/// Interpolated probes before the search gives up on an even spread.
const INTERPOLATIONS: usize = 3;
/// Distance below which one more interpolation gains nothing over stepping.
const NEAR: usize = 3;

/// Finds a key among `len` sorted ones, as `slice::binary_search` does: its place, or where it would be inserted.
///
/// `word(i)` is a number that grows with key `i` (equal for different keys is fine), `target` that of the wanted key,
/// `span` an estimate of the words before the first and behind the last key, `guess` of the place. `compare(i)` is the
/// order of key `i` against the wanted one. Only `compare` decides what is found.
#[inline(always)]
pub(super) fn search(
    len: usize,
    guess: usize,
    target: u64,
    span: (u64, u64),
    word: impl Fn(usize) -> u64,
    compare: impl Fn(usize) -> Ordering,
) -> Result<usize, usize> {
    if len == 0 {
        return Err(0);
    }
    // Keys before `low` are smaller than the wanted one, those from `high` on greater.
    let (mut low, mut high) = (0, len);
    let (mut low_word, mut high_word) = span;
    let mut at = guess.min(len - 1);
    let mut side = Ordering::Less;
    for _ in 0..INTERPOLATIONS {
        side = compare(at);
        match side {
            Ordering::Equal => return Ok(at),
            Ordering::Less => (low, low_word) = (at + 1, word(at)),
            Ordering::Greater => (high, high_word) = (at, word(at)),
        }
        if low >= high {
            return Err(low);
        }
        let next = low + interpolate(high - low, target, low_word, high_word);
        let near = next.abs_diff(at) <= NEAR;
        at = next;
        if near {
            break;
        }
    }
    gallop(low, high, side, compare)
}

/// Place of `target` among `len` keys between the words `low` and `high`, were they spread evenly.
#[inline(always)]
pub(super) fn interpolate(len: usize, target: u64, low: u64, high: u64) -> usize {
    let share = target.saturating_sub(low) as f64 / high.saturating_sub(low).max(1) as f64;
    ((share * len as f64) as usize).min(len - 1)
}

/// Ends a search in `low..high`: the place lies close behind `low` if `side` is less, else close before `high`.
#[inline(always)]
fn gallop(
    mut low: usize,
    mut high: usize,
    side: Ordering,
    compare: impl Fn(usize) -> Ordering,
) -> Result<usize, usize> {
    let mut step = 1;
    while low < high {
        let at = match side {
            _ if step >= high - low => low + (high - low) / 2,
            Ordering::Less => low + step - 1,
            _ => high - step,
        };
        match compare(at) {
            Ordering::Equal => return Ok(at),
            Ordering::Less => low = at + 1,
            Ordering::Greater => high = at,
        }
        step *= 2;
    }
    Err(low)
}

//! Search in a sorted array whose keys are mostly spread evenly.
//!
//! One interpolation lands next to the place when keys are hashes; a window around it is then counted through without
//! branches, since which way each comparison goes is as good as random. Where the window misses, the search gallops
//! outwards and ends as a binary search, so that an array of any distribution costs O(log n).

use std::cmp::Ordering;

/// Keys that are counted through. An even spread leaves the place within two or three of the interpolated one.
const WINDOW: usize = 8;

/// Finds a key among `len` sorted ones, as `slice::binary_search` does: its place, or where it would be inserted.
///
/// `word(i)` is a number that grows with key `i` (equal for different keys is fine), `target` that of the wanted key,
/// `compare(i)` the order of key `i` against the wanted one. `guess` is an estimate of the place, `span` of the words
/// of the first key and of one behind the last; they decide how fast the key is found, not what is found.
#[inline(always)]
pub(super) fn search(
    len: usize,
    guess: usize,
    target: u64,
    span: (u64, u64),
    word: impl Fn(usize) -> u64,
    compare: impl Fn(usize) -> Ordering,
) -> Result<usize, usize> {
    let place = first_not_less(len, guess, target, span, &word);
    if place == len || word(place) != target {
        return Err(place);
    }
    match compare(place) {
        Ordering::Equal => Ok(place),
        Ordering::Greater => Err(place),
        Ordering::Less => gallop(place + 1, len, Ordering::Less, compare),
    }
}

/// The first of `len` ascending words that is not less than `target`.
#[inline(always)]
fn first_not_less(
    len: usize,
    guess: usize,
    target: u64,
    span: (u64, u64),
    word: &impl Fn(usize) -> u64,
) -> usize {
    if len == 0 {
        return 0;
    }
    let at = guess.min(len - 1);
    let found = word(at);
    let less = found < target;
    // Words before `low` are less than the target, those from `high` on are not.
    let low = if less { at + 1 } else { 0 };
    let high = if less { len } else { at };
    if low >= high {
        return low;
    }
    let low_word = if less { found } else { span.0 };
    let high_word = if less { span.1 } else { found };
    let at = low + interpolate(high - low, target, low_word, high_word);

    let from = at.saturating_sub(WINDOW / 2).max(low);
    let to = (from + WINDOW).min(high);
    let place = from + (from..to).map(|at| usize::from(word(at) < target)).sum::<usize>();
    let order = |at: usize| if word(at) < target { Ordering::Less } else { Ordering::Greater };
    // Nothing is equal in this order, so both answers of the gallop are the place.
    if place == to && to < high {
        gallop(to, high, Ordering::Less, order).unwrap_or_else(|place| place)
    } else if place == from && low < from {
        gallop(low, from, Ordering::Greater, order).unwrap_or_else(|place| place)
    } else {
        place
    }
}

/// Place of `target` among `len` keys between the words `low` and `high`, were they spread evenly; `len` is not 0.
#[inline(always)]
pub(super) fn interpolate(len: usize, target: u64, low: u64, high: u64) -> usize {
    // Halved, since processors convert signed numbers faster; the lost bit does not matter.
    let share = |distance: u64| (distance >> 1).cast_signed() as f64;
    let at = share(target.saturating_sub(low)) * len as f64 / share(high.saturating_sub(low)).max(1.0);
    (at as i64 as usize).min(len - 1)
}

/// Ends a search in `low..high`: the place lies close behind `low` if `side` is less, else close before `high`.
#[inline]
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

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    /// Keys are pairs; the word is the first of the two.
    fn assert_finds_all(keys: &[(u64, u64)]) {
        let len = keys.len();
        for (n, &(a, b)) in keys.iter().enumerate() {
            for wanted in [(a, b), (a, b + 1), (a, b.wrapping_sub(1)), (a.wrapping_add(1), b), (!a, b)] {
                for guess in [0, n, len / 2, len, usize::MAX] {
                    for span in [(0, u64::MAX), (keys[0].0, keys[len - 1].0), (u64::MAX, 0)] {
                        let probes = Cell::new(0);
                        let count = || probes.set(probes.get() + 1);
                        let word = |at: usize| {
                            count();
                            keys[at].0
                        };
                        let compare = |at: usize| {
                            count();
                            keys[at].cmp(&wanted)
                        };
                        let found = search(len, guess, wanted.0, span, word, compare);
                        assert_eq!(found, keys.binary_search(&wanted), "{wanted:?} from {guess}");
                        let bound = 12 + 4 * len.ilog2();
                        assert!(probes.get() <= bound, "{} probes of {len}", probes.get());
                    }
                }
            }
        }
    }

    #[test]
    fn any_distribution_is_searched_in_few_probes() {
        assert_eq!(search(0, 0, 7, (0, 9), |_| 0, |_| Ordering::Equal), Err(0));
        let even: Vec<(u64, u64)> = (0..300).map(|n| (n << 50, 1)).collect();
        let powers: Vec<(u64, u64)> = (0..64).map(|n| (1 << n, 1)).collect();
        let equal: Vec<(u64, u64)> = (0..300).map(|n| (7, 2 * n + 1)).collect();
        let steps: Vec<(u64, u64)> = (0..300).map(|n| (n / 100 * (u64::MAX / 4), 3 * n + 1)).collect();
        for keys in [even, powers, equal, steps, vec![(0, 1)], vec![(u64::MAX, 1)], vec![(1, 1), (1, 3)]] {
            assert_finds_all(&keys);
        }
    }
}

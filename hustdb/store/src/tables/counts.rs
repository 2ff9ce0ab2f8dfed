//! The figures of a table in memory: changed by differences after each batch, read at any time.
//!
//! Batches of one table commit in some order and report here in any; differences make the sum right whatever the
//! order. A reader may see the moment between two counters of one difference, never a lost one.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::Figures;
use crate::{kind::Kind, tally::Stat};

/// [`Figures`] that many threads change.
#[derive(Debug, Default)]
pub(crate) struct Counts([AtomicU64; 5]);

impl Counts {
    /// Sets the figures of a table that nobody else knows yet.
    pub(crate) fn set(&self, figures: &Figures) {
        for (counter, figure) in self.0.iter().zip(words(figures)) {
            counter.store(figure, Relaxed);
        }
    }

    /// Adds the difference between two states of the name row.
    pub(crate) fn change(&self, before: &Figures, after: &Figures) {
        for ((counter, before), after) in self.0.iter().zip(words(before)).zip(words(after)) {
            if before != after {
                counter.fetch_add(after.wrapping_sub(before), Relaxed);
            }
        }
    }

    /// The figures now.
    pub(crate) fn figures(&self) -> Figures {
        // A decrement that reports before its increment leaves a counter below zero for a moment.
        let word =
            |at: usize| self.0.get(at).map_or(0, |counter| counter.load(Relaxed).cast_signed().max(0) as u64);
        Figures {
            hash: Stat { count: word(0), size: word(1), capacity: word(2) },
            set: word(3),
            zset: word(4),
        }
    }

    /// The type that the name shows.
    pub(crate) fn shown(&self) -> Option<Kind> {
        self.figures().shown()
    }
}

fn words(figures: &Figures) -> [u64; 5] {
    let Figures { hash, set, zset } = figures;
    [hash.count, hash.size, hash.capacity, *set, *zset]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_add_up_in_any_order() {
        let mut figures = vec![Figures::default()];
        for (kind, bytes) in [(Kind::Hash, 5), (Kind::Hash, 2000), (Kind::Set, 1), (Kind::Zset, 3)] {
            let mut next = figures[figures.len() - 1];
            next.add(kind, bytes);
            figures.push(next);
        }
        let counts = Counts::default();
        for pair in figures.windows(2).rev() {
            counts.change(&pair[0], &pair[1]);
        }
        assert_eq!(counts.figures(), figures[4]);
        assert_eq!(counts.shown(), Some(Kind::Hash));
        counts.change(&figures[2], &figures[0]);
        assert_eq!(counts.shown(), Some(Kind::Set));
    }
}

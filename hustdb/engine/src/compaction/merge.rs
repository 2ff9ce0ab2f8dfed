//! Several sorted sources walked as one.
//!
//! Sources stand newest first; of equal keys the row of the newest source is shown and the others are skipped. The
//! head keys lie side by side and are scanned when the winner changes: as long as the winner stays ahead of the
//! second best, moving on costs one comparison, and for the dozen sources a compaction or a scan has, that beats a
//! tree. A source that ends leaves the scan.

use std::{cmp::Ordering, fmt};

use crate::{Key, Result, RowRef};

use super::cursor::{Direction, RowCursor, past_the_end};

/// The merged walk; itself a [`RowCursor`].
pub struct Merge<C> {
    sources: Vec<C>,
    /// Head keys of the sources, all different from `None` there.
    heads: Vec<Key>,
    direction: Direction,
    winner: usize,
    /// The best head besides the winner's.
    second: Option<Key>,
}

impl<C: RowCursor> Merge<C> {
    /// Merges `sources`, newest first, which all walk in `direction` and stand at their first row.
    pub fn new(sources: Vec<C>, direction: Direction) -> Merge<C> {
        let (heads, sources) = sources.into_iter().filter_map(|source| Some((source.key()?, source))).unzip();
        let mut merge = Merge { sources, heads, direction, winner: 0, second: None };
        merge.scan();
        merge
    }

    /// Which of the remaining sources the row here comes from is not told; how many remain is.
    pub fn sources_left(&self) -> usize {
        self.sources.len()
    }

    #[inline]
    fn order(&self, a: &Key, b: &Key) -> Ordering {
        match self.direction {
            Direction::Forward => a.cmp(b),
            Direction::Backward => b.cmp(a),
        }
    }

    /// Finds winner and second best.
    fn scan(&mut self) {
        let mut heads = self.heads.iter().enumerate();
        let Some((mut winner, mut best)) = heads.next() else { return };
        let mut second: Option<&Key> = None;
        for (at, head) in heads {
            // Equal heads stay behind: the earlier source is the newer.
            if self.order(head, best).is_lt() {
                second = Some(best);
                (winner, best) = (at, head);
            } else if second.is_none_or(|second| self.order(head, second).is_lt()) {
                second = Some(head);
            }
        }
        self.second = second.copied();
        self.winner = winner;
    }

    /// Moves source `at` on; `false` if it ended and was removed.
    fn advance_source(&mut self, at: usize) -> Result<bool> {
        self.sources[at].advance()?;
        let Some(key) = self.sources[at].key() else {
            self.sources.remove(at);
            self.heads.remove(at);
            return Ok(false);
        };
        debug_assert!(self.order(&key, &self.heads[at]).is_gt(), "a source out of order");
        self.heads[at] = key;
        Ok(true)
    }
}

impl<C: RowCursor> RowCursor for Merge<C> {
    #[inline]
    fn key(&self) -> Option<Key> {
        self.heads.get(self.winner).copied()
    }

    fn row(&self) -> Result<RowRef<'_>> {
        self.sources.get(self.winner).ok_or_else(past_the_end)?.row()
    }

    fn advance(&mut self) -> Result<()> {
        let Some(shown) = self.key() else { return Ok(()) };
        if self.second == Some(shown) {
            // Older rows of the key shown. Backwards, so that removing one leaves the others in place.
            for at in (self.winner + 1..self.heads.len()).rev() {
                if self.heads[at] == shown {
                    self.advance_source(at)?;
                }
            }
            self.advance_source(self.winner)?;
            self.scan();
        } else if !self.advance_source(self.winner)?
            || self.second.is_some_and(|second| self.order(&self.heads[self.winner], &second).is_ge())
        {
            self.scan();
        }
        Ok(())
    }
}

impl<C> fmt::Debug for Merge<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Merge({} sources, {:?})", self.sources.len(), self.direction)
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, sync::Arc};

    use super::*;
    use crate::{Meta, Value, compaction::simulate::Random, memtable::Memtable};

    fn row(version: u64) -> RowRef<'static> {
        RowRef { meta: Meta { version, ..Meta::default() }, user_key: b"k", value: Value::Inline(b"v") }
    }

    fn walk(mut merge: Merge<impl RowCursor>) -> Vec<(Key, u64)> {
        let mut rows = Vec::new();
        while let Some(key) = merge.key() {
            rows.push((key, merge.row().unwrap().meta.version));
            merge.advance().unwrap();
        }
        assert!(merge.row().is_err() && merge.advance().is_ok() && merge.sources_left() == 0);
        rows
    }

    #[test]
    fn the_newest_source_wins_in_both_directions() {
        for seed in 0..200 {
            let mut random = Random::new(seed);
            let count = random.below(9) as usize;
            let space = 1 + random.below(400);
            let mut model = BTreeMap::new();
            let mut memtables = Vec::new();
            // Oldest first, so that the model keeps the newest.
            for source in 0..count {
                let memtable = Arc::new(Memtable::new());
                for _ in 0..random.below(300) {
                    let key = Key([random.below(space) / 7, random.below(2), random.below(3)]);
                    memtable.insert(key, &row(source as u64));
                    model.insert(key, source as u64);
                }
                memtables.insert(0, memtable.freeze());
            }
            let mut expected: Vec<_> = model.into_iter().collect();
            for direction in [Direction::Forward, Direction::Backward] {
                let cursors = memtables.iter().map(|m| m.cursor(direction)).collect();
                assert_eq!(walk(Merge::new(cursors, direction)), expected, "seed {seed} {direction:?}");
                expected.reverse();
            }
        }
    }

    #[test]
    fn boxed_sources_and_no_sources_merge() {
        let memtable = Arc::new(Memtable::new());
        memtable.insert(Key::MAX, &row(1));
        let source: Box<dyn RowCursor> = Box::new(memtable.freeze().cursor(Direction::Forward));
        assert_eq!(walk(Merge::new(vec![source], Direction::Forward)), [(Key::MAX, 1)]);
        assert_eq!(walk(Merge::<Box<dyn RowCursor>>::new(Vec::new(), Direction::Backward)), []);
    }
}

//! The live indices of a push queue, as runs: what is counted, listed and looked up without reading a message.
//!
//! Each run has a slot of its own and a row there; the lowest free slot is taken first, so a start-up reads as many
//! rows as there were runs at one time. Every change is noted, so that a write that is refused can be undone.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// Consecutive live indices, both bounds included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Run {
    pub(crate) start: u64,
    pub(crate) end: u64,
}

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Runs {
    slots: BTreeMap<u32, Run>,
    by_start: BTreeMap<u64, u32>,
    free: BTreeSet<u32>,
    count: u64,
}

/// Slots before they were changed, in the order of the changes.
#[derive(Debug, Default)]
pub(crate) struct Journal(Vec<(u32, Option<Run>)>);

impl Journal {
    /// The slots that changed, each once.
    pub(crate) fn slots(&self) -> BTreeSet<u32> {
        self.0.iter().map(|(slot, _)| *slot).collect()
    }
}

impl Runs {
    /// Fills or frees a slot and answers what was in it.
    pub(crate) fn set(&mut self, slot: u32, run: Option<Run>) -> Option<Run> {
        let before = self.slots.remove(&slot);
        if let Some(before) = before {
            self.by_start.remove(&before.start);
            self.count = self.count.saturating_sub(before.end - before.start + 1);
        }
        match run.filter(|run| run.start <= run.end) {
            Some(run) => {
                let next = self.next_slot();
                if slot >= next {
                    self.free.extend(next..slot);
                }
                self.free.remove(&slot);
                self.slots.insert(slot, run);
                self.by_start.insert(run.start, slot);
                self.count = self.count.saturating_add(run.end - run.start + 1);
            }
            None if before.is_some() => {
                self.free.insert(slot);
            }
            None => {}
        }
        before
    }

    /// The slot behind all that are known.
    fn next_slot(&self) -> u32 {
        let used = self.slots.last_key_value().map_or(0, |(slot, _)| slot + 1);
        used.max(self.free.last().map_or(0, |slot| slot + 1))
    }

    /// The run in a slot.
    pub(crate) fn get(&self, slot: u32) -> Option<Run> {
        self.slots.get(&slot).copied()
    }

    /// Takes changes back.
    pub(crate) fn undo(&mut self, journal: Journal) {
        for (slot, before) in journal.0.into_iter().rev() {
            self.set(slot, before);
        }
    }

    fn change(&mut self, slot: u32, run: Option<Run>, journal: &mut Journal) {
        let before = self.set(slot, run);
        journal.0.push((slot, before));
    }

    /// The run that begins last at or before `index`.
    fn before(&self, index: u64) -> Option<(u32, Run)> {
        let (_, slot) = self.by_start.range(..=index).next_back()?;
        Some((*slot, self.get(*slot)?))
    }

    /// Whether this message is live.
    pub(crate) fn contains(&self, index: u64) -> bool {
        self.before(index).is_some_and(|(_, run)| index <= run.end)
    }

    /// Adds an index that is not there; `false` if it is.
    pub(crate) fn insert(&mut self, index: u64, journal: &mut Journal) -> bool {
        let left = self.before(index);
        if left.is_some_and(|(_, run)| index <= run.end) {
            return false;
        }
        let left = left.filter(|(_, run)| run.end.checked_add(1) == Some(index));
        let right = index.checked_add(1).and_then(|next| {
            let slot = *self.by_start.get(&next)?;
            Some((slot, self.get(slot)?))
        });
        match (left, right) {
            (Some((slot, left)), Some((other, right))) => {
                self.change(other, None, journal);
                self.change(slot, Some(Run { start: left.start, end: right.end }), journal);
            }
            (Some((slot, left)), None) => self.change(slot, Some(Run { end: index, ..left }), journal),
            (None, Some((slot, right))) => self.change(slot, Some(Run { start: index, ..right }), journal),
            (None, None) => {
                let slot = self.free.first().copied().unwrap_or_else(|| self.next_slot());
                self.change(slot, Some(Run { start: index, end: index }), journal);
            }
        }
        true
    }

    /// Removes one index; `false` if it is not there.
    pub(crate) fn remove(&mut self, index: u64, journal: &mut Journal) -> bool {
        let Some((slot, run)) = self.before(index).filter(|(_, run)| index <= run.end) else { return false };
        match (run.start == index, run.end == index) {
            (true, true) => self.change(slot, None, journal),
            (true, false) => self.change(slot, Some(Run { start: index + 1, ..run }), journal),
            (false, true) => self.change(slot, Some(Run { end: index - 1, ..run }), journal),
            (false, false) => {
                self.change(slot, Some(Run { end: index - 1, ..run }), journal);
                let other = self.free.first().copied().unwrap_or_else(|| self.next_slot());
                self.change(other, Some(Run { start: index + 1, ..run }), journal);
            }
        }
        true
    }

    /// Removes everything up to `floor`.
    pub(crate) fn drop_to(&mut self, floor: u64, journal: &mut Journal) {
        while let Some((slot, run)) = self.first() {
            if run.start > floor {
                return;
            }
            if run.end > floor {
                return self.change(slot, Some(Run { start: floor + 1, ..run }), journal);
            }
            self.change(slot, None, journal);
        }
    }

    /// The first run.
    fn first(&self) -> Option<(u32, Run)> {
        let slot = *self.by_start.values().next()?;
        Some((slot, self.get(slot)?))
    }

    /// The first live index.
    pub(crate) fn first_index(&self) -> Option<u64> {
        self.by_start.keys().next().copied()
    }

    /// The first live index at or behind `index`.
    pub(crate) fn at_or_after(&self, index: u64) -> Option<u64> {
        if self.contains(index) {
            return Some(index);
        }
        self.by_start.range(index..).next().map(|(start, _)| *start)
    }

    /// Live messages.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// Live messages behind `floor`. Costs as much as to drop the others.
    pub(crate) fn count_after(&self, floor: u64) -> u64 {
        let dropped = self.by_start.range(..=floor).filter_map(|(_, slot)| self.get(*slot));
        self.count.saturating_sub(dropped.map(|run| run.end.min(floor) - run.start + 1).sum())
    }

    /// All runs, ascending and maximal.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Run> + '_ {
        self.by_start.values().filter_map(|slot| self.get(*slot))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(runs: &Runs, model: &BTreeSet<u64>) {
        let listed: Vec<u64> = runs.iter().flat_map(|run| run.start..=run.end).collect();
        assert_eq!(listed, model.iter().copied().collect::<Vec<_>>());
        assert!(
            runs.iter().zip(runs.iter().skip(1)).all(|(left, right)| left.end + 1 < right.start),
            "maximal"
        );
        assert_eq!(runs.count(), model.len() as u64);
        for index in 0..40 {
            assert_eq!(runs.contains(index), model.contains(&index), "{index}");
            assert_eq!(runs.count_after(index), model.range(index + 1..).count() as u64, "{index}");
            assert_eq!(runs.at_or_after(index), model.range(index..).next().copied(), "{index}");
        }
        let slots: BTreeSet<u32> = runs.slots.keys().copied().collect();
        assert!(slots.is_disjoint(&runs.free));
        assert_eq!(slots.len() + runs.free.len(), runs.next_slot() as usize, "no slot is lost");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]
        #[test]
        fn runs_are_a_set_of_indices(steps in proptest::collection::vec((0u8..5, 0u64..32), 1..60)) {
            let (mut runs, mut model) = (Runs::default(), BTreeSet::new());
            for (step, index) in steps {
                let (before, mut journal) = (runs.clone(), Journal::default());
                let mut after = model.clone();
                match step {
                    0..3 => { prop_assert_eq!(runs.insert(index, &mut journal), after.insert(index)); }
                    3 => { prop_assert_eq!(runs.remove(index, &mut journal), after.remove(&index)); }
                    _ => {
                        runs.drop_to(index / 2, &mut journal);
                        after.retain(|there| *there > index / 2);
                    }
                }
                check(&runs, &after);
                if index % 3 == 0 {
                    runs.undo(journal);
                    check(&runs, &model);
                    prop_assert_eq!(&runs.slots, &before.slots);
                } else {
                    model = after;
                }
            }
        }
    }
}

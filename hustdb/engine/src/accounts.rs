//! What a partition counts besides its rows: live bytes of large values by segment, and the caller's tallies.
//!
//! Owned by the partition's writer; changed only under its lock, in the order of the log. The [`AccountsImage`] taken
//! when a memtable is frozen goes to the manifest with that memtable's flush; replay of the log adds the rest, so the
//! numbers are exact after any crash. Tallies are atomics only so that readers need no lock.

use std::{
    collections::HashMap,
    sync::atomic::{AtomicI64, Ordering::Relaxed},
};

use serde::{Deserialize, Serialize};

use crate::batch::{LANES, SLOTS};

/// Live bytes of large values, by segment.
#[derive(Debug, Default)]
pub(crate) struct LiveBytes(HashMap<u32, i64>);

impl LiveBytes {
    pub fn add(&mut self, segment: u32, bytes: u32) {
        *self.0.entry(segment).or_default() += i64::from(bytes);
    }

    pub fn subtract(&mut self, segment: u32, bytes: u32) {
        let live = self.0.entry(segment).or_default();
        *live -= i64::from(bytes);
        debug_assert!(*live >= 0, "segment {segment} has {live} live bytes");
        if *live == 0 {
            self.0.remove(&segment);
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = (u32, i64)> + '_ {
        self.0.iter().map(|(&segment, &bytes)| (segment, bytes))
    }
}

/// The caller's sums: [`LANES`] for each of [`SLOTS`] slots.
#[derive(Debug)]
pub(crate) struct Tallies {
    slots: Box<[[AtomicI64; LANES]]>,
    totals: [AtomicI64; LANES],
}

impl Tallies {
    pub fn new() -> Tallies {
        Tallies { slots: (0..SLOTS).map(|_| Default::default()).collect(), totals: Default::default() }
    }

    /// Adds to a sum. One writer at a time, so a load and a store suffice. Out of range is ignored: batches and
    /// decoded records are checked before.
    pub fn add(&self, slot: u16, lane: u8, delta: i64) {
        let lane = usize::from(lane);
        for sums in [self.slots.get(usize::from(slot)), Some(&self.totals)].into_iter().flatten() {
            if let Some(sum) = sums.get(lane) {
                sum.store(sum.load(Relaxed).wrapping_add(delta), Relaxed);
            }
        }
    }

    pub fn slot(&self, slot: u16) -> [i64; LANES] {
        self.slots
            .get(usize::from(slot))
            .map_or([0; LANES], |sums| sums.each_ref().map(|sum| sum.load(Relaxed)))
    }

    pub fn total(&self, lane: u8) -> i64 {
        self.totals.get(usize::from(lane)).map_or(0, |sum| sum.load(Relaxed))
    }
}

/// Accounts at one position of the log, as the manifest keeps them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AccountsImage {
    pub live: Vec<(u32, i64)>,
    pub tallies: Vec<(u16, [i64; LANES])>,
}

impl AccountsImage {
    pub fn take(live: &LiveBytes, tallies: &Tallies) -> AccountsImage {
        let mut image = AccountsImage { live: live.iter().collect(), tallies: Vec::new() };
        image.live.sort_unstable();
        image.tallies.extend(
            (0..SLOTS as u16).map(|slot| (slot, tallies.slot(slot))).filter(|(_, s)| *s != [0; LANES]),
        );
        image
    }

    pub fn restore(&self) -> (LiveBytes, Tallies) {
        let live = LiveBytes(self.live.iter().copied().collect());
        let tallies = Tallies::new();
        for (slot, sums) in &self.tallies {
            for (lane, &sum) in sums.iter().enumerate() {
                tallies.add(*slot, lane as u8, sum);
            }
        }
        (live, tallies)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_restores_what_was_counted() {
        let mut live = LiveBytes::default();
        live.add(3, 100);
        live.add(4, 7);
        live.subtract(4, 7);
        let tallies = Tallies::new();
        tallies.add(5, 0, i64::MAX);
        tallies.add(5, 0, 2);
        tallies.add(1023, 7, -9);
        let image = AccountsImage::take(&live, &tallies);
        assert_eq!(image.live, [(3, 100)]);
        let (live, restored) = image.restore();
        assert_eq!(AccountsImage::take(&live, &restored), image);
        assert_eq!(restored.slot(5)[0], i64::MIN + 1);
        assert_eq!(restored.total(7), -9);
    }
}

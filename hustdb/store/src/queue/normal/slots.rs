//! The slots of one priority: the entries of a queue, in memory and in the orders they are looked for.
//!
//! A slot is a number and a row. The lowest free number is taken first, so there are never more rows - or remains of
//! rows - than there were entries at one time, and a start-up reads just those. Every entry is in exactly the orders
//! that its place asks for; [`Slots::set`] is the one way in and out.

use std::{
    collections::{BTreeSet, btree_set},
    iter::{Chain, Copied},
    ops::RangeFrom,
};

use super::entry::{Entry, Place};

/// Entries and their orders.
#[derive(Clone, Debug, Default)]
pub(crate) struct Slots {
    entries: Vec<Option<Entry>>,
    free: BTreeSet<u32>,
    /// By time of delivery, so a change of the timeout changes nothing here.
    in_flight: BTreeSet<(u64, u32)>,
    /// By the time at which something happens: due, or expired before.
    delayed: BTreeSet<(u64, u32)>,
    returned: BTreeSet<(u64, u32)>,
    /// By index.
    late: BTreeSet<(u64, u32)>,
    /// Ready entries by expiry.
    expiring: BTreeSet<(u64, u32)>,
}

/// Slots in one of the orders, with what they are ordered by.
pub(crate) type InOrder<'a> = Copied<btree_set::Iter<'a, (u64, u32)>>;

/// Free slots, lowest first.
pub(crate) type FreeSlots<'a> = Chain<Copied<btree_set::Iter<'a, u32>>, RangeFrom<u32>>;

impl Slots {
    /// The entry in `slot`.
    pub(crate) fn get(&self, slot: u32) -> Option<&Entry> {
        self.entries.get(slot as usize)?.as_ref()
    }

    /// Fills, changes or frees a slot.
    pub(crate) fn set(&mut self, slot: u32, entry: Option<Entry>) {
        let at = slot as usize;
        if at >= self.entries.len() {
            if entry.is_none() {
                return;
            }
            self.free.extend(self.entries.len() as u32..=slot);
            self.entries.resize(at + 1, None);
        }
        let Some(place) = self.entries.get_mut(at) else { return };
        let before = std::mem::replace(place, entry);
        if let Some(before) = before {
            self.order(slot, &before, BTreeSet::remove);
        }
        match entry {
            Some(entry) => {
                self.free.remove(&slot);
                self.order(slot, &entry, |order, key| order.insert(*key));
            }
            None => {
                self.free.insert(slot);
                self.shrink();
            }
        }
    }

    fn shrink(&mut self) {
        while let Some(None) = self.entries.last() {
            self.entries.pop();
            self.free.remove(&(self.entries.len() as u32));
        }
    }

    fn order(
        &mut self,
        slot: u32,
        entry: &Entry,
        change: impl Fn(&mut BTreeSet<(u64, u32)>, &(u64, u32)) -> bool,
    ) {
        match entry.place {
            Place::Delayed { due_ms } => {
                let expire_ms = if entry.expire_ms == 0 { u64::MAX } else { entry.expire_ms };
                change(&mut self.delayed, &(due_ms.min(expire_ms), slot))
            }
            Place::Late => change(&mut self.late, &(entry.index, slot)),
            Place::InFlight { since_ms } => change(&mut self.in_flight, &(since_ms, slot)),
            Place::Returned { order } => change(&mut self.returned, &(order, slot)),
        };
        if entry.is_ready() && entry.expire_ms != 0 {
            change(&mut self.expiring, &(entry.expire_ms, slot));
        }
    }

    /// Free slots, lowest first, without end.
    pub(crate) fn free(&self) -> FreeSlots<'_> {
        self.free.iter().copied().chain(self.entries.len() as u32..)
    }

    /// Entries.
    pub(crate) fn len(&self) -> usize {
        self.entries.len() - self.free.len()
    }

    /// In flight, by time of delivery.
    pub(crate) fn in_flight(&self) -> InOrder<'_> {
        self.in_flight.iter().copied()
    }

    /// Messages in flight.
    pub(crate) fn in_flight_count(&self) -> u64 {
        self.in_flight.len() as u64
    }

    /// Delayed, by the time of what happens next.
    pub(crate) fn delayed(&self) -> InOrder<'_> {
        self.delayed.iter().copied()
    }

    /// Delayed messages.
    pub(crate) fn delayed_count(&self) -> u64 {
        self.delayed.len() as u64
    }

    /// Ready again, in the order of their return.
    pub(crate) fn returned(&self) -> InOrder<'_> {
        self.returned.iter().copied()
    }

    /// Ready at the place of their index.
    pub(crate) fn late(&self) -> InOrder<'_> {
        self.late.iter().copied()
    }

    /// Ready entries by expiry.
    pub(crate) fn expiring(&self) -> InOrder<'_> {
        self.expiring.iter().copied()
    }

    /// Entries that are ready.
    pub(crate) fn ready_count(&self) -> u64 {
        (self.returned.len() + self.late.len()) as u64
    }

    /// The greatest order of a return.
    pub(crate) fn last_return(&self) -> u64 {
        self.returned.last().map_or(0, |(order, _)| *order)
    }

    /// When the timer has to look again: the next event of an entry with this timeout, ms.
    pub(crate) fn next_event_ms(&self, timeout_ms: u64) -> Option<u64> {
        let deadline = self.in_flight.first().map(|(since_ms, _)| since_ms.saturating_add(timeout_ms));
        let others = [self.delayed.first(), self.expiring.first()];
        others.into_iter().flatten().map(|(at_ms, _)| *at_ms).chain(deadline).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(index: u64, place: Place, expire_ms: u64) -> Entry {
        Entry { index, place, delivery: 0, deliveries: 0, bytes: 1, expire_ms }
    }

    #[test]
    fn the_lowest_free_slot_comes_first_and_the_tail_is_given_back() {
        let mut slots = Slots::default();
        for slot in 0..4 {
            assert_eq!(slots.free().next(), Some(slot));
            slots.set(slot, Some(entry(u64::from(slot), Place::Late, 0)));
        }
        slots.set(1, None);
        slots.set(2, None);
        assert_eq!(slots.free().take(3).collect::<Vec<_>>(), [1, 2, 4]);
        assert_eq!(slots.len(), 2);
        slots.set(3, None);
        assert_eq!((slots.entries.len(), slots.free.len()), (1, 0));
        slots.set(9, None);
        slots.set(2, Some(entry(7, Place::Late, 0)));
        assert_eq!(slots.free().take(2).collect::<Vec<_>>(), [1, 3]);
    }

    #[test]
    fn an_entry_is_in_the_orders_of_its_place_only() {
        let mut slots = Slots::default();
        let counts = |slots: &Slots| {
            [
                slots.in_flight.len(),
                slots.delayed.len(),
                slots.returned.len(),
                slots.late.len(),
                slots.expiring.len(),
            ]
        };
        let table = [
            (Place::Delayed { due_ms: 5 }, 0, [0, 1, 0, 0, 0]),
            (Place::Late, 9, [0, 0, 0, 1, 1]),
            (Place::InFlight { since_ms: 6 }, 9, [1, 0, 0, 0, 0]),
            (Place::Returned { order: 7 }, 9, [0, 0, 1, 0, 1]),
            (Place::Returned { order: 8 }, 0, [0, 0, 1, 0, 0]),
        ];
        for (place, expire_ms, expected) in table {
            slots.set(0, Some(entry(1, place, expire_ms)));
            assert_eq!(counts(&slots), expected, "{place:?}");
        }
        slots.set(0, None);
        assert_eq!(counts(&slots), [0; 5]);
    }

    #[test]
    fn the_next_event_is_a_deadline_a_due_time_or_an_expiry() {
        let mut slots = Slots::default();
        assert_eq!(slots.next_event_ms(100), None);
        slots.set(0, Some(entry(1, Place::InFlight { since_ms: 50 }, 60)));
        assert_eq!(slots.next_event_ms(100), Some(150));
        assert_eq!(slots.next_event_ms(10), Some(60));
        slots.set(1, Some(entry(2, Place::Delayed { due_ms: 140 }, 145)));
        assert_eq!(slots.next_event_ms(100), Some(140));
        slots.set(2, Some(entry(3, Place::Delayed { due_ms: 140 }, 130)));
        slots.set(3, Some(entry(4, Place::Returned { order: 1 }, 120)));
        assert_eq!(slots.next_event_ms(100), Some(120));
    }
}

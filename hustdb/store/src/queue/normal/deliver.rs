//! Delivering: in which order messages go, and what a delivery leaves.
//!
//! The order is: what came back, in the order of its return; then priority 2, 1, 0, each by index. Plain messages are
//! not in memory, so the caller reads the row at the cursor and says what it found; the plan is the draft in which
//! the cursors move.

use std::iter::Peekable;

use super::{
    entry::{Entry, Place},
    slots::{FreeSlots, InOrder, Slots},
    state::{Normal, Plan, SlotOf},
};
use crate::queue::counters::PRIORITIES;

/// The message to deliver next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pick {
    /// It is in a slot.
    Slot(SlotOf, Entry),
    /// The plain message of this priority at or behind this index, if its row is still there.
    Plain(u8, u64),
}

/// What the row of a plain message says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Plain {
    pub(crate) priority: u8,
    pub(crate) index: u64,
    pub(crate) bytes: u32,
    pub(crate) expire_ms: u64,
}

/// How deliveries are made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms {
    /// Whether a delivery is the end of the message.
    pub(crate) ack: bool,
    pub(crate) now_ms: u64,
}

/// A delivery with `ack=false`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Leased {
    pub(crate) slot: SlotOf,
    pub(crate) delivery: u64,
}

/// A plan that delivers one message after another.
pub(crate) struct Taking<'a> {
    plan: Plan,
    terms: Terms,
    returned: [Peekable<InOrder<'a>>; PRIORITIES],
    late: [Peekable<InOrder<'a>>; PRIORITIES],
    free: [FreeSlots<'a>; PRIORITIES],
    queue: &'a Normal,
}

impl<'a> Taking<'a> {
    pub(crate) fn new(queue: &'a Normal, terms: Terms) -> Taking<'a> {
        Taking {
            plan: queue.plan(),
            terms,
            returned: queue.slots.each_ref().map(|slots| slots.returned().peekable()),
            late: queue.slots.each_ref().map(|slots| slots.late().peekable()),
            free: queue.slots.each_ref().map(Slots::free),
            queue,
        }
    }

    /// The next message; one in a slot is passed by this call, a plain one by what the caller says next.
    pub(crate) fn next(&mut self) -> Option<Pick> {
        let heads = (0u8..).zip(&mut self.returned);
        let first = heads.filter_map(|(p, order)| order.peek().map(|(order, _)| (*order, p))).min();
        if let Some((_, priority)) = first {
            let (_, slot) = self.returned.get_mut(usize::from(priority))?.next()?;
            return self.slot((priority, slot));
        }
        for (priority, late) in (0..PRIORITIES as u8).zip(&mut self.late).rev() {
            let lane = self.plan.counters.lane(priority);
            let plain = (lane.plain > 0).then_some(lane.cursor);
            match (late.peek().copied(), plain) {
                (Some((index, slot)), plain) if plain.is_none_or(|plain| index < plain) => {
                    late.next();
                    return self.slot((priority, slot));
                }
                (_, Some(plain)) => return Some(Pick::Plain(priority, plain)),
                (_, None) => {}
            }
        }
        None
    }

    fn slot(&self, slot: SlotOf) -> Option<Pick> {
        self.queue.entry(slot).map(|entry| Pick::Slot(slot, *entry))
    }

    /// The last index of a priority.
    pub(crate) fn last(&self, priority: u8) -> u64 {
        self.plan.counters.lanes.get(usize::from(priority)).map_or(0, |lane| lane.last)
    }

    /// There is no plain message before `index`.
    pub(crate) fn skip(&mut self, priority: u8, index: u64) {
        let lane = self.plan.counters.lane(priority);
        lane.cursor = index.max(lane.cursor);
        if lane.cursor > lane.last {
            lane.plain = 0;
        }
    }

    /// The plain message at the cursor has expired.
    pub(crate) fn expire_plain(&mut self, plain: Plain) {
        self.pass(plain);
        self.drop_plain(plain);
        self.plan.events.expired += 1;
    }

    /// The message in a slot has expired, or its row is lost.
    pub(crate) fn expire_slot(&mut self, slot: SlotOf, entry: &Entry) {
        self.plan.expire(slot, entry);
    }

    fn pass(&mut self, plain: Plain) {
        self.plan.counters.lane(plain.priority).pass(plain.index);
    }

    fn drop_plain(&mut self, plain: Plain) {
        self.plan.counters.lane(plain.priority).release(u64::from(plain.bytes));
        self.plan.gone.push((plain.priority, plain.index));
    }

    /// Delivers the plain message at the cursor. `number` gives delivery numbers.
    pub(crate) fn deliver_plain(&mut self, plain: Plain, number: impl FnOnce() -> u64) -> Option<Leased> {
        self.pass(plain);
        if self.terms.ack {
            self.drop_plain(plain);
            return None;
        }
        let Plain { priority, index, bytes, expire_ms } = plain;
        let slot = (priority, self.free.get_mut(usize::from(priority))?.next()?);
        let place = Place::InFlight { since_ms: self.terms.now_ms };
        let entry = Entry { index, place, delivery: number(), deliveries: 1, bytes, expire_ms };
        self.plan.slots.push((slot, Some(entry)));
        Some(Leased { slot, delivery: entry.delivery })
    }

    /// Delivers the message in a slot.
    pub(crate) fn deliver_slot(
        &mut self,
        slot: SlotOf,
        entry: &Entry,
        number: impl FnOnce() -> u64,
    ) -> Option<Leased> {
        if entry.deliveries > 0 {
            self.plan.events.redelivered += 1;
        }
        if self.terms.ack {
            self.plan.remove(slot, entry);
            return None;
        }
        let place = Place::InFlight { since_ms: self.terms.now_ms };
        let deliveries = entry.deliveries.saturating_add(1);
        let entry = Entry { place, delivery: number(), deliveries, ..*entry };
        self.plan.slots.push((slot, Some(entry)));
        Some(Leased { slot, delivery: entry.delivery })
    }

    /// The plan.
    pub(crate) fn finish(self) -> Plan {
        self.plan
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queue::settings::Settings;

    fn entry(index: u64, place: Place) -> Entry {
        Entry { index, place, delivery: 0, deliveries: 0, bytes: 1, expire_ms: 0 }
    }

    /// Priority 1 has the plain messages 3, 5, 6 and the late ones 2 and 4; 0 has plain 1; two came back.
    fn queue() -> Normal {
        let mut queue = Normal::new(Settings::new(300));
        let lane = queue.counters.lane(1);
        lane.push_slotted(2, 1);
        lane.push_plain(3, 1);
        lane.push_slotted(4, 1);
        lane.push_plain(5, 1);
        lane.push_plain(6, 1);
        queue.counters.lane(0).push_plain(1, 1);
        queue.slots[1].set(0, Some(entry(2, Place::Late)));
        queue.slots[1].set(1, Some(entry(4, Place::Late)));
        queue.slots[0].set(0, Some(entry(9, Place::Returned { order: 8 })));
        queue.slots[2].set(0, Some(entry(9, Place::Returned { order: 9 })));
        queue
    }

    /// Takes everything, as (priority, index).
    fn drain(taking: &mut Taking<'_>) -> Vec<(u8, u64)> {
        let (mut order, mut number) = (Vec::new(), 100);
        while let Some(pick) = taking.next() {
            let mut next = || {
                number += 1;
                number
            };
            match pick {
                Pick::Slot(slot, entry) => {
                    order.push((slot.0, entry.index));
                    taking.deliver_slot(slot, &entry, &mut next);
                }
                // A hole: 4 of priority 1 is in a slot.
                Pick::Plain(1, 4) => taking.skip(1, 5),
                Pick::Plain(priority, index) => {
                    order.push((priority, index));
                    let plain = Plain { priority, index, bytes: 1, expire_ms: 0 };
                    taking.deliver_plain(plain, &mut next);
                }
            }
        }
        order
    }

    const ORDER: [(u8, u64); 8] = [(0, 9), (2, 9), (1, 2), (1, 3), (1, 4), (1, 5), (1, 6), (0, 1)];

    #[test]
    fn returns_go_first_then_priorities_then_indices() {
        let queue = queue();
        let mut taking = Taking::new(&queue, Terms { ack: false, now_ms: 77 });
        assert_eq!(drain(&mut taking), ORDER);
        let plan = taking.finish();
        assert_eq!(plan.gone, []);
        assert_eq!(plan.counters.held(), queue.counters.held());
        let slots: std::collections::BTreeSet<SlotOf> = plan.slots.iter().map(|(slot, _)| *slot).collect();
        assert_eq!(slots.len(), 8, "each slot is taken once");
        assert!(plan.slots.iter().all(|(_, e)| e.unwrap().place == Place::InFlight { since_ms: 77 }));
        let mut after = queue.clone();
        after.apply(plan);
        assert_eq!((after.in_flight(), after.ready()), (8, [0, 0, 0]));
        assert_eq!(after.counters.lanes[1].cursor, 7);
    }

    #[test]
    fn with_ack_they_are_gone() {
        let queue = queue();
        let mut taking = Taking::new(&queue, Terms { ack: true, now_ms: 77 });
        assert_eq!(drain(&mut taking), ORDER);
        let plan = taking.finish();
        assert_eq!(plan.gone, ORDER);
        let mut after = queue.clone();
        after.apply(plan);
        assert_eq!((after.in_flight(), after.ready()), (0, [0, 0, 0]));
    }

    #[test]
    fn an_expired_head_is_counted_out() {
        let queue = queue();
        let mut taking = Taking::new(&queue, Terms { ack: false, now_ms: 77 });
        taking.expire_plain(Plain { priority: 0, index: 1, bytes: 1, expire_ms: 5 });
        let plan = taking.finish();
        assert_eq!((plan.gone, plan.events.expired), (vec![(0, 1)], 1));
        assert_eq!((plan.counters.lanes[0].plain, plan.counters.lanes[0].held), (0, 0));
    }
}

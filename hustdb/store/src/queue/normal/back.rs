//! What becomes of messages that come back: by a nack, a deadline, or the end of a delay.

use super::{
    entry::{Entry, Place},
    state::{Normal, Plan, SlotOf},
};
use crate::queue::settings::Settings;

/// Where a message goes that comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It has expired.
    Expired,
    /// It was delivered too often, and there is no queue for such.
    Dropped,
    /// It was delivered too often.
    DeadLetter,
    /// Ready again.
    Ready,
    /// Ready again later.
    Delayed {
        /// Unix ms.
        due_ms: u64,
    },
}

/// The fate of a message that comes back at `now_ms`, to be ready `delay_ms` later.
pub(crate) fn fate(entry: &Entry, settings: &Settings, now_ms: u64, delay_ms: u64) -> Fate {
    if entry.is_expired(now_ms) {
        return Fate::Expired;
    }
    if settings.max_deliveries != 0 && entry.deliveries >= settings.max_deliveries {
        return if settings.dead_letter.is_empty() { Fate::Dropped } else { Fate::DeadLetter };
    }
    if delay_ms == 0 { Fate::Ready } else { Fate::Delayed { due_ms: now_ms.saturating_add(delay_ms) } }
}

/// A message that is to move to the dead-letter queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Dying {
    pub(crate) slot: SlotOf,
    pub(crate) entry: Entry,
    /// When it came back, unix ms.
    pub(crate) at_ms: u64,
}

impl Plan {
    /// Lets a message come back. A dead letter is put aside for the caller.
    pub(crate) fn come_back(
        &mut self,
        (slot, entry): (SlotOf, &Entry),
        settings: &Settings,
        at_ms: u64,
        delay_ms: u64,
        dying: &mut Vec<Dying>,
    ) {
        match fate(entry, settings, at_ms, delay_ms) {
            Fate::Expired => self.expire(slot, entry),
            Fate::Dropped => {
                self.remove(slot, entry);
                self.events.dead += 1;
            }
            Fate::DeadLetter => dying.push(Dying { slot, entry: *entry, at_ms }),
            Fate::Ready => self.bring_back(slot, entry, at_ms),
            Fate::Delayed { due_ms } => {
                self.slots.push((slot, Some(Entry { place: Place::Delayed { due_ms }, ..*entry })));
            }
        }
    }
}

/// What has fallen due in the slots by `now_ms`: ended delays, deadlines, expiries; at most `limit` of them. The second
/// part are dead letters that the caller has to move.
pub(crate) fn due(queue: &Normal, now_ms: u64, limit: usize) -> (Plan, Vec<Dying>) {
    let (mut plan, mut dying) = (queue.plan(), Vec::new());
    let settings = &queue.settings;
    let timeout_ms = settings.timeout_ms();
    let mut back: Vec<(u64, SlotOf)> = Vec::new();
    for (priority, slots) in queue.priorities() {
        let over = slots.delayed().take_while(|(at_ms, _)| *at_ms <= now_ms);
        let deadlines = slots
            .in_flight()
            .map(|(since_ms, slot)| (since_ms.saturating_add(timeout_ms), slot))
            .take_while(|(at_ms, _)| *at_ms <= now_ms);
        let expired = slots.expiring().take_while(|(at_ms, _)| *at_ms <= now_ms);
        back.extend(
            over.chain(deadlines).chain(expired).take(limit).map(|(at_ms, slot)| (at_ms, (priority, slot))),
        );
    }
    // Of those that fall due in one millisecond the one that was delivered first comes first, whatever its priority.
    back.sort_unstable_by_key(|(at_ms, slot)| {
        (*at_ms, queue.entry(*slot).map(|entry| entry.delivery), *slot)
    });
    back.truncate(limit);
    for (at_ms, slot) in back {
        let Some(entry) = queue.entry(slot) else { continue };
        match entry.place {
            Place::Late | Place::Returned { .. } => plan.expire(slot, entry),
            Place::Delayed { .. } if entry.is_expired(now_ms) => plan.expire(slot, entry),
            Place::Delayed { .. } if entry.deliveries == 0 => {
                plan.slots.push((slot, Some(Entry { place: Place::Late, ..*entry })));
                plan.ready = true;
            }
            Place::Delayed { .. } => plan.bring_back(slot, entry, at_ms),
            // What expired before anybody looked is gone, though it was not at its deadline.
            Place::InFlight { .. } if entry.is_expired(now_ms) => plan.expire(slot, entry),
            Place::InFlight { .. } => plan.come_back((slot, entry), settings, at_ms, 0, &mut dying),
        }
    }
    (plan, dying)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(place: Place, deliveries: u32, expire_ms: u64) -> Entry {
        Entry { index: 1, place, delivery: 9, deliveries, bytes: 10, expire_ms }
    }

    #[test]
    fn expiry_comes_before_deliveries_and_these_before_the_rest() {
        let plain = Settings::new(300);
        let dropping = Settings { max_deliveries: 3, ..plain.clone() };
        let moving = Settings { dead_letter: "d".into(), ..dropping.clone() };
        let flying = |deliveries, expire_ms| entry(Place::InFlight { since_ms: 1 }, deliveries, expire_ms);
        let table = [
            (&plain, flying(99, 0), 0, Fate::Ready),
            (&plain, flying(99, 0), 7, Fate::Delayed { due_ms: 107 }),
            (&plain, flying(1, 100), 7, Fate::Expired),
            (&plain, flying(1, 101), 0, Fate::Ready),
            (&dropping, flying(2, 0), 0, Fate::Ready),
            (&dropping, flying(3, 0), 7, Fate::Dropped),
            (&dropping, flying(3, 50), 0, Fate::Expired),
            (&moving, flying(2, 0), 0, Fate::Ready),
            (&moving, flying(3, 0), 0, Fate::DeadLetter),
            (&moving, flying(4, 0), 7, Fate::DeadLetter),
            (&moving, flying(4, 99), 0, Fate::Expired),
        ];
        for (settings, entry, delay_ms, expected) in table {
            assert_eq!(fate(&entry, settings, 100, delay_ms), expected, "{settings:?} {entry:?}");
        }
    }

    #[test]
    fn what_falls_due_comes_back_in_the_order_of_its_time() {
        let mut queue = Normal::new(Settings::new(1));
        queue.slots[0].set(0, Some(entry(Place::InFlight { since_ms: 500 }, 1, 0)));
        queue.slots[2].set(0, Some(entry(Place::InFlight { since_ms: 400 }, 1, 0)));
        queue.slots[1].set(0, Some(entry(Place::Delayed { due_ms: 1450 }, 1, 0)));
        queue.slots[1].set(1, Some(entry(Place::Delayed { due_ms: 1300 }, 0, 0)));
        queue.slots[1].set(2, Some(entry(Place::Delayed { due_ms: 1501 }, 0, 0)));
        queue.slots[1].set(3, Some(entry(Place::Late, 0, 1500)));
        let (plan, dying) = due(&queue, 1500, 100);
        assert_eq!(dying, []);
        let slots: Vec<_> = plan.slots.iter().map(|(slot, entry)| (*slot, entry.map(|e| e.place))).collect();
        let returned = |order| Some(Place::Returned { order });
        assert_eq!(
            slots,
            [
                ((1, 1), Some(Place::Late)),
                ((2, 0), returned(1400 << 16)),
                ((1, 0), returned(1450 << 16)),
                ((0, 0), returned(1500 << 16)),
                ((1, 3), None),
            ]
        );
        assert_eq!((plan.gone, plan.events.expired, plan.ready), (vec![(1, 1)], 1, true));
        assert_eq!(due(&queue, 1500, 2).0.slots.len(), 2);
        assert_eq!(due(&queue, 1299, 100).0.slots, []);
    }

    #[test]
    fn of_one_millisecond_the_first_delivery_comes_back_first() {
        let mut queue = Normal::new(Settings::new(1));
        for (priority, slot, delivery) in [(0, 0, 7), (1, 0, 6), (2, 0, 8), (2, 1, 5)] {
            let entry = Entry { delivery, ..entry(Place::InFlight { since_ms: 500 }, 1, 0) };
            queue.slots[priority].set(slot, Some(entry));
        }
        let (plan, _) = due(&queue, 1500, 100);
        let slots: Vec<_> = plan.slots.iter().map(|(slot, _)| *slot).collect();
        assert_eq!(slots, [(2, 1), (1, 0), (0, 0), (2, 0)]);
    }

    #[test]
    fn a_longer_timeout_moves_the_deadlines_of_what_is_in_flight() {
        let mut queue = Normal::new(Settings::new(1));
        queue.slots[0].set(0, Some(entry(Place::InFlight { since_ms: 500 }, 1, 0)));
        assert_eq!(queue.next_event_ms(), Some(1500));
        queue.settings.timeout_s = 2;
        assert_eq!(queue.next_event_ms(), Some(2500));
        assert_eq!(due(&queue, 2499, 9).0.slots.len(), 0);
        assert_eq!(due(&queue, 2500, 9).0.slots.len(), 1);
    }
}

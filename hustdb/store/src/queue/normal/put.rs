//! Putting messages: whether they are taken, and where they go.

use super::{
    entry::{Entry, Place},
    slots::{FreeSlots, Slots},
    state::{Normal, Plan},
};
use crate::queue::{
    counters::PRIORITIES,
    error::{QueueError, QueueResult},
    settings::Settings,
};

/// A message that is to be stored.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Incoming {
    pub(crate) priority: u8,
    pub(crate) bytes: u32,
    /// Life from the moment it is due, seconds; `None`: as the queue says.
    pub(crate) ttl_s: Option<u64>,
    pub(crate) delay_s: u64,
}

/// Where a message went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Placed {
    pub(crate) index: u64,
    /// Unix ms; 0 = never.
    pub(crate) expire_ms: u64,
    /// Whether it is in a slot, so that the cursor has to pass over it.
    pub(crate) slotted: bool,
}

/// Refuses `count` more messages while puts are locked or the queue is full.
pub(crate) fn admit(settings: &Settings, ready: u64, count: u64) -> QueueResult<()> {
    if settings.lock {
        return Err(QueueError::Locked);
    }
    if settings.max != 0 && ready.saturating_add(count) > settings.max {
        return Err(QueueError::Length(settings.max));
    }
    Ok(())
}

/// A plan that stores one message after another.
pub(crate) struct Putting<'a> {
    plan: Plan,
    ttl_s: u64,
    free: [FreeSlots<'a>; PRIORITIES],
    now_ms: u64,
}

impl<'a> Putting<'a> {
    pub(crate) fn new(queue: &'a Normal, now_ms: u64) -> Putting<'a> {
        let free = queue.slots.each_ref().map(Slots::free);
        Putting { plan: queue.plan(), ttl_s: queue.settings.ttl_s, free, now_ms }
    }

    /// Gives a message its index and its place.
    pub(crate) fn store(&mut self, incoming: Incoming) -> Placed {
        let due_ms = self.now_ms.saturating_add(incoming.delay_s.saturating_mul(1000));
        let expire_ms = match incoming.ttl_s.unwrap_or(self.ttl_s) {
            0 => 0,
            ttl_s => due_ms.saturating_add(ttl_s.saturating_mul(1000)),
        };
        let lane = self.plan.counters.lane(incoming.priority);
        let (index, bytes) = (lane.last.saturating_add(1), u64::from(incoming.bytes));
        if incoming.delay_s == 0 {
            lane.push_plain(index, bytes);
            self.plan.ready = true;
            return Placed { index, expire_ms, slotted: false };
        }
        lane.push_slotted(index, bytes);
        let free = self.free.get_mut(usize::from(incoming.priority)).and_then(Iterator::next);
        if let Some(slot) = free {
            let place = Place::Delayed { due_ms };
            let entry = Entry { index, place, delivery: 0, deliveries: 0, bytes: incoming.bytes, expire_ms };
            self.plan.slots.push(((incoming.priority, slot), Some(entry)));
        }
        Placed { index, expire_ms, slotted: true }
    }

    /// The plan.
    pub(crate) fn finish(self) -> Plan {
        self.plan
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lock_and_length_refuse() {
        let table = [
            (false, 0, 1 << 40, 1000, true),
            (false, 10, 9, 1, true),
            (false, 10, 9, 2, false),
            (false, 10, 10, 0, true),
            (true, 0, 0, 1, false),
        ];
        for (lock, max, ready, count, taken) in table {
            let settings = Settings { lock, max, ..Settings::new(300) };
            assert_eq!(admit(&settings, ready, count).is_ok(), taken, "{settings:?} {ready} {count}");
        }
    }

    #[test]
    fn life_begins_when_the_delay_ends() {
        let queue = Normal::new(Settings { ttl_s: 7, ..Settings::new(300) });
        let mut putting = Putting::new(&queue, 1000);
        let mut put = |ttl_s, delay_s| putting.store(Incoming { priority: 1, bytes: 3, ttl_s, delay_s });
        assert_eq!(put(None, 0), Placed { index: 1, expire_ms: 8000, slotted: false });
        assert_eq!(put(Some(0), 0), Placed { index: 2, expire_ms: 0, slotted: false });
        assert_eq!(put(Some(2), 5), Placed { index: 3, expire_ms: 8000, slotted: true });
        assert_eq!(put(None, 1), Placed { index: 4, expire_ms: 9000, slotted: true });
        let plan = putting.finish();
        let slots: Vec<_> = plan.slots.iter().map(|(slot, entry)| (*slot, entry.unwrap().index)).collect();
        assert_eq!(slots, [((1, 0), 3), ((1, 1), 4)]);
        let lane = plan.counters.lanes[1];
        assert_eq!((lane.plain, lane.held, lane.bytes, lane.cursor, lane.last), (2, 4, 12, 1, 4));
    }
}

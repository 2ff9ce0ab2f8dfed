//! The state of a normal queue, and the plans that change it.
//!
//! A command reads the state, decides, and gets a [`Plan`]: the counters and entries as they are to be, and the
//! messages that are gone. The shell writes the plan as one batch and only then has it applied here. So the state is
//! always that of a prefix of what was written, and a refused write changes nothing.

use super::{
    entry::{Entry, Place},
    slots::Slots,
};
use crate::queue::{
    counters::{Counters, PRIORITIES},
    settings::Settings,
};

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct Normal {
    pub(crate) settings: Settings,
    pub(crate) counters: Counters,
    pub(crate) slots: [Slots; PRIORITIES],
    pub(crate) events: Events,
    /// The greatest order given to a return.
    pub(crate) last_return: u64,
}

/// What was counted since the node started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Events {
    /// Deliveries that were not the first.
    pub(crate) redelivered: u64,
    /// Messages that became dead letters or were dropped for their deliveries.
    pub(crate) dead: u64,
    /// Messages that expired.
    pub(crate) expired: u64,
}

/// A slot of a priority.
pub(crate) type SlotOf = (u8, u32);

/// What a command is to change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    /// The counters afterwards.
    pub(crate) counters: Counters,
    /// Slots that change, each once.
    pub(crate) slots: Vec<(SlotOf, Option<Entry>)>,
    /// Messages whose rows go: priority and index.
    pub(crate) gone: Vec<(u8, u64)>,
    /// Whether a message became ready.
    pub(crate) ready: bool,
    pub(crate) events: Events,
    pub(crate) last_return: u64,
}

impl Normal {
    /// An empty queue.
    pub(crate) fn new(settings: Settings) -> Normal {
        Normal::loaded(settings, Counters::new(), Default::default())
    }

    /// A queue as it was left.
    pub(crate) fn loaded(settings: Settings, counters: Counters, slots: [Slots; PRIORITIES]) -> Normal {
        let last_return = slots.iter().map(Slots::last_return).max().unwrap_or(0);
        Normal { settings, counters, slots, events: Events::default(), last_return }
    }

    /// A plan that changes nothing yet.
    pub(crate) fn plan(&self) -> Plan {
        Plan {
            counters: self.counters,
            slots: Vec::new(),
            gone: Vec::new(),
            ready: false,
            events: self.events,
            last_return: self.last_return,
        }
    }

    /// Makes a plan true.
    pub(crate) fn apply(&mut self, plan: Plan) {
        self.counters = plan.counters;
        self.events = plan.events;
        self.last_return = plan.last_return;
        for ((priority, slot), entry) in plan.slots {
            if let Some(slots) = self.slots.get_mut(usize::from(priority)) {
                slots.set(slot, entry);
            }
        }
    }

    /// The entry in a slot.
    pub(crate) fn entry(&self, (priority, slot): SlotOf) -> Option<&Entry> {
        self.slots.get(usize::from(priority))?.get(slot)
    }

    /// The slots of each priority.
    pub(crate) fn priorities(&self) -> impl Iterator<Item = (u8, &Slots)> {
        (0u8..).zip(&self.slots).take(PRIORITIES)
    }

    /// Ready messages of each priority.
    pub(crate) fn ready(&self) -> [u64; PRIORITIES] {
        let mut ready = self.counters.lanes.map(|lane| lane.plain);
        ready.iter_mut().zip(&self.slots).for_each(|(count, slots)| *count += slots.ready_count());
        ready
    }

    /// Messages in flight.
    pub(crate) fn in_flight(&self) -> u64 {
        self.slots.iter().map(Slots::in_flight_count).sum()
    }

    /// When the timer has to look at the entries, ms.
    pub(crate) fn next_event_ms(&self) -> Option<u64> {
        let timeout_ms = self.settings.timeout_ms();
        self.slots.iter().filter_map(|slots| slots.next_event_ms(timeout_ms)).min()
    }
}

impl Plan {
    /// Takes the message in a slot out for good.
    pub(crate) fn remove(&mut self, slot: SlotOf, entry: &Entry) {
        self.gone.push((slot.0, entry.index));
        self.slots.push((slot, None));
        self.counters.lane(slot.0).release(u64::from(entry.bytes));
    }

    /// Takes an expired message in a slot out.
    pub(crate) fn expire(&mut self, slot: SlotOf, entry: &Entry) {
        self.remove(slot, entry);
        self.events.expired += 1;
    }

    /// Makes the message in a slot ready behind all that came back before.
    pub(crate) fn bring_back(&mut self, slot: SlotOf, entry: &Entry, at_ms: u64) {
        self.last_return = self.last_return.saturating_add(1).max(at_ms << 16);
        let place = Place::Returned { order: self.last_return };
        self.slots.push((slot, Some(Entry { place, ..*entry })));
        self.ready = true;
    }
}

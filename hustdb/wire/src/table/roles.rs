//! Who does what for a slot, at rest and while it moves. Pure.
//!
//! The old and the new pair of a moving slot share exactly one host. Up to `hold` the old pair acts and the joiner gets
//! every write too; from `switch` on the new pair acts and the leaver gets every write, so that the way back is open.

use super::{Change, Element, Phase};
use crate::host::Host;

/// The hosts of a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Roles<'a> {
    /// Master 1 and master 2 of this moment: they are read from, and one of them decides writes.
    pub acting: [&'a Host; 2],
    /// Who gets every write in replicated form beside them: joiner or leaver.
    pub third: Option<&'a Host>,
    /// How far the move is; `None` at rest.
    pub phase: Option<Phase>,
}

impl Roles<'_> {
    /// Whether writes have to wait.
    pub fn holds_writes(&self) -> bool {
        self.phase == Some(Phase::Hold)
    }
}

/// Slots of one element that have the same hosts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part<'a> {
    /// The first slot.
    pub start: u16,
    /// The slot after the last.
    pub end: u16,
    /// The pair before the move; at rest the pair.
    pub old: [&'a Host; 2],
    /// The pair after the move; at rest the same.
    pub new: [&'a Host; 2],
    /// How far the move is; `None` at rest.
    pub phase: Option<Phase>,
}

impl<'a> Part<'a> {
    /// The host that is only in the new pair.
    pub fn joiner(&self) -> Option<&'a Host> {
        self.new.into_iter().find(|host| !self.old.contains(host))
    }

    /// The host that is only in the old pair.
    pub fn leaver(&self) -> Option<&'a Host> {
        self.old.into_iter().find(|host| !self.new.contains(host))
    }

    /// Who does what now.
    pub fn roles(&self) -> Roles<'a> {
        let (acting, third) = match self.phase {
            None => (self.old, None),
            Some(Phase::Copy | Phase::Hold) => (self.old, self.joiner()),
            Some(Phase::Switch) => (self.new, self.leaver()),
        };
        Roles { acting, third, phase: self.phase }
    }
}

impl Element {
    /// Its slots by the hosts they have: one part, or the two an increase splits it into.
    pub fn parts(&self) -> impl Iterator<Item = Part<'_>> {
        let (first, second) = self.split();
        std::iter::once(first).chain(second)
    }

    /// The part that has a slot; of a slot outside the element, the nearest.
    pub fn part(&self, slot: u16) -> Part<'_> {
        match self.split() {
            (low, Some(high)) if slot >= low.end => high,
            (part, _) => part,
        }
    }

    fn split(&self) -> (Part<'_>, Option<Part<'_>>) {
        let [first, second] = &self.item.masters;
        let old = [first, second];
        let phase = self.change.as_ref().map(Change::phase);
        let whole = Part { start: self.item.start, end: self.item.end, old, new: old, phase };
        match &self.change {
            None => (whole, None),
            Some(Change::Increase { low, high, .. }) => {
                let [low, high] = [low, high].map(|pair| {
                    let [first, second] = &pair.masters;
                    Part { start: pair.start, end: pair.end, new: [first, second], ..whole }
                });
                (low, Some(high))
            }
            Some(Change::Decrease { remove, replace_by, .. }) => {
                let stays = if first == remove { second } else { first };
                (Part { new: [stays, replace_by], ..whole }, None)
            }
        }
    }

    /// Who does what for one of its slots.
    pub fn roles(&self, slot: u16) -> Roles<'_> {
        self.part(slot).roles()
    }
}

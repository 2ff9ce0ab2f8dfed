//! What a table consists of.

use crate::host::Host;

/// Slots `start <= slot < end` and their two masters, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// The first slot.
    pub start: u16,
    /// The slot after the last.
    pub end: u16,
    /// The first and the second master.
    pub masters: [Host; 2],
}

impl Pair {
    /// Whether a slot is in the range.
    pub fn contains(&self, slot: u16) -> bool {
        (self.start..self.end).contains(&slot)
    }
}

/// A range of slots and what happens to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Element {
    /// The range with its masters; while it moves, its old masters.
    pub item: Pair,
    /// Where it moves.
    pub change: Option<Change>,
}

/// A range that moves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// It is split between more hosts.
    Increase {
        /// The new masters of the lower part; the first one stays.
        low: Pair,
        /// The new masters of the upper part; the second one stays.
        high: Pair,
        /// How far it is.
        phase: Phase,
    },
    /// A host gives its place to another.
    Decrease {
        /// Who goes.
        remove: Host,
        /// Who comes.
        replace_by: Host,
        /// How far it is.
        phase: Phase,
    },
}

/// How far a move is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Phase {
    /// The joiner is being filled.
    #[default]
    Copy,
    /// Writes wait, so that no two proxies use different serialisers.
    Hold,
    /// The new pair acts; the way back is open.
    Switch,
}

impl Phase {
    /// Its word in a file.
    pub fn as_str(self) -> &'static str {
        match self {
            Phase::Copy => "copy",
            Phase::Hold => "hold",
            Phase::Switch => "switch",
        }
    }

    /// The phase of a word.
    pub(super) fn of(word: &str) -> Option<Phase> {
        [Phase::Copy, Phase::Hold, Phase::Switch].into_iter().find(|phase| phase.as_str() == word)
    }
}

impl Change {
    /// How far it is.
    pub fn phase(&self) -> Phase {
        match self {
            Change::Increase { phase, .. } | Change::Decrease { phase, .. } => *phase,
        }
    }

    /// Sets how far it is.
    pub fn set_phase(&mut self, to: Phase) {
        match self {
            Change::Increase { phase, .. } | Change::Decrease { phase, .. } => *phase = to,
        }
    }
}

impl Element {
    /// A range at rest.
    pub fn at_rest(start: u16, end: u16, masters: [Host; 2]) -> Element {
        Element { item: Pair { start, end, masters }, change: None }
    }

    /// Its hosts as they are written, with repetitions.
    pub(super) fn hosts(&self) -> impl Iterator<Item = &Host> {
        let (low, high, other) = match &self.change {
            None => (&[][..], &[][..], None),
            Some(Change::Increase { low, high, .. }) => (&low.masters[..], &high.masters[..], None),
            Some(Change::Decrease { replace_by, .. }) => (&[][..], &[][..], Some(replace_by)),
        };
        self.item.masters.iter().chain(low).chain(high).chain(other)
    }
}

//! The load-balance table: which two hosts hold a slot, and what is under way while slots move.
//!
//! A [`Table`] exists only if every rule of the contract holds, however it was made: read from a file
//! ([`Table::parse`]), generated ([`Table::generate`]) or put together by a tool ([`Table::new`]). It never changes; a
//! new one replaces it. Every slot is in exactly one element, found by one look into an array.

mod element;
mod generate;
mod json;
mod read;
mod roles;
mod rules;
mod write;

use std::fmt;

pub use element::{Change, Element, Pair, Phase};
pub use roles::{Part, Roles};

use crate::{host::Host, slot::SLOTS};

/// The largest table file, in bytes.
pub const TABLE_MAX_BYTES: usize = 1 << 20;
/// The most elements of a table, and the most hosts one can be generated for.
pub const ELEMENTS_MAX: usize = SLOTS as usize;

/// A legal table.
#[derive(Clone, PartialEq, Eq)]
pub struct Table {
    elements: Vec<Element>,
    /// The element of each slot.
    index: Box<[u16; SLOTS as usize]>,
}

/// Why something is no table: `<where>: <what>`, one line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {what}")]
pub struct TableError {
    /// Where: `file`, a line and column, or the path of a member, such as `table[3].increase.low.key`.
    pub place: String,
    /// What is wrong there.
    pub what: String,
}

impl TableError {
    fn new(place: impl Into<String>, what: impl Into<String>) -> TableError {
        TableError { place: place.into(), what: what.into() }
    }
}

impl Table {
    /// The table of a file's content.
    pub fn parse(file: &[u8]) -> Result<Table, TableError> {
        Table::new(read::elements(file)?)
    }

    /// The table of these elements, if every rule holds.
    pub fn new(elements: Vec<Element>) -> Result<Table, TableError> {
        rules::check(&elements)?;
        let mut index = Box::new([0; SLOTS as usize]);
        for (number, element) in elements.iter().enumerate() {
            let slots = usize::from(element.item.start)..usize::from(element.item.end);
            index.get_mut(slots).unwrap_or_default().fill(number as u16);
        }
        Ok(Table { elements, index })
    }

    /// The table at rest for these hosts: each is the first master of one range and the second of another.
    pub fn generate(hosts: &[Host]) -> Result<Table, TableError> {
        Table::new(generate::elements(hosts)?)
    }

    /// The elements, in the order of their slots.
    pub fn elements(&self) -> &[Element] {
        &self.elements
    }

    /// The element that has a slot. Slots are below [`SLOTS`]; others wrap around.
    pub fn element(&self, slot: u16) -> &Element {
        &self.elements[usize::from(self.index[usize::from(slot % SLOTS)])]
    }

    /// Who does what for a slot.
    pub fn roles(&self, slot: u16) -> Roles<'_> {
        self.element(slot).roles(slot % SLOTS)
    }

    /// Whether any slot moves.
    pub fn is_moving(&self) -> bool {
        self.elements.iter().any(|element| element.change.is_some())
    }

    /// The hosts by first appearance: element by element the item, low, high, what replaces.
    pub fn hosts(&self) -> Vec<&Host> {
        let mut seen = std::collections::HashSet::new();
        self.elements.iter().flat_map(Element::hosts).filter(|host| seen.insert(*host)).collect()
    }

    /// The same with `hold` read as `copy`, as for a file found at start.
    pub fn without_hold(mut self) -> Table {
        for element in &mut self.elements {
            if let Some(change) = &mut element.change
                && change.phase() == Phase::Hold
            {
                change.set_phase(Phase::Copy);
            }
        }
        self
    }

    /// The table as a file: one way to write each table, one element a line.
    pub fn to_json(&self) -> String {
        write::json(&self.elements)
    }
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Table").field(&self.elements).finish()
    }
}

#[cfg(test)]
mod tests;

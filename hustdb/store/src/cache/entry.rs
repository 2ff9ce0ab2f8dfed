//! What stands under one key, and what it weighs.
//!
//! An entry weighs its key, its values as they are allocated, and constants for what the allocator, the indexes and the
//! reference counts take; they are set such that a cache full of tiny entries takes no more memory than it counts.

use std::collections::HashMap;

use super::value::Value;

/// Of an entry: its place in the list and the index of its shard, half of them empty after growth; the key's
/// allocation; the counted reference.
const ENTRY_BYTES: u64 = 256;
/// Of a table beside its fields.
const TABLE_BYTES: u64 = 256;
/// Of a field: its slots in a table that has just grown, two allocations, the counted reference.
const FIELD_BYTES: u64 = 128;
/// Tables with room for so few fields are not worth shrinking.
const SHRINK_FROM: usize = 32;

/// Expiry of what never expires.
pub(super) const NEVER: u64 = u64::MAX;

/// A plain value or a table.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) content: Content,
    /// When it is absent, monotonic ms.
    pub(super) expire_ms: u64,
    /// What the budget was charged for it.
    pub(super) weight: u64,
}

/// The two kinds.
#[derive(Debug)]
pub(super) enum Content {
    Plain(Value),
    Table(Box<Table>),
}

impl Entry {
    pub(super) fn plain(key: &[u8], value: Value, expire_ms: u64) -> Entry {
        let weight = ENTRY_BYTES + bytes(key.len()) + bytes(value.capacity());
        Entry { content: Content::Plain(value), expire_ms, weight }
    }

    /// A table of one field.
    pub(super) fn table(key: &[u8], field: &[u8], value: Value) -> Entry {
        let weight = ENTRY_BYTES + bytes(key.len()) + TABLE_BYTES + field_weight(field, &value);
        let mut table = Box::<Table>::default();
        table.insert(field, value);
        Entry { content: Content::Table(table), expire_ms: NEVER, weight }
    }

    /// What it should weigh.
    #[cfg(test)]
    pub(super) fn weigh(&self, key: &[u8]) -> u64 {
        let content = match &self.content {
            Content::Plain(value) => bytes(value.capacity()),
            Content::Table(table) => {
                TABLE_BYTES + table.fields.keys().map(|field| table.weight_of(field)).sum::<u64>()
            }
        };
        ENTRY_BYTES + bytes(key.len()) + content
    }

    pub(super) fn expired(&self, now_ms: u64) -> bool {
        now_ms >= self.expire_ms
    }
}

/// What a field adds to its table.
pub(super) fn field_weight(field: &[u8], value: &Value) -> u64 {
    FIELD_BYTES + bytes(field.len()) + bytes(value.capacity())
}

pub(super) fn bytes(len: usize) -> u64 {
    len as u64
}

/// Fields by name.
#[derive(Debug, Default)]
pub(super) struct Table {
    fields: HashMap<Box<[u8]>, Value>,
}

impl Table {
    pub(super) fn get(&self, field: &[u8]) -> Option<&Value> {
        self.fields.get(field)
    }

    /// What the field weighs in here, 0 if it is absent.
    pub(super) fn weight_of(&self, field: &[u8]) -> u64 {
        self.get(field).map_or(0, |value| field_weight(field, value))
    }

    pub(super) fn insert(&mut self, field: &[u8], value: Value) {
        match self.fields.get_mut(field) {
            Some(place) => *place = value,
            None => {
                self.fields.insert(field.into(), value);
            }
        }
    }

    /// Takes a field away, and memory it left empty.
    pub(super) fn remove(&mut self, field: &[u8]) {
        self.fields.remove(field);
        if self.fields.capacity() >= SHRINK_FROM && self.fields.len() * 4 <= self.fields.capacity() {
            self.fields.shrink_to(self.fields.len() * 2);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_gives_its_memory_back() {
        let mut table = Table::default();
        let name = |number: usize| number.to_string().into_bytes();
        (0..10_000).for_each(|number| table.insert(&name(number), Value::default()));
        (1..10_000).for_each(|number| table.remove(&name(number)));
        assert!(table.fields.capacity() <= SHRINK_FROM, "{}", table.fields.capacity());
        assert!(table.get(b"0").is_some() && !table.is_empty());
    }
}

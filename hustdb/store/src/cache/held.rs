//! One entry under the lock of its shard: what commands look at and change.
//!
//! A step first looks, then claims the room its change needs, then changes; it may be stopped at the claim and begun
//! again, so it changes nothing before. An entry that has expired is gone as soon as a step looks.

use super::{
    budget::Room,
    entry::{Content, Entry, Table, field_weight},
    error::Error,
    shards::{Shard, Shards},
    value::Value,
};

/// The entry of `key`, there or absent.
pub(super) struct Held<'a, 'r> {
    pub(super) shards: &'a Shards,
    pub(super) at: usize,
    pub(super) key: &'a [u8],
    pub(super) shard: &'a mut Shard,
    pub(super) room: &'a mut Room<'r>,
    /// What is to be dropped once the lock is let go.
    pub(super) gone: &'a mut Vec<Entry>,
    pub(super) now_ms: u64,
    pub(super) tick: u64,
}

/// Why a step did not come to its end.
#[derive(Debug)]
pub(super) enum Stop {
    /// For good.
    Refused(Error),
    /// It needs so many bytes more than can be had under the lock.
    Room(u64),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Stop {
        Stop::Refused(error)
    }
}

type Step<T> = Result<T, Stop>;

impl Held<'_, '_> {
    /// The entry, which is used by that.
    pub(super) fn entry(&mut self) -> Option<&mut Entry> {
        if self.shard.entries.get_mut(self.key)?.expired(self.now_ms) {
            self.remove();
            return None;
        }
        self.shard.entries.touch(self.key, self.tick)
    }

    /// The plain value.
    pub(super) fn plain(&mut self) -> Step<Option<&mut Value>> {
        match self.entry() {
            None => Ok(None),
            Some(Entry { content: Content::Plain(value), .. }) => Ok(Some(value)),
            Some(_) => Err(Error::HoldsTable.into()),
        }
    }

    /// The table.
    pub(super) fn table(&mut self) -> Step<Option<&mut Table>> {
        match self.entry() {
            None => Ok(None),
            Some(Entry { content: Content::Table(table), .. }) => Ok(Some(table)),
            Some(_) => Err(Error::HoldsValue.into()),
        }
    }

    /// Counts a read.
    pub(super) fn count<T>(&mut self, found: Option<T>) -> Option<T> {
        let count = if found.is_some() { &mut self.shard.hits } else { &mut self.shard.misses };
        *count += 1;
        found
    }

    /// Puts an entry in, in the place of what is there.
    pub(super) fn insert(&mut self, entry: Entry) -> Step<()> {
        self.shards.check_weight(entry.weight)?;
        let before = self.entry().map_or(0, |old| old.weight);
        self.exchange(before, entry.weight)?;
        self.gone.extend(self.shard.entries.insert(self.key, entry, self.tick));
        Ok(())
    }

    /// Takes the entry out.
    pub(super) fn remove(&mut self) {
        if let Some(entry) = self.shard.entries.remove(self.key) {
            self.room.keep(entry.weight);
            self.gone.push(entry);
        }
    }

    /// Whether the entry with a part that weighs `after` in place of `before` is not too large for any cache like this.
    pub(super) fn fits(&mut self, before: u64, after: u64) -> bool {
        let weight = self.entry().map_or(0, |entry| entry.weight - before + after);
        self.shards.check_weight(weight).is_ok()
    }

    /// Says that a part of the entry is going to weigh `after` in place of `before`; without room for that, stops.
    pub(super) fn resize(&mut self, before: u64, after: u64) -> Step<()> {
        let Some(weight) = self.entry().map(|entry| entry.weight - before + after) else { return Ok(()) };
        self.shards.check_weight(weight)?;
        self.exchange(before, after)?;
        if let Some(entry) = self.entry() {
            entry.weight = weight;
        }
        Ok(())
    }

    /// Puts a field into the table, which begins with it if it is absent.
    pub(super) fn set_field(&mut self, field: &[u8], value: Value) -> Step<()> {
        let Some(before) = self.table()?.map(|table| table.weight_of(field)) else {
            return self.insert(Entry::table(self.key, field, value));
        };
        self.resize(before, field_weight(field, &value))?;
        if let Some(table) = self.table()? {
            table.insert(field, value);
        }
        Ok(())
    }

    fn exchange(&mut self, before: u64, after: u64) -> Step<()> {
        if after <= before {
            self.room.keep(before - after);
            return Ok(());
        }
        let more = after - before;
        while !self.room.reach(more) {
            let Some(evicted) = self.shards.evict_beside(self.shard, self.at, self.key) else {
                return Err(Stop::Room(more));
            };
            self.room.keep(evicted.weight);
            self.gone.push(evicted);
        }
        self.room.spend(more);
        Ok(())
    }
}

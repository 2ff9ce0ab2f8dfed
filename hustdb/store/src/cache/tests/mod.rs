//! The commands one by one, the bound, many threads, and all of it against a plain map.

mod bound;
mod model;
mod plain;
mod table;
mod threads;

use std::sync::Arc;

use super::{Cache, CacheOptions};
use crate::testing::TestClock;

const VALUE_MAX: usize = 1000;

/// A cache of so many bytes whose values have at most [`VALUE_MAX`] bytes, and its clock.
fn small(memory_bytes: u64) -> (Cache, Arc<TestClock>) {
    let clock = TestClock::at(5);
    let options = CacheOptions { memory_bytes, value_max_bytes: VALUE_MAX, clock: clock.clone() };
    (Cache::new(options), clock)
}

fn cache() -> (Cache, Arc<TestClock>) {
    small(1 << 20)
}

/// A cache of so many bytes with values of any length.
fn wide(memory_bytes: u64) -> Cache {
    Cache::new(CacheOptions { memory_bytes, value_max_bytes: usize::MAX / 2, clock: TestClock::at(5) })
}

impl Cache {
    fn text(&self, key: &str) -> Option<String> {
        let value = self.get(key.as_bytes()).unwrap()?;
        Some(String::from_utf8(value.as_ref().to_vec()).unwrap())
    }

    fn field(&self, table: &str, field: &str) -> Option<String> {
        let value = self.hget(table.as_bytes(), field.as_bytes()).unwrap()?;
        Some(String::from_utf8(value.as_ref().to_vec()).unwrap())
    }

    /// Checks what always holds while no command is under way.
    fn check(&self) {
        let stats = self.stats();
        assert_eq!(self.shards.weigh(), stats.bytes);
        assert_eq!(stats.entries == 0, stats.bytes == 0);
    }
}

//! The cache: plain values and hash tables in memory, bounded in bytes, the least recently used gone first.
//!
//! It is an object of its own, beside the [`Store`](crate::Store): nothing in it is stored, stamped or replicated, and
//! it ends with the process. One name space holds values and tables; a table is one entry, used and evicted whole.
//! `shards.rs` owns the entries, `held.rs` is what a command does under the lock of a shard, `plain.rs` and `table.rs`
//! are the commands. Invariant: what the entries weigh, together with the room writers have claimed, never exceeds
//! [`CacheOptions::memory_bytes`]. Times are monotonic, so a wall clock that jumps expires nothing.

mod budget;
mod decimal;
mod entry;
mod error;
mod held;
mod lru;
mod plain;
mod shards;
mod table;
mod value;

#[cfg(test)]
mod tests;

use std::{fmt, sync::Arc};

use hust_engine::clock::Clock;

pub use decimal::Decimal;
pub use error::Error;
pub use plain::Ttl;
pub use value::Value;

use shards::Shards;

/// Result of a cache command.
pub type Result<T> = std::result::Result<T, Error>;

/// What a [`Cache`] is made with.
#[derive(Clone, Debug)]
pub struct CacheOptions {
    /// Bound of all keys and values with their overhead, bytes.
    pub memory_bytes: u64,
    /// The longest value that `append` may make, bytes.
    pub value_max_bytes: usize,
    /// The door to time.
    pub clock: Arc<dyn Clock>,
}

/// Figures of a cache.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheStats {
    /// Values and tables, those that expired unnoticed included.
    pub entries: u64,
    /// What they weigh.
    pub bytes: u64,
    /// Reads that found something.
    pub hits: u64,
    /// Reads that found nothing.
    pub misses: u64,
    /// Entries that made room for others.
    pub evictions: u64,
}

/// Values and hash tables in memory. All calls may come from any thread; none waits for the disk.
pub struct Cache {
    shards: Shards,
    value_max_bytes: usize,
}

impl Cache {
    /// An empty cache.
    pub fn new(options: CacheOptions) -> Cache {
        let CacheOptions { memory_bytes, value_max_bytes, clock } = options;
        Cache { shards: Shards::new(memory_bytes, clock), value_max_bytes }
    }

    /// The figures now.
    pub fn stats(&self) -> CacheStats {
        self.shards.stats()
    }
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache").field("stats", &self.stats()).finish_non_exhaustive()
    }
}

//! One limit for all memory the engine has of its own: log buffers, indexes and filters, memtables, block cache.
//!
//! Buffers, indexes and filters take what they take: without them nothing can be read. What is left of the limit goes
//! to the memtables up to their setting, then to the cache up to its own. So a node whose tables grow gives up cache
//! first, then memtable (down to an eighth, below which flushes would be too small). Maps of files do not count: the
//! kernel takes those pages back when it needs them.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::{engine::Inner, options::Options};

/// The memtables keep at least this part of their setting.
const MEMTABLE_PART_MIN: u64 = 8;

/// The present shares of the limit.
#[derive(Debug)]
pub(crate) struct Budget {
    memtable_bytes: AtomicU64,
    index_bytes: AtomicU64,
}

/// How the limit is shared out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Shares {
    memtable_bytes: u64,
    cache_bytes: u64,
}

fn share(options: &Options, index_bytes: u64) -> Shares {
    let (memtable_max, cache_max) = (options.memtable_bytes, options.block_cache_bytes);
    if options.memory_bytes == 0 {
        return Shares { memtable_bytes: memtable_max, cache_bytes: cache_max };
    }
    let rest = options.memory_bytes.saturating_sub(index_bytes + options.buffer_bytes());
    let memtable_bytes = memtable_max.min(rest).max(memtable_max / MEMTABLE_PART_MIN);
    Shares { memtable_bytes, cache_bytes: cache_max.min(rest.saturating_sub(memtable_bytes)) }
}

impl Budget {
    pub fn new(options: &Options) -> Budget {
        Budget { memtable_bytes: AtomicU64::new(options.memtable_bytes), index_bytes: AtomicU64::new(0) }
    }

    /// What all memtables together may take now.
    pub fn memtable_bytes(&self) -> u64 {
        self.memtable_bytes.load(Relaxed)
    }

    /// What indexes, filters and residency maps take.
    pub fn index_bytes(&self) -> u64 {
        self.index_bytes.load(Relaxed)
    }
}

impl Inner {
    /// Shares the limit out anew; to be called when tables have come or gone.
    pub fn share_memory(&self) {
        let views = self.partitions.iter().map(|partition| partition.view_full());
        let index_bytes = views.map(|view| {
            let tables = view.levels.iter().flatten();
            tables.map(|table| table.memory_bytes() as u64).sum::<u64>()
        });
        let index_bytes = index_bytes.sum();
        let shares = share(&self.options, index_bytes);
        self.budget.index_bytes.store(index_bytes, Relaxed);
        self.budget.memtable_bytes.store(shares.memtable_bytes, Relaxed);
        self.tables.cache.set_capacity(shares.cache_bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indexes_come_first_then_memtables_then_the_cache() {
        let options = Options {
            memory_bytes: 500 << 20,
            memtable_bytes: 64 << 20,
            block_cache_bytes: 256 << 20,
            ..Options::new("/db")
        };
        let buffers = options.buffer_bytes();
        let mib =
            |memtable: u64, cache: u64| Shares { memtable_bytes: memtable << 20, cache_bytes: cache << 20 };
        assert_eq!(share(&options, 0), mib(64, 256));
        assert_eq!(share(&options, (500 << 20) - buffers - (100 << 20)), mib(64, 36));
        assert_eq!(share(&options, (500 << 20) - buffers - (20 << 20)), mib(20, 0));
        assert_eq!(share(&options, 900 << 20), mib(8, 0), "no less than an eighth");
        assert_eq!(share(&Options { memory_bytes: 0, ..options }, u64::MAX / 2), mib(64, 256), "no limit");
    }
}

//! The metrics of the cache.

use std::fmt;

use hust_store::cache::CacheStats;
use prometheus_client::{collector::Collector, encoding::DescriptorEncoder};

use super::{counter, gauge};

/// A look at the cache.
#[derive(Debug)]
pub struct CacheLook(pub CacheStats);

impl Collector for CacheLook {
    fn encode(&self, mut to: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let CacheStats { entries, bytes, hits, misses, evictions } = self.0;
        gauge(&mut to, "hustdb_hustcache_entries", "Values and tables in the cache", entries)?;
        gauge(&mut to, "hustdb_hustcache_bytes", "Keys and values of the cache with their overhead", bytes)?;
        counter(&mut to, "hustdb_hustcache_hits", "Reads of the cache that found something", hits)?;
        counter(&mut to, "hustdb_hustcache_misses", "Reads of the cache that found nothing", misses)?;
        counter(&mut to, "hustdb_hustcache_evictions", "Entries that made room for others", evictions)
    }
}

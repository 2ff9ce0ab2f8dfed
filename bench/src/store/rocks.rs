//! RocksDB with the budgets of the suite: one write buffer of the memtable budget, an LRU block cache, a Bloom
//! filter of 10 bits a key, no compression, everything else as it comes.

use std::path::Path;

use rocksdb::{
    BlockBasedOptions, Cache, DB, DBCompressionType, Options, WaitForCompactOptions, WriteOptions,
};

use super::{Budget, Failure, Store};

/// An open RocksDB.
pub struct Rocks {
    db: DB,
    synced: WriteOptions,
}

impl Rocks {
    /// Opens or creates one in `dir`.
    pub fn open(dir: &Path, budget: Budget) -> Result<Rocks, Failure> {
        let mut blocks = BlockBasedOptions::default();
        blocks.set_block_cache(&Cache::new_lru_cache(usize::try_from(budget.cache_bytes)?));
        blocks.set_bloom_filter(10.0, false);
        let mut options = Options::default();
        options.create_if_missing(true);
        options.set_compression_type(DBCompressionType::None);
        options.set_write_buffer_size(usize::try_from(budget.memtable_bytes)?);
        options.set_max_background_jobs(2);
        options.set_block_based_table_factory(&blocks);
        let mut synced = WriteOptions::default();
        synced.set_sync(true);
        Ok(Rocks { db: DB::open(&options, dir)?, synced })
    }
}

impl Store for Rocks {
    fn put(&self, key: &[u8], value: &[u8]) -> Result<(), Failure> {
        Ok(self.db.put(key, value)?)
    }

    fn put_synced(&self, key: &[u8], value: &[u8]) -> Result<(), Failure> {
        Ok(self.db.put_opt(key, value, &self.synced)?)
    }

    fn get(&self, key: &[u8], visit: &mut dyn FnMut(&[u8])) -> Result<bool, Failure> {
        let value = self.db.get_pinned(key)?;
        Ok(value.inspect(|value| visit(value)).is_some())
    }

    fn settle(&self) -> Result<(), Failure> {
        let mut wait = WaitForCompactOptions::default();
        wait.set_flush(true);
        Ok(self.db.wait_for_compact(&wait)?)
    }

    fn compact(&self) -> Result<(), Failure> {
        self.db.flush()?;
        self.db.compact_range(None::<&[u8]>, None::<&[u8]>);
        Ok(())
    }
}

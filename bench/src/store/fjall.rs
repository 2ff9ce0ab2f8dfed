//! fjall with the budgets of the suite: one keyspace, no compression (its default without lz4), everything else as
//! it comes. Its synced write is the insert followed by `persist(SyncData)`, as its documentation has it.

use std::path::Path;

use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode};

use super::{Budget, Failure, Store};
use crate::clock::wait_until;

/// Passes without any background work before the store is taken to be at rest.
const QUIET_PASSES: u32 = 20;

/// An open fjall database.
pub struct Fjall {
    db: Database,
    rows: Keyspace,
}

impl Fjall {
    /// Opens or creates one in `dir`.
    pub fn open(dir: &Path, budget: Budget) -> Result<Fjall, Failure> {
        let db = Database::builder(dir).cache_size(budget.cache_bytes).open()?;
        let options = KeyspaceCreateOptions::default().max_memtable_size(budget.memtable_bytes);
        let rows = db.keyspace("rows", || options)?;
        Ok(Fjall { db, rows })
    }
}

impl Store for Fjall {
    fn put(&self, key: &[u8], value: &[u8]) -> Result<(), Failure> {
        Ok(self.rows.insert(key, value)?)
    }

    fn put_synced(&self, key: &[u8], value: &[u8]) -> Result<(), Failure> {
        self.rows.insert(key, value)?;
        Ok(self.db.persist(PersistMode::SyncData)?)
    }

    fn get(&self, key: &[u8], visit: &mut dyn FnMut(&[u8])) -> Result<bool, Failure> {
        let value = self.rows.get(key)?;
        Ok(value.inspect(|value| visit(value)).is_some())
    }

    fn settle(&self) -> Result<(), Failure> {
        self.rows.rotate_memtable_and_wait()?;
        let mut quiet = 0;
        let mut completed = self.db.compactions_completed();
        wait_until(|| {
            let now = self.db.compactions_completed();
            let busy = self.db.active_compactions() + self.db.outstanding_flushes() > 0 || now != completed;
            completed = now;
            quiet = if busy { 0 } else { quiet + 1 };
            quiet >= QUIET_PASSES
        });
        Ok(())
    }

    fn compact(&self) -> Result<(), Failure> {
        self.rows.rotate_memtable_and_wait()?;
        Ok(self.rows.major_compact()?)
    }
}

//! hust-engine with the budgets of the suite, used as the node uses it: the row key is the md5 of the user key, the
//! full user key lies with the row, a write reads the old row and counts its version up. Everything else as it comes.
//!
//! How durable an acknowledged write is, is a setting of the whole engine: synced writes want one opened for them.

use std::{
    path::Path,
    sync::atomic::{AtomicU64, Ordering},
    time::{SystemTime, UNIX_EPOCH},
};

use hust_engine::{Engine, Error, Key, Meta, Options, SyncMode};
use md5::{Digest, Md5};

use super::{Budget, Failure, Store};

/// The table of all rows.
const TABLE: u32 = 1;

/// An open engine.
pub struct Hust {
    engine: Engine,
    stamp: AtomicU64,
}

impl Hust {
    /// Opens or creates one in `dir`; `synced`: writes are acknowledged once on disk.
    pub fn open(dir: &Path, budget: Budget, synced: bool) -> Result<Hust, Failure> {
        let mut options = Options::new(dir);
        options.sync = if synced { SyncMode::Always } else { SyncMode::Os };
        options.memtable_bytes = budget.memtable_bytes;
        options.block_cache_bytes = budget.cache_bytes;
        let engine = Engine::open(options)?;
        let unix_ms = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis();
        let stamp = engine.max_stamp().max(u64::try_from(unix_ms)? << 16);
        Ok(Hust { engine, stamp: AtomicU64::new(stamp) })
    }

    fn write(&self, user_key: &[u8], value: &[u8]) -> Result<(), Error> {
        let key = row_key(user_key);
        let ((), ticket) = self.engine.update(&[key], |old, batch| {
            let old = old.first().and_then(Option::as_ref);
            if old.is_some_and(|old| old.user_key() != user_key) {
                return Err(Error::Invalid("two user keys with one md5".into()));
            }
            let version = old.map_or(0, |old| old.meta().version) + 1;
            let stamp = self.stamp.fetch_add(1, Ordering::Relaxed) + 1;
            batch.put(key, Meta { stamp, version, ..Meta::default() }, user_key, value);
            Ok(())
        })?;
        ticket.wait()
    }
}

impl Store for Hust {
    fn put(&self, key: &[u8], value: &[u8]) -> Result<(), Failure> {
        loop {
            match self.write(key, value) {
                Err(Error::Busy(_)) => self.engine.wait_writable(),
                done => return Ok(done?),
            }
        }
    }

    fn put_synced(&self, key: &[u8], value: &[u8]) -> Result<(), Failure> {
        if self.engine.options().sync != SyncMode::Always {
            return Err("the engine was not opened for synced writes".into());
        }
        self.put(key, value)
    }

    fn get(&self, key: &[u8], visit: &mut dyn FnMut(&[u8])) -> Result<bool, Failure> {
        let row = self.engine.get(&row_key(key))?;
        let row = row.filter(|row| !row.meta.is_tombstone() && row.user_key() == key);
        Ok(row.inspect(|row| visit(row.value())).is_some())
    }

    fn settle(&self) -> Result<(), Failure> {
        Ok(self.engine.settle()?)
    }

    fn compact(&self) -> Result<(), Failure> {
        self.engine.flush()?;
        while self.engine.work()? {}
        Ok(())
    }

    fn close(&self) -> Result<(), Failure> {
        Ok(self.engine.close()?)
    }
}

fn row_key(user_key: &[u8]) -> Key {
    Key::hashed(TABLE, Md5::digest(user_key).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::BUDGET;

    fn value_of(store: &Hust, key: &[u8]) -> Option<Vec<u8>> {
        let mut found = None;
        let is_there = store.get(key, &mut |value| found = Some(value.to_vec())).unwrap();
        assert_eq!(is_there, found.is_some());
        found
    }

    #[test]
    fn rows_outlive_flushes_and_closes() {
        let dir = tempfile::tempdir().unwrap();
        for round in 1..=3u8 {
            let store = Hust::open(dir.path(), BUDGET, round == 2).unwrap();
            store.put(b"small", &[round; 10]).unwrap();
            store.put(b"large", &[round; 5000]).unwrap();
            assert_eq!(store.put_synced(b"synced", &[round]).is_ok(), round == 2);
            store.compact().unwrap();
            assert_eq!(value_of(&store, b"small"), Some(vec![round; 10]));
            assert_eq!(value_of(&store, b"large"), Some(vec![round; 5000]));
            assert_eq!(value_of(&store, b"synced"), (round >= 2).then_some(vec![2]));
            assert_eq!(value_of(&store, b"none"), None);
            let head = store.engine.head(&row_key(b"small")).unwrap().unwrap();
            assert_eq!(head.meta().version, u64::from(round));
            store.close().unwrap();
        }
    }
}

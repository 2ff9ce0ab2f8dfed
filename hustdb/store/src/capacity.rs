//! The guard before writes that take space.
//!
//! Two limits: the sum of live records against `disk_capacity`, exact at every write, and the free space of the file
//! system against `disk_reserve`, asked for at most once a second. Nothing is remembered but that last look, so the
//! guard opens by itself as soon as the data allows. Every put passes here: no lock, and no look at a clock.

use std::sync::atomic::{AtomicU64, Ordering};

use hust_engine::Engine;

use crate::{
    error::{Error, Result},
    tally::GUARDED_BYTES,
};

/// How long a look at the free space is good for, ms.
const LOOK_EVERY_MS: u64 = 1000;

/// See the module.
#[derive(Debug)]
pub(crate) struct Capacity {
    disk_capacity_bytes: u64,
    disk_reserve_bytes: u64,
    /// When the last look was, wall clock; `u64::MAX` before the first.
    looked_at_ms: AtomicU64,
    free_bytes: AtomicU64,
}

impl Capacity {
    /// Limits in bytes; 0 = none.
    pub(crate) fn new(disk_capacity_bytes: u64, disk_reserve_bytes: u64) -> Capacity {
        let (looked_at_ms, free_bytes) = (AtomicU64::new(u64::MAX), AtomicU64::new(0));
        Capacity { disk_capacity_bytes, disk_reserve_bytes, looked_at_ms, free_bytes }
    }

    /// Refuses while a limit is passed.
    pub(crate) fn check(&self, engine: &Engine, now_ms: u64) -> Result<()> {
        if self.disk_capacity_bytes != 0 {
            let bytes = u64::try_from(engine.tally_total(GUARDED_BYTES)).unwrap_or(0);
            if bytes > self.disk_capacity_bytes {
                return Err(Error::Capacity(format!(
                    "{bytes} bytes stored, limit {}",
                    self.disk_capacity_bytes
                )));
            }
        }
        if self.disk_reserve_bytes != 0 {
            self.check_free(self.free_bytes(now_ms, || Ok(engine.free_bytes()?))?)?;
        }
        Ok(())
    }

    /// Refuses if so much free space is less than there should be.
    pub(crate) fn check_free(&self, free_bytes: u64) -> Result<()> {
        if free_bytes < self.disk_reserve_bytes {
            return Err(Error::Capacity(format!(
                "{free_bytes} bytes free, reserve {}",
                self.disk_reserve_bytes
            )));
        }
        Ok(())
    }

    /// The free space as of the last second. A wall clock that was set back or forward makes the look old.
    fn free_bytes(&self, now_ms: u64, look: impl FnOnce() -> Result<u64>) -> Result<u64> {
        let looked_at_ms = self.looked_at_ms.load(Ordering::Acquire);
        if now_ms.abs_diff(looked_at_ms) < LOOK_EVERY_MS {
            return Ok(self.free_bytes.load(Ordering::Relaxed));
        }
        let free_bytes = look()?;
        self.free_bytes.store(free_bytes, Ordering::Relaxed);
        self.looked_at_ms.store(now_ms, Ordering::Release);
        Ok(free_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_space_is_asked_for_once_a_second() {
        let capacity = Capacity::new(0, 10);
        for (now_ms, answer, free_bytes) in
            [(5000, 7, 7), (5999, 8, 7), (6000, 9, 9), (5001, 6, 9), (4000, 5, 5), (4500, 4, 5)]
        {
            assert_eq!(capacity.free_bytes(now_ms, || Ok(answer)).unwrap(), free_bytes, "{now_ms}");
        }
        assert!(capacity.free_bytes(9000, || Err(Error::Busy("disk"))).is_err());
        assert_eq!(capacity.free_bytes(9000, || Ok(3)).unwrap(), 3, "a failed look is none");
    }
}

//! The guard before writes that take space.
//!
//! Two limits: the sum of live records against `disk_capacity`, exact at every write, and the free space of the file
//! system against `disk_reserve`, asked for at most once a second. Nothing is remembered but that last look, so the
//! guard opens by itself as soon as the data allows.

use std::{sync::Arc, time::Duration};

use hust_engine::{Engine, clock::Clock};
use parking_lot::Mutex;

use crate::{
    error::{Error, Result},
    tally::GUARDED_BYTES,
};

/// How long a look at the free space is good for.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// See the module.
#[derive(Debug)]
pub(crate) struct Capacity {
    clock: Arc<dyn Clock>,
    disk_capacity_bytes: u64,
    disk_reserve_bytes: u64,
    looked: Mutex<Option<Look>>,
}

#[derive(Clone, Copy, Debug)]
struct Look {
    at: Duration,
    free_bytes: u64,
}

impl Capacity {
    /// Limits in bytes; 0 = none.
    pub(crate) fn new(clock: Arc<dyn Clock>, disk_capacity_bytes: u64, disk_reserve_bytes: u64) -> Capacity {
        Capacity { clock, disk_capacity_bytes, disk_reserve_bytes, looked: Mutex::new(None) }
    }

    /// Refuses while a limit is passed.
    pub(crate) fn check(&self, engine: &Engine) -> Result<()> {
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
            let free_bytes = self.free_bytes(|| Ok(engine.free_bytes()?))?;
            if free_bytes < self.disk_reserve_bytes {
                return Err(Error::Capacity(format!(
                    "{free_bytes} bytes free, reserve {}",
                    self.disk_reserve_bytes
                )));
            }
        }
        Ok(())
    }

    fn free_bytes(&self, look: impl FnOnce() -> Result<u64>) -> Result<u64> {
        let now = self.clock.monotonic();
        let mut looked = self.looked.lock();
        match *looked {
            Some(last) if now.saturating_sub(last.at) < LOOK_EVERY => Ok(last.free_bytes),
            _ => {
                let free_bytes = look()?;
                *looked = Some(Look { at: now, free_bytes });
                Ok(free_bytes)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestClock;

    #[test]
    fn free_space_is_asked_for_once_a_second() {
        let clock = TestClock::at(0);
        let capacity = Capacity::new(clock.clone(), 0, 10);
        assert_eq!(capacity.free_bytes(|| Ok(7)).unwrap(), 7);
        clock.set(999);
        assert_eq!(capacity.free_bytes(|| Ok(8)).unwrap(), 7);
        clock.set(1000);
        assert_eq!(capacity.free_bytes(|| Ok(9)).unwrap(), 9);
    }
}

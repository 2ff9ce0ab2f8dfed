//! The table in force: who has which slot, and the exchange of one table for the next under load.
//!
//! An [`Installed`] table never changes; one pointer leads to it. A write that begins takes a [`Token`] of its table and
//! keeps it to its end, so that it can be told when all writes of earlier tables have ended (`Drained`).

mod disk;
mod hold;
mod ids;
mod install;
mod installed;

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use arc_swap::{ArcSwap, Guard};
use parking_lot::Mutex;
use tokio::{
    sync::watch,
    time::{Instant, timeout_at},
};

pub use disk::read;
pub use hold::Hold;
pub use ids::Ids;
pub use install::{Condition, InstallError, Installer};
pub use installed::{Installed, Places, Seats};

/// Writes wait at most this long while their slots are held.
const HOLD_MAX: Duration = Duration::from_secs(2);

/// Kept by a write as long as it lasts.
#[derive(Debug)]
pub struct Token {
    ended: watch::Sender<()>,
}

impl Drop for Token {
    fn drop(&mut self) {
        self.ended.send_replace(());
    }
}

/// The table in force and what is left of those before it.
#[derive(Debug)]
pub struct Tables {
    current: ArcSwap<Installed>,
    /// Told when a table is exchanged.
    changed: watch::Sender<()>,
    /// Told when the last holder of a token has gone.
    ended: watch::Sender<()>,
    earlier: Mutex<Vec<Weak<Token>>>,
}

impl Tables {
    /// The first table. `make` is given the token of its writes.
    fn new(make: impl FnOnce(Arc<Token>) -> Option<Installed>) -> Option<Tables> {
        let ended = watch::Sender::new(());
        let first = make(Arc::new(Token { ended: ended.clone() }))?;
        Some(Tables {
            current: ArcSwap::from_pointee(first),
            changed: watch::Sender::new(()),
            ended,
            earlier: Mutex::default(),
        })
    }

    /// The table in force, for a moment.
    pub fn load(&self) -> Guard<Arc<Installed>> {
        self.current.load()
    }

    /// Puts the next table in force, if it could be made.
    fn swap(&self, make: impl FnOnce(Arc<Token>) -> Option<Installed>) -> bool {
        let Some(next) = make(Arc::new(Token { ended: self.ended.clone() })) else { return false };
        let before = self.current.swap(Arc::new(next));
        let mut earlier = self.earlier.lock();
        earlier.retain(|token| token.strong_count() > 0);
        earlier.push(Arc::downgrade(&before.token));
        drop(earlier);
        drop(before);
        self.changed.send_replace(());
        true
    }

    /// Whether every write that began under an earlier table has ended.
    pub fn is_drained(&self) -> bool {
        self.earlier.lock().iter().all(|token| token.strong_count() == 0)
    }

    /// Waits until that is so, or until then. Whether it is.
    pub async fn drained(&self, until: Instant) -> bool {
        let mut ended = self.ended.subscribe();
        let wait = async {
            while !self.is_drained() {
                // The sender is here.
                let _ = ended.changed().await;
            }
        };
        timeout_at(until, wait).await.is_ok()
    }

    /// The hosts of a write that begins, and its token; waits while the slot is held.
    pub async fn begin(&self, slot: u16) -> (Seats, Arc<Token>) {
        if let Ok(begun) = self.begin_now(slot) {
            return begun;
        }
        loop {
            let mut changed = self.changed.subscribe();
            match self.begin_now(slot) {
                Ok(begun) => return begun,
                // Either way it is looked at again.
                Err(until) => drop(timeout_at(until, changed.changed()).await),
            }
        }
    }

    /// The same, or until when the slot is held at most.
    fn begin_now(&self, slot: u16) -> Result<(Seats, Arc<Token>), Instant> {
        let installed = self.current.load();
        let seats = installed.seats(slot);
        let until = installed.since + HOLD_MAX;
        if seats.holds_writes && Instant::now() < until {
            return Err(until);
        }
        Ok((seats.clone(), installed.token.clone()))
    }
}

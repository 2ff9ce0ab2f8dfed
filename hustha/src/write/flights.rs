//! One record, one serialiser: the records with a write in flight, and which master decides about each.
//!
//! Writes with the same serialiser run side by side. One that would go to another waits until those have ended, so that
//! a change of roles cannot have two masters decide about a record at the same time. Records are told by a hash: two
//! that share one wait for each other needlessly, and nothing else.

use std::{
    collections::{HashMap, hash_map::Entry},
    hash::RandomState,
    sync::Arc,
};

use hust_wire::Host;
use parking_lot::Mutex;
use tokio::sync::watch;

use crate::canon::Identity;

const SHARDS: usize = 64;

/// The records with a write in flight.
#[derive(Debug)]
pub struct Flights {
    hasher: RandomState,
    shards: [Mutex<HashMap<u64, Group>>; SHARDS],
}

/// The writes of one record.
#[derive(Debug)]
struct Group {
    serialiser: Host,
    count: usize,
    /// Made for the first who waits; dropped when the group ends.
    ended: Option<watch::Sender<()>>,
}

/// A write in flight; ends when dropped.
#[derive(Debug)]
pub struct Flight {
    flights: Arc<Flights>,
    number: u64,
}

/// Whether a write may begin.
#[derive(Debug)]
pub enum Entrance {
    /// It has begun.
    Open(Flight),
    /// Others have to end first; try again when this does.
    Wait(watch::Receiver<()>),
}

impl Default for Flights {
    fn default() -> Flights {
        Flights { hasher: RandomState::new(), shards: std::array::from_fn(|_| Mutex::default()) }
    }
}

impl Flights {
    /// Begins a write of a record that `serialiser` decides.
    pub fn enter(self: &Arc<Flights>, identity: &Identity, serialiser: &Host) -> Entrance {
        let number = identity.number(&self.hasher);
        let flight = || Entrance::Open(Flight { flights: self.clone(), number });
        match self.shard(number).lock().entry(number) {
            Entry::Vacant(place) => {
                place.insert(Group { serialiser: serialiser.clone(), count: 1, ended: None });
                flight()
            }
            Entry::Occupied(mut place) => {
                let group = place.get_mut();
                if group.serialiser == *serialiser {
                    group.count += 1;
                    return flight();
                }
                Entrance::Wait(group.ended.get_or_insert_with(|| watch::Sender::new(())).subscribe())
            }
        }
    }

    fn shard(&self, number: u64) -> &Mutex<HashMap<u64, Group>> {
        &self.shards[number as usize % SHARDS]
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        let mut shard = self.flights.shard(self.number).lock();
        if let Some(group) = shard.get_mut(&self.number) {
            group.count -= 1;
            if group.count == 0 {
                shard.remove(&self.number);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use hust_wire::frame::Kind;

    use super::*;

    #[tokio::test]
    async fn another_serialiser_waits() {
        let flights = Arc::new(Flights::default());
        let host = |text: &str| text.parse::<Host>().unwrap();
        let record = |key: &'static str| Identity { kind: Kind::Kv, table: String::new(), key: key.into() };
        let (a, b) = (host("a:1"), host("b:1"));
        let Entrance::Open(first) = flights.enter(&record("k"), &a) else { panic!("free") };
        let Entrance::Open(second) = flights.enter(&record("k"), &a) else { panic!("same serialiser") };
        let Entrance::Open(_) = flights.enter(&record("other"), &b) else { panic!("another record") };
        let Entrance::Wait(mut ended) = flights.enter(&record("k"), &b) else { panic!("must wait") };
        drop(first);
        assert!(!ended.has_changed().unwrap_or(true), "one is left");
        drop(second);
        assert!(ended.changed().await.is_err(), "the group has ended");
        let Entrance::Open(third) = flights.enter(&record("k"), &b) else { panic!("free again") };
        assert!(matches!(flights.enter(&record("k"), &a), Entrance::Wait(_)));
        drop(third);
        assert!(flights.shards.iter().all(|shard| shard.lock().is_empty()), "nothing is left behind");
    }
}

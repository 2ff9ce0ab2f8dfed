//! Records over the engine: versions, stamps, expiry, tombstones and the rule that merges replicas.
//!
//! The crate knows the engine and no HTTP. [`record`] and [`merge`] decide, purely; [`Store`] owns the rest. All
//! calls may come from any thread; those named `try_` never block on the disk.

mod address;
mod capacity;
mod cursor;
mod error;
mod expiry;
mod kind;
mod kv;
mod listing;
pub mod merge;
mod options;
pub mod queue;
pub mod record;
mod stamp;
mod store;
mod tally;
mod write;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

pub use address::{Address, MAX_KEY_BYTES, SLOTS, md5, slot_of};
pub use error::{Error, Result};
pub use expiry::Swept;
pub use hust_engine::{Fetch, Slice, Ticket};
pub use kind::Kind;
pub use kv::{Delete, Kv, Put, Record};
pub use listing::{ListRequest, ListedRow, Listing, Start};
pub use options::StoreOptions;
pub use queue::Queues;
pub use record::{Answer, Origin, Shown};
pub use stamp::StampClock;
pub use store::Store;
pub use tally::Stat;
pub use write::{Lifetime, Written};

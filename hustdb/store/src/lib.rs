//! Records over the engine: versions, stamps, expiry, tombstones and the rule that merges replicas.
//!
//! The crate knows the engine and no HTTP. [`record`] and [`merge`] decide, purely; [`Store`] owns the rest. All
//! calls may come from any thread; those named `try_` never block on the disk.

mod address;
pub mod cache;
mod capacity;
mod cursor;
mod debts;
mod error;
mod expiry;
mod export;
mod kind;
mod kv;
mod listing;
mod members;
pub mod merge;
mod options;
pub mod queue;
mod read;
pub mod record;
mod replica;
mod stamp;
mod store;
mod tables;
mod tally;
mod write;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

pub use address::{Address, MAX_KEY_BYTES, SLOTS, TableId, md5, slot_of};
pub use cache::{Cache, CacheOptions};
pub use debts::{CREDITORS_MAX, Creditor, Debt, DebtBatch, Debts, HostName, Noted, Owed, OwedRecord};
pub use error::{Error, Result};
pub use expiry::Swept;
pub use export::{
    ExportKeep, ExportOf, ExportRequest, ExportStats, SnapshotInfo, SnapshotPage, SnapshotRequest,
    SnapshotSubject, TaskCounts, TaskStatus,
};
pub use hust_engine::{Fetch, Seen, Slice, Ticket};
pub use kind::Kind;
pub use kv::Kv;
pub use listing::{ListOf, ListRequest, ListedRow, ListedValue, Listing, Start};
pub use members::{Member, Members};
pub use options::StoreOptions;
pub use queue::Queues;
pub use record::{Answer, Origin, Record, Shown};
pub use replica::{
    Forgetting, Form, Merged, Replica, ScanPage, ScanRequest, StoredReplica, cursor_of, is_cursor,
};
pub use stamp::StampClock;
pub use store::Store;
pub use tables::{Figures, MAX_NAME_BYTES, Reaped, TableStat};
pub use tally::Stat;
pub use write::{Change, Lifetime, ScoreOperation, Terms, Written, score_of};

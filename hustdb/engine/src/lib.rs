//! A log-structured merge engine for fixed-width hashed keys with values kept apart.
//!
//! Blocking; knows no HTTP and no async runtime. `doc/engine.md` explains the parts, the bytes on disk and the
//! commit points.

mod accounts;
mod background;
mod batch;
mod budget;
mod checkpoint;
pub mod clock;
#[doc(hidden)]
pub mod collect;
mod compact;
#[doc(hidden)]
pub mod compaction;
mod engine;
mod error;
mod fetch;
mod flush;
mod head;
pub mod key;
#[doc(hidden)]
pub mod log;
mod manifest;
#[doc(hidden)]
pub mod memtable;
mod options;
mod outputs;
mod partition;
mod pressure;
mod progress;
mod reclaim;
mod recovery;
mod replay;
pub mod row;
mod runs;
mod scan;
mod sight;
mod slice;
mod snapshot;
mod stats;
#[doc(hidden)]
pub mod table;
mod update;
mod verify;
pub mod vfs;
mod view;

pub use batch::{Batch, LANES, SLOTS, USER_KEY_BYTES_MAX};
pub use compaction::Direction;
pub use engine::Engine;
pub use error::{Error, Result};
pub use fetch::{Cold, Fetch};
pub use head::{Head, Row};
pub use key::Key;
pub use log::{LogStats, Ticket};
pub use options::{Background, Options, SyncMode};
pub use row::{Meta, Pointer, RowRef, Value};
pub use scan::{Lent, LentValue, Page, Visited};
pub use sight::Seen;
pub use slice::Slice;
pub use snapshot::Snapshot;
pub use stats::{LevelStats, Stats};
pub use verify::Verified;

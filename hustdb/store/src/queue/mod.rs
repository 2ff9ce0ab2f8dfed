//! Queues: normal ones (put, get, ack) and push queues (pub, sub), in one name space and a key space of their own.
//!
//! ```text
//! command -> lock of its queue -> decide (pure: normal/, push/) -> plan -> rows -> one batch of the engine
//!                                                                   `-> applied to the state in memory
//! ```
//!
//! | in memory | on disk |
//! |---|---|
//! | settings, counters of each priority | a row each, written with every change |
//! | messages in flight, delayed, or come back (entries in slots) | a row each, in as many places as there were at once |
//! | runs of live indices of push queues | the same |
//! | of ready messages nothing: a get reads the row at its cursor | item, expiry |
//!
//! So a start-up reads settings, counters and slots, whatever was put and consumed before; the head of a
//! long queue is as near as that of a short one. [`Queues`] is the way in; `doc/queues.md` has the rows.

mod admin;
mod agenda;
mod core;
mod counters;
mod error;
mod get;
mod layout;
mod load;
mod normal;
mod options;
mod promise;
mod publish;
mod push;
mod put;
#[expect(clippy::module_inception, reason = "one queue, among those of the module")]
mod queue;
mod queues;
mod read;
mod reclaim;
mod rows;
mod settings;
mod settle;
mod threads;
mod tick;
mod token;
mod watch;
mod workers;

#[cfg(test)]
mod tests;

pub use admin::{Configured, Purge};
pub use counters::PRIORITIES;
pub use error::{QueueError, QueueResult};
pub use get::{Delivered, Get, GetDone, WORKER_MAX_BYTES};
pub use normal::settle::Verdict;
pub use options::QueueOptions;
pub use promise::Promise;
pub use publish::{Copy, INDEX_MAX, Merged, Publication, Published};
pub use push::window::Window;
pub use put::{BATCH_MAX, ID_MAX_BYTES, NewMessage, PutDone, Stored};
pub use queues::Queues;
pub use read::{Departed, LiveRuns, QueueStat, Read, SubDone};
pub use settings::{Change, DEDUP_MAX_S, LENGTH_MAX, NAME_MAX_BYTES, QueueKind, Settings, TIMEOUT_MAX_S};
pub use settle::Settlement;
pub(crate) use threads::Threads;
pub use token::{TOKEN_MAX_BYTES, Token};
pub use watch::{Changes, NextEvent};
pub use workers::Worker;

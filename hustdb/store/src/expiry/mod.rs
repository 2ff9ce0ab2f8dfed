//! Expired records leave the counts: an index by due time, and the sweep that follows it.
//!
//! A record with an expiry has a row in the index, written in the same batch. Commands go by the clock and never
//! look at it; only the sweep does, to find what to take out of the tallies. A row of the index may be stale (the
//! record was overwritten since) but never missing: every counted record with an expiry has one.

mod index;
mod sweep;
mod sweeper;

pub(crate) use index::{Entry, ExpiryIndex};
pub use sweep::Swept;
pub(crate) use sweep::sweep;
pub(crate) use sweeper::Sweeper;

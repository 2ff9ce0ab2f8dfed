//! Compaction: what to merge, and how.
//!
//! `pick` decides from the shape of the levels alone, `merge` walks several sorted sources as one, `retain` says
//! which rows need not be written again. Nothing here touches a file: whoever runs a [`Plan`] reads and writes the
//! tables and edits the manifest. `simulate` runs the same decisions over made-up files and measures what they cost.

mod cursor;
mod level;
mod merge;
mod pick;
mod retain;
pub mod simulate;

#[cfg(test)]
mod pick_model;
#[cfg(test)]
mod pick_tests;

pub use cursor::{Direction, RowCursor, past_the_end};
pub use level::{FileInfo, Level, LevelConfig};
pub use merge::Merge;
pub use pick::{Plan, Reason, pick};
pub use retain::{Retain, retain};

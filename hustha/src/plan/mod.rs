//! Decisions, pure: who decides, who follows, what the answers of nodes mean together.
//!
//! Nothing here talks to anybody; `write/`, `read.rs`, `get2.rs` and `cache.rs` act on what is decided here. A node is
//! told by its [`Seat`] in the acting pair.

mod both;
mod cache;
mod read;
mod roles;
mod write;

pub use both::{Side, compare};
pub use cache::{CacheLeg, CacheVerdict, cache_verdict};
pub use read::{AfterRead, Fallback, ReadLeg, Shown, after_both_reads, after_first_read};
pub use roles::{Cast, Seat, View, cast};
pub use write::{After, Demand, Leg, Verdict, Word, after_both, after_first};

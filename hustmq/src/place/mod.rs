//! Where a queue's messages go and are looked for. Pure.

mod candidates;
mod missing;
mod owner;

pub use candidates::{Seen, candidates};
pub use missing::{Missing, missing};
pub use owner::{owner, ring};

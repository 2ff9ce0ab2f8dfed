//! The nodes behind the front: whether they answer, and what came of asking one.
//!
//! A [`Backend`] is one node with its state, shared by all workers; requests read it without a lock and tell it what
//! went wrong. The keeper's thread checks each of them (`check.rs`), and each poll of the view counts as a check. The
//! list never changes while the program runs; a backend is known by its place in it.

mod ask;
mod check;
mod node;

pub use ask::{Outcome, ask};
pub use check::{check, watch};
pub use node::{Backend, Counts};

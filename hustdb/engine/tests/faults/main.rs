//! What a disk can do to a database: bytes that change or vanish, operations that fail, space that runs out.
//!
//! The oracle is the same everywhere: what is read is exactly what was written, or an error; what was acknowledged is
//! there after the next start; nothing panics.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "tests end at the first surprise, and tell what they saw"
)]

mod damage;
mod failing;
mod full;
#[path = "../support/mod.rs"]
mod support;

//! A log-structured merge engine for fixed-width hashed keys with values kept apart.
//!
//! Blocking; knows no HTTP and no async runtime. `doc/engine.md` explains the parts, the bytes on disk and the
//! commit points.

pub mod clock;
mod error;
pub mod key;
pub mod log;
pub mod row;
pub mod slice;
pub mod vfs;

pub use error::{Error, Result};
pub use key::Key;
pub use row::{Meta, Pointer, RowRef, Value};
pub use slice::Slice;

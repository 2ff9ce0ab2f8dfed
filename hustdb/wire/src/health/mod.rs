//! Whether a node can be asked: what checks and requests tell of it, and the state that follows. The state is kept by
//! whoever knows the node; nothing here is shared between threads.

mod check;
mod track;

pub use check::check;
pub use track::{Event, Limits, State, Track};

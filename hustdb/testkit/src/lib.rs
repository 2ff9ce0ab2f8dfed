//! Starts real programs for tests: free ports, temporary folders, stopped by their own id.

mod http;
mod node;
mod raw;
mod wait;

pub use http::{Http, Reply};
pub use node::{Node, NodeBuilder};
pub use raw::Raw;
pub use wait::wait_until;

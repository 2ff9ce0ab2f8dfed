//! Starts real programs for tests: free ports, temporary folders, stopped by their own id.

mod http;
mod node;

pub use http::{Http, Reply};
pub use node::{Node, NodeBuilder};

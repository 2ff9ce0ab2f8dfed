//! Starts real programs for tests: free ports, temporary folders, stopped by their own id.

mod address;
mod certificate;
mod cluster;
mod examples;
mod http;
mod node;
mod program;
mod random;
mod raw;
mod reference;
mod relay;
mod sibling;
mod wait;

pub use address::free_address;
pub use certificate::Certificate;
pub use cluster::{Cluster, Shape};
pub use examples::{Example, examples};
pub use http::{Http, Reply};
pub use node::{Node, NodeBuilder};
pub use program::Program;
pub use random::Random;
pub use raw::Raw;
pub use reference::{check_reference, in_tree};
pub use relay::{Fault, Relay};
pub use rustix::process::Signal;
pub use sibling::sibling;
pub use wait::wait_until;

//! What the nodes say of their queues.
//!
//! Each node has a [`Row`] a queue, replaced as a whole by each answer to a poll; the merge of what all nodes say is a
//! pure function. Nothing that is asked of a queue trusts it: it only orders the nodes to ask.

mod row;

pub use row::{Row, Rows, rows};

//! What this proxy knows of the nodes: whether they answer, and whether records are owed to them.
//!
//! A [`Node`] is one host with its state, shared by all workers; requests read it without a lock and tell it what went
//! wrong. The keeper's thread checks each node (`check.rs`) and asks all of them for their debts (`poll.rs`). The
//! [`Fleet`] is the set of nodes of the table in force and of the configuration.

mod check;
mod fleet;
mod node;
mod poll;

pub use check::{check, watch};
pub use fleet::Fleet;
pub use node::{Leg, Node};
pub use poll::{poll, round};

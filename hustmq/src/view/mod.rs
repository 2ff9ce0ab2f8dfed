//! What the nodes say of their queues.
//!
//! Each node has a [`Row`] a queue, replaced as a whole by each answer to a poll (`poll.rs`); what all nodes say
//! together is a pure function (`merge.rs`). Rows of a node are kept when it is silent, whatever is shown: a stand-in
//! is told the settings its queue had. Nothing that is asked of a queue trusts a row; it orders the nodes to ask, and
//! refuses to give a name a second kind.

mod merge;
mod poll;
mod row;
mod seen;
mod show;

pub use merge::{Merged, merge};
pub use poll::{autost, first, poll};
pub use row::{Kind, Row, Rows, rows};
pub use seen::View;
pub use show::{stat, stat_all};

//! Writes: one master decides, the others get its result, and what cannot be delivered is owed.
//!
//! A write whose request is complete ends by itself (`task.rs`), whether its client waits or not. `flights.rs` keeps two
//! serialisers from deciding about one record at a time, `legs.rs` talks to the nodes, `owe.rs` makes sure that a record
//! that is not on both masters is durably owed to the one that lacks it.

mod flights;
mod legs;
mod owe;
mod task;

pub use flights::Flights;
pub use owe::{Debtor, Evidence, repair};
pub use task::run;

//! HTTP/1.1 to the nodes: kept connections, a bound on their number, one deadline over each whole exchange, and
//! failures that say what the caller may do.
//!
//! A connection is a value that the exchange using it owns and drives by itself, without a task of its own: dropping
//! the future of [`Pool::call`] closes the connection, and nothing is left running. A connection goes back to its
//! host's stack only when an answer has been read to its end and the next request could be sent at once, so a kept
//! connection never has anything of an old exchange in it.
//!
//! A [`Pool`] belongs to one runtime: its connections die with it. Programs with a current-thread runtime a worker
//! have one a worker.

mod call;
mod chunks;
mod dial;
mod exchange;
mod failure;
mod head;
mod headers;
mod link;
mod peer;
mod pool;
mod roundtrip;
mod socket;
mod target;
mod trust;

pub use call::{ANSWER_MAX_BYTES, Call, Repeat, Reply};
pub use failure::{Failure, Outcome};
pub use headers::{Headers, is_named};
pub use pool::{Options, Pool};
pub use target::Target;
pub use trust::Trust;

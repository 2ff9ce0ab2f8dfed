//! Load on HTTP servers: `wrk` where throughput is measured, an open loop where latency is, and a loader that fills
//! a node with records.

mod client;
mod fill;
mod messages;
mod mix;
mod open_loop;
mod resp;
mod wrk;

pub use client::Client;
pub use fill::{fill, fill_in_batches, store_batch};
pub use messages::{Messages, Tally};
pub use mix::{Asker, Mix, Records, closed_mix, open_mix};
pub use open_loop::open_loop;
pub use resp::{Resp, Value};
pub use wrk::{Script, Throughput, wrk};

/// The target of a GET of `key`.
pub fn get_target(key: &str) -> String {
    format!("/hustdb/get?key={key}")
}

/// The target of a PUT of `key`.
pub fn put_target(key: &str) -> String {
    format!("/hustdb/put?key={key}")
}

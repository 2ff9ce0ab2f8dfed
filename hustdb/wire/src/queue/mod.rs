//! The parameters of the commands on queues, as the node and the front both read them: names, ranges, reasons.
//!
//! How long a message may live is the node's setting, so a front that reads for it names no bound.

mod acks;
mod admin;
mod put;
mod take;
mod token;

use std::borrow::Cow;

pub use acks::{Acks, synced, unknown_tokens};
pub use admin::{DEDUP_MAX_S, LENGTH_MAX, Purged, TIMEOUT_MAX_S, Wanted, on_off, purged, size, timeout_s};
pub use put::{BATCH_MAX, ID_MAX_BYTES, Incoming, Terms, incoming};
pub use take::{COUNT_MAX, Take, WORKER_MAX_BYTES, count};
pub use token::{TOKEN_MAX_BYTES, TOKEN_MIN_BYTES, check_token, shown, split};

use crate::{param::required, query::Query, refusal::Refusal};

/// The queue that is meant.
pub fn name(query: Query<'_>) -> Result<Cow<'_, str>, Refusal> {
    required("queue", query.table("queue")?)
}

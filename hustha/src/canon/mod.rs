//! Requests as nodes get them: decoded once, checked, encoded again.
//!
//! Only parameters a command knows are sent on; values and members travel in the body. What cannot be sent to a node in
//! every form it may need is refused before anything is sent.

mod cache;
mod identity;
mod listing;
mod lookup;
mod verb;
mod write;

pub use cache::cache_call;
pub use identity::Identity;
pub use listing::{Listing, peer, range};
pub use lookup::{Lookup, Read};
pub use verb::Verb;
pub use write::{Stored, Write};

use std::borrow::Cow;

use bytes::Bytes;
use hust_wire::{
    Query, Refusal, Request,
    param::{check_key, required},
};

/// The value of a write.
fn value(request: &Request) -> Result<Bytes, Refusal> {
    request.value("val")
}

/// The key of the query.
fn key(query: Query<'_>) -> Result<Cow<'_, [u8]>, Refusal> {
    required("key", query.key("key")?)
}

/// The body if it is not empty, else the key of the query.
fn member(request: &Request) -> Result<Cow<'_, [u8]>, Refusal> {
    if request.body.is_empty() {
        return key(request.query());
    }
    check_key("key", &request.body)?;
    Ok(Cow::Borrowed(&request.body))
}

/// The table of the query.
fn table(query: Query<'_>) -> Result<Cow<'_, str>, Refusal> {
    required("tb", query.table("tb")?)
}

#[cfg(test)]
mod tests;

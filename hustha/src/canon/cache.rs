//! Commands of the cache.

use bytes::Bytes;
use hust_wire::{
    Refusal, Request,
    client::{Call, Target},
    param::required,
    slot::slot,
};
use hyper::Method;

use super::{key, value};
use crate::routes::CacheCommand;

/// The slot a command of the cache goes to, and the request.
pub fn cache_call(command: CacheCommand, request: &Request) -> Result<(u16, Call), Refusal> {
    let query = request.query();
    let mut target = Target::new(command.path);
    if command.tabled {
        target = target.bytes("tb", &required("tb", query.key("tb")?)?);
    }
    let key = key(query)?;
    target = target.bytes("key", &key);
    if let Some(ttl) = query.bytes("ttl")? {
        target = target.bytes("ttl", &ttl);
    }
    let body = if command.valued { value(request)? } else { Bytes::new() };
    if command.valued && body.is_empty() {
        target = target.plain("val", "");
    }
    let slot = slot(&key);
    if command.writes {
        Ok((slot, target.call(Method::POST, body)?))
    } else {
        Ok((slot, target.call(Method::GET, Bytes::new())?.idempotent()))
    }
}

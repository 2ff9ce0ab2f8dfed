//! `/hustcache/*`: plain values and hash tables in memory. No answer has a version or a stamp.

mod plain;
mod table;

use hust_store::{
    Cache,
    cache::{Error, Value},
};
use hust_wire::{Answer, Kind, Refusal, Request};
use hyper::StatusCode;

use super::Outcome;
use crate::routes::CacheCommand;

/// Does a command, if the cache is on.
pub fn handle(cache: Option<&Cache>, command: CacheCommand, request: &Request) -> Outcome {
    let cache = cache.ok_or_else(|| Refusal::unavailable("cache", "off, cache.memory is 0"))?;
    match command {
        CacheCommand::Exist => plain::exist(cache, request),
        CacheCommand::Get => plain::get(cache, request),
        CacheCommand::Ttl => plain::ttl(cache, request),
        CacheCommand::Put => plain::put(cache, request),
        CacheCommand::Append => plain::append(cache, request),
        CacheCommand::Del => plain::del(cache, request),
        CacheCommand::Expire => plain::expire(cache, request),
        CacheCommand::Persist => plain::persist(cache, request),
        CacheCommand::Hexist => table::hexist(cache, request),
        CacheCommand::Hget => table::hget(cache, request),
        CacheCommand::Hset => table::hset(cache, request),
        CacheCommand::Hdel => table::hdel(cache, request),
        CacheCommand::Hincrby => table::hincrby(cache, request),
        CacheCommand::Hincrbyfloat => table::hincrbyfloat(cache, request),
    }
}

/// Whether it was there.
fn found(found: bool) -> Answer {
    Answer::empty(if found { StatusCode::OK } else { StatusCode::NOT_FOUND })
}

/// A value, sent without a copy.
fn shown(value: Option<Value>) -> Answer {
    value.map_or_else(|| found(false), |value| Answer::shared(Kind::Text, value))
}

/// The answer to a command that the cache refused. `key` is the parameter that names the entry.
fn refuse(key: &'static str, error: Error) -> Refusal {
    let (status, subject) = match error {
        Error::HoldsTable | Error::HoldsValue => (StatusCode::PRECONDITION_FAILED, key),
        Error::TooLong(_) | Error::TooLarge(_) => (StatusCode::PAYLOAD_TOO_LARGE, "val"),
        Error::NotAnInteger | Error::NotANumber | Error::Overflow => (StatusCode::FORBIDDEN, "val"),
    };
    Refusal::new(status, subject, error.to_string())
}

//! `/hustcache/exist get ttl put append del expire persist`.

use hust_store::{Cache, cache::Ttl};
use hust_wire::{Answer, Kind, Query, Refusal, Request, param::required};
use hyper::StatusCode;

use super::{found, refuse, shown};
use crate::handlers::Outcome;

/// `/hustcache/exist`
pub fn exist(cache: &Cache, request: &Request) -> Outcome {
    let key = required("key", request.query().key("key")?)?;
    Ok(found(cache.exist(&key).map_err(refused)?))
}

/// `/hustcache/get`
pub fn get(cache: &Cache, request: &Request) -> Outcome {
    let key = required("key", request.query().key("key")?)?;
    Ok(shown(cache.get(&key).map_err(refused)?))
}

/// `/hustcache/ttl`
pub fn ttl(cache: &Cache, request: &Request) -> Outcome {
    let key = required("key", request.query().key("key")?)?;
    Ok(match cache.ttl(&key).map_err(refused)? {
        Some(Ttl::Seconds(left)) => Answer::ok(Kind::Text, left.to_string()),
        Some(Ttl::Forever) => Answer::ok(Kind::Text, "-1"),
        None => found(false),
    })
}

/// `/hustcache/put`
pub fn put(cache: &Cache, request: &Request) -> Outcome {
    let query = request.query();
    let key = required("key", query.key("key")?)?;
    let value = request.value("val")?;
    let ttl_s = ttl_s(query)?;
    cache.put(&key, &value, ttl_s).map_err(refused)?;
    Ok(Answer::empty(StatusCode::OK))
}

/// `/hustcache/append`
pub fn append(cache: &Cache, request: &Request) -> Outcome {
    let query = request.query();
    let key = required("key", query.key("key")?)?;
    let value = request.value("val")?;
    cache.append(&key, &value).map_err(refused)?;
    Ok(Answer::empty(StatusCode::OK))
}

/// `/hustcache/del`
pub fn del(cache: &Cache, request: &Request) -> Outcome {
    let key = required("key", request.query().key("key")?)?;
    Ok(found(cache.del(&key).map_err(refused)?))
}

/// `/hustcache/expire`
pub fn expire(cache: &Cache, request: &Request) -> Outcome {
    let query = request.query();
    let key = required("key", query.key("key")?)?;
    let ttl_s = required("ttl", ttl_s(query)?)?;
    Ok(found(cache.expire(&key, ttl_s).map_err(refused)?))
}

/// `/hustcache/persist`
pub fn persist(cache: &Cache, request: &Request) -> Outcome {
    let key = required("key", request.query().key("key")?)?;
    Ok(found(cache.persist(&key).map_err(refused)?))
}

fn ttl_s(query: Query<'_>) -> Result<Option<u32>, Refusal> {
    Ok(query.unsigned_in("ttl", 1, u32::MAX.into())?.map(|ttl_s| ttl_s as u32))
}

fn refused(error: hust_store::cache::Error) -> Refusal {
    refuse("key", error)
}

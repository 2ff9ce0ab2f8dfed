//! `/hustcache/hexist hget hset hdel hincrby hincrbyfloat`. The name of a table may be any bytes a key may have.

use std::borrow::Cow;

use hust_store::{Cache, cache::Decimal};
use hust_wire::{
    Answer, Kind, Query, Refusal, Request,
    param::{required, signed},
};
use hyper::StatusCode;

use super::{found, refuse, shown};
use crate::handlers::Outcome;

/// `/hustcache/hexist`
pub fn hexist(cache: &Cache, request: &Request) -> Outcome {
    let (table, field) = names(request.query())?;
    Ok(found(cache.hexist(&table, &field).map_err(refused)?))
}

/// `/hustcache/hget`
pub fn hget(cache: &Cache, request: &Request) -> Outcome {
    let (table, field) = names(request.query())?;
    Ok(shown(cache.hget(&table, &field).map_err(refused)?))
}

/// `/hustcache/hset`
pub fn hset(cache: &Cache, request: &Request) -> Outcome {
    let query = request.query();
    let (table, field) = names(query)?;
    let value = request.value("val")?;
    cache.hset(&table, &field, &value).map_err(refused)?;
    Ok(Answer::empty(StatusCode::OK))
}

/// `/hustcache/hdel`
pub fn hdel(cache: &Cache, request: &Request) -> Outcome {
    let (table, field) = names(request.query())?;
    Ok(found(cache.hdel(&table, &field).map_err(refused)?))
}

/// `/hustcache/hincrby`
pub fn hincrby(cache: &Cache, request: &Request) -> Outcome {
    let query = request.query();
    let (table, field) = names(query)?;
    let by = signed("val", &request.value("val")?)?;
    let sum = cache.hincrby(&table, &field, by).map_err(refused)?;
    Ok(Answer::ok(Kind::Text, sum.to_string()))
}

/// `/hustcache/hincrbyfloat`
pub fn hincrbyfloat(cache: &Cache, request: &Request) -> Outcome {
    let query = request.query();
    let (table, field) = names(query)?;
    let by = Decimal::parse(&request.value("val")?);
    let by = by.ok_or_else(|| Refusal::bad("val", "not a decimal number of at most 38 digits"))?;
    let sum = cache.hincrbyfloat(&table, &field, by).map_err(refused)?;
    Ok(Answer::ok(Kind::Text, sum.to_string()))
}

type Name<'a> = Cow<'a, [u8]>;

fn names(query: Query<'_>) -> Result<(Name<'_>, Name<'_>), Refusal> {
    Ok((required("tb", query.key("tb")?)?, required("key", query.key("key")?)?))
}

fn refused(error: hust_store::cache::Error) -> Refusal {
    refuse("tb", error)
}

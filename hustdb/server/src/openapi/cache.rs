//! The rows of the cache's paths.

use super::{
    parts::{
        Body, Content, Headers, Need, Operation, Parameter,
        Shape::{Bytes, Decimal, Unsigned},
        optional, required,
    },
    table::{BY, KEY, VAL},
};

const TB: Parameter = required("tb", Bytes { min: 1, max: 65_536 }, "name of the table, any bytes");
const FOR: Parameter = required("ttl", SECONDS, "seconds to live");
const TTL: Parameter = optional("ttl", SECONDS, "seconds to live; without it no expiry");
const SECONDS: super::Shape = Unsigned { min: 1, max: u32::MAX as u64 };
const BY_DECIMAL: Parameter = Parameter {
    need: Need::WithoutBody,
    ..required("val", Decimal, "what is added, unless the body has it")
};

/// The rows.
pub const OPERATIONS: &[Operation] = &[
    row("/hustcache/exist", "Whether an entry is there", &[KEY], Body::None, Content::Empty, &[404]),
    row("/hustcache/get", "A value", &[KEY], Body::None, Content::Value, &[404, 412]),
    row("/hustcache/ttl", "Seconds left, -1 without expiry", &[KEY], Body::None, Content::Number, &[404]),
    row("/hustcache/put", "Stores a value", &[KEY, VAL, TTL], Body::Value, Content::Empty, &[413]),
    row("/hustcache/append", "Appends to a value", &[KEY, VAL], Body::Value, Content::Empty, &[412, 413]),
    row("/hustcache/del", "Deletes an entry", &[KEY], Body::None, Content::Empty, &[404]),
    row("/hustcache/expire", "Sets the expiry", &[KEY, FOR], Body::None, Content::Empty, &[404]),
    row("/hustcache/persist", "Takes the expiry off", &[KEY], Body::None, Content::Empty, &[404]),
    row("/hustcache/hexist", "Whether a field is there", &[TB, KEY], Body::None, Content::Empty, &[404, 412]),
    row("/hustcache/hget", "The value of a field", &[TB, KEY], Body::None, Content::Value, &[404, 412]),
    row("/hustcache/hset", "Stores a field", &[TB, KEY, VAL], Body::Value, Content::Empty, &[412, 413]),
    row("/hustcache/hdel", "Deletes a field", &[TB, KEY], Body::None, Content::Empty, &[404, 412]),
    row("/hustcache/hincrby", "Adds to a field", &[TB, KEY, BY], Body::Number, Content::Number, ADD),
    row(
        "/hustcache/hincrbyfloat",
        "Adds to a field",
        &[TB, KEY, BY_DECIMAL],
        Body::Number,
        Content::Number,
        ADD,
    ),
];

const ADD: &[u16] = &[403, 412, 413];

const fn row(
    path: &'static str,
    summary: &'static str,
    parameters: &'static [Parameter],
    body: Body,
    content: Content,
    statuses: &'static [u16],
) -> Operation {
    Operation { path, summary, parameters, body, content, headers: Headers::None, statuses }
}

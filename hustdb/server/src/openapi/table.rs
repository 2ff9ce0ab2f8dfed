//! Every path and what it takes and answers: a row for each route, and those of every program.

use super::parts::{
    Body, Content, Headers, Need, Operation, Parameter,
    Shape::{Boolean, Bytes, False, Signed, Table, Ttl, Unsigned},
    optional, required,
};

const VERSION_MAX: u64 = hust_store::record::MAX_VERSION;

pub(super) const TB: Parameter = required("tb", Table, "name of the table");
pub(super) const KEY: Parameter =
    required("key", Bytes { min: 1, max: 65_536 }, "the key or field, any bytes");
const MEMBER: Parameter = Parameter {
    need: Need::WithoutBody,
    ..required("key", Bytes { min: 1, max: 65_536 }, "the member, any bytes, unless the body has it")
};
pub(super) const VAL: Parameter = Parameter {
    need: Need::WithoutBody,
    ..required("val", Bytes { min: 0, max: 65_536 }, "the value, unless the body has it")
};
pub(super) const BY: Parameter =
    Parameter { need: Need::WithoutBody, ..required("val", Signed, "what is added, unless the body has it") };
pub(super) const STAMPS: Parameter = optional("stamps", Boolean, "show Stamp and Expire; false");
const TTL: Parameter = optional("ttl", Ttl, "seconds to live; 0 = for ever");
const VER: Parameter = optional(
    "ver",
    Unsigned { min: 0, max: VERSION_MAX },
    "the version that is expected, 0 = any; of a replica its own",
);
const IS_DUP: Parameter = optional("is_dup", Boolean, "bring the result of a write on another node; false");
const NO_DUP: Parameter = optional("is_dup", False, "increments are replicated by their results");
const STAMP: Parameter = optional("stamp", Unsigned { min: 1, max: u64::MAX }, "of a replica, its stamp");
const EXPIRE: Parameter = optional(
    "expire",
    Unsigned { min: 0, max: u64::MAX },
    "of a replica, when it expires, unix ms; 0 = never",
);
pub(super) const SLOT_START: Parameter = optional("start", Unsigned { min: 0, max: 1023 }, "first slot; 0");
pub(super) const SLOT_END: Parameter =
    optional("end", Unsigned { min: 1, max: 1024 }, "slot after the last; 1024");

/// The rows.
pub const OPERATIONS: &[Operation] = &[
    read("/hustdb/get", "The value of a key", &[KEY, STAMPS], Content::Value, KV_READ),
    read("/hustdb/exist", "Whether a key is there", &[KEY, STAMPS], Content::Empty, KV_READ),
    write(
        "/hustdb/put",
        "Stores a value",
        &[KEY, VAL, TTL, VER, IS_DUP, STAMP, EXPIRE],
        Body::Value,
        Content::Empty,
        PUT,
    ),
    write(
        "/hustdb/del",
        "Deletes a key",
        &[KEY, VER, IS_DUP, STAMP],
        Body::None,
        Content::Empty,
        &[401, 404],
    ),
    read("/hustdb/hget", "The value of a field", &[TB, KEY, STAMPS], Content::Value, READ),
    read("/hustdb/hexist", "Whether a field is there", &[TB, KEY, STAMPS], Content::Empty, READ),
    write(
        "/hustdb/hset",
        "Stores a field",
        &[TB, KEY, VAL, TTL, VER, IS_DUP, STAMP, EXPIRE],
        Body::Value,
        Content::Empty,
        ADD,
    ),
    write(
        "/hustdb/hincrby",
        "Adds to the number in a field; an absent one counts as 0",
        &[TB, KEY, BY, TTL, VER, NO_DUP],
        Body::Number,
        Content::Number,
        ADD,
    ),
    write(
        "/hustdb/hdel",
        "Deletes a field",
        &[TB, KEY, VER, IS_DUP, STAMP],
        Body::None,
        Content::Empty,
        REMOVE,
    ),
    read("/hustdb/sismember", "Whether a set has a member", &[TB, MEMBER, STAMPS], Content::Empty, READ),
    write(
        "/hustdb/sadd",
        "Adds a member to a set",
        &[TB, MEMBER, TTL, VER, IS_DUP, STAMP, EXPIRE],
        Body::Member,
        Content::Empty,
        ADD,
    ),
    write(
        "/hustdb/srem",
        "Removes a member of a set",
        &[TB, MEMBER, VER, IS_DUP, STAMP],
        Body::Member,
        Content::Empty,
        REMOVE,
    ),
    read(
        "/hustdb/zismember",
        "Whether a sorted set has a member",
        &[TB, MEMBER, STAMPS],
        Content::Empty,
        READ,
    ),
    read("/hustdb/zscore", "The score of a member", &[TB, MEMBER, STAMPS], Content::Number, READ),
    write(
        "/hustdb/zadd",
        "Sets or changes the score of a member",
        &[TB, MEMBER, SCORE, OPT, TTL, VER, IS_DUP, STAMP, EXPIRE],
        Body::Member,
        Content::Number,
        ADD,
    ),
    write(
        "/hustdb/zrem",
        "Removes a member of a sorted set",
        &[TB, MEMBER, VER, IS_DUP, STAMP],
        Body::Member,
        Content::Empty,
        REMOVE,
    ),
    batch("/hustdb/mput", "Stores many records", &[]),
    batch("/hustdb/mget", "The values of many records", &[STAMPS]),
    batch("/hustdb/mdel", "Deletes many records", &[]),
    plain("/hustdb/stat", "Figures of all records, or of a table", &[STAT_TB], Content::Json, &[404]),
    plain("/hustdb/stat_all", "Figures of all records and of each table", &[], Content::Json, &[]),
    plain("/hustdb/file_count", "The number of files", &[], Content::Number, &[]),
    plain("/hustdb/info", "Counters since the start", &[], Content::Json, &[]),
    plain("/openapi.json", "This document", &[], Content::Json, &[]),
];

/// Paths that every program has. Their methods are read here, not from the routes.
pub const OF_EVERY_PROGRAM: &[Operation] = &[
    plain("/status.html", "200 while it serves, 503 while it starts or drains", &[], Content::Text, &[]),
    plain("/version", "Name and version of the program", &[], Content::Text, &[]),
    plain("/metrics", "Metrics in the form of OpenMetrics", &[], Content::Metrics, &[]),
];

const SCORE: Parameter = required("score", Signed, "the score, or what is added or subtracted");
const OPT: Parameter = optional("opt", Signed, "0 sets the score, above 0 adds, below 0 subtracts; 0");
const STAT_TB: Parameter = optional("tb", Table, "a table; without it the totals");

/// Statuses beside 200 and those that all have.
const KV_READ: &[u16] = &[404];
const READ: &[u16] = &[404, 412];
const PUT: &[u16] = &[401, 403, 507];
const ADD: &[u16] = &[401, 403, 412, 507];
const REMOVE: &[u16] = &[401, 404, 412];

const fn read(
    path: &'static str,
    summary: &'static str,
    parameters: &'static [Parameter],
    content: Content,
    statuses: &'static [u16],
) -> Operation {
    Operation { path, summary, parameters, body: Body::Member, content, headers: Headers::Read, statuses }
}

const fn write(
    path: &'static str,
    summary: &'static str,
    parameters: &'static [Parameter],
    body: Body,
    content: Content,
    statuses: &'static [u16],
) -> Operation {
    Operation { path, summary, parameters, body, content, headers: Headers::Write, statuses }
}

const fn batch(path: &'static str, summary: &'static str, parameters: &'static [Parameter]) -> Operation {
    let (body, content) = (Body::Lines, Content::Lines);
    Operation { path, summary, parameters, body, content, headers: Headers::None, statuses: &[] }
}

const fn plain(
    path: &'static str,
    summary: &'static str,
    parameters: &'static [Parameter],
    content: Content,
    statuses: &'static [u16],
) -> Operation {
    Operation { path, summary, parameters, body: Body::None, content, headers: Headers::None, statuses }
}

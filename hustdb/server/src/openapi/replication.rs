//! The rows of what nodes and repairers say to each other.

use super::{
    parts::{
        Body, Content, Headers, Need, Operation, Parameter,
        Shape::{Boolean, Bytes, Host, Table, Text, Unsigned},
        optional, required,
    },
    table::{SLOT_END, SLOT_START},
};

const CURSOR: Parameter =
    optional("cursor", Text, "empty to begin, then what the last answer said, with the same slots");
const LIMIT: Parameter = optional("limit", Unsigned { min: 1, max: 10_000 }, "most records; 1000");
const DIGEST: Parameter = optional("digest", Boolean, "leave out values: to compare, not to merge; false");
const HOST: Parameter = required("host", Host, "the node that is owed the record");
const METHOD: Parameter = required(
    "method",
    Unsigned { min: 1, max: 8 },
    "kind of the record: 1, 2 kv pair; 3, 4 hash field; 5, 6 set member; 7, 8 member of a sorted set",
);
const OWED_TB: Parameter = optional("tb", Table, "the record's table; required for methods 3 to 8");
const OWED_KEY: Parameter = Parameter {
    need: Need::WithoutBody,
    ..required("key", Bytes { min: 1, max: 65_536 }, "key, field or member; without it the body")
};
const FROM: Parameter = Parameter { need: Need::Required, ..SLOT_START };
const TO: Parameter = Parameter { need: Need::Required, ..SLOT_END };

/// The rows.
pub const OPERATIONS: &[Operation] = &[
    Operation {
        path: "/hustdb/scan",
        summary: "The records of some slots, deleted ones too, as frames",
        parameters: &[SLOT_START, SLOT_END, CURSOR, LIMIT, DIGEST],
        body: Body::None,
        content: Content::Frames,
        headers: Headers::Scan,
        statuses: &[],
    },
    row("/hustdb/merge", "Merges records", &[], Body::Frames, Content::Json, &[403, 507]),
    row(
        "/hustdb/digest",
        "A sum over the records of each slot",
        &[SLOT_START, SLOT_END],
        Body::None,
        Content::Json,
        &[],
    ),
    row(
        "/hustdb/binlog",
        "Remembers that a record is owed to a node, and sends it there",
        &[HOST, METHOD, OWED_TB, OWED_KEY],
        Body::Member,
        Content::Empty,
        &[403, 507],
    ),
    row(
        "/hustdb/forget",
        "Takes all records of some slots from this node, without tombstones",
        &[FROM, TO],
        Body::None,
        Content::Json,
        &[507],
    ),
];

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

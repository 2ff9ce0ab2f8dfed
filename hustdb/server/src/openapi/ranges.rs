//! The rows of listings and snapshots.

use super::{
    parts::{
        Body, Content, Headers, Operation, Parameter,
        Shape::{Boolean, File, Signed, Table, Text, Unsigned},
        optional, required,
    },
    table::{SLOT_END, SLOT_START, STAMPS, TB},
};

const FILE: Parameter = required("file", File, "the file");
const SIZE: Parameter = required("size", Unsigned { min: 0, max: 1000 }, "rows to show");
const OFFSET: Parameter =
    required("offset", Unsigned { min: 0, max: 1_000_000 }, "rows to pass over; not needed with cursor");
const CURSOR: Parameter = optional("cursor", Text, "empty to begin, then what the last answer said");
const NOVAL: Parameter = optional("noval", Boolean, "leave out values; true");
const ASYNC: Parameter = optional("async", Boolean, "read a snapshot; not with cursor; false");
const MIN: Parameter = optional("min", Signed, "the least score to show; without it no bound");
const MAX: Parameter = optional("max", Signed, "the greatest score to show; without it no bound");
const FILE_OR_TB: Parameter = required("file", File, "the file; not needed with tb");
const OPTIONAL_TB: Parameter = optional("tb", Table, "a table, in place of a file");
const EXPORT_OFFSET: Parameter =
    optional("offset", Unsigned { min: 0, max: 100_000_000 }, "rows to pass over; with size only");
const EXPORT_SIZE: Parameter =
    optional("size", Unsigned { min: 0, max: 1_000_000 }, "most rows of the snapshot; 0 = all");
const COVER: Parameter = optional("cover", Boolean, "take it again if it is there; false");
const LIST: Parameter = optional("list", Boolean, "tell which snapshots there are; false");
const TOKEN: Parameter = required("token", Text, "what export answered");

/// The rows.
pub const OPERATIONS: &[Operation] = &[
    listing(
        "/hustdb/keys",
        "The records of one file",
        &[FILE, OFFSET, SIZE, CURSOR, SLOT_START, SLOT_END, NOVAL, STAMPS, ASYNC],
        &[404],
    ),
    listing("/hustdb/hkeys", "The fields of a hash", OF_TABLE, OF_TABLE_STATUSES),
    listing("/hustdb/smembers", "The members of a set", OF_TABLE, OF_TABLE_STATUSES),
    listing("/hustdb/zrangebyrank", "The members of a sorted set by score", OF_TABLE, OF_TABLE_STATUSES),
    listing(
        "/hustdb/zrangebyscore",
        "The members of a sorted set with scores in a range",
        &[TB, MIN, MAX, OFFSET, SIZE, CURSOR, SLOT_START, SLOT_END, NOVAL, STAMPS],
        &[412],
    ),
    task(
        "/hustdb/export",
        "Takes a snapshot of a file or a table in the background",
        &[FILE_OR_TB, OPTIONAL_TB, SLOT_START, SLOT_END, EXPORT_OFFSET, EXPORT_SIZE, NOVAL, COVER],
        Content::Number,
        &[404, 412],
    ),
    task(
        "/hustdb/task_status",
        "What became of a snapshot: 0 queued, 1 running, 2 done, 3 unknown, 4 failed",
        &[TOKEN],
        Content::Number,
        &[],
    ),
    task("/hustdb/task_info", "How many snapshots wait, run and are done", &[LIST], Content::Json, &[]),
];

const OF_TABLE: &[Parameter] = &[TB, OFFSET, SIZE, CURSOR, SLOT_START, SLOT_END, NOVAL, STAMPS, ASYNC];
const OF_TABLE_STATUSES: &[u16] = &[404, 412];

const fn listing(
    path: &'static str,
    summary: &'static str,
    parameters: &'static [Parameter],
    statuses: &'static [u16],
) -> Operation {
    let (body, content, headers) = (Body::None, Content::Json, Headers::Listing);
    Operation { path, summary, parameters, body, content, headers, statuses }
}

const fn task(
    path: &'static str,
    summary: &'static str,
    parameters: &'static [Parameter],
    content: Content,
    statuses: &'static [u16],
) -> Operation {
    Operation { path, summary, parameters, body: Body::None, content, headers: Headers::None, statuses }
}

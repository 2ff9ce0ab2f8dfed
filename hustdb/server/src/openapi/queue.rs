//! The rows of the queues' paths.

use super::parts::{
    Body, Content, Headers, Need, Operation, Parameter,
    Shape::{Boolean, Bytes, MessageTtl, Table, TableOrEmpty, Token, Ttl, Unsigned},
    optional, required,
};

const QUEUE: Parameter = required("queue", Table, "name of the queue");
const ITEM: Parameter = Parameter {
    need: Need::WithoutBody,
    ..required("item", Bytes { min: 0, max: 65_536 }, "the message, unless the body has it")
};
const PRIORI: Parameter = optional("priori", PRIORITY, "priority, 2 goes first; 0");
const PURGED: Parameter = required("priori", PRIORITY, "the priority; of push queues 0, or left out");
const PRIORITY: super::Shape = Unsigned { min: 0, max: 2 };
const TTL: Parameter = optional("ttl", Ttl, "seconds to live, 0 = for ever; the setting of the queue");
const PUB_TTL: Parameter = optional("ttl", MessageTtl, "seconds to live; the setting of the queue");
const SET_TTL: Parameter = optional("ttl", Ttl, "seconds to live of messages that say none");
const DELAY: Parameter = optional("delay", Ttl, "seconds until it is ready; 0");
const ID: Parameter =
    optional("id", Bytes { min: 1, max: 128 }, "puts with one id within the window store one message");
const BATCH: Parameter = optional("batch", Boolean, "the body is frames; false");
const WORKER: Parameter = required("worker", Bytes { min: 1, max: 64 }, "who takes it, UTF-8");
const ACK: Parameter =
    optional("ack", Boolean, "gone as it is given; false: leased until acknowledged; true");
const COUNT: Parameter = optional("count", Unsigned { min: 1, max: 1000 }, "as many at most, as frames");
const TOKEN: Parameter = Parameter {
    need: Need::WithoutBody,
    ..required("token", Token, "what get gave, or several with commas, unless the body has them")
};
const GOT_TOKEN: Parameter =
    optional("token", Token, "what get gave, or several with commas: acknowledged before anything is taken");
const SYNC: Parameter = optional(
    "sync",
    Boolean,
    "whether the acknowledgement waits for the disk; with get only beside token; true",
);
const MINUTE: Parameter = optional("minute", Unsigned { min: 1, max: 255 }, "in place of second");
const SECOND: Parameter = required("second", SECONDS, "redelivery timeout; not needed with minute");
const SET_SECOND: Parameter = optional("second", SECONDS, "redelivery timeout");
const SECONDS: super::Shape = Unsigned { min: 1, max: 15_300 };
const ON: Parameter = required("on", Boolean, "whether puts are refused");
const NUM: Parameter = required("num", LENGTH, "most ready messages; 0 = no limit");
const SET_MAX: Parameter = optional("max", LENGTH, "most ready messages; 0 = no limit");
const LENGTH: super::Shape = Unsigned { min: 0, max: 5_000_000 };
const UPTO: Parameter =
    optional("upto", Unsigned { min: 0, max: u64::MAX }, "push queues: everything up to this index goes");
const CREATE: Parameter = optional("create", Boolean, "make a normal queue if there is none; false");
const LOCK: Parameter = optional("lock", Boolean, "whether puts are refused");
const MAX_DELIVERIES: Parameter = optional(
    "max_deliveries",
    Unsigned { min: 0, max: 65_535 },
    "deliveries before the dead letter; 0 = no limit",
);
const DEAD_LETTER: Parameter =
    optional("dead_letter", TableOrEmpty, "where such messages go, another queue; empty = nowhere");
const DEDUP: Parameter = optional("dedup", Unsigned { min: 0, max: 86_400 }, "seconds an id is remembered");
const DETAIL: Parameter = optional("detail", Boolean, "settings and counters too; false");
const IDX: Parameter = optional("idx", INDEX, "the index to give; what is before it is dropped");
const BASE: Parameter = optional("base", INDEX, "the index is greater than this");
const SUB_IDX: Parameter = required("idx", INDEX, "the index to read");
const FLOOR: Parameter = optional("floor", INDEX, "everything up to this index is dropped; 0");
const INDEX: super::Shape = Unsigned { min: 0, max: i64::MAX as u64 };
const CURSOR: Parameter = optional("cursor", Unsigned { min: 0, max: u64::MAX }, "what the last answer said");
const WAIT: Parameter = optional("wait", Unsigned { min: 0, max: 60_000 }, "ms to wait for a change; 0");

/// The rows.
pub const OPERATIONS: &[Operation] = &[
    row(
        "/hustmq/put",
        "Puts a message, or with batch=true many",
        &[QUEUE, ITEM, PRIORI, TTL, DELAY, ID, BATCH],
        Body::Value,
        Content::EmptyOrJson,
        &[403, 412, 507],
    ),
    Operation {
        headers: Headers::Tokens,
        ..row(
            "/hustmq/get",
            "Takes messages that are ready, after acknowledging others",
            &[QUEUE, WORKER, ACK, COUNT, GOT_TOKEN, SYNC],
            Body::None,
            Content::Message,
            &[404, 412],
        )
    },
    row("/hustmq/ack", "Done with messages", &[QUEUE, TOKEN, SYNC], Body::Token, Content::EmptyOrJson, GONE),
    row(
        "/hustmq/nack",
        "Gives messages back",
        &[QUEUE, TOKEN, DELAY],
        Body::Token,
        Content::EmptyOrJson,
        GONE,
    ),
    row("/hustmq/touch", "Begins leases anew", &[QUEUE, TOKEN], Body::Token, Content::EmptyOrJson, GONE),
    row(
        "/hustmq/timeout",
        "Sets the redelivery timeout",
        &[QUEUE, SECOND, MINUTE],
        Body::None,
        Content::Empty,
        &[412],
    ),
    row("/hustmq/lock", "Locks or unlocks a queue", &[QUEUE, ON], Body::None, Content::Empty, &[412]),
    row("/hustmq/max", "Bounds a queue", &[QUEUE, NUM], Body::None, Content::Empty, &[412]),
    row("/hustmq/purge", "Empties a queue", &[QUEUE, PURGED, UPTO], Body::None, Content::Empty, &[412]),
    row("/hustmq/delete", "Deletes a queue", &[QUEUE], Body::None, Content::Empty, &[412]),
    row(
        "/hustmq/settings",
        "Shows settings, after changing them",
        &[QUEUE, CREATE, SET_SECOND, SET_MAX, LOCK, MAX_DELIVERIES, DEAD_LETTER, SET_TTL, DEDUP],
        Body::None,
        Content::Json,
        &[412],
    ),
    row("/hustmq/worker", "Who took messages of late", &[QUEUE], Body::None, Content::Json, &[412]),
    row("/hustmq/stat", "Figures of a queue", &[QUEUE, DETAIL], Body::None, Content::Json, &[412]),
    row("/hustmq/stat_all", "Figures of all queues", &[DETAIL], Body::None, Content::Json, &[]),
    Operation {
        headers: Headers::Expire,
        ..row(
            "/hustmq/pub",
            "Publishes a message",
            &[QUEUE, ITEM, IDX, BASE, PUB_TTL],
            Body::Value,
            Content::Empty,
            &[403, 412, 507],
        )
    },
    row(
        "/hustmq/sub",
        "Reads published messages",
        &[QUEUE, SUB_IDX, COUNT],
        Body::None,
        Content::Message,
        &[401, 404, 412],
    ),
    row("/hustmq/runs", "The indices that are there", &[QUEUE], Body::None, Content::Json, &[412]),
    row(
        "/hustmq/merge",
        "Brings published messages of another node",
        &[QUEUE, FLOOR],
        Body::Frames,
        Content::Json,
        &[403, 412, 507],
    ),
    row("/hustmq/watch", "Which queues have changed", &[CURSOR, WAIT], Body::None, Content::Json, &[]),
];

const GONE: &[u16] = &[412];

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

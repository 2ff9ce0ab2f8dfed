//! The writes there are.

use hust_wire::frame::Kind;

/// A write of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    Put,
    Del,
    Hset,
    Hincrby,
    Hdel,
    Sadd,
    Srem,
    Zadd,
    Zrem,
}

impl Verb {
    /// The node's path.
    pub fn path(self) -> &'static str {
        match self {
            Verb::Put => "/hustdb/put",
            Verb::Del => "/hustdb/del",
            Verb::Hset => "/hustdb/hset",
            Verb::Hincrby => "/hustdb/hincrby",
            Verb::Hdel => "/hustdb/hdel",
            Verb::Sadd => "/hustdb/sadd",
            Verb::Srem => "/hustdb/srem",
            Verb::Zadd => "/hustdb/zadd",
            Verb::Zrem => "/hustdb/zrem",
        }
    }

    /// The node's path for the result: the sum of an increment is set.
    pub fn result_path(self) -> &'static str {
        match self {
            Verb::Hincrby => Verb::Hset.path(),
            verb => verb.path(),
        }
    }

    /// What it writes.
    pub fn kind(self) -> Kind {
        match self {
            Verb::Put | Verb::Del => Kind::Kv,
            Verb::Hset | Verb::Hincrby | Verb::Hdel => Kind::Hash,
            Verb::Sadd | Verb::Srem => Kind::Set,
            Verb::Zadd | Verb::Zrem => Kind::SortedSet,
        }
    }

    /// Whether it deletes.
    pub fn deletes(self) -> bool {
        matches!(self, Verb::Del | Verb::Hdel | Verb::Srem | Verb::Zrem)
    }
}

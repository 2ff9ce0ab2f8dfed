//! Reads of one record.

use hust_wire::{
    Refusal, Request,
    client::{Call, Target},
    frame::Kind,
};
use hyper::Method;

use super::{Identity, key, member, table};

/// A read of one record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lookup {
    Get,
    Exist,
    Hget,
    Hexist,
    Sismember,
    Zismember,
    Zscore,
}

/// A read as nodes get it.
#[derive(Clone, Debug)]
pub struct Read {
    /// The record.
    pub identity: Identity,
    /// The request.
    pub call: Call,
}

impl Lookup {
    fn path(self) -> &'static str {
        match self {
            Lookup::Get => "/hustdb/get",
            Lookup::Exist => "/hustdb/exist",
            Lookup::Hget => "/hustdb/hget",
            Lookup::Hexist => "/hustdb/hexist",
            Lookup::Sismember => "/hustdb/sismember",
            Lookup::Zismember => "/hustdb/zismember",
            Lookup::Zscore => "/hustdb/zscore",
        }
    }

    fn kind(self) -> Kind {
        match self {
            Lookup::Get | Lookup::Exist => Kind::Kv,
            Lookup::Hget | Lookup::Hexist => Kind::Hash,
            Lookup::Sismember => Kind::Set,
            Lookup::Zismember | Lookup::Zscore => Kind::SortedSet,
        }
    }

    /// Whether it answers no value.
    pub fn is_valueless(self) -> bool {
        matches!(self, Lookup::Exist | Lookup::Hexist | Lookup::Sismember | Lookup::Zismember)
    }

    /// The read a client asks for; with `stamps` always asked for, if `compares`.
    pub fn parse(self, request: &Request, compares: bool) -> Result<Read, Refusal> {
        let query = request.query();
        let stamps = query.boolean("stamps")?.unwrap_or(false) || compares;
        let kind = self.kind();
        let table = if kind == Kind::Kv { String::new() } else { table(query)? };
        let key = match kind {
            Kind::Kv | Kind::Hash => key(query)?,
            Kind::Set | Kind::SortedSet => member(request)?,
        };
        let identity = Identity { kind, table, key };
        let mut target = Target::new(self.path());
        if kind != Kind::Kv {
            target = target.plain("tb", &identity.table);
        }
        target = target.some("stamps", stamps.then_some(true));
        let call = match kind {
            Kind::Kv | Kind::Hash => {
                target.bytes("key", &identity.key).call(Method::GET, Default::default())?
            }
            Kind::Set | Kind::SortedSet => target.call(Method::POST, identity.key.clone())?,
        };
        Ok(Read { identity, call: call.idempotent() })
    }
}

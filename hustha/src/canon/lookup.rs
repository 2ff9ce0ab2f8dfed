//! Reads of one record.

use std::borrow::Cow;

use bytes::Bytes;
use hust_wire::{
    Refusal, Request,
    client::{Call, Target},
    frame::Kind,
    slot::slot,
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

/// What a request names, decoded, mostly where it lies.
struct Named<'a> {
    /// Empty for a kv pair.
    table: Cow<'a, str>,
    key: Cow<'a, [u8]>,
    /// Whether stamps are asked for.
    stamps: bool,
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

    /// The read a client asks for: the slot of the record and the request.
    pub fn parse(self, request: &Request) -> Result<(u16, Call), Refusal> {
        let named = self.named(request)?;
        let routing = if self.kind() == Kind::SortedSet { named.table.as_bytes() } else { &*named.key };
        Ok((slot(routing), self.call(request, &named)?))
    }

    /// The same to be compared, so always with stamps.
    pub fn parse_both(self, request: &Request) -> Result<Read, Refusal> {
        let named = Named { stamps: true, ..self.named(request)? };
        let call = self.call(request, &named)?;
        let (table, key) = (named.table.into_owned(), named.key.into_owned().into());
        Ok(Read { identity: Identity { kind: self.kind(), table, key }, call })
    }

    fn named(self, request: &Request) -> Result<Named<'_>, Refusal> {
        let query = request.query();
        let stamps = query.boolean("stamps")?.unwrap_or(false);
        let table = match self.kind() {
            Kind::Kv => Cow::Borrowed(""),
            _ => table(query)?,
        };
        let key = match self.kind() {
            Kind::Kv | Kind::Hash => key(query)?,
            Kind::Set | Kind::SortedSet => member(request)?,
        };
        Ok(Named { table, key, stamps })
    }

    fn call(self, request: &Request, named: &Named<'_>) -> Result<Call, Refusal> {
        let mut target = Target::new(self.path());
        if self.kind() != Kind::Kv {
            target = target.plain("tb", &named.table);
        }
        if named.stamps {
            target = target.plain("stamps", true);
        }
        let call = match self.kind() {
            Kind::Kv | Kind::Hash => target.bytes("key", &named.key).get()?,
            Kind::Set | Kind::SortedSet if request.body.is_empty() => {
                target.call(Method::POST, Bytes::copy_from_slice(&named.key))?
            }
            Kind::Set | Kind::SortedSet => target.call(Method::POST, request.body.clone())?,
        };
        Ok(call.idempotent())
    }
}

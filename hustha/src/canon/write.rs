//! A write in its two forms: plain, as the client means it, and replicated, as its result.

use bytes::Bytes;
use hust_wire::{
    Refusal, Request,
    answer::number,
    client::{Call, Reply, Target},
    frame::{Form, Kind, RecordRef, VERSION_MAX, score_to_bytes},
    param::{required, signed},
};
use hyper::{Method, header::HeaderName};

use super::{Identity, Verb, key, member, table, value};
use crate::plan::Demand;

static DEADLINE: HeaderName = HeaderName::from_static("deadline");
/// The longest `&is_dup=true&ver=V&stamp=S&expire=MS&score=N&opt=0&val=`.
const RESULT_MAX_BYTES: usize = 140;

/// A write.
#[derive(Clone, Debug)]
pub struct Write {
    /// The command.
    pub verb: Verb,
    /// The record.
    pub identity: Identity,
    /// What it asks for.
    pub demand: Demand,
    value: Bytes,
    plain: Call,
}

/// What a master made of a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// The record's version; of a deletion the deleted one.
    pub version: u64,
    /// When it was written.
    pub stamp: u64,
    /// When it expires, unix ms; 0 = never.
    pub expire_ms: u64,
    /// The value as a record has it.
    value: Bytes,
    /// The resulting score.
    score: Option<i64>,
}

impl Write {
    /// The write a client asks for.
    pub fn parse(verb: Verb, request: &Request) -> Result<Write, Refusal> {
        let query = request.query();
        if query.boolean("is_dup")?.unwrap_or(false) {
            return Err(Refusal::bad("is_dup", "not through the proxy"));
        }
        let ver = query.unsigned("ver", VERSION_MAX)?.filter(|ver| *ver != 0);
        let ttl = if verb.deletes() { None } else { query.unsigned("ttl", u64::MAX)? };
        let table = if verb.kind() == Kind::Kv { String::new() } else { table(query)?.into_owned() };
        let key = match verb.kind() {
            Kind::Kv | Kind::Hash => key(query)?.into_owned().into(),
            Kind::Set | Kind::SortedSet => match member(request)? {
                key if request.body.is_empty() => key.into_owned().into(),
                _ => request.body.clone(),
            },
        };
        let value = match verb {
            Verb::Put | Verb::Hset => value(request)?,
            Verb::Hincrby => {
                let value = value(request)?;
                signed("val", &value)?;
                value
            }
            _ => Bytes::new(),
        };
        let (mut score, mut opt) = (None, None);
        if verb == Verb::Zadd {
            score = Some(required("score", query.signed("score")?)?);
            opt = query.signed("opt")?.filter(|opt| *opt != 0);
        }
        let demand = Demand { relative: verb == Verb::Hincrby || opt.is_some(), conditional: ver.is_some() };
        let identity = Identity { kind: verb.kind(), table, key };
        let (target, body) = address(verb.path(), verb, &identity, &value);
        target.check(RESULT_MAX_BYTES)?;
        let target = target.some("score", score).some("opt", opt).some("ttl", ttl).some("ver", ver);
        let plain = target.call(Method::POST, body)?;
        Ok(Write { verb, identity, demand, value, plain })
    }

    /// The client's command, not to be done after a time, unix ms.
    pub fn plain(&self, deadline_ms: u64) -> Call {
        self.plain.clone().header(DEADLINE.clone(), number(deadline_ms))
    }

    /// The result, as the other hosts of the record get it. It may be sent again.
    pub fn replicated(&self, stored: &Stored) -> Result<Call, Refusal> {
        let value = if self.identity.kind == Kind::SortedSet { Bytes::new() } else { stored.value.clone() };
        let (target, body) = address(self.verb.result_path(), self.verb, &self.identity, &value);
        let target = target.some("score", stored.score).some("opt", stored.score.map(|_| 0));
        let target =
            target.bytes("is_dup", b"true").number("ver", stored.version).number("stamp", stored.stamp);
        let expire = (stored.expire_ms != 0).then_some(stored.expire_ms);
        Ok(target.some("expire", expire).call(Method::POST, body)?.idempotent())
    }

    /// The record as a hint has it.
    pub fn record<'a>(&'a self, stored: &'a Stored) -> RecordRef<'a> {
        RecordRef {
            kind: self.identity.kind,
            form: if self.verb.deletes() { Form::Tombstone } else { Form::Live },
            stamp: stored.stamp,
            version: stored.version,
            expire_ms: stored.expire_ms,
            table: &self.identity.table,
            key: &self.identity.key,
            value: &stored.value,
        }
    }

    /// What a master says it made of it; `None` if the answer does not say all that is needed.
    pub fn stored(&self, reply: &Reply) -> Option<Stored> {
        let read = |name: &str| reply.header(name).map(|text| text.parse::<u64>().ok());
        let version = read("version")??;
        let stamp = read("stamp")??;
        let expire_ms = match read("expire") {
            Some(expire) => expire?,
            None => 0,
        };
        let result = || signed("result", &reply.body).ok();
        let (value, score) = match self.verb {
            Verb::Put | Verb::Hset => (self.value.clone(), None),
            Verb::Hincrby => (result().map(|_| reply.body.clone())?, None),
            Verb::Zadd => {
                let score = result()?;
                (Bytes::copy_from_slice(&score_to_bytes(score)), Some(score))
            }
            _ => (Bytes::new(), None),
        };
        let expire_ms = if self.verb.deletes() { 0 } else { expire_ms };
        let stored = Stored { version, stamp, expire_ms, value, score };
        self.record(&stored).check(hust_wire::frame::Content::Whole).ok()?;
        Some(stored)
    }
}

/// Where a write of a record goes, and what its body is.
fn address(path: &str, verb: Verb, identity: &Identity, value: &Bytes) -> (Target, Bytes) {
    let mut target = Target::new(path);
    if identity.kind != Kind::Kv {
        target = target.plain("tb", &identity.table);
    }
    match identity.kind {
        Kind::Set | Kind::SortedSet => (target, identity.key.clone()),
        Kind::Kv | Kind::Hash => {
            target = target.bytes("key", &identity.key);
            if !verb.deletes() && value.is_empty() {
                target = target.plain("val", "");
            }
            (target, value.clone())
        }
    }
}

//! What a record is known by, and the request that notes a debt for it.

use std::hash::{BuildHasher, RandomState};

use bytes::Bytes;
use hust_wire::{
    Host, Refusal,
    client::{Call, Target},
    frame::Kind,
    slot::slot,
};
use hyper::Method;

/// Kind, table and key of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// What it is.
    pub kind: Kind,
    /// Its table; empty for a kv pair.
    pub table: String,
    /// Its key, field or member.
    pub key: Bytes,
}

impl Identity {
    /// The slot of the record.
    pub fn slot(&self) -> u16 {
        match self.kind {
            Kind::SortedSet => slot(self.table.as_bytes()),
            _ => slot(&self.key),
        }
    }

    /// A number of the record under this hasher. Two records may share one.
    pub fn number(&self, hasher: &RandomState) -> u64 {
        hasher.hash_one((self.kind as u8, self.table.as_str(), self.key.as_ref()))
    }

    /// Asks a node for the record's stamp.
    pub fn look(&self) -> Result<Call, Refusal> {
        let (path, in_body) = match self.kind {
            Kind::Kv => ("/hustdb/exist", false),
            Kind::Hash => ("/hustdb/hexist", false),
            Kind::Set => ("/hustdb/sismember", true),
            Kind::SortedSet => ("/hustdb/zismember", true),
        };
        let mut target = Target::new(path).plain("stamps", "true");
        if self.kind != Kind::Kv {
            target = target.plain("tb", &self.table);
        }
        let call = if in_body {
            target.call(Method::POST, self.key.clone())?
        } else {
            target.bytes("key", &self.key).call(Method::GET, Bytes::new())?
        };
        Ok(call.idempotent())
    }

    /// Asks a node to remember that it owes the record to `host`.
    pub fn debt(&self, host: &Host) -> Result<Call, Refusal> {
        let method = match self.kind {
            Kind::Kv => 1,
            Kind::Hash => 3,
            Kind::Set => 5,
            Kind::SortedSet => 7,
        };
        let mut target = Target::new("/hustdb/binlog").bytes("host", host.as_str().as_bytes());
        target = target.plain("method", method);
        if self.kind != Kind::Kv {
            target = target.plain("tb", &self.table);
        }
        Ok(target.call(Method::POST, self.key.clone())?.idempotent())
    }
}

//! The records of one client, of all four kinds, and the requests that write, delete and read them.

use super::oracle::Belief;

/// A kind of record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Kv,
    Field,
    Member,
    Scored,
}

/// A request: method, target, body.
pub type Request = (&'static str, String, Vec<u8>);

/// A record that only one client writes.
#[derive(Clone, Debug)]
pub struct Record {
    kind: Kind,
    client: u64,
    number: usize,
    pub belief: Belief,
}

impl Record {
    /// Those of a client.
    pub fn of(client: u64) -> Vec<Record> {
        let kinds = [
            Kind::Kv,
            Kind::Field,
            Kind::Member,
            Kind::Scored,
            Kind::Kv,
            Kind::Kv,
            Kind::Field,
            Kind::Member,
        ];
        let each = kinds.into_iter().enumerate();
        each.map(|(number, kind)| Record { kind, client, number, belief: Belief::absent() }).collect()
    }

    /// What a write with this serial number stores.
    pub fn value(&self, serial: u64, length: usize) -> String {
        match self.kind {
            Kind::Kv | Kind::Field => format!("{serial:-<length$}"),
            Kind::Member => String::new(),
            Kind::Scored => serial.to_string(),
        }
    }

    /// Stores a value, for so many seconds unless that is 0.
    pub fn set(&self, value: &str, ttl_s: u64) -> Request {
        let name = self.name();
        let (command, body) = match self.kind {
            Kind::Kv => ("put", value),
            Kind::Field => ("hset", value),
            Kind::Member => ("sadd", ""),
            Kind::Scored => return ("GET", format!("/zadd?{name}&score={value}&ttl={ttl_s}"), Vec::new()),
        };
        let method = if body.is_empty() { "GET" } else { "PUT" };
        (method, format!("/{command}?{name}&ttl={ttl_s}"), body.into())
    }

    pub fn delete(&self) -> Request {
        let command = ["del", "hdel", "srem", "zrem"][self.kind as usize];
        ("GET", format!("/{command}?{}", self.name()), Vec::new())
    }

    pub fn read(&self) -> Request {
        let command = ["get", "hget", "sismember", "zscore"][self.kind as usize];
        ("GET", format!("/{command}?{}", self.name()), Vec::new())
    }

    /// Reads from both masters.
    pub fn read_both(&self) -> Request {
        let (method, target, body) = self.read();
        (method, target.replacen('?', "2?", 1), body)
    }

    fn name(&self) -> String {
        let Record { client, number, .. } = self;
        match self.kind {
            Kind::Kv => format!("key=own{client}.{number}"),
            Kind::Field => format!("tb=fields&key=own{client}.{number}"),
            Kind::Member => format!("tb=members&key=own{client}.{number}"),
            Kind::Scored => format!("tb=scored{client}&key={number}"),
        }
    }
}

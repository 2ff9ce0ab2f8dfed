//! Redis streams: XADD, XREADGROUP and XACK, pipelined for several messages. What is acknowledged stays in the stream,
//! as is usual with them; its removal would cost Redis one command more.

use std::net::SocketAddr;

use super::broker::Client;
use crate::{
    load::{Resp, Value},
    store::Failure,
};

const GROUP: &[u8] = b"bench";

/// See the module.
pub struct Streams {
    redis: Resp,
    queue: Vec<u8>,
    /// Entries that were taken.
    taken: Vec<Vec<u8>>,
}

impl Streams {
    /// Connects to the stream `queue`.
    pub fn connect(address: SocketAddr, queue: &str) -> Result<Streams, Failure> {
        let mut redis = Resp::connect(address)?;
        let queue = queue.as_bytes().to_vec();
        match redis.ask(&[b"XGROUP", b"CREATE", &queue, GROUP, b"0", b"MKSTREAM"]) {
            Err(error) if !error.to_string().contains("BUSYGROUP") => return Err(error.into()),
            _ => {}
        }
        Ok(Streams { redis, queue, taken: Vec::new() })
    }
}

/// Drops a stream with all its entries.
pub fn forget(address: SocketAddr, queue: &str) -> Result<(), Failure> {
    Resp::connect(address)?.ask(&[b"DEL", queue.as_bytes()])?;
    Ok(())
}

impl Client for Streams {
    fn put(&mut self, messages: &[&[u8]]) -> Result<(), Failure> {
        for message in messages {
            self.redis.add(&[b"XADD", &self.queue, b"*", b"m", message])?;
        }
        self.redis.send()?;
        for _ in messages {
            self.redis.answer()?;
        }
        Ok(())
    }

    fn get(&mut self, most: usize, seen: &mut dyn FnMut(&[u8])) -> Result<(), Failure> {
        let most = most.to_string();
        let parts: [&[u8]; 11] = [
            b"XREADGROUP",
            b"GROUP",
            GROUP,
            b"bench",
            b"COUNT",
            most.as_bytes(),
            b"BLOCK",
            b"0",
            b"STREAMS",
            &self.queue,
            b">",
        ];
        let answer = self.redis.ask(&parts)?;
        let odd = || -> Failure { format!("redis: {answer:?}").into() };
        for entry in entries(&answer).ok_or_else(odd)? {
            let (id, item) = message(entry).ok_or_else(odd)?;
            self.taken.push(id.to_vec());
            seen(item);
        }
        Ok(())
    }

    fn ack(&mut self) -> Result<(), Failure> {
        let mut parts: Vec<&[u8]> = vec![b"XACK", &self.queue, GROUP];
        parts.extend(self.taken.iter().map(Vec::as_slice));
        let answer = self.redis.ask(&parts)?;
        let done = answer == Value::Integer(self.taken.len() as i64);
        self.taken.clear();
        if done { Ok(()) } else { Err(format!("redis: XACK: {answer:?}").into()) }
    }
}

/// The entries of the one stream in an answer of XREADGROUP.
fn entries(answer: &Value) -> Option<&[Value]> {
    let Value::List(streams) = answer else { return None };
    let [Value::List(stream)] = streams.as_slice() else { return None };
    let [_, Value::List(entries)] = stream.as_slice() else { return None };
    Some(entries)
}

/// Id and item of an entry, which has one field.
fn message(entry: &Value) -> Option<(&[u8], &[u8])> {
    let Value::List(parts) = entry else { return None };
    let [Value::Text(id), Value::List(fields)] = parts.as_slice() else { return None };
    let [_, Value::Text(item)] = fields.as_slice() else { return None };
    Some((id, item))
}

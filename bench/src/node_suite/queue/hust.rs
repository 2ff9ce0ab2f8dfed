//! Our own queue commands over HTTP: plain ones for one message, frames and lists of tokens for several.

use std::{fmt::Write, io, net::SocketAddr};

use super::broker::Client;
use crate::{load, store::Failure};

/// See the module.
pub struct Hust {
    http: load::Client,
    put: String,
    get: String,
    ack: String,
    queue: String,
    /// Tokens of what was taken, joined by commas.
    tokens: Vec<u8>,
    body: Vec<u8>,
    acks: Acks,
    /// Whether the tokens go with the next get.
    ready: bool,
    /// Whether a put goes in one packet with the next get.
    is_prepared: bool,
    target: String,
}

/// How a consumer acknowledges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acks {
    /// With a request for it.
    Alone,
    /// With the next get.
    WithGet,
    /// With the next get, and it does not wait for the disk.
    WithGetUnsynced,
    /// So, and in one packet with the put before that get.
    InOnePacketUnsynced,
}

impl Hust {
    /// Connects; the first put makes the queue.
    pub fn connect(address: SocketAddr, queue: &str, acks: Acks) -> Result<Hust, Failure> {
        Ok(Hust {
            http: load::Client::connect(address)?,
            put: format!("/hustmq/put?queue={queue}"),
            get: format!("/hustmq/get?queue={queue}&worker=bench&ack=false"),
            ack: format!("/hustmq/ack?queue={queue}"),
            queue: queue.to_owned(),
            tokens: Vec::new(),
            body: Vec::new(),
            acks,
            ready: false,
            is_prepared: false,
            target: String::new(),
        })
    }

    fn failed<T>(&self, what: &str, status: u16) -> Result<T, Failure> {
        Err(format!("{what} of {}: status {status}", self.queue).into())
    }

    /// Writes the target of a get of so many messages, which acknowledges what is to be.
    fn next_target(&mut self, most: usize) -> Result<(), Failure> {
        self.target.clear();
        self.target.push_str(&self.get);
        if most > 1 {
            write!(self.target, "&count={most}")?;
        }
        if self.ready {
            self.target.push_str("&token=");
            self.target.push_str(std::str::from_utf8(&self.tokens)?);
        }
        if self.ready && self.acks != Acks::WithGet {
            self.target.push_str("&sync=false");
        }
        Ok(())
    }

    fn ack_alone(&mut self) -> Result<(), Failure> {
        let several = self.tokens.contains(&b',');
        let answer = self.http.post(&self.ack, &self.tokens)?;
        let done = answer.status == 200 && (!several || answer.body.ends_with(br#""unknown":[]}"#));
        let status = answer.status;
        self.tokens.clear();
        if done { Ok(()) } else { self.failed("ack", status) }
    }

    fn put_batch(&mut self, messages: &[&[u8]]) -> Result<u16, Failure> {
        self.body.clear();
        for message in messages {
            io::Write::write_fmt(&mut self.body, format_args!("len={}\n", message.len()))?;
            self.body.extend_from_slice(message);
            self.body.push(b'\n');
        }
        Ok(self.http.put(&format!("{}&batch=true", self.put), &self.body)?.status)
    }
}

impl Client for Hust {
    fn put(&mut self, messages: &[&[u8]]) -> Result<(), Failure> {
        let status = match messages {
            [message] if self.acks == Acks::InOnePacketUnsynced => {
                self.http.prepare("PUT", &self.put, message)?;
                self.is_prepared = true;
                return Ok(());
            }
            [message] => self.http.put(&self.put, message)?.status,
            _ => self.put_batch(messages)?,
        };
        if status == 200 { Ok(()) } else { self.failed("put", status) }
    }

    fn get(&mut self, most: usize, seen: &mut dyn FnMut(&[u8])) -> Result<(), Failure> {
        loop {
            self.next_target(most)?;
            self.http.prepare("GET", &self.target, &[])?;
            self.http.flush()?;
            if std::mem::take(&mut self.is_prepared) {
                let status = self.http.receive()?.status;
                if status != 200 {
                    return self.failed("put", status);
                }
            }
            let answer = self.http.receive()?;
            if std::mem::take(&mut self.ready) && matches!(answer.status, 200 | 404) {
                if answer.header("Unknown-Tokens").is_some() {
                    return Err(format!("get of {}: a token is not current", self.queue).into());
                }
                self.tokens.clear();
            }
            match answer.status {
                // Nothing is ready; no long polling here, it is the front's.
                404 => continue,
                200 if most > 1 => frames(answer.body, &mut self.tokens, seen)?,
                200 => {
                    let token = answer.header("Ack-Token").ok_or("get: no Ack-Token")?;
                    add_token(&mut self.tokens, token);
                    seen(answer.body);
                }
                status => return self.failed("get", status),
            }
            return Ok(());
        }
    }

    fn ack(&mut self) -> Result<(), Failure> {
        if self.acks != Acks::Alone {
            self.ready = true;
            return Ok(());
        }
        self.ack_alone()
    }

    fn finish(&mut self) -> Result<(), Failure> {
        if self.ready { self.ack_alone() } else { Ok(()) }
    }
}

fn add_token(tokens: &mut Vec<u8>, token: &[u8]) {
    if !tokens.is_empty() {
        tokens.push(b',');
    }
    tokens.extend_from_slice(token);
}

/// Reads the messages of a batch: a line of fields, `len` last, then the bytes and a line feed.
fn frames(mut body: &[u8], tokens: &mut Vec<u8>, seen: &mut dyn FnMut(&[u8])) -> Result<(), Failure> {
    while !body.is_empty() {
        let end = body.iter().position(|byte| *byte == b'\n').ok_or("get: a frame without a line")?;
        let line = std::str::from_utf8(&body[..end])?;
        let field =
            |name: &str| line.split('&').find_map(|field| field.strip_prefix(name)?.strip_prefix('='));
        let len: usize = field("len").ok_or("get: a frame without len")?.parse()?;
        let token = field("token").ok_or("get: a frame without token")?;
        let token = percent_encoding::percent_decode_str(token).decode_utf8()?;
        add_token(tokens, token.as_bytes());
        let rest = &body[end + 1..];
        if rest.len() <= len {
            return Err("get: a frame is cut off".into());
        }
        seen(&rest[..len]);
        body = &rest[len + 1..];
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_taken_apart() {
        let (mut tokens, mut items) = (Vec::new(), Vec::new());
        let body = b"token=1:2:3&index=1&priori=0&len=2\nab\ntoken=4%3A5:6&index=2&priori=0&len=0\n\n";
        frames(body, &mut tokens, &mut |item| items.push(item.to_vec())).unwrap();
        assert_eq!((tokens.as_slice(), items), (b"1:2:3,4:5:6".as_slice(), vec![b"ab".to_vec(), Vec::new()]));
        for body in [&b"token=1&len=3\nab\n"[..], b"token=1\nab\n", b"len=0\n\n", b"token=1&len=0"] {
            assert!(frames(body, &mut Vec::new(), &mut |_| {}).is_err(), "{body:?}");
        }
    }
}

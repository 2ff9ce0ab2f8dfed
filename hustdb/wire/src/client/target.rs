//! Writes the target of a request to a node.

use std::fmt::Write;

use bytes::Bytes;
use hyper::{Method, StatusCode};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};

use super::{Call, call::TARGET_MAX_BYTES};
use crate::{query::Query, refusal::Refusal};

/// Room for most targets.
const USUAL_BYTES: usize = 160;
/// What stays as it is: what no URI reserves.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b':');

/// A path and its query, growing.
#[derive(Clone, Debug)]
pub struct Target {
    text: String,
    has_query: bool,
}

impl Target {
    /// A path without a query.
    pub fn new(path: &str) -> Target {
        let mut text = String::with_capacity(USUAL_BYTES);
        text.push_str(path);
        Target { text, has_query: false }
    }

    /// With a parameter of any bytes.
    pub fn bytes(mut self, name: &str, value: &[u8]) -> Target {
        self.name(name);
        self.text.extend(percent_encode(value, ENCODED));
        self
    }

    /// With a parameter whose text needs no encoding.
    pub fn plain(mut self, name: &str, value: impl std::fmt::Display) -> Target {
        self.name(name);
        let _ = write!(self.text, "{value}");
        self
    }

    /// With a number.
    pub fn number(mut self, name: &str, value: u64) -> Target {
        self.name(name);
        self.text.push_str(itoa::Buffer::new().format(value));
        self
    }

    /// With a parameter if there is one.
    pub fn some(self, name: &str, value: Option<impl std::fmt::Display>) -> Target {
        match value {
            Some(value) => self.plain(name, value),
            None => self,
        }
    }

    /// With those parameters of a query that are named, decoded and encoded again.
    pub fn of(mut self, query: Query<'_>, names: &[&'static str]) -> Result<Target, Refusal> {
        for name in names {
            if let Some(value) = query.bytes(name)? {
                self = self.bytes(name, &value);
            }
        }
        Ok(self)
    }

    fn name(&mut self, name: &str) {
        self.text.push(if self.has_query { '&' } else { '?' });
        self.has_query = true;
        self.text.push_str(name);
        self.text.push('=');
    }

    /// Refuses what a node would refuse with `more` bytes added.
    pub fn check(&self, more: usize) -> Result<(), Refusal> {
        if self.text.len() + more > TARGET_MAX_BYTES {
            let reason = format!("over {TARGET_MAX_BYTES} bytes");
            return Err(Refusal::new(StatusCode::URI_TOO_LONG, "target", reason));
        }
        Ok(())
    }

    /// GET of it.
    pub fn get(self) -> Result<Call, Refusal> {
        self.call(Method::GET, Bytes::new())
    }

    /// POST to it, without a body.
    pub fn post(self) -> Result<Call, Refusal> {
        self.call(Method::POST, Bytes::new())
    }

    /// The request.
    pub fn call(self, method: Method, body: Bytes) -> Result<Call, Refusal> {
        self.check(0)?;
        let call =
            Call::new(method, self.text).map_err(|failure| Refusal::bad("target", failure.to_string()))?;
        Ok(call.body(body))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_encoded_once() {
        let query = Query::new(b"queue=a%3ab&id=%00%26&id=x%20y&junk=1&flag");
        let target = Target::new("/p").of(query, &["queue", "id", "none", "flag"]).unwrap();
        let target = target.some("n", Some(7)).some("m", None::<u64>);
        let call = target.get().unwrap();
        assert_eq!(call.target(), "/p?queue=a:b&id=x%20y&flag=&n=7");
        assert!(Target::new("/p").of(Query::new(b"id=%4"), &["id"]).is_err());
        assert!(Target::new("/p").bytes("id", &[0; 30_000]).check(0).is_err());
    }
}

//! What a handler gets: a request whose head was checked and whose body is complete.

use std::net::IpAddr;

use bytes::Bytes;
use hyper::{Method, Uri, header::HeaderValue, http::request::Parts};
use tokio::sync::oneshot;

use crate::{query::Query, refusal::Refusal};

/// A request.
#[derive(Debug)]
pub struct Request {
    /// The head; its method is one the route allows.
    pub head: Parts,
    /// The id of the route.
    pub route: u16,
    /// The body; empty where the route ignores it.
    pub body: Bytes,
    /// The client; an IPv4 address on an IPv6 socket is shown as IPv4.
    pub peer: IpAddr,
    pub(crate) receipt: Option<oneshot::Sender<()>>,
}

impl Request {
    /// A request with this head, of this route.
    pub fn new(head: Parts, route: u16, body: Bytes, peer: IpAddr) -> Request {
        Request { head, route, body, peer, receipt: None }
    }

    /// Tells whether the answer to this request leaves: `Ok` once all of it is with the operating system, `Err` if the
    /// connection ends before, or the handler is dropped. For handlers that would take back what was not delivered.
    pub fn receipt(&mut self) -> oneshot::Receiver<()> {
        let (receipt, left) = oneshot::channel();
        self.receipt = Some(receipt);
        left
    }

    /// The method.
    pub fn method(&self) -> &Method {
        &self.head.method
    }

    /// The path.
    pub fn path(&self) -> &str {
        self.head.uri.path()
    }

    /// The query.
    pub fn query(&self) -> Query<'_> {
        Query::new(self.head.uri.query().unwrap_or_default().as_bytes())
    }

    /// Gives back what was read: target, headers and body are empty afterwards.
    ///
    /// They lie in the buffer that the connection reads into. As long as somebody holds a part of it, the connection
    /// takes another buffer to watch the client while the answer is being made.
    pub fn release(&mut self) {
        self.head.uri = Uri::default();
        self.head.headers.clear();
        self.body = Bytes::new();
    }

    /// The body if it is not empty, else the parameter `name`; PUT alone may leave out both, for an empty value.
    pub fn value(&self, name: &'static str) -> Result<Bytes, Refusal> {
        if !self.body.is_empty() {
            return Ok(self.body.clone());
        }
        match self.query().bytes(name)? {
            Some(value) => Ok(value.into_owned().into()),
            None if *self.method() == Method::PUT => Ok(Bytes::new()),
            None => Err(Refusal::bad(name, "missing")),
        }
    }

    /// The first header called `name`.
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        self.head.headers.get(name).map(HeaderValue::as_bytes)
    }
}

#[cfg(test)]
mod tests {
    use bytes::{BufMut, BytesMut};

    use super::*;

    #[test]
    fn what_is_released_holds_no_part_of_the_buffer() {
        let mut buffer = BytesMut::with_capacity(4096);
        buffer.put_slice(b"/x?key=1value of a headerbody");
        let place = buffer.as_ptr();
        let mut head = hyper::Request::new(()).into_parts().0;
        head.uri = Uri::from_maybe_shared(buffer.split_to(8).freeze()).unwrap();
        let header = HeaderValue::from_maybe_shared(buffer.split_to(17).freeze()).unwrap();
        head.headers.insert("name", header);
        let body = buffer.split_to(4).freeze();
        let mut request = Request::new(head, 0, body, IpAddr::from([127, 0, 0, 1]));
        assert_eq!(request.query().find("key"), Some(&b"1"[..]));
        request.release();
        assert!(request.query().find("key").is_none() && request.body.is_empty());
        assert_eq!(request.header("name"), None);
        buffer.reserve(4096);
        assert_eq!(buffer.as_ptr(), place, "the same memory is used again");
    }
}

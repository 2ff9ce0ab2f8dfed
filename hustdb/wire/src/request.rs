//! What a handler gets: a request whose head was checked and whose body is complete.

use std::net::IpAddr;

use bytes::Bytes;
use hyper::{Method, header::HeaderValue, http::request::Parts};
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

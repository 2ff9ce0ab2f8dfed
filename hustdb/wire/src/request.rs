//! What a handler gets: a request whose head was checked and whose body is complete.

use std::net::IpAddr;

use bytes::Bytes;
use hyper::{HeaderMap, Method, Uri};

use crate::query::Query;

/// A request.
#[derive(Debug)]
pub struct Request {
    /// The method, one the route allows.
    pub method: Method,
    /// The target.
    pub target: Uri,
    /// The headers.
    pub headers: HeaderMap,
    /// The id of the route.
    pub route: u16,
    /// The body; empty where the route ignores it.
    pub body: Bytes,
    /// The client; an IPv4 address on an IPv6 socket is shown as IPv4.
    pub peer: IpAddr,
}

impl Request {
    /// The path.
    pub fn path(&self) -> &str {
        self.target.path()
    }

    /// The query.
    pub fn query(&self) -> Query<'_> {
        Query::new(self.target.query().unwrap_or_default().as_bytes())
    }

    /// The first header called `name`.
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        self.headers.get(name).map(hyper::header::HeaderValue::as_bytes)
    }
}

//! One exchange from end to end: wait for a permit, take or make a connection, send, read all of the answer.
//!
//! Sent again, once, on a fresh connection is only what a kept connection provably did not begin, and, if the call says
//! that this does no harm, what a kept connection ended over without a byte of an answer.

use bytes::Bytes;
use http_body_util::Full;
use hyper::{
    HeaderMap, Request, Uri,
    header::{AUTHORIZATION, HOST, HeaderValue},
};
use tokio::time::{Instant, timeout_at};

use super::{
    Call, Failure, Options, Repeat, Reply,
    dial::dial,
    link::{Link, Lost, Stage},
    peer::Peer,
};

/// What an exchange needs beside the call.
pub struct Exchange<'a> {
    pub peer: &'a Peer,
    pub options: &'a Options,
    pub authorization: Option<&'a HeaderValue>,
}

impl Exchange<'_> {
    /// The answer to `call`, complete, or why there is none.
    pub async fn run(&self, call: &Call) -> Result<Reply, Failure> {
        let timeout = call.timeout.unwrap_or(self.options.timeout);
        let deadline = Instant::now() + timeout;
        // Declared before the connection, hence given up after it.
        let _permit = self.peer.admit(self.options.waiting, deadline).await?;
        let Some(kept) = self.peer.reuse(self.options.idle_timeout).await else {
            return self.send_fresh(call, deadline).await;
        };
        match self.send(kept, call, deadline).await {
            Err(lost) if may_repeat(lost.stage, call.repeat) => self.send_fresh(call, deadline).await,
            outcome => outcome.map_err(Failure::from),
        }
    }

    async fn send_fresh(&self, call: &Call, deadline: Instant) -> Result<Reply, Failure> {
        let fresh = self.open(deadline).await?;
        self.send(fresh, call, deadline).await.map_err(Failure::from)
    }

    async fn open(&self, deadline: Instant) -> Result<Link, Failure> {
        let until = deadline.min(Instant::now() + self.options.connect_timeout);
        let socket = dial(&self.peer.host, &self.options.trust, until).await?;
        Link::open(socket).await.map_err(|error| Failure::unreachable(error.to_string()))
    }

    async fn send(&self, mut link: Link, call: &Call, deadline: Instant) -> Result<Reply, Lost> {
        let exchange = link.exchange(self.request(call), call.answer_max_bytes);
        match timeout_at(deadline, exchange).await {
            Ok(Ok(reply)) => {
                self.peer.keep(link).await;
                Ok(reply)
            }
            Ok(Err(lost)) => Err(lost),
            Err(_) => Err(Lost::begun("no complete answer in time")),
        }
    }

    fn request(&self, call: &Call) -> Request<Full<Bytes>> {
        let mut headers = HeaderMap::with_capacity(call.headers.len() + 3);
        headers.insert(HOST, self.peer.header.clone());
        if let Some(authorization) = self.authorization {
            headers.insert(AUTHORIZATION, authorization.clone());
        }
        for (name, value) in &call.headers {
            headers.insert(name.clone(), value.clone());
        }
        let mut request = Request::new(Full::new(call.body.clone()));
        *request.method_mut() = call.method.clone();
        *request.uri_mut() = Uri::from(call.target.clone());
        *request.headers_mut() = headers;
        request
    }
}

impl From<Lost> for Failure {
    fn from(lost: Lost) -> Failure {
        match lost.stage {
            Stage::Unsent => Failure::unreachable(lost.cause),
            Stage::Silent | Stage::Begun => Failure::unknown(lost.cause),
        }
    }
}

fn may_repeat(stage: Stage, repeat: Repeat) -> bool {
    match stage {
        Stage::Unsent => true,
        Stage::Silent => repeat == Repeat::Idempotent,
        Stage::Begun => false,
    }
}

//! A request sent and its answer read, on one connection.
//!
//! Writing and reading go on side by side, so an answer that comes before the request has left is seen.
//!
//! It is a state and not a chain of async functions, which would keep four times as much: it is moved about, with all
//! that waits for it, once for each request.

use std::{
    future::Future,
    io::{self, IoSlice},
    mem,
    pin::{Pin, pin},
    task::{Context, Poll, ready},
};

use bytes::BytesMut;
use hyper::StatusCode;
use tokio::{
    io::{AsyncReadExt, AsyncWrite},
    time::Instant,
};

use super::{
    Call, Headers, Reply,
    chunks::Chunks,
    head::{self, Framing, Head},
    link::Link,
    socket::Socket,
};
use crate::flat::{FLAT_MAX_BYTES, flat};

/// Room for the next bytes of an answer: a head and a small body come in one read.
const READ_BYTES: usize = 8 << 10;
/// Most bytes reserved for a body before they have come.
const RESERVE_MAX_BYTES: usize = 1 << 20;
const LATE: &str = "no complete answer in time";
const BEFORE: &str = "before it was answered";
const WITHIN: &str = "within an answer";

/// An exchange that went wrong.
#[derive(Debug)]
pub struct Lost {
    pub stage: Stage,
    pub cause: String,
}

/// How far an exchange came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The request was not begun.
    Unsent,
    /// The connection ended before a byte of the answer.
    Silent,
    /// Something else.
    Begun,
}

impl Lost {
    fn begun(cause: impl Into<String>) -> Lost {
        Lost { stage: Stage::Begun, cause: cause.into() }
    }
}

/// An exchange in progress: a future of the complete answer.
pub struct RoundTrip<'a> {
    link: Link,
    call: &'a Call,
    /// The head of the request.
    head: Vec<u8>,
    deadline: Instant,
    /// Bytes of head and body that the socket took.
    sent: usize,
    flushed: bool,
    /// Whether a byte of the answer has come.
    heard: bool,
    /// Whether the host keeps the connection open.
    keeps: bool,
    /// The answer, once its head is complete and more than that has to be read.
    partial: Option<Box<Partial>>,
}

/// An answer that is not complete.
struct Partial {
    status: StatusCode,
    headers: Headers,
    body: BytesMut,
    end: End,
}

/// How a body ends.
enum End {
    Length(usize),
    Chunks(Chunks),
}

impl Future for RoundTrip<'_> {
    type Output = Result<Reply, Lost>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.get_mut().poll_reply(cx)
    }
}

impl<'a> RoundTrip<'a> {
    /// Will send a request, whose header lines include `fixed`, and read its answer to the end.
    pub fn new(link: Link, call: &'a Call, fixed: &[u8], deadline: Instant) -> RoundTrip<'a> {
        let head = head::encode(call, fixed);
        let (sent, flushed, heard, keeps, partial) = (0, false, false, false, None);
        RoundTrip { link, call, head, deadline, sent, flushed, heard, keeps, partial }
    }

    /// The connection, once the answer is there, if it can be used again.
    pub fn end(self) -> Option<Link> {
        let is_kept = self.keeps && self.flushed && self.link.input.is_empty();
        is_kept.then_some(self.link)
    }

    fn poll_reply(&mut self, cx: &mut Context<'_>) -> Poll<Result<Reply, Lost>> {
        let mut partial = loop {
            if let Some(partial) = self.partial.take() {
                break partial;
            }
            let fresh = ready!(self.poll_input(cx, BEFORE))?;
            let head = head::take(&mut self.link.input, fresh, &self.call.method).map_err(Lost::begun)?;
            let Some(Head { status, headers, framing, keeps }) = head else { continue };
            self.keeps = keeps;
            let end = self.end_of(framing)?;
            if let End::Length(length) = end
                && length <= self.link.input.len()
            {
                let body = self.link.input.split_to(length).freeze();
                return Poll::Ready(Ok(Reply { status, headers, body }));
            }
            let body = self.room(&end);
            self.partial = Some(Box::new(Partial { status, headers, body, end }));
        };
        if self.poll_body(cx, &mut partial)?.is_pending() {
            self.partial = Some(partial);
            return Poll::Pending;
        }
        let Partial { status, headers, body, .. } = *partial;
        Poll::Ready(Ok(Reply { status, headers, body: body.freeze() }))
    }

    fn end_of(&self, framing: Framing) -> Result<End, Lost> {
        let max_bytes = self.call.answer_max_bytes;
        match framing {
            Framing::Chunked => Ok(End::Chunks(Chunks::Size)),
            Framing::Length(length) => match usize::try_from(length) {
                Ok(length) if length <= max_bytes => Ok(End::Length(length)),
                _ => Err(Lost::begun(format!("answer: over {max_bytes} bytes"))),
            },
        }
    }

    /// A body to read the rest of, with what has come of it.
    fn room(&mut self, end: &End) -> BytesMut {
        let End::Length(length) = end else { return BytesMut::new() };
        // One byte more, so that the read of the last ones is short: the runtime then knows that no more are there.
        let mut body = BytesMut::with_capacity((*length).min(RESERVE_MAX_BYTES) + 1);
        body.extend_from_slice(&self.link.input);
        self.link.input.clear();
        body
    }

    fn poll_body(&mut self, cx: &mut Context<'_>, partial: &mut Partial) -> Poll<Result<(), Lost>> {
        let body = &mut partial.body;
        match &mut partial.end {
            End::Length(length) => {
                while body.len() < *length {
                    if body.capacity() == body.len() {
                        body.reserve((*length + 1 - body.len()).min(body.len()));
                    }
                    ready!(self.poll_read(cx, body, WITHIN))?;
                }
                self.link.input.extend_from_slice(body.get(*length..).unwrap_or_default());
                body.truncate(*length);
            }
            End::Chunks(chunks) => {
                let max_bytes = self.call.answer_max_bytes;
                while !chunks.take(&mut self.link.input, body, max_bytes).map_err(Lost::begun)? {
                    ready!(self.poll_input(cx, WITHIN))?;
                }
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Reads what has come to where heads and chunks are taken from.
    fn poll_input(&mut self, cx: &mut Context<'_>, when: &str) -> Poll<Result<usize, Lost>> {
        let mut input = mem::take(&mut self.link.input);
        input.reserve(READ_BYTES);
        let got = self.poll_read(cx, &mut input, when);
        self.link.input = input;
        got
    }

    /// Reads what has come to the end of `to`, at least a byte; sends what is left to send meanwhile.
    fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        to: &mut BytesMut,
        when: &str,
    ) -> Poll<Result<usize, Lost>> {
        // Who is heard without a pause would never be late.
        if self.heard && Instant::now() >= self.deadline {
            return Poll::Ready(Err(Lost::begun(LATE)));
        }
        let broken = match self.poll_send(cx) {
            Poll::Ready(Err(error)) => Some(error),
            _ => None,
        };
        let cause = match (pin!(self.link.socket.read_buf(to)).poll(cx), broken) {
            (Poll::Ready(Ok(got)), _) if got > 0 => {
                self.heard = true;
                return Poll::Ready(Ok(got));
            }
            (Poll::Pending, None) => {
                return self.link.poll_late(cx, self.deadline).map(|()| Err(Lost::begun(LATE)));
            }
            (Poll::Ready(Err(error)), _) | (_, Some(error)) => format!("connection lost {when}: {error}"),
            (Poll::Ready(Ok(_)), None) => format!("connection closed {when}"),
        };
        Poll::Ready(Err(self.lost(cause)))
    }

    fn lost(&self, cause: String) -> Lost {
        let stage = match (self.heard, self.sent) {
            (true, _) => Stage::Begun,
            // What TLS has not taken it may have sent in part.
            (false, 0) if matches!(self.link.socket, Socket::Plain(_)) => Stage::Unsent,
            (false, _) => Stage::Silent,
        };
        Lost { stage, cause }
    }

    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.sent < self.head.len() + self.call.body.len() {
            let taken = ready!(self.poll_write(cx))?;
            if taken == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.sent += taken;
        }
        if !self.flushed {
            ready!(Pin::new(&mut self.link.socket).poll_flush(cx))?;
            self.flushed = true;
        }
        Poll::Ready(Ok(()))
    }

    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let socket = Pin::new(&mut self.link.socket);
        let Some(head) = self.head.get(self.sent..).filter(|head| !head.is_empty()) else {
            return socket
                .poll_write(cx, self.call.body.get(self.sent - self.head.len()..).unwrap_or_default());
        };
        if self.call.body.is_empty() {
            return socket.poll_write(cx, head);
        }
        let both = [IoSlice::new(head), IoSlice::new(&self.call.body)];
        if head.len() + self.call.body.len() <= FLAT_MAX_BYTES {
            return flat(&both, |bytes| socket.poll_write(cx, bytes));
        }
        socket.poll_write_vectored(cx, &both)
    }
}

//! One connection to a host and the exchange on it.
//!
//! HTTP/1.1 as far as nodes need it: one request at a time, its answer read to the end, bytes through whoever holds the
//! connection and nobody else; nothing happens on a connection nobody waits for. hyper's client does the same with
//! channels between the caller and a dispatcher, and cost more than all the rest of a request through the proxy.
//!
//! Writing and reading go on side by side, so an answer that comes before the request has left is seen. A deadline
//! touches the timer only if it is earlier than what the timer is set to; a timer that fires early is set again.

use std::{
    future::poll_fn,
    io::{self, IoSlice},
    pin::{Pin, pin},
    task::{Context, Poll, Waker, ready},
};

use bytes::{Bytes, BytesMut};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf},
    task::unconstrained,
    time::{Instant, Sleep, sleep_until},
};

use super::{
    Call, Reply,
    chunks::Chunks,
    head::{self, Framing, Head},
    socket::Socket,
};
use crate::flat::{FLAT_MAX_BYTES, flat};

/// Room for the next bytes of an answer: a head and a small body come in one read.
const READ_BYTES: usize = 8 << 10;
/// Most bytes reserved for a body before they have come.
const RESERVE_MAX_BYTES: usize = 1 << 20;
const LATE: &str = "no complete answer in time";

/// A connection.
pub struct Link {
    socket: Socket,
    /// What has come and is not yet taken.
    input: BytesMut,
    /// Wakes whoever waits for an answer, at the earliest of their deadlines so far.
    alarm: Option<Pin<Box<Sleep>>>,
    /// Since when it has been unused.
    pub idle_since: Instant,
}

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

/// An exchange in progress.
struct Exchange<'a> {
    link: &'a mut Link,
    head: &'a [u8],
    body: &'a Bytes,
    deadline: Instant,
    /// Bytes of head and body that the socket took.
    sent: usize,
    flushed: bool,
    /// Whether a byte of the answer has come.
    heard: bool,
}

impl Link {
    /// A fresh socket.
    pub fn new(socket: Socket) -> Link {
        Link { socket, input: BytesMut::new(), alarm: None, idle_since: Instant::now() }
    }

    /// Whether a request could be sent, as far as can be seen from here: an end the host has sent shows, and so does
    /// what it said unasked.
    pub fn is_usable(&mut self) -> bool {
        let mut room = [0];
        let mut room = ReadBuf::new(&mut room);
        let mut cx = Context::from_waker(Waker::noop());
        // Out of the runtime's budget: after many that were closed the next would look as if nothing had come.
        let look = pin!(unconstrained(poll_fn(|cx| Pin::new(&mut self.socket).poll_read(cx, &mut room))));
        self.input.is_empty() && look.poll(&mut cx).is_pending()
    }

    /// Sends a request, whose header lines include `fixed`, and reads its answer to the end. With it comes the
    /// connection, if it can be used again.
    pub async fn exchange(
        mut self,
        call: &Call,
        fixed: &[u8],
        deadline: Instant,
    ) -> Result<(Reply, Option<Link>), Lost> {
        let head = head::encode(call, fixed);
        let (body, link) = (&call.body, &mut self);
        let mut exchange =
            Exchange { link, head: &head, body, deadline, sent: 0, flushed: false, heard: false };
        let Head { status, headers, framing, keeps } = exchange.head(call).await?;
        let body = exchange.body(framing, call.answer_max_bytes).await?;
        let is_kept = keeps && exchange.flushed && exchange.link.input.is_empty();
        Ok((Reply { status, headers, body }, is_kept.then_some(self)))
    }

    /// Whether it is too late.
    fn poll_late(&mut self, cx: &mut Context<'_>, deadline: Instant) -> Poll<()> {
        let alarm = self.alarm.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if alarm.deadline() > deadline {
            alarm.as_mut().reset(deadline);
        }
        loop {
            ready!(alarm.as_mut().poll(cx));
            if Instant::now() >= deadline {
                return Poll::Ready(());
            }
            alarm.as_mut().reset(deadline);
        }
    }
}

impl Exchange<'_> {
    async fn head(&mut self, call: &Call) -> Result<Head, Lost> {
        loop {
            let mut input = std::mem::take(&mut self.link.input);
            input.reserve(READ_BYTES);
            let fresh = self.read(&mut input, "before it was answered").await?;
            let head = head::take(&mut input, fresh, &call.method).map_err(Lost::begun)?;
            self.link.input = input;
            if let Some(head) = head {
                return Ok(head);
            }
        }
    }

    async fn body(&mut self, framing: Framing, max_bytes: usize) -> Result<Bytes, Lost> {
        match framing {
            Framing::Chunked => self.chunks(max_bytes).await,
            Framing::Length(length) => match usize::try_from(length) {
                Ok(length) if length <= max_bytes => self.bytes(length).await,
                _ => Err(Lost::begun(format!("answer: over {max_bytes} bytes"))),
            },
        }
    }

    async fn bytes(&mut self, length: usize) -> Result<Bytes, Lost> {
        if length <= self.link.input.len() {
            return Ok(self.link.input.split_to(length).freeze());
        }
        // One byte more, so that the read of the last ones is short: the runtime then knows that no more are there.
        let mut body = BytesMut::with_capacity(length.min(RESERVE_MAX_BYTES) + 1);
        body.extend_from_slice(&self.link.input);
        self.link.input.clear();
        while body.len() < length {
            if body.capacity() == body.len() {
                body.reserve((length + 1 - body.len()).min(body.len()));
            }
            self.read(&mut body, "within an answer").await?;
        }
        self.link.input.extend_from_slice(body.get(length..).unwrap_or_default());
        body.truncate(length);
        Ok(body.freeze())
    }

    async fn chunks(&mut self, max_bytes: usize) -> Result<Bytes, Lost> {
        let (mut chunks, mut body) = (Chunks::Size, BytesMut::new());
        let mut input = std::mem::take(&mut self.link.input);
        while !chunks.take(&mut input, &mut body, max_bytes).map_err(Lost::begun)? {
            input.reserve(READ_BYTES);
            self.read(&mut input, "within an answer").await?;
        }
        self.link.input = input;
        Ok(body.freeze())
    }

    /// Reads what has come to the end of `to`, at least a byte; sends what is left to send meanwhile.
    async fn read(&mut self, to: &mut BytesMut, when: &str) -> Result<usize, Lost> {
        // Who is heard without a pause would never be late.
        if self.heard && Instant::now() >= self.deadline {
            return Err(Lost::begun(LATE));
        }
        let got = poll_fn(|cx| {
            let broken = match self.poll_send(cx) {
                Poll::Ready(Err(error)) => Some(error),
                _ => None,
            };
            match (pin!(self.link.socket.read_buf(&mut *to)).poll(cx), broken) {
                (Poll::Ready(Ok(0)) | Poll::Pending, Some(error)) => Poll::Ready(Some(Err(error))),
                (Poll::Ready(got), _) => Poll::Ready(Some(got)),
                (Poll::Pending, None) => self.link.poll_late(cx, self.deadline).map(|()| None),
            }
        })
        .await;
        let cause = match got {
            None => return Err(Lost::begun(LATE)),
            Some(Ok(0)) => format!("connection closed {when}"),
            Some(Err(error)) => format!("connection lost {when}: {error}"),
            Some(Ok(got)) => {
                self.heard = true;
                return Ok(got);
            }
        };
        let stage = match (self.heard, self.sent) {
            (true, _) => Stage::Begun,
            // What TLS has not taken it may have sent in part.
            (false, 0) if matches!(self.link.socket, Socket::Plain(_)) => Stage::Unsent,
            (false, _) => Stage::Silent,
        };
        Err(Lost { stage, cause })
    }

    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.sent < self.head.len() + self.body.len() {
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
            return socket.poll_write(cx, self.body.get(self.sent - self.head.len()..).unwrap_or_default());
        };
        if self.body.is_empty() {
            return socket.poll_write(cx, head);
        }
        let both = [IoSlice::new(head), IoSlice::new(self.body)];
        if head.len() + self.body.len() <= FLAT_MAX_BYTES {
            return flat(&both, |bytes| socket.poll_write(cx, bytes));
        }
        socket.poll_write_vectored(cx, &both)
    }
}

//! The bytes between hyper and the socket, plain or TLS.
//!
//! It tells the pulse what happens, never closes the socket (how a connection ends is decided by `connection.rs`), holds
//! small answers until those that leave with them are there (`outbox.rs`), and keeps back the answers hyper gives by
//! itself. A value could contain such text, so where they may begin is known, not
//! guessed: hyper gives them when it reads a bad head, that is between an answer that was flushed and the next, or, if
//! the socket takes no more, on top of the bytes that were left then; heads always come in the first buffer. Theirs
//! ends the heads, has an empty body, and lacks the `content-type` that every answer of ours has.
//!
//! Where a plain GET is likely it reads that itself and answers it without hyper (`direct.rs`); hyper hears of it only if
//! it is none.

use std::{
    cell::RefCell,
    io,
    io::IoSlice,
    pin::Pin,
    task::{Context, Poll, ready},
};

use hyper::rt::{Read, ReadBuf, ReadBufCursor, Write};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use super::{Handler, direct, exchange::Link, outbox::Outbox};
use crate::flat::FLAT_MAX_BYTES;

/// Most bytes of a read that may bring a plain request: as many as hyper reads at least.
const SCRATCH_BYTES: usize = 8192;

/// What plain requests are read into, and heads of their answers written to, by all connections of a thread.
#[derive(Default)]
struct Scratch {
    read: Vec<u8>,
    head: Vec<u8>,
    /// What followed the target of the last plain request.
    known: Vec<u8>,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// A client's stream.
pub enum Stream {
    Plain(TokioIo<TcpStream>),
    Tls(Box<TokioIo<TlsStream<TcpStream>>>),
}

impl Stream {
    fn poll_read(&mut self, cx: &mut Context<'_>, buf: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        match self {
            Stream::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            Stream::Tls(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Stream::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Stream::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self {
            Stream::Plain(stream) => Pin::new(stream).poll_write(cx, bytes),
            Stream::Tls(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_write_vectored(&mut self, cx: &mut Context<'_>, bufs: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        match self {
            Stream::Plain(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
            Stream::Tls(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
        }
    }
}

/// The stream as hyper sees it.
pub struct Transport<'a, H: Handler> {
    pub stream: Stream,
    link: &'a Link<H>,
    /// Bytes the socket has not taken yet of those hyper offered last.
    left: usize,
    /// What was taken from hyper, or answered without it, and has not left.
    outbox: Outbox,
    /// An answer that hyper knows nothing of is in the outbox.
    direct: bool,
    /// The stream keeps bytes that its socket did not take, as TLS does.
    unflushed: bool,
    /// The last read found nothing.
    dry: bool,
}

impl<'a, H: Handler> Transport<'a, H> {
    pub fn new(stream: Stream, link: &'a Link<H>) -> Transport<'a, H> {
        Transport {
            stream,
            link,
            left: 0,
            outbox: Outbox::default(),
            direct: false,
            unflushed: false,
            dry: false,
        }
    }

    /// Reads what is likely to be a plain request, and answers those; the first that is none of these is hyper's.
    fn poll_read_plain(&mut self, cx: &mut Context<'_>, mut buf: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        let pulse = &*self.link.pulse;
        SCRATCH.with_borrow_mut(|Scratch { read, head, known }| {
            read.resize(SCRATCH_BYTES, 0);
            loop {
                let room = read.len().min(buf.remaining());
                let mut filled = ReadBuf::new(read.get_mut(..room).unwrap_or_default());
                ready!(self.stream.poll_read(cx, filled.unfilled()))?;
                pulse.bytes_read();
                let bytes = filled.filled();
                let plain = Some(bytes).filter(|_| pulse.is_clear());
                let body = plain.and_then(|bytes| direct::answer(self.link, bytes, head, known));
                let Some(body) = body else {
                    pulse.handed_over(bytes.ends_with(b"\r\n\r\n"));
                    buf.put_slice(bytes);
                    return Poll::Ready(Ok(()));
                };
                let sent = match body.is_empty() {
                    true => self.stream.poll_write(cx, head),
                    false => self.stream.poll_write_vectored(cx, &[IoSlice::new(head), IoSlice::new(&body)]),
                };
                let sent = if let Poll::Ready(sent) = sent { sent? } else { 0 };
                if sent < head.len() + body.len() {
                    self.outbox = Outbox::of(head, body, sent);
                }
                self.direct = true;
                ready!(self.poll_last(cx))?;
            }
        })
    }

    /// Sends everything, and with it the end of an answer.
    fn poll_last(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_send(cx))?;
        self.direct = false;
        self.link.pulse.flushed();
        Poll::Ready(Ok(()))
    }

    /// Sends everything that has not left.
    pub fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_outbox(cx))?;
        let flushed = self.stream.poll_flush(cx);
        let pulse = &self.link.pulse;
        match (self.unflushed, flushed.is_pending()) {
            (_, true) => pulse.write_blocked(),
            (true, false) => pulse.wrote(),
            (false, false) => {}
        }
        self.unflushed = flushed.is_pending();
        ready!(flushed)?;
        pulse.sent();
        Poll::Ready(Ok(()))
    }

    /// Hands all of the outbox to the stream.
    fn poll_outbox(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let (stream, pulse) = (&mut self.stream, &self.link.pulse);
        pulse.release();
        self.outbox.poll_send(|bytes| {
            let sent = stream.poll_write(cx, bytes);
            if sent.is_ready() {
                pulse.wrote();
            } else {
                pulse.write_blocked();
            }
            sent
        })
    }

    /// Whether the socket did not take all of what was to be sent.
    fn is_stuck(&self) -> bool {
        self.unflushed || self.outbox.is_stuck()
    }
}

impl<H: Handler> Read for Transport<'_, H> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.direct {
            ready!(this.poll_last(cx))?;
        }
        let pulse = &this.link.pulse;
        let plain = pulse.expects_plain();
        if plain || this.is_stuck() {
            ready!(this.poll_send(cx))?;
        }
        let read = match plain {
            true => this.poll_read_plain(cx, buf),
            false => this.stream.poll_read(cx, buf),
        };
        this.dry = read.is_pending();
        if plain {
            return read;
        }
        if read.is_ready() {
            pulse.bytes_read();
            pulse.handed_over(false);
        } else if pulse.awaits_head() && !this.outbox.is_empty() {
            // Nothing that could leave with it is there.
            ready!(this.poll_send(cx))?;
        }
        read
    }
}

impl<H: Handler> Write for Transport<'_, H> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(buf)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let total = bufs.iter().map(|buf| buf.len()).sum::<usize>();
        let pulse = &self.link.pulse;
        let may_be_own = if self.left > 0 { total > self.left } else { pulse.between_answers() };
        let before;
        let bufs = match bufs.first().filter(|_| may_be_own).and_then(|heads| own_answer(heads)) {
            None => bufs,
            Some(Own { before: [], status, len }) => {
                pulse.swallow(status);
                return Poll::Ready(Ok(len));
            }
            Some(own) => {
                before = [IoSlice::new(own.before)];
                &before
            }
        };
        let is_small = total <= FLAT_MAX_BYTES;
        if !(is_small && self.outbox.has_room(total)) && self.poll_outbox(cx)?.is_pending() {
            self.left = total;
            return Poll::Pending;
        }
        if is_small {
            self.outbox.hold(bufs);
            self.link.pulse.hold();
            self.left = 0;
            return Poll::Ready(Ok(total));
        }
        let written = self.stream.poll_write_vectored(cx, bufs);
        match &written {
            Poll::Ready(Ok(taken)) => {
                self.left = total - taken;
                self.link.pulse.wrote();
            }
            Poll::Ready(Err(_)) => {}
            Poll::Pending => {
                self.left = total;
                self.link.pulse.write_blocked();
            }
        }
        written
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let pulse = &this.link.pulse;
        if pulse.is_holding() && !this.is_stuck() {
            pulse.flushed();
            // Unless all of the client's bytes have been looked at, requests may be among them that are answered at once.
            let alone = this.dry && pulse.awaits_head();
            return if alone { this.poll_send(cx) } else { Poll::Ready(Ok(())) };
        }
        this.poll_last(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().poll_send(cx)
    }
}

/// An answer of hyper's own at the end of some heads.
#[derive(Debug, PartialEq, Eq)]
struct Own<'a> {
    before: &'a [u8],
    status: u16,
    len: usize,
}

fn own_answer(heads: &[u8]) -> Option<Own<'_>> {
    const LONGEST: usize = 128;
    if !heads.ends_with(b"content-length: 0\r\n\r\n") {
        return None;
    }
    let from = heads.len().saturating_sub(LONGEST);
    let at = from + heads.get(from..)?.windows(7).rposition(|bytes| bytes == b"HTTP/1.")?;
    let (before, answer) = heads.split_at_checked(at)?;
    let begins = before.is_empty() || before.ends_with(b"\r\n\r\n");
    let ours = answer.windows(14).any(|bytes| bytes == b"content-type: ");
    let status = std::str::from_utf8(answer.get(9..12)?).ok()?.parse().ok()?;
    (begins && !ours).then_some(Own { before, status, len: answer.len() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_hypers_own_answers() {
        let own =
            b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
        let old = b"HTTP/1.0 400 Bad Request\r\ncontent-length: 0\r\n\r\n";
        let ours =
            b"HTTP/1.1 404 Not Found\r\ncontent-type: text/plain\r\nversion: 0\r\ncontent-length: 0\r\n\r\n";
        let found = |heads| own_answer(heads).map(|own| (own.before.len(), own.status));
        assert_eq!(found(own), Some((0, 431)));
        assert_eq!(found(old), Some((0, 400)));
        assert_eq!(own_answer(ours), None);
        assert_eq!(found(&[&ours[..], own].concat()), Some((ours.len(), 431)));
        assert_eq!(own_answer(b"x: HTTP/1.1 400\r\ncontent-length: 0\r\n\r\n"), None);
        assert_eq!(own_answer(b""), None);
        assert_eq!(own_answer(b"content-length: 0\r\n\r\n"), None);
    }
}

//! The bytes between hyper and the socket, plain or TLS.
//!
//! It tells the pulse what happens, never closes the socket (how a connection ends is decided by `connection.rs`), and
//! keeps back the answers hyper gives by itself. A value could contain such text, so where they may begin is known, not
//! guessed: hyper gives them when it reads a bad head, that is between an answer that was flushed and the next, or, if
//! the socket takes no more, on top of the bytes that were left then; heads always come in the first buffer. Theirs
//! ends the heads, has an empty body, and lacks the `content-type` that every answer of ours has.

use std::{
    io,
    io::IoSlice,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use super::pulse::Pulse;
use crate::flat::{FLAT_MAX_BYTES, flat};

/// A client's stream.
pub enum Stream {
    Plain(TokioIo<TcpStream>),
    Tls(Box<TokioIo<TlsStream<TcpStream>>>),
}

impl Stream {
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
pub struct Transport {
    pub stream: Stream,
    pulse: Arc<Pulse>,
    /// Bytes the socket has not taken yet of those hyper offered last.
    left: usize,
}

impl Transport {
    pub fn new(stream: Stream, pulse: Arc<Pulse>) -> Transport {
        Transport { stream, pulse, left: 0 }
    }
}

impl Read for Transport {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let read = match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            Stream::Tls(stream) => Pin::new(stream).poll_read(cx, buf),
        };
        if read.is_ready() {
            self.pulse.bytes_read();
        }
        read
    }
}

impl Write for Transport {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(buf)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let total = bufs.iter().map(|buf| buf.len()).sum::<usize>();
        let may_be_own = if self.left > 0 { total > self.left } else { self.pulse.between_answers() };
        let before;
        let bufs = match bufs.first().filter(|_| may_be_own).and_then(|heads| own_answer(heads)) {
            None => bufs,
            Some(Own { before: [], status, len }) => {
                self.pulse.swallow(status);
                return Poll::Ready(Ok(len));
            }
            Some(own) => {
                before = [IoSlice::new(own.before)];
                &before
            }
        };
        let written = match bufs {
            [buf] => self.stream.poll_write(cx, buf),
            _ if total <= FLAT_MAX_BYTES => flat(bufs, |bytes| self.stream.poll_write(cx, bytes)),
            _ => self.stream.poll_write_vectored(cx, bufs),
        };
        match &written {
            Poll::Ready(Ok(taken)) => {
                self.left = total - taken;
                self.pulse.wrote();
            }
            Poll::Ready(Err(_)) => {}
            Poll::Pending => {
                self.left = total;
                self.pulse.write_blocked();
            }
        }
        written
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Stream::Tls(stream) => Pin::new(stream).poll_flush(cx),
        };
        if flushed.is_ready() {
            self.pulse.flushed();
        }
        flushed
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
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

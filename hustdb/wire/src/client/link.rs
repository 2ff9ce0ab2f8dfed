//! One connection to a host, driven by whoever holds it.
//!
//! hyper splits a connection into a sender and a future that moves the bytes. Both are here, and the second is polled
//! only inside [`Link::exchange`] and [`Link::is_usable`]: nothing happens on a connection nobody waits for.

use std::{
    error::Error,
    future::poll_fn,
    pin::{Pin, pin},
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{
    Request, StatusCode,
    body::{Body, Incoming},
    client::conn::http1::{Builder, Connection, SendRequest},
    header::TRANSFER_ENCODING,
};
use hyper_util::rt::TokioIo;
use tokio::time::Instant;

use super::{
    Reply,
    socket::Socket,
    stream::{Heard, Stream},
};

/// Most bytes reserved for a body before they have come.
const RESERVE_MAX_BYTES: u64 = 1 << 20;

type Driver = Connection<TokioIo<Stream>, Full<Bytes>>;

/// A connection.
pub struct Link {
    sender: SendRequest<Full<Bytes>>,
    /// `None` once it has ended.
    driver: Option<Box<Driver>>,
    heard: Heard,
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
    pub fn begun(cause: impl Into<String>) -> Lost {
        Lost { stage: Stage::Begun, cause: cause.into() }
    }
}

impl Link {
    /// HTTP on a fresh socket.
    pub async fn open(socket: Socket) -> Result<Link, hyper::Error> {
        let heard = Heard::default();
        let io = TokioIo::new(Stream::new(socket, heard.clone()));
        let (sender, driver) = Builder::new().handshake(io).await?;
        Ok(Link { sender, driver: Some(Box::new(driver)), heard, idle_since: Instant::now() })
    }

    /// Whether a request could be sent, as far as can be seen from here: an end the host has sent shows.
    pub fn is_usable(&mut self, cx: &mut Context<'_>) -> bool {
        poll_driver(&mut self.driver, cx);
        self.driver.is_some() && self.sender.is_ready()
    }

    /// Sends a request and reads its answer to the end.
    pub async fn exchange(
        &mut self,
        request: Request<Full<Bytes>>,
        answer_max_bytes: usize,
    ) -> Result<Reply, Lost> {
        self.heard.clear();
        let sent = self.sender.try_send_request(request);
        let answer = drive(&mut self.driver, sent).await.map_err(|mut error| {
            let stage = match (error.take_message(), self.heard.get()) {
                (Some(_), _) => Stage::Unsent,
                (None, false) => Stage::Silent,
                (None, true) => Stage::Begun,
            };
            Lost { stage, cause: text(&error.into_error()) }
        })?;
        let (head, body) = answer.into_parts();
        if head.status == StatusCode::SWITCHING_PROTOCOLS {
            return Err(Lost::begun("answer: another protocol"));
        }
        let is_framed = body.size_hint().exact().is_some() || head.headers.contains_key(TRANSFER_ENCODING);
        if !is_framed {
            // Its end could not be told from a broken connection.
            return Err(Lost::begun("answer: without a length"));
        }
        let body = drive(&mut self.driver, collect(body, answer_max_bytes)).await.map_err(Lost::begun)?;
        Ok(Reply { status: head.status, headers: head.headers, body })
    }

    /// Whether the next request could be sent at once, after an exchange that ended well.
    pub async fn settle(&mut self) -> bool {
        poll_fn(|cx| Poll::Ready(self.is_usable(cx))).await
    }
}

fn poll_driver(driver: &mut Option<Box<Driver>>, cx: &mut Context<'_>) {
    if driver.as_deref_mut().is_some_and(|driver| Pin::new(driver).poll(cx).is_ready()) {
        // Dropping it ends what still waits for it; an error has been told there already.
        *driver = None;
    }
}

async fn drive<F: Future>(driver: &mut Option<Box<Driver>>, work: F) -> F::Output {
    let mut work = pin!(work);
    poll_fn(|cx| {
        poll_driver(driver, cx);
        work.as_mut().poll(cx)
    })
    .await
}

async fn collect(mut body: Incoming, max_bytes: usize) -> Result<Bytes, String> {
    let too_long = || format!("answer: over {max_bytes} bytes");
    let length = body.size_hint().exact();
    if length.is_some_and(|length| length > max_bytes as u64) {
        return Err(too_long());
    }
    let mut first = Bytes::new();
    let mut all = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|error| text(&error))?.into_data() else { continue };
        if first.is_empty() && all.is_empty() {
            first = data;
        } else {
            if all.is_empty() {
                all.reserve(length.unwrap_or(0).min(RESERVE_MAX_BYTES) as usize);
                all.extend_from_slice(&first);
                first.clear();
            }
            all.extend_from_slice(&data);
        }
        if first.len().max(all.len()) > max_bytes {
            return Err(too_long());
        }
    }
    Ok(if all.is_empty() { first } else { all.into() })
}

/// An error with its cause, in one line.
fn text(error: &hyper::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

//! The last bytes of a connection that does not end by itself.
//!
//! Closing a socket with unread bytes resets it, and the client may then never see the answer. So the sending side is
//! shut down first, and what the client still sends is read and thrown away, for a bounded time and number of bytes.

use std::{future::poll_fn, io, time::Duration};

use hyper::StatusCode;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    time::timeout,
};

use super::{
    Handler,
    transport::{Stream, Transport},
};
use crate::{answer::Answer, refusal::Refusal};

const LINGER: Duration = Duration::from_secs(10);
const LINGER_MAX_BYTES: u64 = 256 * 1024 * 1024;
const TARGET_MAX_BYTES: usize = 65_534;
const SCRATCH_BYTES: usize = 16 * 1024;

/// The refusal for what hyper could not parse.
pub fn refusal(status: StatusCode) -> Refusal {
    let (subject, reason) = match status {
        StatusCode::URI_TOO_LONG => ("target", "over 65534 bytes"),
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => ("head", "over 131072 bytes or 100 headers"),
        StatusCode::REQUEST_TIMEOUT => ("request", "not complete in time"),
        _ => ("request", "malformed"),
    };
    Refusal::new(status, subject, reason).closing()
}

/// Whether what is left of a head that hyper gave up begins with a target over the limit. hyper looks at the size of
/// the whole head first.
pub fn is_target_too_long(head: &[u8]) -> bool {
    let line = head.trim_ascii_start().split(|byte| *byte == b'\n').next().unwrap_or_default();
    line.split(|byte| *byte == b' ').nth(1).is_some_and(|target| target.len() > TARGET_MAX_BYTES)
}

/// Sends what has been answered and has not left; `None`: not all of it could be sent, and nothing else can be said.
pub async fn finish<H: Handler>(mut transport: Transport<'_, H>) -> Option<Stream> {
    let sent = timeout(LINGER, poll_fn(|cx| transport.poll_send(cx))).await;
    matches!(sent, Ok(Ok(()))).then_some(transport.stream)
}

/// Answers with `refusal` past hyper, then ends the connection.
pub async fn refuse(stream: Stream, refusal: Refusal) {
    let bytes = encode(&refusal.into());
    match stream {
        Stream::Plain(stream) => say(stream.into_inner(), &bytes).await,
        Stream::Tls(stream) => say(stream.into_inner(), &bytes).await,
    }
}

/// Ends the connection after its last answer has been written; `linger` if the client may still be sending.
pub async fn close(stream: Stream, linger: bool) {
    if linger {
        match stream {
            Stream::Plain(stream) => say(stream.into_inner(), b"").await,
            Stream::Tls(stream) => say(stream.into_inner(), b"").await,
        }
    } else if let Stream::Tls(stream) = stream {
        // The client is owed a close_notify; a plain socket is closed by dropping it.
        let _ = timeout(LINGER, stream.into_inner().shutdown()).await;
    }
}

async fn say<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, bytes: &[u8]) {
    // Whatever fails here, the client is gone, and there is nobody left to tell.
    let _ = timeout(LINGER, async {
        stream.write_all(bytes).await?;
        stream.flush().await?;
        stream.shutdown().await?;
        let mut scratch = vec![0; SCRATCH_BYTES];
        let mut left = LINGER_MAX_BYTES;
        while left > 0 {
            match stream.read(&mut scratch).await? {
                0 => break,
                read => left = left.saturating_sub(read as u64),
            }
        }
        io::Result::Ok(())
    })
    .await;
}

fn encode(answer: &Answer) -> Vec<u8> {
    let reason = answer.status.canonical_reason().unwrap_or_default();
    let head = format!(
        "HTTP/1.1 {} {reason}\r\ncontent-type: {}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        answer.status.as_u16(),
        answer.kind.header().to_str().unwrap_or_default(),
        answer.body.len(),
    );
    [head.as_bytes(), &answer.body].concat()
}

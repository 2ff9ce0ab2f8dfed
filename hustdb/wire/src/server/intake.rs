//! Takes a request's body within its limit.
//!
//! Memory grows with what arrives, not with what is announced. A body that arrives in one piece is not copied.
//! `100 Continue` is sent by hyper when the body is first asked for, so refusing before asking sends none.

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::{
    StatusCode,
    body::{Body, Incoming},
};

use crate::refusal::Refusal;

const FIRST_RESERVE_BYTES: u64 = 256 * 1024;

/// Collects a body of at most `limit` bytes.
pub async fn collect(mut body: Incoming, limit: usize) -> Result<Bytes, Refusal> {
    check_announced(&body, limit)?;
    let Some(first) = next(&mut body).await? else { return Ok(Bytes::new()) };
    if first.len() > limit {
        return Err(too_large(limit));
    }
    let Some(second) = next(&mut body).await? else { return Ok(first) };
    let announced = body.size_hint().lower().min(FIRST_RESERVE_BYTES) as usize;
    let mut whole = BytesMut::with_capacity(first.len() + second.len() + announced);
    whole.extend_from_slice(&first);
    let mut piece = Some(second);
    while let Some(bytes) = piece {
        if bytes.len() > limit - whole.len() {
            return Err(too_large(limit));
        }
        whole.extend_from_slice(&bytes);
        piece = next(&mut body).await?;
    }
    Ok(whole.freeze())
}

/// Reads a body of at most `limit` bytes and throws it away.
pub async fn discard(mut body: Incoming, limit: usize) -> Result<(), Refusal> {
    check_announced(&body, limit)?;
    let mut left = limit;
    while let Some(bytes) = next(&mut body).await? {
        left = left.checked_sub(bytes.len()).ok_or_else(|| too_large(limit))?;
    }
    Ok(())
}

fn check_announced(body: &Incoming, limit: usize) -> Result<(), Refusal> {
    if body.size_hint().lower() > limit as u64 { Err(too_large(limit)) } else { Ok(()) }
}

async fn next(body: &mut Incoming) -> Result<Option<Bytes>, Refusal> {
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Refusal::bad("body", "malformed or cut short").closing())?;
        if let Ok(bytes) = frame.into_data() {
            return Ok(Some(bytes));
        }
    }
    Ok(None)
}

fn too_large(limit: usize) -> Refusal {
    Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "body", format!("over {limit} bytes")).closing()
}

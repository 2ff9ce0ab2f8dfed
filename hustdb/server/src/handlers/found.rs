//! What reads of one record answer.

use bytes::Bytes;
use hust_store::{Seen, Shown};
use hust_wire::{Answer, Refusal};
use hyper::StatusCode;

use super::Outcome;

/// Up to so many bytes of a value are copied: to count a reference to a file's bytes, in a count that all threads
/// share, takes longer.
const COPY_MAX_BYTES: usize = 1024;

/// A value as a body.
pub fn body(value: Seen<'_>) -> Bytes {
    if value.len() <= COPY_MAX_BYTES {
        return Bytes::copy_from_slice(&value);
    }
    Bytes::from_owner(value.into_slice())
}

/// The headers of a record that is there.
pub fn show(answer: Answer, shown: &Shown, stamps: bool) -> Answer {
    let answer = answer.with_version(shown.version);
    if stamps {
        answer.with_stamp(shown.stamp, (shown.expire_ms != 0).then_some(shown.expire_ms))
    } else {
        answer
    }
}

/// The answer where there is no record.
pub fn absent() -> Answer {
    Answer::empty(StatusCode::NOT_FOUND).with_version(0)
}

/// A refusal; of a table it has a version, as all answers of data commands.
pub fn refused(refusal: Refusal) -> Outcome {
    if refusal.status == StatusCode::PRECONDITION_FAILED {
        return Ok(Answer::from(refusal).with_version(0));
    }
    Err(refusal)
}

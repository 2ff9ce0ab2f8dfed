//! What a message is put with, alone or in a batch of frames.

use bytes::Bytes;

use crate::{
    message::{Frames, in_frame},
    query::Query,
    refusal::Refusal,
};

/// Most messages of a batch, and tokens of a list.
pub const BATCH_MAX: usize = 1000;
/// Longest id of a put, bytes.
pub const ID_MAX_BYTES: usize = 128;

/// What a message is put with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// 0..2.
    pub priority: u8,
    /// `None`: the queue's own; 0: for ever.
    pub ttl_s: Option<u64>,
    /// Not delivered before.
    pub delay_s: u64,
    /// Makes a repeated put harmless.
    pub id: Option<Vec<u8>>,
}

/// A message on its way.
#[derive(Clone, Debug)]
pub struct Incoming {
    /// What it is put with.
    pub terms: Terms,
    /// What it is.
    pub item: Bytes,
}

impl Terms {
    /// Where nothing is said.
    pub const PLAIN: Terms = Terms { priority: 0, ttl_s: None, delay_s: 0, id: None };

    /// Reads what `query` says; what it does not is as in `unsaid`.
    pub fn read(query: Query<'_>, unsaid: &Terms, ttl_max_s: u64) -> Result<Terms, Refusal> {
        let priority = query.unsigned_in("priori", 0, 2)?.map(|priority| priority as u8);
        let id = query.bytes("id")?;
        if id.as_ref().is_some_and(|id| !(1..=ID_MAX_BYTES).contains(&id.len())) {
            return Err(Refusal::bad("id", format!("not of 1 to {ID_MAX_BYTES} bytes")));
        }
        Ok(Terms {
            priority: priority.unwrap_or(unsaid.priority),
            ttl_s: query.unsigned("ttl", ttl_max_s)?.or(unsaid.ttl_s),
            delay_s: query.unsigned("delay", ttl_max_s)?.unwrap_or(unsaid.delay_s),
            id: id.map(|id| id.into_owned()),
        })
    }
}

/// The messages of a body; a refusal names its frame.
pub fn incoming(body: &Bytes, unsaid: &Terms, ttl_max_s: u64) -> Result<Vec<Incoming>, Refusal> {
    let mut messages = Vec::new();
    for (number, frame) in (1..).zip(Frames::of(body)) {
        let frame = frame?;
        if number > BATCH_MAX {
            return Err(Refusal::bad("batch", format!("over {BATCH_MAX} frames")));
        }
        let terms =
            Terms::read(frame.fields, unsaid, ttl_max_s).map_err(|refusal| in_frame(number, refusal))?;
        messages.push(Incoming { terms, item: body.slice_ref(frame.item) });
    }
    if messages.is_empty() {
        return Err(Refusal::bad("batch", "no frames"));
    }
    Ok(messages)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &'static str) -> Result<Vec<Incoming>, String> {
        let unsaid = Terms { priority: 1, ttl_s: Some(9), delay_s: 3, id: None };
        incoming(&Bytes::from_static(body.as_bytes()), &unsaid, 1000)
            .map_err(|refusal| refusal.line().trim_end().to_owned())
    }

    #[test]
    fn frames_say_what_the_query_did_not() {
        let messages = read("len=1\na\npriori=2&ttl=0&delay=0&id=%00&len=0\n\n").unwrap();
        let told = |at: usize| {
            let Terms { priority, ttl_s, delay_s, id } = &messages[at].terms;
            (*priority, *ttl_s, *delay_s, id.clone(), messages[at].item.len())
        };
        assert_eq!(told(0), (1, Some(9), 3, None, 1));
        assert_eq!(told(1), (2, Some(0), 0, Some(vec![0]), 0));
    }

    #[test]
    fn a_refused_frame_is_named() {
        let table = [
            ("", "batch: no frames"),
            ("len=0\n\npriori=3&len=0\n\n", "frame 2: priori: not in 0..2"),
            ("ttl=1001&len=0\n\n", "frame 1: ttl: over 1000"),
            ("delay=1001&len=0\n\n", "frame 1: delay: over 1000"),
            ("id=&len=0\n\n", "frame 1: id: not of 1 to 128 bytes"),
            ("id=%4&len=0\n\n", "frame 1: id: bad escape"),
            ("len=0\n\nlen=9\n\n", "frame 2: item cut off"),
        ];
        for (body, reason) in table {
            assert_eq!(read(body).unwrap_err(), reason, "{body:?}");
        }
        let many: &'static str = "len=0\n\n".repeat(BATCH_MAX + 1).leak();
        assert_eq!(read(many).unwrap_err(), "batch: over 1000 frames");
        assert_eq!(read(&many[7..]).unwrap().len(), BATCH_MAX);
    }
}

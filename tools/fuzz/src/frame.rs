//! A body of merge frames: whatever is accepted is legal, and is written again as the same bytes.
//!
//! Mode bit 1 set = the body is that of a scan without values.

use hust_wire::frame::{
    Content, FRAME_TARGET_BYTES, Form, Frame, FrameWriter, HEADER_BYTES, Kind, RecordRef, decode,
    decode_digest, decode_one, score_to_bytes,
};

use crate::{MEND, set_u32, u32_at};

const DIGEST: u8 = 2;

/// Reads all of the input after the mode as frames.
pub fn frame(data: &[u8]) {
    let Some((mode, body)) = data.split_first() else { return };
    let mut body = body.to_vec();
    if mode & MEND != 0 {
        mend(&mut body);
    }
    let (content, frames) = match mode & DIGEST {
        0 => (Content::Whole, decode(&body)),
        _ => (Content::Digest, decode_digest(&body)),
    };
    let mut read = 0;
    for frame in frames.clone() {
        let Ok(frame) = frame else { break };
        check(&frame, content);
        assert_eq!(body.get(read..read + frame.bytes().len()), Some(frame.bytes()));
        read += frame.bytes().len();
    }
    assert!(frames.filter(Result::is_err).count() <= 1, "reading ends at the first error");
    if let Ok(record) = decode_one(&body) {
        assert_eq!(record.check(Content::Whole), Ok(()));
    }
}

fn check(frame: &Frame<'_>, content: Content) {
    let mut writer = FrameWriter::new(content);
    assert_eq!(frame.records().count(), frame.count() as usize);
    for record in frame.records() {
        writer.push(&record).expect("what is read may be written");
    }
    if frame.count() == 1 || frame.bytes().len() <= FRAME_TARGET_BYTES {
        assert_eq!(writer.finish(), frame.bytes(), "one way to write a frame");
    }
}

/// Makes the checksum of every frame fit that can be found by its length.
pub(crate) fn mend(body: &mut [u8]) {
    let mut at = 0;
    while let Some(length) = u32_at(body, at + 8) {
        let end = (at + HEADER_BYTES).saturating_add(length as usize).min(body.len());
        let Some(payload) = body.get(at + HEADER_BYTES..end) else { return };
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(&body[at..at + 16]);
        hasher.update(payload);
        let checksum = hasher.finalize();
        set_u32(body, at + 16, checksum);
        at = end;
    }
}

/// A score as a record has it.
pub(crate) fn score() -> [u8; 8] {
    score_to_bytes(-5)
}

/// A record of each kind and form; one has this score.
pub(crate) fn records(score: &[u8; 8]) -> [RecordRef<'_>; 6] {
    let live = RecordRef {
        kind: Kind::Kv,
        form: Form::Live,
        stamp: 1 << 56,
        version: 1,
        expire_ms: 0,
        table: "",
        key: b"key",
        value: b"a value",
    };
    [
        live,
        RecordRef { kind: Kind::Hash, table: "table:1", expire_ms: 1 << 40, ..live },
        RecordRef { kind: Kind::Set, table: "s", value: b"", ..live },
        RecordRef { kind: Kind::SortedSet, table: "z", value: score, version: u64::MAX >> 1, ..live },
        RecordRef { form: Form::Tombstone, version: 0, value: b"", ..live },
        RecordRef { form: Form::Remains, kind: Kind::Hash, table: "h", expire_ms: 9, value: b"", ..live },
    ]
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let score = score();
    let records = records(&score);
    let body = |mode: u8, content, records: &[RecordRef<'_>]| {
        let mut writer = FrameWriter::after(vec![mode], content);
        records.iter().for_each(|record| writer.push(record).expect("a legal record"));
        writer.finish()
    };
    let all = body(0, Content::Whole, &records);
    let mut two = all.clone();
    two.extend_from_slice(&body(0, Content::Whole, &records[..2])[1..]);
    let mut seeds = vec![all, two, body(DIGEST, Content::Digest, &records)];
    seeds.extend(records.iter().map(|record| body(MEND, Content::Whole, &[*record])));
    seeds
}

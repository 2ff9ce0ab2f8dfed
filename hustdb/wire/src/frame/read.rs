//! Reads frames: verifies each whole, then hands out its records as slices of the body.
//!
//! A [`Frame`] exists only after its checksum fits and every field of every record is legal, so its records cannot
//! fail any more. After the first error the rest of the body has no known beginning, and reading ends.

use super::{
    Content, FLAG_WITHOUT_VALUES, FORMAT_VERSION, Form, FrameError, HEADER_BYTES, Kind, MAGIC,
    RECORD_HEADER_BYTES, RecordRef,
};

/// The frames of a body to be merged. Frames without values are refused.
pub fn decode(body: &[u8]) -> Frames<'_> {
    Frames { rest: body, content: Content::Whole }
}

/// The frames of a scan with `digest=true`. Frames with values are refused.
pub fn decode_digest(body: &[u8]) -> Frames<'_> {
    Frames { rest: body, content: Content::Digest }
}

/// The record of a body that is one frame with exactly one record, with its value.
pub fn decode_one(body: &[u8]) -> Result<RecordRef<'_>, FrameError> {
    let mut frames = decode(body);
    let frame = frames.next().ok_or(FrameError::Empty)??;
    let mut records = frame.records();
    match (records.next(), records.next(), frames.rest) {
        (Some(record), None, []) => Ok(record),
        _ => Err(FrameError::NotOne),
    }
}

/// The frames of a body, in order; ends after the first error.
#[derive(Debug, Clone)]
pub struct Frames<'a> {
    rest: &'a [u8],
    content: Content,
}

impl<'a> Iterator for Frames<'a> {
    type Item = Result<Frame<'a>, FrameError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let read = read(self.rest, self.content);
        Some(match read {
            Ok((frame, rest)) => {
                self.rest = rest;
                Ok(frame)
            }
            Err(error) => {
                self.rest = &[];
                Err(error)
            }
        })
    }
}

/// A frame that has been verified.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'a> {
    bytes: &'a [u8],
    count: u32,
}

impl<'a> Frame<'a> {
    /// Its records.
    pub fn records(&self) -> Records<'a> {
        Records { rest: self.bytes.get(HEADER_BYTES..).unwrap_or_default(), left: self.count }
    }

    /// How many records it has.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// All of the frame as it came, fit to be sent on.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }
}

/// The records of a frame.
#[derive(Debug, Clone)]
pub struct Records<'a> {
    rest: &'a [u8],
    left: u32,
}

impl<'a> Iterator for Records<'a> {
    type Item = RecordRef<'a>;

    fn next(&mut self) -> Option<RecordRef<'a>> {
        // Verified before: this neither fails nor ends early.
        let (record, rest) = record(self.rest).ok()?;
        self.left = self.left.checked_sub(1)?;
        self.rest = rest;
        Some(record)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left as usize, Some(self.left as usize))
    }
}

impl ExactSizeIterator for Records<'_> {}

/// The checksum of a frame: CRC-32 of everything in it but the checksum itself.
pub(super) fn checksum(head: &[u8], payload: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(head);
    hasher.update(payload);
    hasher.finalize()
}

/// The first frame of `body`, and what follows it.
fn read(body: &[u8], content: Content) -> Result<(Frame<'_>, &[u8]), FrameError> {
    let (header, rest) = body.split_first_chunk::<HEADER_BYTES>().ok_or(FrameError::CutOff)?;
    if header[..4] != MAGIC {
        return Err(FrameError::Magic);
    }
    let version = u16_at(header, 4);
    if version != FORMAT_VERSION {
        return Err(FrameError::Version(version));
    }
    let (length, count) = (u32_at(header, 8), u32_at(header, 12));
    let (payload, rest) = rest.split_at_checked(length as usize).ok_or(FrameError::CutOff)?;
    if checksum(&header[..16], payload) != u32_at(header, 16) {
        return Err(FrameError::Checksum);
    }
    match (u16_at(header, 6), content) {
        (0, Content::Whole) | (FLAG_WITHOUT_VALUES, Content::Digest) => {}
        (0, Content::Digest) => return Err(FrameError::WithValues),
        (FLAG_WITHOUT_VALUES, Content::Whole) => return Err(FrameError::WithoutValues),
        (flags, _) => return Err(FrameError::Flags(flags)),
    }
    verify(payload, count, content)?;
    let bytes = body.get(..HEADER_BYTES + payload.len()).unwrap_or_default();
    Ok((Frame { bytes, count }, rest))
}

/// Every record is legal, and they fill the payload.
fn verify(payload: &[u8], count: u32, content: Content) -> Result<(), FrameError> {
    if count == 0 {
        return Err(FrameError::Empty);
    }
    let mut rest = payload;
    for index in 0..count {
        if rest.is_empty() {
            return Err(FrameError::Count);
        }
        let wrong = |what| FrameError::Record { index, what };
        let (record, after) = record(rest).map_err(wrong)?;
        record.check(content).map_err(wrong)?;
        rest = after;
    }
    if rest.is_empty() { Ok(()) } else { Err(FrameError::Count) }
}

/// The first record of `bytes`, not checked beyond its layout, and what follows it.
fn record(bytes: &[u8]) -> Result<(RecordRef<'_>, &[u8]), &'static str> {
    const CUT: &str = "over the end of the frame";
    let (header, rest) = bytes.split_first_chunk::<RECORD_HEADER_BYTES>().ok_or(CUT)?;
    let kind = Kind::of(header[0]).ok_or("unknown kind")?;
    let form = Form::of(header[1]).ok_or("unknown form")?;
    if header[3] != 0 {
        return Err("reserved byte is not 0");
    }
    let (table, rest) = rest.split_at_checked(usize::from(header[2])).ok_or(CUT)?;
    let (key, rest) = rest.split_at_checked(u32_at(header, 4) as usize).ok_or(CUT)?;
    let (value, rest) = rest.split_at_checked(u32_at(header, 8) as usize).ok_or(CUT)?;
    let table = std::str::from_utf8(table).map_err(|_| "illegal table name")?;
    let (stamp, version, expire_ms) = (u64_at(header, 12), u64_at(header, 20), u64_at(header, 28));
    Ok((RecordRef { kind, form, stamp, version, expire_ms, table, key, value }, rest))
}

/// The bytes at a fixed place of a header, which always has them.
fn number<const N: usize, const WIDTH: usize>(header: &[u8; N], at: usize) -> [u8; WIDTH] {
    header.get(at..).and_then(|bytes| bytes.first_chunk()).copied().unwrap_or([0; WIDTH])
}

fn u16_at<const N: usize>(header: &[u8; N], at: usize) -> u16 {
    u16::from_le_bytes(number(header, at))
}

fn u32_at<const N: usize>(header: &[u8; N], at: usize) -> u32 {
    u32::from_le_bytes(number(header, at))
}

fn u64_at<const N: usize>(header: &[u8; N], at: usize) -> u64 {
    u64::from_le_bytes(number(header, at))
}

//! The layout of a segment: header and frames, integers little-endian.
//!
//! | part | bytes |
//! |---|---|
//! | header, 32 | magic `HUSTHINT`; u16 version; u16 header length; u64 created ms; u64 zero; u32 CRC-32 of the 28 before |
//! | frame | u32 magic `HNT1`; u32 payload length; u32 CRC-32 of the payload; payload = u64 noted ms + one merge frame of one record |

use crate::frame::{self, FrameError, RecordRef};

/// What a segment begins with.
pub const HEADER_MAGIC: [u8; 8] = *b"HUSTHINT";
/// The version of the format.
pub const VERSION: u16 = 1;
/// Bytes of a header.
pub const HEADER_BYTES: usize = 32;
/// What a frame begins with.
pub const FRAME_MAGIC: [u8; 4] = *b"HNT1";
/// Bytes of a frame before its payload.
pub const FRAME_HEADER_BYTES: usize = 12;
/// Bytes of a payload before its merge frame.
pub const NOTED_BYTES: usize = 8;

/// Why bytes are no header, or no frame.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HintError {
    /// It ends too early.
    #[error("cut off")]
    CutOff,
    /// It begins with something else.
    #[error("no magic")]
    Magic,
    /// A version this code does not know.
    #[error("version {0}")]
    Version(u16),
    /// A length that cannot be.
    #[error("illegal length")]
    Length,
    /// The checksum does not fit.
    #[error("checksum")]
    Checksum,
    /// The record is not legal.
    #[error("{0}")]
    Record(FrameError),
}

/// The header of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// When the segment was created, unix ms.
    pub created_ms: u64,
}

impl Header {
    /// Its bytes.
    pub fn encode(self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        bytes[..8].copy_from_slice(&HEADER_MAGIC);
        bytes[8..10].copy_from_slice(&VERSION.to_le_bytes());
        bytes[10..12].copy_from_slice(&(HEADER_BYTES as u16).to_le_bytes());
        bytes[12..20].copy_from_slice(&self.created_ms.to_le_bytes());
        let checksum = crc32fast::hash(&bytes[..28]);
        bytes[28..].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }

    /// The header that `bytes` begin with.
    pub fn decode(bytes: &[u8]) -> Result<Header, HintError> {
        let header: &[u8; HEADER_BYTES] = bytes.first_chunk().ok_or(HintError::CutOff)?;
        if header[..8] != HEADER_MAGIC {
            return Err(HintError::Magic);
        }
        if crc32fast::hash(&header[..28]).to_le_bytes() != header[28..] {
            return Err(HintError::Checksum);
        }
        match u16::from_le_bytes([header[8], header[9]]) {
            VERSION if header[10..12] == (HEADER_BYTES as u16).to_le_bytes() => {}
            VERSION => return Err(HintError::Length),
            version => return Err(HintError::Version(version)),
        }
        Ok(Header { created_ms: u64_at(header, 12) })
    }
}

/// A frame with this record.
pub fn encode(noted_ms: u64, record: &RecordRef<'_>) -> Result<Vec<u8>, FrameError> {
    let frame = frame::encode_one(record)?;
    let length = u32::try_from(NOTED_BYTES + frame.len())
        .map_err(|_| FrameError::Record { index: 0, what: "over 4 GiB" })?;
    let noted = noted_ms.to_le_bytes();
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&noted);
    hasher.update(&frame);
    let mut bytes = Vec::with_capacity(FRAME_HEADER_BYTES + NOTED_BYTES + frame.len());
    bytes.extend_from_slice(&FRAME_MAGIC);
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(&hasher.finalize().to_le_bytes());
    bytes.extend_from_slice(&noted);
    bytes.extend_from_slice(&frame);
    Ok(bytes)
}

/// When the hint that `bytes` begin with was noted, unix ms, and the length of its frame.
pub(super) fn decode(bytes: &[u8], payload_max_bytes: usize) -> Result<(u64, usize), HintError> {
    let (header, rest) = bytes.split_first_chunk::<FRAME_HEADER_BYTES>().ok_or(HintError::CutOff)?;
    let [m0, m1, m2, m3, l0, l1, l2, l3, checksum @ ..] = *header;
    if [m0, m1, m2, m3] != FRAME_MAGIC {
        return Err(HintError::Magic);
    }
    let length = u32::from_le_bytes([l0, l1, l2, l3]) as usize;
    if !(NOTED_BYTES..=payload_max_bytes).contains(&length) {
        return Err(HintError::Length);
    }
    let payload = rest.get(..length).ok_or(HintError::CutOff)?;
    if crc32fast::hash(payload) != u32::from_le_bytes(checksum) {
        return Err(HintError::Checksum);
    }
    let (noted, frame) = payload.split_first_chunk::<NOTED_BYTES>().ok_or(HintError::Length)?;
    frame::decode_one(frame).map_err(HintError::Record)?;
    Ok((u64::from_le_bytes(*noted), FRAME_HEADER_BYTES + length))
}

fn u64_at(header: &[u8; HEADER_BYTES], at: usize) -> u64 {
    header.get(at..).and_then(|bytes| bytes.first_chunk()).map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

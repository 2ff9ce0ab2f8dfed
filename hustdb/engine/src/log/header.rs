//! The first 64 bytes of a segment file.
//!
//! `magic[8] version:u32 segment:u32 kind:u32 0:u32 prev_end:u64 created_ms:u64 salt:u64 durable:u64 0[4]
//! crc:u32`, little-endian;
//! the CRC covers the 60 bytes before it. Hot segments form a chain by `prev_end`. The salt goes into the checksum of
//! every record header, so that bytes a client stored as a value can never pass for a record; all hot segments of a
//! log have the same one, so that it is known even where one header is lost.

use super::cursor::Cursor;

/// Length of a segment header, and thus the offset of the first record.
pub const SEGMENT_HEADER_BYTES: u32 = 64;

const MAGIC: [u8; 8] = *b"hust.log";

/// The format this code writes and reads.
pub const FORMAT_VERSION: u32 = 1;

/// What a segment is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SegmentKind {
    /// Part of the write-ahead log.
    Hot,
    /// Values moved by collection; never replayed.
    Cold,
}

/// What a segment says about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentHeader {
    /// Format version.
    pub version: u32,
    /// Segment number, the same as in the file's name.
    pub segment: u32,
    /// What it is for.
    pub kind: SegmentKind,
    /// Position at which the previous hot segment ended.
    pub prev_end: u64,
    /// Creation time, unix ms.
    pub created_ms: u64,
    /// What the checksums of the record headers begin with.
    pub salt: u64,
    /// Position known to be durable when the segment was begun: a proof that outlives the records that held it.
    pub durable: u64,
}

impl SegmentHeader {
    /// The bytes of the header.
    pub fn encode(&self) -> [u8; SEGMENT_HEADER_BYTES as usize] {
        let mut out = Vec::with_capacity(SEGMENT_HEADER_BYTES as usize);
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&self.version.to_le_bytes());
        out.extend_from_slice(&self.segment.to_le_bytes());
        out.extend_from_slice(&(self.kind as u32).to_le_bytes());
        out.extend_from_slice(&[0; 4]);
        out.extend_from_slice(&self.prev_end.to_le_bytes());
        out.extend_from_slice(&self.created_ms.to_le_bytes());
        out.extend_from_slice(&self.salt.to_le_bytes());
        out.extend_from_slice(&self.durable.to_le_bytes());
        out.extend_from_slice(&[0; 4]);
        out.extend_from_slice(&crc32fast::hash(&out).to_le_bytes());
        let mut bytes = [0; SEGMENT_HEADER_BYTES as usize];
        bytes.copy_from_slice(&out);
        bytes
    }

    /// Reads a header; `None` unless every bit is as `encode` wrote it.
    pub fn decode(bytes: &[u8]) -> Option<SegmentHeader> {
        let bytes = bytes.get(..SEGMENT_HEADER_BYTES as usize)?;
        let mut cursor = Cursor(bytes);
        if cursor.bytes(8)? != MAGIC {
            return None;
        }
        let version = cursor.u32()?;
        let segment = cursor.u32()?;
        let kind = match cursor.u32()? {
            0 => SegmentKind::Hot,
            1 => SegmentKind::Cold,
            _ => return None,
        };
        cursor.bytes(4)?;
        let header = SegmentHeader {
            version,
            segment,
            kind,
            prev_end: cursor.u64()?,
            created_ms: cursor.u64()?,
            salt: cursor.u64()?,
            durable: cursor.u64()?,
        };
        cursor.bytes(4)?;
        (crc32fast::hash(bytes.get(..60)?) == cursor.u32()?).then_some(header)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip_and_every_flipped_bit_is_noticed() {
        let header = SegmentHeader {
            version: FORMAT_VERSION,
            segment: 7,
            kind: SegmentKind::Cold,
            prev_end: 6 << 32 | 100,
            created_ms: 12345,
            salt: 99,
            durable: 5 << 32 | 7,
        };
        let bytes = header.encode();
        assert_eq!(SegmentHeader::decode(&bytes), Some(header));
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes;
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(SegmentHeader::decode(&flipped), None, "bit {bit}");
        }
        for len in 0..bytes.len() {
            assert_eq!(SegmentHeader::decode(&bytes[..len]), None);
        }
    }
}

//! The header of a record in a hot segment, and of a value in a cold one.
//!
//! A record is `header body values`: a 28-byte header, the body with the entries, the bytes of the large values back to
//! back. `magic:u32 body_len:u32 values_len:u32 body_crc:u32 synced:u64 crc:u32`, little-endian. The header's CRC also
//! covers the log's salt and the record's own position, which are not stored: bytes that were moved, are left over, or
//! that a client made up never look valid. `synced` is the position known to be durable when the record was appended;
//! recovery tells a torn tail from damage by it. The body's CRC covers the entries, each entry that of its large value.
//!
//! A cold value is `magic:u32 len:u32 raw_len:u32 value_crc:u32 key[24] crc:u32` followed by the value.

use super::cursor::Cursor;
use crate::{Key, key::KEY_BYTES};

/// First bytes of a record.
pub const RECORD_MAGIC: u32 = u32::from_le_bytes([0xB7, b'r', b'e', 0xC1]);
/// First bytes of a cold value.
pub const COLD_MAGIC: u32 = u32::from_le_bytes([0xB7, b'c', b'o', 0xC1]);

/// Length of a record's header.
pub const RECORD_HEADER_BYTES: usize = 28;
/// Length of a cold value's header.
pub const COLD_HEADER_BYTES: usize = 44;

/// The longest value, raw or stored.
pub const MAX_VALUE_BYTES: u32 = 64 << 20;
/// The longest record: the longest value and a mebibyte for the rest.
pub const MAX_RECORD_BYTES: usize = MAX_VALUE_BYTES as usize + (1 << 20);

/// The head of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordHeader {
    /// Length of the body.
    pub body_len: u32,
    /// Length of all large values together.
    pub values_len: u32,
    /// CRC-32 of the body.
    pub body_crc: u32,
    /// The position known to be durable when the record was appended.
    pub synced: u64,
}

fn seal(bytes: &[u8], salt: u64, position: u64) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    let mut seed = [0; 16];
    seed[..8].copy_from_slice(&salt.to_le_bytes());
    seed[8..].copy_from_slice(&position.to_le_bytes());
    hasher.update(&seed);
    hasher.update(bytes);
    hasher.finalize()
}

impl RecordHeader {
    /// Length of the whole record.
    pub fn record_bytes(&self) -> u64 {
        RECORD_HEADER_BYTES as u64 + u64::from(self.body_len) + u64::from(self.values_len)
    }

    /// The bytes of the header of a record at `position`.
    pub fn encode(&self, salt: u64, position: u64) -> [u8; RECORD_HEADER_BYTES] {
        let mut out = [0; RECORD_HEADER_BYTES];
        out[..4].copy_from_slice(&RECORD_MAGIC.to_le_bytes());
        out[4..8].copy_from_slice(&self.body_len.to_le_bytes());
        out[8..12].copy_from_slice(&self.values_len.to_le_bytes());
        out[12..16].copy_from_slice(&self.body_crc.to_le_bytes());
        out[16..24].copy_from_slice(&self.synced.to_le_bytes());
        let crc = seal(&out[..24], salt, position);
        out[24..].copy_from_slice(&crc.to_le_bytes());
        out
    }

    /// Reads the header of a record at `position`; `None` unless it was written there by this log.
    pub fn decode(bytes: &[u8], salt: u64, position: u64) -> Option<RecordHeader> {
        let bytes = bytes.get(..RECORD_HEADER_BYTES)?;
        let mut cursor = Cursor(bytes);
        if cursor.u32()? != RECORD_MAGIC {
            return None;
        }
        let (body_len, values_len) = (cursor.u32()?, cursor.u32()?);
        let header = RecordHeader { body_len, values_len, body_crc: cursor.u32()?, synced: cursor.u64()? };
        let fits = header.record_bytes() <= MAX_RECORD_BYTES as u64 && header.synced <= position;
        (fits && cursor.u32()? == seal(bytes.get(..24)?, salt, position)).then_some(header)
    }
}

/// The head of a value in a cold segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ColdHeader {
    /// The row the value was moved for.
    pub key: Key,
    /// Stored length.
    pub len: u32,
    /// Length of the value itself.
    pub raw_len: u32,
    /// CRC-32 of the stored bytes.
    pub crc: u32,
}

impl ColdHeader {
    /// The bytes of the header of a value whose header is at `position`.
    pub fn encode(&self, salt: u64, position: u64) -> [u8; COLD_HEADER_BYTES] {
        let mut out = [0; COLD_HEADER_BYTES];
        out[..4].copy_from_slice(&COLD_MAGIC.to_le_bytes());
        out[4..8].copy_from_slice(&self.len.to_le_bytes());
        out[8..12].copy_from_slice(&self.raw_len.to_le_bytes());
        out[12..16].copy_from_slice(&self.crc.to_le_bytes());
        out[16..40].copy_from_slice(&self.key.to_bytes());
        let crc = seal(&out[..40], salt, position);
        out[40..].copy_from_slice(&crc.to_le_bytes());
        out
    }

    /// Reads the header at `position`; `None` unless it was written there.
    pub fn decode(bytes: &[u8], salt: u64, position: u64) -> Option<ColdHeader> {
        let bytes = bytes.get(..COLD_HEADER_BYTES)?;
        let mut cursor = Cursor(bytes);
        if cursor.u32()? != COLD_MAGIC {
            return None;
        }
        let (len, raw_len, crc) = (cursor.u32()?, cursor.u32()?, cursor.u32()?);
        let key = Key::from_bytes(cursor.bytes(KEY_BYTES)?.try_into().ok()?);
        let whole = cursor.u32()? == seal(bytes.get(..40)?, salt, position);
        (whole && len <= MAX_VALUE_BYTES).then_some(ColdHeader { key, len, raw_len, crc })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_header_is_valid_only_whole_and_in_its_place() {
        let header = RecordHeader { body_len: 70, values_len: 5000, body_crc: 0xABCD, synced: 1 << 32 | 99 };
        let position = 1 << 32 | 4711;
        let bytes = header.encode(5, position);
        assert_eq!(RecordHeader::decode(&bytes, 5, position), Some(header));
        assert_eq!(RecordHeader::decode(&bytes, 5, position + 1), None, "moved");
        assert_eq!(RecordHeader::decode(&bytes, 6, position), None, "another log's");
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes;
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(RecordHeader::decode(&flipped, 5, position), None, "bit {bit}");
        }
    }

    #[test]
    fn a_cold_header_is_valid_only_whole_and_in_its_place() {
        let header = ColdHeader { key: Key([1, 2, 3]), len: 9, raw_len: 10, crc: 11 };
        let bytes = header.encode(5, 64);
        assert_eq!(ColdHeader::decode(&bytes, 5, 64), Some(header));
        assert_eq!(ColdHeader::decode(&bytes, 5, 65), None);
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes;
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(ColdHeader::decode(&flipped, 5, 64), None, "bit {bit}");
        }
    }
}

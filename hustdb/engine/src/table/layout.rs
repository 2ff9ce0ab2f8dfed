//! The bytes of a table file.
//!
//! All integers are little-endian, keys are 24 big-endian bytes. Sections follow each other without gaps; every byte of
//! the file is under a CRC-32 or compared with a constant, so any flipped bit and any truncation is noticed.
//!
//! ```text
//! header | block 0 | block 1 | ... | filter | index | properties | footer
//!
//! header, 40 bytes
//!    0  8  magic "HUSTTBL\n"
//!    8  4  format version, 2; files of version 1 are read too (they have no keys of 17 to 23 bytes)
//!   12  4  flags: bit 0 = payloads may be Snappy-compressed
//!   16  8  file id
//!   24  8  grace_ms that droppable_from_ms was computed with
//!   32  4  block_bytes asked for
//!   36  4  CRC-32 of bytes 0..36
//!
//! block: head of 112 bytes, keys, records, 8 zero bytes, payload
//!    0  4  CRC-32 of the rest of the block
//!    4  4  length of the block, this head included
//!    8  4  low 32 bits of the file id
//!   12  4  rows, at least 1
//!   16  4  length of the payload before compression
//!   20  1  skip: leading key bytes that are not stored, equal in all rows
//!   21  1  width of a stored key: 8 or 16..=24; skip + width <= 24; key bytes after skip + width are zero
//!   22  1  stride: length of a record, the sum of the widths below
//!   23  1  flags: bit 0 = the payload is Snappy-compressed
//!   24 24  key of the first row
//!   48 11  widths of the 11 columns, each 0..=8 bytes
//!   59  1  zero
//!   60  4  base of column 2, key length (column 0 has base 0)
//!   64  8  base of column 3, stamp
//!   72  8  base of column 4, version
//!   80  8  base of column 5, expiry
//!   88  4  base of column 6, segment
//!   92  4  base of column 7, offset in the segment
//!   96  4  base of column 8, stored length
//!  100  4  base of column 9, raw length
//!  104  4  base of column 10, CRC-32 of the stored value
//!  108  4  base of column 1, kind
//!  112     keys: rows * width bytes, ascending, no two equal
//!          records: rows * stride bytes. A record is the row's deltas, column after column, each of its width;
//!          value = base + delta. A column whose width is 0 is equal to its base in all rows.
//!            column 0: payload start, bytes from the start of the payload; the payload of a row ends where the
//!                      next row's starts, the last at the payload's end
//!            column 1: kind = flags << 1 | stored; stored = the value is in the content log
//!            columns 6 to 10 mean something in rows whose value is stored, and are delta 0 in others
//!          8 zero bytes, so that any delta can be read as a whole word
//!          payload: user key and inline value of each row, back to back
//!
//! filter section: binary fuse filter (8-bit fingerprints) on Key::filter_hash
//!    0  4  CRC-32 of the rest of the section
//!    4  4  kind: 0 = none (the section ends with byte 24, all zero but this CRC), 1 = binary fuse 8
//!    8  8  seed
//!   16  4  segment length, a power of two
//!   20  4  segment count * segment length
//!   24     fingerprints
//!
//! index section
//!    0  4  CRC-32 of the rest of the section
//!    4  4  blocks
//!    8     an entry of 36 bytes for each block: key of its first row (24), length (4), rows (4), skip (1), width (1),
//!          stride (1), flags (1). Block 0 starts after the header, every other one where the one before ends.
//!
//! properties section, 108 bytes
//!    0  4  CRC-32 of the rest of the section
//!    4  8  rows
//!   12  8  tombstones
//!   20 24  smallest key
//!   44 24  greatest key
//!   68  8  greatest stamp
//!   76  8  payload bytes before compression
//!   84  8  droppable_from_ms: the earliest time at which a row without pointer may be dropped; all ones = never
//!   92  8  rows that may be dropped some time and have no pointer
//!  100  8  length of the whole file
//!
//! footer, 64 bytes
//!    0  8  start of the filter section
//!    8  8  length of the filter section
//!   16  8  start of the index section
//!   24  8  length of the index section
//!   32  8  start of the properties section
//!   40  8  file id
//!   48  4  format version, as in the header
//!   52  4  CRC-32 of bytes 0..52
//!   56  8  magic "\nHUSTEND"
//! ```

use std::ops::RangeInclusive;

use crate::{Key, key::KEY_BYTES};

/// First bytes of the file.
pub(super) const HEADER_MAGIC: &[u8; 8] = b"HUSTTBL\n";
/// Last bytes of the file.
pub(super) const FOOTER_MAGIC: &[u8; 8] = b"\nHUSTEND";
/// The format this module writes.
pub(super) const FORMAT_VERSION: u32 = 2;
/// The formats this module reads.
pub(super) const FORMATS_READ: RangeInclusive<u32> = 1..=FORMAT_VERSION;

/// Length of the file header.
pub(super) const HEADER_BYTES: usize = 40;
/// Length of the footer.
pub(super) const FOOTER_BYTES: usize = 64;
/// Length of the properties section.
pub(super) const PROPERTIES_BYTES: usize = 108;
/// Length of a block's head.
pub(super) const BLOCK_HEAD_BYTES: usize = 112;
/// Zero bytes between the records and the payload of a block.
pub(super) const RECORD_PAD_BYTES: usize = 8;
/// Length of an index entry on disk.
pub(super) const INDEX_ENTRY_BYTES: usize = 36;
/// Length of what stands before the fingerprints of a filter section.
pub(super) const FILTER_HEAD_BYTES: usize = 24;

/// Bit 0 of a block's flags.
pub(super) const BLOCK_COMPRESSED: u8 = 1;

/// A file may not be longer, since slices of a map count in 32 bits.
pub(super) const MAX_FILE_BYTES: u64 = u32::MAX as u64;

/// Eight bytes at `at` as a number; zero where the bytes end earlier (callers have checked lengths before).
#[inline(always)]
pub(super) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |chunk| u64::from_le_bytes(*chunk))
}

/// Eight bytes at `at` as a big-endian number; zero where the bytes end earlier.
#[inline(always)]
pub(super) fn u64_be_at(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |chunk| u64::from_be_bytes(*chunk))
}

/// Four bytes at `at` as a number; zero where the bytes end earlier.
#[inline(always)]
pub(super) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |chunk| u32::from_le_bytes(*chunk))
}

/// The byte at `at`; zero where the bytes end earlier.
#[inline(always)]
pub(super) fn u8_at(bytes: &[u8], at: usize) -> u8 {
    bytes.get(at).copied().unwrap_or(0)
}

/// The key at `at`; [`Key::MIN`] where the bytes end earlier.
#[inline(always)]
pub(super) fn key_at(bytes: &[u8], at: usize) -> Key {
    bytes.get(at..).and_then(|rest| rest.first_chunk::<KEY_BYTES>()).map_or(Key::MIN, Key::from_bytes)
}

/// Whether a section that begins with the CRC-32 of its rest is whole.
pub(super) fn crc_leads(section: &[u8]) -> bool {
    section.get(4..).is_some_and(|rest| crc32fast::hash(rest) == u32_at(section, 0))
}

/// Fills the CRC-32 that [`crc_leads`] checks into a section whose first four bytes were left free.
pub(super) fn lead_with_crc(section: &mut [u8]) {
    if let Some((crc, rest)) = section.split_first_chunk_mut::<4>() {
        *crc = crc32fast::hash(rest).to_le_bytes();
    }
}

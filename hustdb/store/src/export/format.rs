//! The parts of a snapshot file around its rows: header, head of a block, footer. `doc/store.md` has the layout.
//!
//! Numbers are little-endian. Each part has a CRC-32 of its own, and each block tells which file and which rows it is
//! of: a wrong look-up in the index, which has no checksum, meets a block that says so.

use std::ops::Range;

use super::{
    bytes::Rest,
    name::{SnapshotName, Subject},
};
use crate::kind::Kind;

const MAGIC: &[u8; 8] = b"HUSTROWS";
const END_MAGIC: &[u8; 8] = b"HUSTROWE";
const VERSION: u32 = 1;
pub(super) const HEADER_BYTES: usize = 16;
pub(super) const HEAD_BYTES: usize = 32;
pub(super) const INDEX_ENTRY_BYTES: usize = 16;
pub(super) const TRAILER_BYTES: usize = 16;
/// A footer is no longer than this.
pub(super) const FOOTER_BYTES_MAX: usize = 256;

/// The first bytes of a file.
pub(super) fn header() -> [u8; HEADER_BYTES] {
    let mut bytes = [0; HEADER_BYTES];
    bytes[..8].copy_from_slice(MAGIC);
    bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
    let crc = crc32fast::hash(&bytes[..12]);
    bytes[12..].copy_from_slice(&crc.to_le_bytes());
    bytes
}

/// Head of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub token: u64,
    pub first_row: u64,
    pub rows: u32,
    pub len: u32,
    pub crc: u32,
}

impl Head {
    pub(super) fn encode(&self) -> [u8; HEAD_BYTES] {
        let mut bytes = [0; HEAD_BYTES];
        bytes[..8].copy_from_slice(&self.token.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.first_row.to_le_bytes());
        bytes[16..20].copy_from_slice(&self.rows.to_le_bytes());
        bytes[20..24].copy_from_slice(&self.len.to_le_bytes());
        bytes[24..28].copy_from_slice(&self.crc.to_le_bytes());
        let crc = crc32fast::hash(&bytes[..28]);
        bytes[28..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    pub(super) fn decode(bytes: &[u8; HEAD_BYTES]) -> Option<Head> {
        let mut rest = Rest(bytes);
        let head = Head {
            token: rest.u64()?,
            first_row: rest.u64()?,
            rows: rest.u32()?,
            len: rest.u32()?,
            crc: rest.u32()?,
        };
        (crc32fast::hash(&bytes[..28]) == rest.u32()?).then_some(head)
    }
}

/// What a file says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Footer {
    pub token: u64,
    pub name: SnapshotName,
    /// The type, if it is of a table.
    pub kind: Option<Kind>,
    /// The instant, unix ms.
    pub taken_ms: u64,
    /// Rows of the listing that were passed over.
    pub offset: u64,
    /// Rows that were asked for; 0 = all.
    pub size: u64,
    pub rows: u64,
    pub index_at: u64,
    pub blocks: u64,
}

impl Footer {
    /// The footer and the trailer.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(FOOTER_BYTES_MAX);
        let Footer { token, taken_ms, offset, size, rows, index_at, blocks, .. } = *self;
        for word in [token, taken_ms, offset, size, rows, index_at, blocks] {
            bytes.extend(word.to_le_bytes());
        }
        bytes.extend(self.name.slots.start.to_le_bytes());
        bytes.extend(self.name.slots.end.to_le_bytes());
        bytes.push(u8::from(self.name.values));
        bytes.push(self.kind.map_or(0, |kind| kind as u8));
        match &self.name.subject {
            Subject::File(file) => bytes.extend((*file as u64).to_le_bytes()),
            Subject::Table(name) => bytes.extend_from_slice(name),
        }
        let (len, crc) = (bytes.len() as u32, crc32fast::hash(&bytes));
        bytes.extend(len.to_le_bytes());
        bytes.extend(crc.to_le_bytes());
        bytes.extend(END_MAGIC);
        bytes
    }

    /// Reads the end of a file: as many bytes as footer and trailer may have, or all there are. Also tells how many of
    /// them they are.
    pub(super) fn decode(end: &[u8]) -> Option<(Footer, usize)> {
        let (before, trailer) = end.split_last_chunk::<TRAILER_BYTES>()?;
        let mut rest = Rest(trailer);
        let (len, crc) = (rest.u32()? as usize, rest.u32()?);
        let body = before.get(before.len().checked_sub(len)?..)?;
        if rest.0 != END_MAGIC || crc32fast::hash(body) != crc {
            return None;
        }
        Some((Footer::body(Rest(body))?, len + TRAILER_BYTES))
    }

    fn body(mut rest: Rest<'_>) -> Option<Footer> {
        let mut words = [0; 7];
        for word in &mut words {
            *word = rest.u64()?;
        }
        let [token, taken_ms, offset, size, rows, index_at, blocks] = words;
        let slots: Range<u16> = rest.u16()?..rest.u16()?;
        let values = rest.u8()? == 1;
        let kind = match rest.u8()? {
            0 => None,
            number => {
                Some([Kind::Hash, Kind::Set, Kind::Zset].into_iter().find(|kind| *kind as u8 == number)?)
            }
        };
        let subject = match kind {
            None => Subject::File(usize::try_from(rest.u64()?).ok().filter(|_| rest.is_empty())?),
            Some(_) => Subject::Table(rest.0.into()),
        };
        let name = SnapshotName { subject, slots, values };
        Some(Footer { token, name, kind, taken_ms, offset, size, rows, index_at, blocks })
    }
}

/// Whether these are the first bytes of a file that this version reads.
pub(super) fn is_header(bytes: &[u8]) -> bool {
    *bytes == header()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn footers_round_trip_and_refuse_every_flipped_bit() {
        let table = Subject::Table([b'x'; 64].as_slice().into());
        for (subject, kind) in [(Subject::File(7), None), (table, Some(Kind::Zset))] {
            let name = SnapshotName { subject, slots: 3..1024, values: true };
            let footer = Footer {
                token: 9,
                name,
                kind,
                taken_ms: 1,
                offset: 2,
                size: 3,
                rows: u64::MAX,
                index_at: 5,
                blocks: 6,
            };
            let bytes = footer.encode();
            assert!(bytes.len() <= FOOTER_BYTES_MAX);
            let longer = [b"anything", &bytes[..]].concat();
            assert_eq!(Footer::decode(&longer), Some((footer, bytes.len())));
            for bit in 0..bytes.len() * 8 {
                let mut flipped = bytes.clone();
                flipped[bit / 8] ^= 1 << (bit % 8);
                assert_eq!(Footer::decode(&flipped), None, "bit {bit}");
            }
            for cut in 0..bytes.len() {
                assert_eq!(Footer::decode(&bytes[..cut]), None);
            }
        }
    }

    #[test]
    fn heads_round_trip_and_refuse_every_flipped_bit() {
        let head = Head { token: 1, first_row: 2, rows: 3, len: 4, crc: 5 };
        assert_eq!(Head::decode(&head.encode()), Some(head));
        for bit in 0..HEAD_BYTES * 8 {
            let mut bytes = head.encode();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Head::decode(&bytes), None, "bit {bit}");
        }
    }
}

//! The two fixed ends of a table file: the header says what it is, the footer where its sections are.

use super::layout::{
    FILTER_HEAD_BYTES, FOOTER_BYTES, FOOTER_MAGIC, FORMAT_VERSION, FORMATS_READ, HEADER_BYTES, HEADER_MAGIC,
    PROPERTIES_BYTES, u32_at, u64_at,
};

/// The header's fields that vary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub id: u64,
    pub compress: bool,
    pub grace_ms: u64,
    pub block_bytes: u32,
}

impl Header {
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(HEADER_BYTES);
        out.extend_from_slice(HEADER_MAGIC);
        out.extend_from_slice(&FORMAT_VERSION.to_le_bytes());
        out.extend_from_slice(&u32::from(self.compress).to_le_bytes());
        out.extend_from_slice(&self.id.to_le_bytes());
        out.extend_from_slice(&self.grace_ms.to_le_bytes());
        out.extend_from_slice(&self.block_bytes.to_le_bytes());
        out.extend_from_slice(&crc32fast::hash(&out).to_le_bytes());
        out
    }

    /// The header, or what is wrong with it.
    pub fn decode(bytes: &[u8]) -> Result<Header, &'static str> {
        let (Some(checked), true) = (bytes.get(..36), bytes.starts_with(HEADER_MAGIC)) else {
            return Err("not a table");
        };
        if bytes.len() != HEADER_BYTES || crc32fast::hash(checked) != u32_at(bytes, 36) {
            return Err("checksum of the header");
        }
        if !FORMATS_READ.contains(&u32_at(bytes, 8)) || u32_at(bytes, 12) > 1 {
            return Err("unknown format version");
        }
        Ok(Header {
            id: u64_at(bytes, 16),
            compress: u32_at(bytes, 12) & 1 != 0,
            grace_ms: u64_at(bytes, 24),
            block_bytes: u32_at(bytes, 32),
        })
    }
}

/// Where the sections are. They follow each other: blocks, filter, index, properties.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Footer {
    pub id: u64,
    pub filter_start: u64,
    pub index_start: u64,
    pub properties_start: u64,
}

impl Footer {
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(FOOTER_BYTES);
        for number in [
            self.filter_start,
            self.index_start - self.filter_start,
            self.index_start,
            self.properties_start - self.index_start,
            self.properties_start,
            self.id,
        ] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        out.extend_from_slice(&FORMAT_VERSION.to_le_bytes());
        out.extend_from_slice(&crc32fast::hash(&out).to_le_bytes());
        out.extend_from_slice(FOOTER_MAGIC);
        out
    }

    /// The footer of a file of `file_bytes`, or what is wrong with it.
    pub fn decode(bytes: &[u8], file_bytes: u64) -> Result<Footer, &'static str> {
        let (Some(checked), true) = (bytes.get(..52), bytes.ends_with(FOOTER_MAGIC)) else {
            return Err("no footer");
        };
        if bytes.len() != FOOTER_BYTES || crc32fast::hash(checked) != u32_at(bytes, 52) {
            return Err("checksum of the footer");
        }
        if !FORMATS_READ.contains(&u32_at(bytes, 48)) {
            return Err("unknown format version");
        }
        let footer = Footer {
            id: u64_at(bytes, 40),
            filter_start: u64_at(bytes, 0),
            index_start: u64_at(bytes, 16),
            properties_start: u64_at(bytes, 32),
        };
        let ends = [
            (HEADER_BYTES as u64, 0, footer.filter_start),
            (footer.filter_start, u64_at(bytes, 8), footer.index_start),
            (footer.index_start, u64_at(bytes, 24), footer.properties_start),
            (footer.properties_start, (PROPERTIES_BYTES + FOOTER_BYTES) as u64, file_bytes),
        ];
        let [(header_end, _, blocks_end), rest @ ..] = ends;
        let meet = rest.iter().all(|&(start, len, end)| start.checked_add(len) == Some(end));
        if !meet || header_end > blocks_end || u64_at(bytes, 8) < FILTER_HEAD_BYTES as u64 {
            return Err("sections do not meet");
        }
        Ok(footer)
    }
}

//! Checks a whole table: every byte under its checksum, every row against what the file says of its rows.

use super::{
    block::Block,
    filter::Filter,
    footer::{Footer, Header},
    index::Index,
    layout::{FOOTER_BYTES, HEADER_BYTES},
    meta::TableMeta,
    reader::Table,
};
use crate::{Error, Key, Result};

impl Table {
    /// Reads all of the file and checks it. `Damaged` names the first place that is not what was written.
    pub fn verify(&self) -> Result<()> {
        let grace_ms = self.verify_sections()?;
        let mut seen = TableMeta { size_bytes: self.meta.size_bytes, ..TableMeta::empty(self.meta.id) };
        let mut before: Option<Key> = None;
        for number in 0..self.index.blocks().len() {
            let damaged = |what: &str| self.damaged(number, what);
            let (entry, bytes) = self.place(number)?;
            let block =
                Block::check(bytes, entry, self.index.first(number), self.meta.id).map_err(damaged)?;
            let raw = if block.is_compressed() { block.decompress() } else { None };
            if block.is_compressed() && raw.is_none() {
                return Err(damaged("compressed payload"));
            }
            let payload = raw.as_deref().unwrap_or_else(|| block.stored_payload());
            for row in 0..block.keys.len() {
                let key = block.keys.key(row);
                if before.is_some_and(|before| before >= key) {
                    return Err(damaged("order of keys"));
                }
                before = Some(key);
                if !self.filter.may_contain(key.filter_hash()) {
                    return Err(damaged("a key that the filter denies"));
                }
                let row = block.row(row, payload).ok_or_else(|| damaged("extent of a row"))?;
                seen.count(key, &row, grace_ms);
            }
        }
        match seen == self.meta {
            true => Ok(()),
            false => {
                Err(Error::damaged(&self.path, self.meta.size_bytes, "properties that differ from the rows"))
            }
        }
    }

    /// Checks everything but the blocks, as it is in the file now. Returns the grace the table was written with.
    fn verify_sections(&self) -> Result<u64> {
        let damaged = |offset: u64, what: &str| Error::damaged(&self.path, offset, what);
        let size_bytes = self.meta.size_bytes;
        let read = |start: u64, end: u64| {
            let bytes = self.map.get(start as usize, end.saturating_sub(start) as usize);
            bytes.ok_or_else(|| damaged(start, "the file ends here"))
        };
        let header = Header::decode(read(0, HEADER_BYTES as u64)?).map_err(|what| damaged(0, what))?;
        let footer_start = size_bytes.saturating_sub(FOOTER_BYTES as u64);
        let footer = Footer::decode(read(footer_start, size_bytes)?, size_bytes)
            .map_err(|what| damaged(footer_start, what))?;
        if header.id != self.meta.id || footer.id != self.meta.id {
            return Err(damaged(0, "another table's file"));
        }
        let properties = TableMeta::decode(self.meta.id, read(footer.properties_start, footer_start)?);
        if properties.as_ref() != Some(&self.meta) {
            return Err(damaged(footer.properties_start, "properties"));
        }
        let index = read(footer.index_start, footer.properties_start)?;
        Index::decode(index, self.meta.min, self.meta.max, self.meta.rows, footer.filter_start)
            .ok_or_else(|| damaged(footer.index_start, "block index"))?;
        Filter::decode(read(footer.filter_start, footer.index_start)?)
            .ok_or_else(|| damaged(footer.filter_start, "filter"))?;
        Ok(header.grace_ms)
    }
}

//! Serves a table from its map.
//!
//! Filter and index are in memory from the start. A block is checked on its first use; a bit remembers that it is good
//! and in memory, so that a hit costs no system call and no checksum. A reader that may not wait for the disk passes
//! [`Cold::Refuse`] and is told when the block would have to be fetched. No file descriptor stays open.

use std::{fmt, path::PathBuf, sync::Arc};

use super::{
    block::{Block, BlockEntry},
    cache::BlockCache,
    columns::Record,
    filter::Filter,
    footer::{Footer, Header},
    index::Index,
    layout::{FOOTER_BYTES, HEADER_BYTES, PROPERTIES_BYTES},
    meta::TableMeta,
    warm::WarmBlocks,
};
use crate::{
    Error, Key, Result, Slice,
    fetch::Cold,
    sight::{Payload, Sight},
    vfs::{Map, VfsFile},
};

/// What a get found.
#[derive(Clone, Debug)]
pub enum Find<'a> {
    /// The table has no row with this key.
    Absent,
    /// The row.
    Row(Sight<'a>),
    /// The row may be in a block that must be fetched first; see [`Table::warm`].
    Cold,
}

/// An open table.
pub struct Table {
    pub(super) path: PathBuf,
    pub(super) map: Arc<Map>,
    pub(super) meta: TableMeta,
    pub(super) filter: Filter,
    pub(super) index: Index,
    pub(super) warm: WarmBlocks,
    cache: Arc<BlockCache>,
}

impl Table {
    /// Opens the table in `file`, which must be the one `expected` describes. Compressed payloads go through `cache`.
    /// `Damaged` if any part but the blocks is not what was written; blocks are checked when they are used.
    pub fn open(
        file: &dyn VfsFile,
        path: PathBuf,
        expected: &TableMeta,
        cache: Arc<BlockCache>,
    ) -> Result<Arc<Table>> {
        let io = |cause| Error::io(format!("open {}", path.display()), cause);
        let damaged = |offset: u64, what: &str| Error::damaged(&path, offset, what);
        let size_bytes = file.len().map_err(io)?;
        let ends = (HEADER_BYTES + PROPERTIES_BYTES + FOOTER_BYTES) as u64;
        if size_bytes != expected.size_bytes || size_bytes < ends || size_bytes > u64::from(u32::MAX) {
            return Err(damaged(size_bytes, "length of the file"));
        }
        let read = |start: u64, end: u64| -> Result<Vec<u8>> {
            let mut bytes = vec![0; (end - start) as usize];
            match file.read_at(&mut bytes, start).map_err(io)? {
                len if len == bytes.len() => Ok(bytes),
                len => Err(damaged(start + len as u64, "the file ends here")),
            }
        };

        let header = Header::decode(&read(0, HEADER_BYTES as u64)?).map_err(|what| damaged(0, what))?;
        let footer_start = size_bytes - FOOTER_BYTES as u64;
        let footer = Footer::decode(&read(footer_start, size_bytes)?, size_bytes)
            .map_err(|what| damaged(footer_start, what))?;
        if header.id != expected.id || footer.id != expected.id {
            return Err(damaged(0, "another table's file"));
        }
        let meta = TableMeta::decode(expected.id, &read(footer.properties_start, footer_start)?)
            .filter(|meta| meta == expected)
            .ok_or_else(|| damaged(footer.properties_start, "properties"))?;
        let index = read(footer.index_start, footer.properties_start)?;
        let index = Index::decode(&index, meta.min, meta.max, meta.rows, footer.filter_start)
            .ok_or_else(|| damaged(footer.index_start, "block index"))?;
        let filter = Filter::decode(&read(footer.filter_start, footer.index_start)?)
            .ok_or_else(|| damaged(footer.filter_start, "filter"))?;
        let map = file.map(size_bytes).map_err(io)?;
        let warm = WarmBlocks::new(index.blocks().len());
        Ok(Arc::new(Table { path, map, meta, filter, index, warm, cache }))
    }

    /// What the manifest knows of it.
    pub fn meta(&self) -> &TableMeta {
        &self.meta
    }

    /// Bytes on the heap: filter, index, bits.
    pub fn memory_bytes(&self) -> usize {
        size_of::<Table>() + self.filter.memory_bytes() + self.index.memory_bytes() + self.warm.memory_bytes()
    }

    /// The row with `key`, whose [`Key::filter_hash`] is `hash`.
    #[inline]
    pub fn get(&self, key: &Key, hash: u64, cold: Cold) -> Result<Find<'_>> {
        self.index.prefetch(*key);
        if !self.filter.may_contain(hash) {
            return Ok(Find::Absent);
        }
        let Some(number) = self.index.locate(*key) else { return Ok(Find::Absent) };
        if !self.warm.contains(number) && !self.check(number, cold)? {
            return Ok(Find::Cold);
        }
        let (entry, bytes) = self.place(number)?;
        let guess = self.index.guess(*key, number, entry);
        entry.prefetch(bytes, guess.row);
        let block = Block::of(bytes, entry).ok_or_else(|| self.damaged(number, "extent of a block"))?;
        let Some(row) = block.keys.find(*key, guess) else { return Ok(Find::Absent) };
        let (record, end) = block.record(row);
        let start = record.start as usize;
        let len = end.wrapping_sub(start);
        let payload = if entry.is_compressed() {
            let payload = self.payload(number, &block)?;
            let bytes = payload.get(start..).and_then(|bytes| bytes.get(..len));
            bytes.map(|bytes| Payload::Owned(Slice::from(bytes)))
        } else {
            self.mapped(entry.offset as usize + entry.payload_at() + start, len)
        };
        let payload = payload.ok_or_else(|| self.damaged(number, "extent of a row"))?;
        let Record { meta, key_len, pointer, .. } = record;
        Ok(Find::Row(Sight { meta, key_len, pointer, payload }))
    }

    /// `len` bytes at `at` of the file.
    #[inline]
    fn mapped(&self, at: usize, len: usize) -> Option<Payload<'_>> {
        let start = u32::try_from(at).ok()?;
        Some(Payload::Mapped { map: &self.map, start, bytes: self.map.get(at, len)? })
    }

    /// Makes the next get of `key` find its block in memory. Waits for the disk if need be.
    pub fn warm(&self, key: &Key) -> Result<()> {
        match self.index.locate(*key) {
            Some(number) => self.load(number).map(|_| ()),
            None => Ok(()),
        }
    }

    /// Forgets of the blocks that have left memory that they were in it; they are checked again on their next use.
    pub fn cool(&self) {
        for (number, entry) in self.index.blocks().iter().enumerate() {
            if self.warm.contains(number) && !self.map.resident(entry.offset as usize, entry.len as usize) {
                self.warm.remove(number);
            }
        }
    }

    /// Checks a block that is not known to be good. `false` if that would wait for the disk and may not.
    #[cold]
    fn check(&self, number: usize, cold: Cold) -> Result<bool> {
        let (entry, bytes) = self.place(number)?;
        if cold == Cold::Refuse && !self.map.resident(entry.offset as usize, entry.len as usize) {
            return Ok(false);
        }
        Block::check(bytes, entry, self.index.first(number), self.meta.id)
            .map_err(|what| self.damaged(number, what))?;
        self.warm.insert(number);
        Ok(true)
    }

    /// Block `number`, checked. Waits for the disk if need be.
    pub(super) fn load(&self, number: usize) -> Result<Block<'_>> {
        if !self.warm.contains(number) {
            self.check(number, Cold::Read)?;
        }
        self.view(number)
    }

    /// Block `number` as it lies there, checked before or not.
    #[inline]
    pub(super) fn view(&self, number: usize) -> Result<Block<'_>> {
        let (entry, bytes) = self.place(number)?;
        Block::of(bytes, entry).ok_or_else(|| self.damaged(number, "extent of a block"))
    }

    /// Where block `number` lies, and its bytes.
    #[inline(always)]
    pub(super) fn place(&self, number: usize) -> Result<(&BlockEntry, &[u8])> {
        let entry = self.index.blocks().get(number);
        let place =
            entry.and_then(|entry| Some((entry, self.map.get(entry.offset as usize, entry.len as usize)?)));
        place.ok_or_else(|| self.damaged(number, "extent of a block"))
    }

    /// The payload of a compressed block, from the cache or into it.
    fn payload(&self, number: usize, block: &Block<'_>) -> Result<Arc<[u8]>> {
        if let Some(payload) = self.cache.get(self.meta.id, number) {
            return Ok(payload);
        }
        let payload = self.decompress(number, block)?;
        self.cache.insert(self.meta.id, number, payload.clone());
        Ok(payload)
    }

    /// The payload of a compressed block, from the cache or past it: long runs shall not push out what gets use.
    pub(super) fn payload_once(&self, number: usize, block: &Block<'_>) -> Result<Arc<[u8]>> {
        match self.cache.get(self.meta.id, number) {
            Some(payload) => Ok(payload),
            None => self.decompress(number, block),
        }
    }

    fn decompress(&self, number: usize, block: &Block<'_>) -> Result<Arc<[u8]>> {
        let payload = block.decompress().ok_or_else(|| self.damaged(number, "compressed payload"))?;
        Ok(payload.into())
    }

    #[cold]
    pub(super) fn damaged(&self, number: usize, what: &str) -> Error {
        let offset = self.index.blocks().get(number).map_or(0, |entry| entry.offset);
        Error::damaged(&self.path, u64::from(offset), what)
    }
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Table({}, {} rows)", self.path.display(), self.meta.rows)
    }
}

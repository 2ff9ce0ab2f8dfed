//! Writes a table front to back: rows gather in a block, blocks in a buffer, the buffer goes to the file.
//!
//! Only keys' hashes and one index entry a block stay in memory until the end. The file is durable when
//! [`TableBuilder::finish`] returns; its name is the caller's to sync.

use std::{fmt, io, path::PathBuf, sync::Arc};

use super::{
    block::BlockEntry,
    block_writer::BlockWriter,
    filter::Filter,
    footer::{Footer, Header},
    index::Index,
    layout::{FOOTER_BYTES, HEADER_BYTES, MAX_FILE_BYTES, PROPERTIES_BYTES},
    meta::TableMeta,
};
use crate::{Error, Key, Result, RowRef, vfs::VfsFile};

/// Bytes gathered before they are written to the file.
const BUFFER_BYTES: usize = 512 << 10;

/// How a table is written.
#[derive(Clone, Copy, Debug)]
pub struct TableOptions {
    /// Bytes of rows that make a block, before compression.
    pub block_bytes: usize,
    /// Whether payloads are compressed with Snappy where that makes them shorter.
    pub compress: bool,
    /// The tombstone grace that `droppable_from_ms` is computed with.
    pub grace_ms: u64,
}

impl Default for TableOptions {
    fn default() -> TableOptions {
        TableOptions { block_bytes: 16 << 10, compress: false, grace_ms: 0 }
    }
}

/// A table under construction.
pub struct TableBuilder {
    file: Arc<dyn VfsFile>,
    path: PathBuf,
    options: TableOptions,
    meta: TableMeta,
    block: BlockWriter,
    blocks: Vec<(Key, BlockEntry)>,
    hashes: Vec<u64>,
    buffer: Vec<u8>,
    /// Bytes of the file before the buffer's.
    written: u64,
}

impl TableBuilder {
    /// A table with number `id` in the empty `file`, whose path is for messages.
    pub fn new(file: Arc<dyn VfsFile>, path: PathBuf, id: u64, options: TableOptions) -> TableBuilder {
        let block_bytes = u32::try_from(options.block_bytes).unwrap_or(u32::MAX);
        let header = Header { id, compress: options.compress, grace_ms: options.grace_ms, block_bytes };
        TableBuilder {
            file,
            path,
            options,
            meta: TableMeta::empty(id),
            block: BlockWriter::default(),
            blocks: Vec::new(),
            hashes: Vec::new(),
            buffer: header.encode(),
            written: 0,
        }
    }

    /// Rows so far.
    pub fn rows(&self) -> u64 {
        self.meta.rows
    }

    /// About how long the file would be if it ended here, but for filter and index.
    pub fn size_bytes(&self) -> u64 {
        self.end() + self.block.estimate_bytes() as u64
    }

    /// Appends a row, whose key must be greater than all before. `Invalid` if it is not, or if the row would make the
    /// file longer than 4 GiB; the builder goes on without the row then.
    pub fn add(&mut self, key: Key, row: &RowRef<'_>) -> Result<()> {
        if self.meta.rows > 0 && key <= self.meta.max {
            return Err(Error::Invalid(format!("row {key:?} does not follow {:?}", self.meta.max)));
        }
        let row_bytes = BlockWriter::row_estimate_bytes(row);
        // A row's bytes can be guessed short by its pointer and meta at most; twice the guess is ample.
        if self.size_bytes().saturating_add(2 * row_bytes as u64) > MAX_FILE_BYTES - self.tail_bytes() {
            return Err(Error::Invalid("a table longer than 4 GiB".into()));
        }
        if !self.block.is_empty() && self.block.estimate_bytes() + row_bytes > self.options.block_bytes {
            self.end_block()?;
        }
        self.block.add(key, row)?;
        self.hashes.push(key.filter_hash());
        self.meta.count(key, row, self.options.grace_ms);
        Ok(())
    }

    /// Writes what is left, syncs the file, and says what is in it. `Invalid` if no row was added.
    pub fn finish(mut self) -> Result<TableMeta> {
        if self.meta.rows == 0 {
            return Err(Error::Invalid("a table without rows".into()));
        }
        self.end_block()?;
        let filter_start = self.end();
        let filter = Filter::build(&mut self.hashes).encode();
        self.buffer.extend_from_slice(&filter);
        let index_start = self.end();
        self.buffer.extend_from_slice(&Index::encode(&self.blocks));
        let properties_start = self.end();
        self.meta.size_bytes = properties_start + (PROPERTIES_BYTES + FOOTER_BYTES) as u64;
        if self.meta.size_bytes > MAX_FILE_BYTES {
            return Err(Error::Invalid("a table longer than 4 GiB".into()));
        }
        self.buffer.extend_from_slice(&self.meta.encode());
        let footer = Footer { id: self.meta.id, filter_start, index_start, properties_start };
        self.buffer.extend_from_slice(&footer.encode());
        debug_assert_eq!(self.end(), self.meta.size_bytes);
        self.flush()?;
        self.file.sync_data().map_err(|cause| self.io("sync", cause))?;
        Ok(self.meta)
    }

    fn end_block(&mut self) -> Result<()> {
        let offset = self.end();
        let entry = self.block.finish(self.meta.id, offset, self.options.compress, &mut self.buffer)?;
        self.blocks.push(entry);
        if self.buffer.len() >= BUFFER_BYTES { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<()> {
        self.file.write_all_at(&self.buffer, self.written).map_err(|cause| self.io("write", cause))?;
        self.written += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }

    /// Bytes of the file so far, the open block not counted.
    fn end(&self) -> u64 {
        self.written + self.buffer.len() as u64
    }

    /// Bytes that filter, index and the rest will need at most.
    fn tail_bytes(&self) -> u64 {
        // A filter needs up to 2.25 bytes a key while it is small; an index entry 36 bytes.
        let rows = self.meta.rows + 1;
        let blocks = self.blocks.len() as u64 + 2;
        2 * rows + blocks * 40 + (HEADER_BYTES + PROPERTIES_BYTES + FOOTER_BYTES) as u64 + (64 << 10)
    }

    fn io(&self, what: &str, cause: io::Error) -> Error {
        Error::io(format!("{what} {}", self.path.display()), cause)
    }
}

impl fmt::Debug for TableBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TableBuilder({}, {} rows)", self.path.display(), self.meta.rows)
    }
}

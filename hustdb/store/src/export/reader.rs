//! Reading a page of a snapshot file: the end of the file, a binary search in the index, the blocks of the page.
//!
//! Whatever does not fit - checksums, the file's own name and token, the rows that a block says it holds - is damage of
//! this snapshot; nothing is allocated from a length before its checksum was seen to fit.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use hust_engine::vfs::VfsFile;

use super::{
    block::Rows,
    bytes::Rest,
    format::{
        FOOTER_BYTES_MAX, Footer, HEAD_BYTES, HEADER_BYTES, Head, INDEX_ENTRY_BYTES, TRAILER_BYTES, is_header,
    },
    name::SnapshotName,
};
use crate::{
    error::{Error, Result},
    listing::{ListedRow, ListedValue, MAX_BODY_BYTES},
};

/// A page of a snapshot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SnapshotPage {
    /// Rows shown.
    pub rows: u64,
    /// Rows of the snapshot.
    pub total: u64,
    /// Whether the body limit ended the page before `size` rows.
    pub cut: bool,
}

/// An open snapshot file.
pub(super) struct SnapshotFile {
    file: Arc<dyn VfsFile>,
    path: PathBuf,
    pub footer: Footer,
}

impl SnapshotFile {
    /// Looks at both ends of the file.
    pub(super) fn open(
        file: Arc<dyn VfsFile>,
        path: PathBuf,
        token: u64,
        name: &SnapshotName,
    ) -> Result<SnapshotFile> {
        let io = |cause: io::Error| failed(&path, cause);
        let len = file.len().map_err(io)?;
        let end_len = len.min((FOOTER_BYTES_MAX + TRAILER_BYTES) as u64);
        let end = read(&*file, len - end_len, end_len as usize).map_err(io)?;
        let begin = read(&*file, 0, HEADER_BYTES.min(len as usize)).map_err(io)?;
        let (footer, footer_len) =
            Footer::decode(&end).ok_or_else(|| damaged(&path, "the end does not read"))?;
        let index_len = footer.blocks.checked_mul(INDEX_ENTRY_BYTES as u64);
        let index_end = index_len.and_then(|index_len| footer.index_at.checked_add(index_len));
        let sound = is_header(&begin)
            && (footer.token, &footer.name) == (token, name)
            && index_end == Some(len - footer_len as u64);
        if !sound {
            return Err(damaged(&path, "the parts do not fit"));
        }
        Ok(SnapshotFile { file, path, footer })
    }

    /// Shows at most `size` rows from `offset` on.
    pub(super) fn page(
        &self,
        offset: u64,
        size: u64,
        values: bool,
        show: &mut dyn FnMut(&ListedRow<'_>) -> Result<()>,
    ) -> Result<SnapshotPage> {
        let mut page = SnapshotPage { rows: 0, total: self.footer.rows, cut: false };
        let mut block = None;
        let mut body_bytes = 2;
        while page.rows < size && offset.saturating_add(page.rows) < page.total {
            let wanted = offset + page.rows;
            let number = match block {
                Some(before) => before + 1,
                None => self.find(wanted)?,
            };
            block = Some(number);
            let (head, bytes) = self.block(number)?;
            if wanted < head.first_row || wanted - head.first_row >= u64::from(head.rows) {
                return Err(self.damaged("a block of other rows"));
            }
            let mut rows = Rows::new(&bytes);
            for at in head.first_row..head.first_row + u64::from(head.rows) {
                let mut row = rows.row().ok_or_else(|| self.damaged("a row does not read"))?;
                if at < wanted || page.rows >= size {
                    continue;
                }
                if !values {
                    row.value = ListedValue::None;
                }
                let value_len = if let ListedValue::Bytes(value) = row.value { value.len() } else { 0 };
                body_bytes += ListedRow::json_bytes(row.key.len(), value_len);
                if body_bytes > MAX_BODY_BYTES && page.rows > 0 {
                    page.cut = true;
                    return Ok(page);
                }
                show(&row)?;
                page.rows += 1;
            }
            if !rows.is_done() {
                return Err(self.damaged("more rows than a block says"));
            }
        }
        Ok(page)
    }

    /// The block that has this row, as the index says.
    fn find(&self, row: u64) -> Result<u64> {
        let (mut low, mut high) = (0, self.footer.blocks);
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if self.entry(middle)?.0 <= row { low = middle } else { high = middle }
        }
        Ok(low)
    }

    /// First row and offset of a block.
    fn entry(&self, number: u64) -> Result<(u64, u64)> {
        if number >= self.footer.blocks {
            return Err(self.damaged("too few blocks"));
        }
        let at = self.footer.index_at + number * INDEX_ENTRY_BYTES as u64;
        let bytes = read(&*self.file, at, INDEX_ENTRY_BYTES).map_err(|cause| failed(&self.path, cause))?;
        let mut rest = Rest(&bytes);
        rest.u64().zip(rest.u64()).ok_or_else(|| self.damaged("shorter than it was"))
    }

    fn block(&self, number: u64) -> Result<(Head, Vec<u8>)> {
        let (_, at) = self.entry(number)?;
        let end = at.checked_add(HEAD_BYTES as u64).filter(|end| *end <= self.footer.index_at);
        let bytes_at = end.ok_or_else(|| self.damaged("a block past the end"))?;
        let io = |cause| failed(&self.path, cause);
        let head = read(&*self.file, at, HEAD_BYTES).map_err(io)?;
        let head = head.first_chunk().and_then(Head::decode).filter(|head| head.token == self.footer.token);
        let head = head.ok_or_else(|| self.damaged("the head of a block"))?;
        if bytes_at + u64::from(head.len) > self.footer.index_at {
            return Err(self.damaged("a block past the end"));
        }
        let bytes = read(&*self.file, bytes_at, head.len as usize).map_err(io)?;
        if crc32fast::hash(&bytes) != head.crc {
            return Err(self.damaged("the checksum of a block"));
        }
        Ok((head, bytes))
    }

    fn damaged(&self, what: &'static str) -> Error {
        damaged(&self.path, what)
    }
}

/// Bytes of the file; fewer at its end.
fn read(file: &dyn VfsFile, at: u64, len: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; len];
    let done = file.read_at(&mut bytes, at)?;
    bytes.truncate(done);
    Ok(bytes)
}

pub(super) fn failed(path: &Path, cause: io::Error) -> Error {
    hust_engine::Error::io(format!("reading {}", path.display()), cause).into()
}

fn damaged(path: &Path, what: &'static str) -> Error {
    tracing::error!(file = %path.display(), what, "a damaged snapshot");
    Error::Damaged("a snapshot; export it again with cover=true")
}

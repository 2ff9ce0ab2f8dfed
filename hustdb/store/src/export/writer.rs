//! Writing a snapshot file: blocks, index, footer; then it is made durable and gets its name.
//!
//! Until [`Writer::publish`] is done there is only an unfinished file, which nobody reads and the next start removes.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use hust_engine::vfs::{Vfs, VfsFile};

use super::{
    block::Filling,
    format::{Footer, HEADER_BYTES, Head, header},
    name::unfinished,
};
use crate::{
    error::{Error, Result},
    listing::ListedRow,
};

/// A block is written once it has this much.
const BLOCK_BYTES: usize = 64 << 10;

/// A file being written.
pub(super) struct Writer {
    vfs: Arc<dyn Vfs>,
    dir: PathBuf,
    path: PathBuf,
    file: Arc<dyn VfsFile>,
    token: u64,
    at: u64,
    rows: u64,
    block: Filling,
    /// First row and offset of each block.
    index: Vec<(u64, u64)>,
}

impl Writer {
    /// A new file in `dir`.
    pub(super) fn create(vfs: Arc<dyn Vfs>, dir: &Path, token: u64) -> Result<Writer> {
        let path = dir.join(unfinished(token));
        let created = vfs.create(&path).and_then(|file| file.write_all_at(&header(), 0).map(|()| file));
        match created {
            Ok(file) => {
                let (at, block, index) = (HEADER_BYTES as u64, Filling::default(), Vec::new());
                Ok(Writer { vfs, dir: dir.into(), path, file, token, at, rows: 0, block, index })
            }
            Err(cause) => {
                remove(&*vfs, &path);
                Err(failed(&path, cause))
            }
        }
    }

    /// Adds a row. `true`: a block was written.
    pub(super) fn push(&mut self, row: &ListedRow<'_>) -> Result<bool> {
        self.block.push(row);
        let full = self.block.bytes.len() >= BLOCK_BYTES;
        if full {
            self.flush()?;
        }
        Ok(full)
    }

    fn flush(&mut self) -> Result<()> {
        let Filling { bytes, rows, .. } = &self.block;
        let too_long = |_| Error::Damaged("a row over 4 GiB");
        let head = Head {
            token: self.token,
            first_row: self.rows,
            rows: *rows,
            len: u32::try_from(bytes.len()).map_err(too_long)?,
            crc: crc32fast::hash(bytes),
        };
        let head_bytes = head.encode();
        self.index.push((self.rows, self.at));
        self.rows += u64::from(*rows);
        let (block_at, bytes_at) = (self.at, self.at + head_bytes.len() as u64);
        self.file
            .write_all_at(&head_bytes, block_at)
            .and_then(|()| self.file.write_all_at(bytes, bytes_at))
            .map_err(|cause| failed(&self.path, cause))?;
        self.at = bytes_at + bytes.len() as u64;
        self.block.clear();
        Ok(())
    }

    /// Writes what is left and makes the file durable, still unfinished. `footer` is completed. Answers the file's length.
    pub(super) fn finish(&mut self, mut footer: Footer) -> Result<u64> {
        if self.block.rows > 0 {
            self.flush()?;
        }
        (footer.token, footer.rows) = (self.token, self.rows);
        (footer.index_at, footer.blocks) = (self.at, self.index.len() as u64);
        let mut end = Vec::new();
        for (first_row, offset) in &self.index {
            end.extend(first_row.to_le_bytes());
            end.extend(offset.to_le_bytes());
        }
        end.extend(footer.encode());
        self.file
            .write_all_at(&end, self.at)
            .and_then(|()| self.file.sync_data())
            .map_err(|cause| failed(&self.path, cause))?;
        Ok(self.at + end.len() as u64)
    }

    /// Gives the finished file its name, durably.
    pub(super) fn publish(&mut self, file_name: &str) -> Result<()> {
        let to = self.dir.join(file_name);
        if let Err(cause) = self.vfs.rename(&self.path, &to) {
            // It may have been done nevertheless.
            remove(&*self.vfs, &to);
            return Err(failed(&to, cause));
        }
        self.path = to;
        self.vfs.sync_dir(&self.dir).map_err(|cause| failed(&self.path, cause))
    }

    /// Removes the file, whatever it is called by now.
    pub(super) fn abandon(self) {
        remove(&*self.vfs, &self.path);
    }
}

fn remove(vfs: &dyn Vfs, path: &Path) {
    match vfs.remove(path) {
        // An unfinished one is removed by the next start.
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => {
            tracing::warn!(file = %path.display(), %cause, "a failed snapshot stays");
        }
        _ => {}
    }
}

fn failed(path: &Path, cause: io::Error) -> Error {
    hust_engine::Error::io(format!("writing {}", path.display()), cause).into()
}

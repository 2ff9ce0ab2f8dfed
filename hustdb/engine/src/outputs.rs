//! Table files: where they are, and those being written by one flush or compaction, which are cut at the target size
//! and removed again if the job fails, also for want of space in the manifest.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use parking_lot::Mutex;

use crate::{
    Error, Result,
    key::Key,
    manifest::{Edit, Manifest},
    options::Options,
    row::RowRef,
    table::{BlockCache, Table, TableBuilder, TableMeta, TableOptions},
};

/// The folder of table files.
#[derive(Debug)]
pub(crate) struct TableFiles {
    options: Options,
    dir: PathBuf,
    next: AtomicU64,
    pub cache: Arc<BlockCache>,
}

impl TableFiles {
    pub fn new(options: &Options) -> TableFiles {
        TableFiles {
            options: options.clone(),
            dir: options.dir.join("table"),
            next: AtomicU64::new(1),
            cache: Arc::new(BlockCache::new(options.block_cache_bytes)),
        }
    }

    /// The file of a table in a folder of tables.
    pub fn path_in(dir: &Path, id: u64) -> PathBuf {
        dir.join(format!("{id:08}.table"))
    }

    pub fn path(&self, id: u64) -> PathBuf {
        TableFiles::path_in(&self.dir, id)
    }

    /// Opens a table that must be what `meta` says.
    pub fn open(&self, meta: &TableMeta) -> Result<Arc<Table>> {
        let path = self.path(meta.id);
        let file = self.options.vfs.open(&path).map_err(|cause| match cause.kind() {
            std::io::ErrorKind::NotFound => Error::damaged(&path, 0, "missing, yet the manifest names it"),
            _ => Error::io(format!("open {}", path.display()), cause),
        })?;
        Table::open(&*file, path, meta, self.cache.clone())
    }

    /// Removes a table's name; who has it open keeps it.
    pub fn remove(&self, id: u64) -> Result<()> {
        let path = self.path(id);
        self.options.vfs.remove(&path).map_err(|e| Error::io(format!("remove {}", path.display()), e))
    }

    /// Makes an edit durable that names new tables. Where there is no space for it nothing names them, and they go: what
    /// is tried again writes others.
    pub fn enter(&self, manifest: &Mutex<Manifest>, edit: &Edit, tables: &[Arc<Table>]) -> Result<()> {
        let entered = manifest.lock().append(edit);
        // After any other error they may be named.
        if let Err(Error::Full(_)) = entered {
            tables.iter().for_each(|table| self.discard(table.meta().id));
        }
        entered
    }

    /// Removes a table that nothing names.
    fn discard(&self, id: u64) {
        if let Err(error) = self.remove(id) {
            tracing::warn!(%error, "an unfinished table stays until the next start");
        }
    }

    /// Names of new tables begin after `id`.
    pub fn begin_after(&self, id: u64) {
        self.next.fetch_max(id.saturating_add(1), Relaxed);
    }

    fn create(&self) -> Result<(u64, TableBuilder)> {
        let id = self.next.fetch_add(1, Relaxed);
        let path = self.path(id);
        let file =
            self.options.vfs.create(&path).map_err(|e| Error::io(format!("create {}", path.display()), e))?;
        let options = TableOptions {
            block_bytes: self.options.block_bytes as usize,
            compress: self.options.compress,
            grace_ms: self.options.tombstone_grace_ms,
        };
        Ok((id, TableBuilder::new(file, path, id, options)))
    }

    fn sync_names(&self) -> Result<()> {
        self.options.vfs.sync_dir(&self.dir).map_err(|e| Error::io(format!("sync {}", self.dir.display()), e))
    }
}

/// The tables a job writes. Dropped without [`Outputs::finish`], it removes their files.
pub(crate) struct Outputs<'e> {
    files: &'e TableFiles,
    /// Size at which a table ends and the next begins.
    cut_bytes: u64,
    open: Option<TableBuilder>,
    done: Vec<Arc<Table>>,
    created: Vec<u64>,
}

impl<'e> Outputs<'e> {
    pub fn new(files: &'e TableFiles, cut_bytes: u64) -> Outputs<'e> {
        Outputs { files, cut_bytes, open: None, done: Vec::new(), created: Vec::new() }
    }

    /// Adds a row; keys ascend. Returns the size of a table that this has completed.
    pub fn add(&mut self, key: Key, row: &RowRef<'_>) -> Result<Option<u64>> {
        let mut builder = match self.open.take() {
            Some(builder) => builder,
            None => {
                let (id, builder) = self.files.create()?;
                self.created.push(id);
                builder
            }
        };
        builder.add(key, row)?;
        if builder.size_bytes() < self.cut_bytes {
            self.open = Some(builder);
            return Ok(None);
        }
        self.end(builder).map(Some)
    }

    /// Ends the last table and makes all of them durable.
    pub fn finish(mut self) -> Result<Vec<Arc<Table>>> {
        if let Some(builder) = self.open.take() {
            self.end(builder)?;
        }
        self.files.sync_names()?;
        self.created.clear();
        Ok(std::mem::take(&mut self.done))
    }

    fn end(&mut self, builder: TableBuilder) -> Result<u64> {
        let meta = builder.finish()?;
        self.done.push(self.files.open(&meta)?);
        Ok(meta.size_bytes)
    }
}

impl Drop for Outputs<'_> {
    fn drop(&mut self) {
        self.created.iter().for_each(|id| self.files.discard(*id));
    }
}

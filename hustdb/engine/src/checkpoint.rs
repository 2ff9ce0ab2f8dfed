//! A copy of the database that shares its files: hard links and a manifest of its own.
//!
//! All files it links are immutable: tables, and segments sealed for the purpose. Rows that are only in the log are
//! replayed from the linked segments when the copy is opened, so nothing has to be flushed. While it is made no edit
//! is installed, so no file it needs can go.

use std::path::Path;

use crate::{Error, Result, engine::Engine, manifest::Manifest, outputs::TableFiles};

impl Engine {
    /// Makes `dir`, which must be empty or absent and on the same file system, a database as of now: every batch
    /// acknowledged before the call is in it, whole; writes go on meanwhile.
    pub fn checkpoint(&self, dir: &Path) -> Result<()> {
        let inner = &self.inner;
        let vfs = &*inner.options.vfs;
        let io = |e| Error::io(format!("checkpoint {}", dir.display()), e);
        vfs.create_dir_all(dir).map_err(io)?;
        if !vfs.list(dir).map_err(io)?.is_empty() {
            return Err(Error::Invalid(format!("checkpoint {}: not empty", dir.display())));
        }
        for sub in ["log", "table"] {
            vfs.create_dir_all(&dir.join(sub)).map_err(io)?;
        }
        let mut no_collection = inner.reclaim.lock();
        no_collection.seal_cold()?;
        let manifest = inner.manifest.lock();
        inner.log.rotate()?;
        // Both databases share the sealed segments from now on: neither may still be written.
        inner.log.sync_to(inner.log.end())?;
        let mut state = manifest.state().clone();
        state.clean_end = None;
        for table in state.partitions.iter().flat_map(|partition| partition.tables()) {
            let copy = TableFiles::path_in(&dir.join("table"), table.id);
            vfs.link(&inner.tables.path(table.id), &copy).map_err(io)?;
        }
        for segment in inner.log.segments().into_iter().filter(|segment| segment.sealed) {
            let name = inner.segment_path(segment.id);
            let file = name.file_name().unwrap_or_default();
            vfs.link(&name, &dir.join("log").join(file)).map_err(io)?;
        }
        drop(manifest);
        link_version(vfs, &inner.options.dir, dir)?;
        for sub in ["log", "table"] {
            vfs.sync_dir(&dir.join(sub)).map_err(io)?;
        }
        // The manifest comes last: without it the folder does not pass for a database.
        Manifest::create(inner.options.vfs.clone(), dir, state).map(drop)
    }
}

fn link_version(vfs: &dyn crate::vfs::Vfs, from: &Path, to: &Path) -> Result<()> {
    vfs.link(&from.join("VERSION"), &to.join("VERSION"))
        .map_err(|e| Error::io(format!("checkpoint {}", to.display()), e))
}

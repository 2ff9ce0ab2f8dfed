//! The segment files that a start finds.

use std::{path::PathBuf, sync::Arc};

use super::{
    header::{FORMAT_VERSION, SEGMENT_HEADER_BYTES, SegmentHeader, SegmentKind},
    options::{LogOptions, RecoverFrom},
    reader::SegmentReader,
    segment::{Segment, segment_id, segment_path},
};
use crate::{
    Error, Result,
    vfs::{Vfs, VfsFile},
};

/// One file.
pub struct Found {
    pub id: u32,
    pub path: PathBuf,
    pub file: Arc<dyn VfsFile>,
    /// Length of the file.
    pub len: u64,
    /// Where what counts of it ends.
    pub end: u64,
    /// Its header; `None` if it cannot be read.
    pub header: Option<SegmentHeader>,
    /// There is no header and nothing but zeros behind it.
    pub blank: bool,
}

impl Found {
    /// Opens segment `id`.
    fn open(options: &LogOptions, vfs: &dyn Vfs, id: u32) -> Result<Found> {
        let path = segment_path(&options.dir, id);
        let io = |what: &str, cause| Error::io(format!("{what} {}", path.display()), cause);
        let file = vfs.open(&path).map_err(|cause| io("open", cause))?;
        let len = file.len().map_err(|cause| io("measure", cause))?;
        let mut reader = SegmentReader::new((file.clone(), path.clone()), (id, 0), len);
        let bytes = reader.get(0, SEGMENT_HEADER_BYTES as usize)?;
        let header = bytes.and_then(SegmentHeader::decode).filter(|header| header.segment == id);
        if let Some(header) = header.filter(|header| header.version != FORMAT_VERSION) {
            let what = format!("{}: format {} is not known to this program", path.display(), header.version);
            return Err(Error::Invalid(what));
        }
        let blank = header.is_none() && reader.is_blank(u64::from(SEGMENT_HEADER_BYTES))?;
        Ok(Found { id, path, file, len, end: len, header, blank })
    }

    /// Whether it belongs to the write-ahead log; a file that does not say is taken for that.
    pub fn is_hot(&self) -> bool {
        self.header.is_none_or(|header| header.kind == SegmentKind::Hot)
    }

    /// Reads the file as a segment of the log with this salt.
    pub fn reader(&self, salt: u64) -> SegmentReader {
        SegmentReader::new((self.file.clone(), self.path.clone()), (self.id, salt), self.len)
    }

    /// Damage in this file.
    pub fn damaged(&self, offset: u64, what: &str) -> Error {
        Error::damaged(&self.path, offset, what)
    }

    /// The segment as it is used from now on: nothing is appended to it.
    pub fn segment(&self, salt: u64) -> Result<Arc<Segment>> {
        let kind = self.header.map_or(SegmentKind::Hot, |header| header.kind);
        let segment = Segment::new((self.id, kind, salt), self.path.clone(), self.file.clone(), self.end);
        let segment = segment.map_err(|cause| Error::io(format!("map {}", self.path.display()), cause))?;
        segment.set_written(self.end);
        segment.seal(self.end);
        segment.release();
        Ok(Arc::new(segment))
    }
}

/// The files of a folder: those of the write-ahead log and the cold ones, by number, and the greatest number ever seen.
pub struct Inventory {
    pub hot: Vec<Found>,
    pub cold: Vec<Found>,
    pub last_id: u32,
    pub salt: Option<u64>,
}

impl Inventory {
    /// Lists the folder; removes what was forgotten.
    pub fn take(options: &LogOptions, vfs: &dyn Vfs, from: &RecoverFrom) -> Result<Inventory> {
        let io = |what: &str, cause| Error::io(format!("{what} {}", options.dir.display()), cause);
        vfs.create_dir_all(&options.dir).map_err(|cause| io("create", cause))?;
        let names = vfs.list(&options.dir).map_err(|cause| io("list", cause))?;
        let mut ids: Vec<u32> = names.iter().filter_map(|name| segment_id(name)).collect();
        ids.sort_unstable();
        let mut inventory = Inventory { hot: Vec::new(), cold: Vec::new(), last_id: 0, salt: None };
        inventory.last_id = ids.iter().chain(&from.forgotten).copied().max().unwrap_or_default();
        for id in ids {
            if from.forgotten.contains(&id) {
                let path = segment_path(&options.dir, id);
                vfs.remove(&path).map_err(|cause| Error::io(format!("remove {}", path.display()), cause))?;
                continue;
            }
            let found = Found::open(options, vfs, id)?;
            // The same in all segments.
            inventory.salt = inventory.salt.or(found.header.map(|header| header.salt));
            if found.is_hot() { inventory.hot.push(found) } else { inventory.cold.push(found) }
        }
        Ok(inventory)
    }
}

//! Segments and the registry of those that exist.
//!
//! The registry is an immutable map behind an atomic pointer: readers take it without a lock, snapshots hold on to it,
//! and a segment that was forgotten stays readable for whoever still has it.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use arc_swap::ArcSwap;
use parking_lot::Mutex;

use super::{
    header::SegmentKind,
    verified::{REGION_BYTES, Verified},
};
use crate::vfs::{Map, VfsFile};

/// The segments of a moment, by number.
pub type SegmentsMap = BTreeMap<u32, Arc<Segment>>;

const NOT_SEALED: u64 = u64::MAX;

/// One file of the log.
#[derive(Debug)]
pub struct Segment {
    /// Number.
    pub id: u32,
    /// What it is for.
    pub kind: SegmentKind,
    pub(super) path: PathBuf,
    /// Open as long as something is written to it: finished segments keep only their map, so that the number of open
    /// files does not grow with the data.
    file: Mutex<Option<Arc<dyn VfsFile>>>,
    pub(super) map: Arc<Map>,
    pub(super) salt: u64,
    pub(super) verified: Verified,
    /// Bytes that are in the file, and readable through the map.
    written: AtomicU64,
    /// Where it ends, once nothing more is appended.
    end: AtomicU64,
}

/// What is known about a segment from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentInfo {
    /// Number.
    pub id: u32,
    /// What it is for.
    pub kind: SegmentKind,
    /// Length of what was appended to it.
    pub size_bytes: u64,
    /// Whether nothing more will be appended.
    pub sealed: bool,
}

impl Segment {
    /// Wraps a file, of which `capacity` bytes are mapped.
    pub(super) fn new(
        (id, kind, salt): (u32, SegmentKind, u64),
        path: PathBuf,
        file: Arc<dyn VfsFile>,
        capacity: u64,
    ) -> io::Result<Segment> {
        let map = file.map(capacity)?;
        let (written, end) = (AtomicU64::new(0), AtomicU64::new(NOT_SEALED));
        let file = Mutex::new(Some(file));
        Ok(Segment { id, kind, path, file, map, salt, verified: Verified::new(capacity), written, end })
    }

    /// The file, to write to; an error once it is released.
    pub(super) fn file(&self) -> io::Result<Arc<dyn VfsFile>> {
        let closed = || io::Error::other("a finished segment is not written any more");
        self.file.lock().clone().ok_or_else(closed)
    }

    /// Closes the file: nothing will be written to it or synced any more.
    pub(super) fn release(&self) {
        *self.file.lock() = None;
    }

    /// Bytes that are in the file.
    pub fn written_bytes(&self) -> u64 {
        self.written.load(Ordering::Acquire)
    }

    /// Bytes up to `end` are in the file.
    pub(super) fn set_written(&self, end: u64) {
        self.written.store(end, Ordering::Release);
    }

    /// Where it ends, if nothing more is appended.
    pub(super) fn sealed_end(&self) -> Option<u64> {
        Some(self.end.load(Ordering::Acquire)).filter(|end| *end != NOT_SEALED)
    }

    /// Nothing is appended from now on.
    pub(super) fn seal(&self, end: u64) {
        self.end.store(end, Ordering::Release);
    }

    /// Most bytes it can ever hold.
    pub(super) fn capacity_bytes(&self) -> u64 {
        self.map.len() as u64
    }

    /// Forgets about the values that have left memory, so that reads of them ask again.
    pub(super) fn cool(&self) {
        let written = self.written_bytes();
        self.verified.clear(|start| {
            let len = written.saturating_sub(u64::from(start)).min(u64::from(REGION_BYTES));
            self.map.resident(start as usize, len as usize)
        });
    }
}

/// The path of segment `id` in `dir`.
pub fn segment_path(dir: &Path, id: u32) -> PathBuf {
    dir.join(format!("{id:08}.log"))
}

/// The number of the segment with this file name.
pub fn segment_id(name: &str) -> Option<u32> {
    let digits = name.strip_suffix(".log")?;
    let id = digits.parse().ok()?;
    (format!("{id:08}") == digits).then_some(id)
}

/// All segments that exist.
#[derive(Debug, Default)]
pub struct Registry {
    map: ArcSwap<SegmentsMap>,
    change: Mutex<()>,
}

impl Registry {
    /// The segments now, to hold on to.
    pub fn load_full(&self) -> Arc<SegmentsMap> {
        self.map.load_full()
    }

    /// The segments now, for a moment.
    pub fn load(&self) -> arc_swap::Guard<Arc<SegmentsMap>> {
        self.map.load()
    }

    /// Changes the registry.
    pub fn change<T>(&self, change: impl FnOnce(&mut SegmentsMap) -> T) -> T {
        let _one_at_a_time = self.change.lock();
        let mut map = SegmentsMap::clone(&self.map.load());
        let result = change(&mut map);
        self.map.store(Arc::new(map));
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers() {
        assert_eq!(segment_path(Path::new("x"), 7), Path::new("x/00000007.log"));
        assert_eq!(segment_id("00000007.log"), Some(7));
        assert_eq!(segment_id("123456789.log"), Some(123_456_789));
        for other in ["7.log", "00000007.tmp", "+0000007.log", "000000007.log", "99999999999.log"] {
            assert_eq!(segment_id(other), None, "{other}");
        }
    }
}

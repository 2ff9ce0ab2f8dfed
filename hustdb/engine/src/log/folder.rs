//! The folder of the segment files: numbers, new files, free space, and whether the names are durable.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use parking_lot::Mutex;

use super::{
    header::{FORMAT_VERSION, SegmentHeader, SegmentKind},
    options::LogOptions,
    segment::{Segment, segment_path},
};
use crate::{Error, Result, clock::Clock, vfs::Vfs};

/// Creates segments.
#[derive(Debug)]
pub struct Folder {
    pub options: LogOptions,
    pub vfs: Arc<dyn Vfs>,
    pub clock: Arc<dyn Clock>,
    /// Salt of the log's checksums.
    pub salt: u64,
    next_segment: AtomicU32,
    names: Mutex<Names>,
}

#[derive(Debug, PartialEq, Eq)]
enum Names {
    Synced,
    Unsynced,
    Failed,
}

/// A segment that has just been created, without a byte yet; its file has room up to `reserved`.
pub struct NewSegment {
    pub segment: Arc<Segment>,
    pub reserved: u64,
}

impl Folder {
    /// The folder of `options`, whose next segment is `next_segment`.
    pub fn new(
        options: LogOptions,
        (vfs, clock): (Arc<dyn Vfs>, Arc<dyn Clock>),
        salt: u64,
        next_segment: u32,
    ) -> Folder {
        let names = Mutex::new(Names::Unsynced);
        Folder { options, vfs, clock, salt, next_segment: AtomicU32::new(next_segment), names }
    }

    fn take_id(&self) -> Result<(u32, PathBuf)> {
        let id = self.next_segment.try_update(Ordering::Relaxed, Ordering::Relaxed, |id| id.checked_add(1));
        let id = id.map_err(|_| Error::Invalid("segment numbers are used up".into()))?;
        Ok((id, segment_path(&self.options.dir, id)))
    }

    /// Creates a segment that can hold `need` bytes and more, and reserves room for them. After an error there is no
    /// such segment.
    pub fn create(&self, kind: SegmentKind, need: u64) -> Result<NewSegment> {
        let capacity = self.options.segment_bytes.max(need);
        let reserved = self.options.allocate_bytes.max(need).min(capacity);
        self.check_free(reserved)?;
        let segment = self.create_file(kind, capacity, reserved)?;
        Ok(NewSegment { segment, reserved })
    }

    /// Creates a segment without room reserved, so that a log can be opened on a full disk.
    pub fn create_unreserved(&self, kind: SegmentKind) -> Result<Arc<Segment>> {
        self.create_file(kind, self.options.segment_bytes, 0)
    }

    fn create_file(&self, kind: SegmentKind, capacity: u64, reserve: u64) -> Result<Arc<Segment>> {
        let (id, path) = self.take_id()?;
        let file =
            self.vfs.create(&path).map_err(|cause| Error::io(format!("create {}", path.display()), cause))?;
        let reserved = if reserve == 0 { Ok(()) } else { file.allocate(0, reserve) };
        let made = reserved.and_then(|()| Segment::new((id, kind, self.salt), path.clone(), file, capacity));
        let segment = made.map_err(|cause| {
            // If this fails too, a file of zeros stays that no segment follows on; the next start removes it.
            let _ = self.vfs.remove(&path);
            Error::io(format!("reserve {}", path.display()), cause)
        })?;
        let mut names = self.names.lock();
        if *names == Names::Synced {
            *names = Names::Unsynced;
        }
        Ok(Arc::new(segment))
    }

    /// The header of `segment`, which follows on `prev_end`.
    pub fn header(&self, segment: &Segment, prev_end: u64, durable: u64) -> SegmentHeader {
        SegmentHeader {
            version: FORMAT_VERSION,
            segment: segment.id,
            kind: segment.kind,
            prev_end,
            created_ms: self.clock.now_ms(),
            salt: self.salt,
            durable,
        }
    }

    /// Reserves room behind the first `reserved` bytes of `segment`, for `end` at least. Answers up to where there is
    /// room.
    pub fn extend(&self, segment: &Segment, reserved: u64, end: u64) -> Result<u64> {
        let target = (reserved + self.options.allocate_bytes).max(end).min(segment.capacity_bytes());
        let more = target.saturating_sub(reserved);
        self.check_free(more)?;
        let allocated = segment.file().and_then(|file| file.allocate(reserved, more));
        allocated.map_err(|cause| Error::io(format!("reserve {}", segment.path.display()), cause))?;
        Ok(target)
    }

    /// Refuses if taking `bytes` more would leave less than the reserve.
    fn check_free(&self, bytes: u64) -> Result<()> {
        let dir = &self.options.dir;
        let free = self.vfs.free_bytes(dir);
        let free =
            free.map_err(|cause| Error::io(format!("ask for free space in {}", dir.display()), cause))?;
        if free < bytes.saturating_add(self.options.reserve_bytes) {
            return Err(Error::Full(format!("{free} bytes free in {}", dir.display())));
        }
        Ok(())
    }

    /// Makes the names of new segments durable. Once that has failed it is not tried again.
    pub fn sync(&self) -> Result<()> {
        let mut names = self.names.lock();
        if *names == Names::Unsynced {
            *names = Names::Failed;
            let dir = &self.options.dir;
            let synced = self.vfs.sync_dir(dir);
            synced.map_err(|cause| Error::io(format!("sync {}", dir.display()), cause))?;
            *names = Names::Synced;
        }
        match *names {
            Names::Failed => Err(Error::Poisoned("the names of new segments could not be synced".into())),
            _ => Ok(()),
        }
    }
}

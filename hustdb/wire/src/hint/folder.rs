//! The door of hint logs to the disk: folders, names, locks.
//!
//! The writer goes through [`Disk`] and [`SegmentFile`], so that tests can stand a disk behind it that loses power.

#![expect(clippy::disallowed_methods, reason = "the door of hint logs to the disk")]

use std::{
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind, Write},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use rustix::fs::{FlockOperation, flock};

use crate::host::Host;

/// What names of segments end with.
pub const SEGMENT_SUFFIX: &str = ".hint";

/// The hosts that have a folder in `hints_dir`; none if it does not exist.
pub fn hosts(hints_dir: &Path) -> io::Result<Vec<Host>> {
    let names = names(hints_dir)?;
    Ok(names.iter().filter_map(|name| name.parse().ok()).collect())
}

/// The segments of a host, in the order in which they were created.
pub fn segments(hints_dir: &Path, host: &Host) -> io::Result<Vec<PathBuf>> {
    let folder = hints_dir.join(host.as_str());
    let mut names = names(&folder)?;
    names.retain(|name| name.ends_with(SEGMENT_SUFFIX));
    names.sort_unstable();
    Ok(names.into_iter().map(|name| folder.join(name)).collect())
}

/// All of a segment, as far as it is written.
pub fn read_segment(segment: &Path) -> io::Result<Vec<u8>> {
    fs::read(segment)
}

/// Whether nobody writes a segment any more.
pub fn is_free(segment: &Path) -> io::Result<bool> {
    match flock(File::open(segment)?, FlockOperation::NonBlockingLockShared) {
        Ok(()) => Ok(true),
        Err(rustix::io::Errno::WOULDBLOCK) => Ok(false),
        Err(cause) => Err(cause.into()),
    }
}

/// What a writer asks of a disk. A name is durable once its folder is synced.
pub trait Disk: Send + 'static {
    /// An open segment.
    type File: SegmentFile + Send;
    /// Whether there is such a folder.
    fn has_folder(&self, folder: &Path) -> bool;
    /// Creates a folder; an error if it is there.
    fn create_folder(&self, folder: &Path) -> io::Result<()>;
    /// Removes an empty folder.
    fn remove_folder(&self, folder: &Path) -> io::Result<()>;
    /// Creates a segment, locked; an error if it is there.
    fn create(&self, segment: &Path) -> io::Result<Self::File>;
    /// Makes the names in a folder durable.
    fn sync_folder(&self, folder: &Path) -> io::Result<()>;
}

/// A segment that is being written. Its lock ends when it is dropped.
pub trait SegmentFile {
    /// Writes at its end.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// Makes all that was written durable.
    fn sync(&mut self) -> io::Result<()>;
}

/// The disk of this machine.
#[derive(Debug)]
pub struct RealDisk;

impl Disk for RealDisk {
    type File = File;

    fn has_folder(&self, folder: &Path) -> bool {
        folder.is_dir()
    }

    fn create_folder(&self, folder: &Path) -> io::Result<()> {
        fs::create_dir(folder)
    }

    fn remove_folder(&self, folder: &Path) -> io::Result<()> {
        fs::remove_dir(folder)
    }

    fn create(&self, segment: &Path) -> io::Result<File> {
        let file = OpenOptions::new().append(true).create_new(true).open(segment)?;
        flock(&file, FlockOperation::NonBlockingLockExclusive)?;
        // Whoever replays removes an old segment that nobody holds; one could have been paused just before the lock.
        if file.metadata()?.nlink() == 0 {
            return Err(ErrorKind::NotFound.into());
        }
        Ok(file)
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        File::open(folder)?.sync_all()
    }
}

impl SegmentFile for File {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write_all(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }
}

/// Makes a folder, and syncs the names of what it had to make.
pub(super) fn make(disk: &impl Disk, folder: &Path) -> io::Result<()> {
    if disk.has_folder(folder) {
        return Ok(());
    }
    let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty());
    if let Some(parent) = parent {
        make(disk, parent)?;
    }
    match disk.create_folder(folder) {
        Err(cause) if cause.kind() != ErrorKind::AlreadyExists => return Err(cause),
        _ => {}
    }
    disk.sync_folder(parent.unwrap_or(Path::new("."))).inspect_err(|_| {
        // Whoever finds it takes its name for durable. One that cannot be removed either has been put to use by another.
        let _ = disk.remove_folder(folder);
    })
}

fn names(folder: &Path) -> io::Result<Vec<String>> {
    let entries = match fs::read_dir(folder) {
        Err(cause) if cause.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let names = entries.map(|entry| Ok(entry?.file_name().into_string().ok()));
    Ok(names.collect::<io::Result<Vec<_>>>()?.into_iter().flatten().collect())
}

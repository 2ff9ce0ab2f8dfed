//! The door of hint logs to the disk: folders, names, locks.

#![expect(clippy::disallowed_methods, reason = "the door of hint logs to the disk")]

use std::{
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind},
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

/// A new segment, locked. Its name is not synced yet.
pub(super) fn create(segment: &Path) -> io::Result<File> {
    let file = OpenOptions::new().append(true).create_new(true).open(segment)?;
    flock(&file, FlockOperation::NonBlockingLockExclusive)?;
    // Whoever replays removes an old segment that nobody holds; one could have been paused just before the lock.
    if file.metadata()?.nlink() == 0 {
        return Err(ErrorKind::NotFound.into());
    }
    Ok(file)
}

/// Makes a folder, and syncs the names of what it had to make.
pub(super) fn make(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty());
    if let Some(parent) = parent {
        make(parent)?;
    }
    match fs::create_dir(folder) {
        Err(cause) if cause.kind() != ErrorKind::AlreadyExists => return Err(cause),
        _ => {}
    }
    sync(parent.unwrap_or(Path::new(".")))
}

/// Syncs the names in a folder.
pub(super) fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

fn names(folder: &Path) -> io::Result<Vec<String>> {
    let entries = match fs::read_dir(folder) {
        Err(cause) if cause.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let names = entries.map(|entry| Ok(entry?.file_name().into_string().ok()));
    Ok(names.collect::<io::Result<Vec<_>>>()?.into_iter().flatten().collect())
}

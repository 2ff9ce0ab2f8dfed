//! The door of this program to the disk: folders of hints, small files replaced whole, segments ended.
//!
//! A segment is removed or renamed only while its lock is held here, so that a writer that has made the file and is
//! about to lock it fails instead of writing into a file without a name.

#![expect(clippy::disallowed_methods, reason = "the door to the disk")]

use std::{
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind, Read, Write},
    path::{Path, PathBuf},
};

use rustix::fs::{FlockOperation, flock};

/// The names in a folder that are text, in order; none if it does not exist.
pub fn names(folder: &Path) -> io::Result<Vec<String>> {
    let entries = match fs::read_dir(folder) {
        Err(cause) if cause.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let names = entries.map(|entry| Ok(entry?.file_name().into_string().ok()));
    let mut names: Vec<String> = names.collect::<io::Result<Vec<_>>>()?.into_iter().flatten().collect();
    names.sort_unstable();
    Ok(names)
}

/// A file to be read.
pub fn open(path: &Path) -> io::Result<File> {
    File::open(path)
}

/// A small file; an error if it is longer than `max_bytes`.
pub fn read_small(path: &Path, max_bytes: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(max_bytes as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > max_bytes {
        return Err(io::Error::new(ErrorKind::InvalidData, format!("over {max_bytes} bytes")));
    }
    Ok(bytes)
}

/// Puts a file in the place of another such that a reader sees the old or the new one. Not synced: for what may be lost.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let new = path.with_added_extension("new");
    fs::write(&new, bytes)?;
    fs::rename(new, path)
}

/// Appends to a file, which begins with `head` if it is new, and syncs it and its name.
pub fn append(path: &Path, head: &[u8], bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().append(true).create(true).open(path)?;
    if file.metadata()?.len() == 0 {
        file.write_all(head)?;
        if let Some(folder) = path.parent() {
            File::open(folder)?.sync_all()?;
        }
    }
    file.write_all(bytes)?;
    file.sync_data()
}

/// Removes a file that may be gone already.
pub fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(cause) if cause.kind() == ErrorKind::NotFound => Ok(()),
        done => done,
    }
}

/// Removes a segment, or renames it to `to`, unless somebody writes it: then `false`.
pub fn end_segment(path: &Path, to: Option<&PathBuf>) -> io::Result<bool> {
    let file = File::open(path)?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Err(rustix::io::Errno::WOULDBLOCK) => return Ok(false),
        locked => locked?,
    }
    match to {
        Some(to) => fs::rename(path, to)?,
        None => fs::remove_file(path)?,
    }
    Ok(true)
}

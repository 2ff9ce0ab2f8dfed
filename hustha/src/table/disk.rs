//! The table file: the door to it.
//!
//! A new one is written beside the old one and synced, the old one gets a second name, `<table>.bak`, and then the new
//! one takes over the first. At every moment the name leads to a whole table, also when the power goes. All that goes
//! through [`Disk`], so that tests can stand a disk behind it that does lose power.

#![expect(clippy::disallowed_methods, reason = "the door to the table file")]

use std::{
    ffi::OsString,
    fs::{self, File},
    io::{self, ErrorKind, Read, Write},
    path::{Path, PathBuf},
};

use hust_wire::table::TABLE_MAX_BYTES;

/// The content of a table file; a byte more than is legal at most.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut file = Vec::new();
    File::open(path)?.take(TABLE_MAX_BYTES as u64 + 1).read_to_end(&mut file)?;
    Ok(file)
}

/// What replacing a table asks of a disk. Names are durable once their folder is synced.
trait Disk {
    /// An open file.
    type File;
    /// Creates a file, or empties one.
    fn create(&self, path: &Path) -> io::Result<Self::File>;
    /// Writes all of its content.
    fn write(&self, file: &mut Self::File, content: &[u8]) -> io::Result<()>;
    /// Makes its content durable.
    fn sync(&self, file: &Self::File) -> io::Result<()>;
    /// Removes a name.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Gives a file a second name.
    fn link(&self, path: &Path, second: &Path) -> io::Result<()>;
    /// Gives a file another name, which another may have had.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Makes the names in a folder durable.
    fn sync_folder(&self, folder: &Path) -> io::Result<()>;
}

/// The disk of this machine.
struct RealDisk;

impl Disk for RealDisk {
    type File = File;

    fn create(&self, path: &Path) -> io::Result<File> {
        File::create(path)
    }

    fn write(&self, file: &mut File, content: &[u8]) -> io::Result<()> {
        file.write_all(content)
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        file.sync_all()
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn link(&self, path: &Path, second: &Path) -> io::Result<()> {
        fs::hard_link(path, second)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        File::open(folder)?.sync_all()
    }
}

/// Makes `content` the table file; it is durable when this returns.
pub fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    replace_on(&RealDisk, path, content)
}

fn replace_on(disk: &impl Disk, path: &Path, content: &[u8]) -> io::Result<()> {
    let fresh = beside(path, &format!(".{}.new", std::process::id()));
    let written = write(disk, &fresh, content).and_then(|()| exchange(disk, path, &fresh));
    if written.is_err() {
        // What is left of it is of no use, and in nobody's way.
        let _ = disk.remove(&fresh);
    }
    written
}

fn write(disk: &impl Disk, fresh: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = disk.create(fresh)?;
    disk.write(&mut file, content)?;
    disk.sync(&file)
}

fn exchange(disk: &impl Disk, path: &Path, fresh: &Path) -> io::Result<()> {
    let kept = beside(path, ".bak");
    match disk.remove(&kept) {
        Err(cause) if cause.kind() != ErrorKind::NotFound => return Err(cause),
        _ => {}
    }
    match disk.link(path, &kept) {
        Err(cause) if cause.kind() != ErrorKind::NotFound => return Err(cause),
        _ => {}
    }
    disk.rename(fresh, path)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    disk.sync_folder(folder.unwrap_or(Path::new(".")))
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

#[cfg(test)]
#[path = "power_tests.rs"]
mod power_tests;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_old_file_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("table.json");
        for content in ["one", "two", "three"] {
            replace(&path, content.as_bytes()).unwrap();
            assert_eq!(read(&path).unwrap(), content.as_bytes());
        }
        assert_eq!(read(&beside(&path, ".bak")).unwrap(), b"two");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "nothing else is left");
        assert!(replace(&folder.path().join("none/table.json"), b"x").is_err());
    }
}

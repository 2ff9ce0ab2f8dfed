//! The table file: the door to it.
//!
//! A new one is written beside the old one and synced, the old one gets a second name, `<table>.bak`, and then the new
//! one takes over the first. At every moment the name leads to a whole table.

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

/// Makes `content` the table file.
pub fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let fresh = beside(path, &format!(".{}.new", std::process::id()));
    let written = write(&fresh, content).and_then(|()| exchange(path, &fresh));
    if written.is_err() {
        // What is left of it is of no use, and in nobody's way.
        let _ = fs::remove_file(&fresh);
    }
    written
}

fn write(fresh: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = File::create(fresh)?;
    file.write_all(content)?;
    file.sync_all()
}

fn exchange(path: &Path, fresh: &Path) -> io::Result<()> {
    let kept = beside(path, ".bak");
    match fs::remove_file(&kept) {
        Err(cause) if cause.kind() != ErrorKind::NotFound => return Err(cause),
        _ => {}
    }
    match fs::hard_link(path, &kept) {
        Err(cause) if cause.kind() != ErrorKind::NotFound => return Err(cause),
        _ => {}
    }
    fs::rename(fresh, path)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

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

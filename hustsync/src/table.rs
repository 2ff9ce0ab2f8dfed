//! The load-balance table, read again whenever its file changes.
//!
//! hustha replaces the file by renaming, so every change is a new inode. Without a file there is no table: hints go to
//! the hosts their folders name, and nothing is compared. A file that is wrong changes nothing.

use std::{
    io::ErrorKind,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use hust_wire::table::{TABLE_MAX_BYTES, Table};
use parking_lot::Mutex;

use crate::disk;

/// Inode, size, and times in nanoseconds of modification and change.
type Identity = (u64, u64, i64, i64, i64, i64);

/// The table in force.
#[derive(Debug)]
pub struct Tables {
    path: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    is_looked_at: bool,
    seen: Option<Identity>,
    table: Option<Arc<Table>>,
}

impl Tables {
    /// The table of this file; nothing is read yet.
    pub fn new(path: PathBuf) -> Tables {
        Tables { path, state: Mutex::default() }
    }

    /// The table, if there is one.
    pub fn current(&self) -> Option<Arc<Table>> {
        self.state.lock().table.clone()
    }

    /// Reads the file if it has changed; blocks. `Err` says what is wrong with a file that is there.
    pub fn refresh(&self) -> Result<(), String> {
        let identity = identity(&self.path);
        {
            let mut state = self.state.lock();
            if std::mem::replace(&mut state.is_looked_at, true) && state.seen == identity {
                return Ok(());
            }
        }
        let read = disk::read_small(&self.path, TABLE_MAX_BYTES);
        let mut state = self.state.lock();
        let was_there = state.seen.is_some() || state.table.is_some();
        state.seen = identity;
        let file = match read {
            Ok(file) => file,
            Err(cause) if cause.kind() == ErrorKind::NotFound && !was_there => return Ok(()),
            Err(cause) => {
                // What is there may be readable the next time.
                state.is_looked_at = cause.kind() == ErrorKind::NotFound;
                return Err(format!("{}: {cause}", self.path.display()));
            }
        };
        let table = Table::parse(&file).map_err(|error| format!("table: {error}"))?;
        if state.table.as_deref() != Some(&table) {
            tracing::info!(file = %self.path.display(), "table read");
            state.table = Some(Arc::new(table));
        }
        Ok(())
    }
}

fn identity(path: &Path) -> Option<Identity> {
    let meta = path.metadata().ok()?;
    Some((meta.ino(), meta.size(), meta.mtime(), meta.mtime_nsec(), meta.ctime(), meta.ctime_nsec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(hosts: [&str; 2]) -> Table {
        Table::generate(&hosts.map(|host| host.parse().unwrap())).unwrap()
    }

    #[test]
    fn follows_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("table.json");
        let tables = Tables::new(path.clone());
        assert_eq!((tables.refresh(), tables.current()), (Ok(()), None));
        let (first, second) = (table(["a:1", "b:1"]), table(["a:1", "c:1"]));
        for expected in [&first, &second] {
            disk::replace(&path, expected.to_json().as_bytes()).unwrap();
            assert_eq!(tables.refresh(), Ok(()));
            assert_eq!(tables.current().as_deref(), Some(expected));
        }
        disk::replace(&path, b"{}").unwrap();
        assert!(tables.refresh().unwrap_err().starts_with("table: "));
        assert_eq!(tables.refresh(), Ok(()), "said once");
        disk::remove(&path).unwrap();
        assert!(tables.refresh().is_err());
        let folder = Tables::new(folder.path().to_path_buf());
        for _ in 0..2 {
            assert!(folder.refresh().is_err(), "what cannot be read is tried again");
        }
        assert_eq!(tables.current().as_deref(), Some(&second), "the old one stays");
    }
}

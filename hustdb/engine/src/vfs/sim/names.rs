//! Names of simulated files: the live table, the durable one, and the operations between them.
//!
//! An operation is durable once its folder is synced. A rename is one operation even between two folders: syncing
//! either makes both durable, as a journal would. Folders themselves are durable at once.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::{Path, PathBuf},
};

use super::rng::Rng;

type Table = BTreeMap<PathBuf, u64>;

#[derive(Clone, Debug)]
enum Op {
    Set(PathBuf, u64),
    Unset(PathBuf, u64),
    Rename { from: PathBuf, to: PathBuf, inode: u64 },
}

/// Folders and files of a world. Files are numbers here.
#[derive(Clone, Debug)]
pub(super) struct Names {
    dirs: BTreeSet<PathBuf>,
    live: Table,
    durable: Table,
    unsynced: Vec<Op>,
}

impl Names {
    /// A root and a present folder, both empty.
    pub(super) fn new() -> Names {
        let dirs = [PathBuf::from("/"), PathBuf::new()].into();
        Names { dirs, live: Table::new(), durable: Table::new(), unsynced: Vec::new() }
    }

    pub(super) fn find(&self, path: &Path) -> io::Result<u64> {
        match self.live.get(path) {
            Some(&inode) => Ok(inode),
            None if self.dirs.contains(path) => Err(io::ErrorKind::IsADirectory.into()),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    pub(super) fn exists(&self, path: &Path) -> bool {
        self.live.contains_key(path) || self.dirs.contains(path)
    }

    /// Paths of all files.
    pub(super) fn paths(&self) -> impl Iterator<Item = &PathBuf> {
        self.live.keys()
    }

    /// Numbers of all files with a name that the process sees.
    pub(super) fn live(&self) -> BTreeSet<u64> {
        self.live.values().copied().collect()
    }

    /// Numbers of all files that have a name or may have one after a crash.
    pub(super) fn reachable(&self) -> BTreeSet<u64> {
        let unsynced = self.unsynced.iter().map(|op| match op {
            Op::Set(_, inode) | Op::Unset(_, inode) | Op::Rename { inode, .. } => *inode,
        });
        self.live.values().chain(self.durable.values()).copied().chain(unsynced).collect()
    }

    pub(super) fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        self.check_dir(dir)?;
        let paths = self.live.keys().chain(&self.dirs).filter(|path| path.parent() == Some(dir));
        let mut names: Vec<String> =
            paths.filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned())).collect();
        names.sort_unstable();
        Ok(names)
    }

    pub(super) fn create_dir_all(&mut self, dir: &Path) -> io::Result<()> {
        if dir.ancestors().any(|path| self.live.contains_key(path)) {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        self.dirs.extend(dir.ancestors().map(Path::to_path_buf));
        Ok(())
    }

    /// Names a file, new or not; the name must be free.
    pub(super) fn add(&mut self, path: &Path, inode: u64) -> io::Result<()> {
        self.check_free(path)?;
        self.run(Op::Set(path.to_path_buf(), inode));
        Ok(())
    }

    pub(super) fn check_free(&self, path: &Path) -> io::Result<()> {
        self.check_dir(path.parent().unwrap_or(path))?;
        if self.exists(path) { Err(io::ErrorKind::AlreadyExists.into()) } else { Ok(()) }
    }

    pub(super) fn remove(&mut self, path: &Path) -> io::Result<()> {
        let inode = self.find(path)?;
        self.run(Op::Unset(path.to_path_buf(), inode));
        Ok(())
    }

    pub(super) fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        let inode = self.find(from)?;
        self.check_dir(to.parent().unwrap_or(to))?;
        if self.dirs.contains(to) {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        // Two names of one file: POSIX does nothing.
        if self.live.get(to) != Some(&inode) {
            self.run(Op::Rename { from: from.to_path_buf(), to: to.to_path_buf(), inode });
        }
        Ok(())
    }

    /// Makes the names in `dir` durable.
    pub(super) fn sync(&mut self, dir: &Path) -> io::Result<()> {
        self.check_dir(dir)?;
        let mut dirs: BTreeSet<PathBuf> = [dir.to_path_buf()].into();
        loop {
            let before = dirs.len();
            for op in &self.unsynced {
                if op.dirs().any(|dir| dirs.contains(dir)) {
                    dirs.extend(op.dirs().map(Path::to_path_buf));
                }
            }
            if dirs.len() == before {
                break;
            }
        }
        let Names { unsynced, durable, .. } = self;
        unsynced.retain(|op| {
            let synced = op.dirs().any(|dir| dirs.contains(dir));
            if synced {
                op.apply(durable);
            }
            !synced
        });
        Ok(())
    }

    /// The names after a power loss: operations that were not synced came through or not.
    pub(super) fn crashed(&self, rng: &mut Rng) -> Names {
        let mut table = self.durable.clone();
        let count = self.unsynced.len();
        let (mode, prefix) = (rng.below(4), rng.below(count + 1));
        for (index, op) in self.unsynced.iter().enumerate() {
            let kept = match mode {
                0 => false,
                1 => true,
                2 => index < prefix,
                _ => rng.coin(),
            };
            if kept {
                op.apply(&mut table);
            }
        }
        Names { dirs: self.dirs.clone(), live: table.clone(), durable: table, unsynced: Vec::new() }
    }

    fn run(&mut self, op: Op) {
        op.apply(&mut self.live);
        self.unsynced.push(op);
    }

    fn check_dir(&self, dir: &Path) -> io::Result<()> {
        if self.dirs.contains(dir) {
            Ok(())
        } else if self.live.contains_key(dir) {
            Err(io::ErrorKind::NotADirectory.into())
        } else {
            Err(io::ErrorKind::NotFound.into())
        }
    }
}

impl Op {
    /// Changes the table. An operation on a name that another file has, because an earlier operation was lost, is
    /// lost too.
    fn apply(&self, table: &mut Table) {
        match self {
            Op::Set(path, inode) => {
                table.insert(path.clone(), *inode);
            }
            Op::Unset(path, inode) => {
                if table.get(path) == Some(inode) {
                    table.remove(path);
                }
            }
            Op::Rename { from, to, inode } => {
                if table.get(from) == Some(inode) {
                    table.remove(from);
                    table.insert(to.clone(), *inode);
                }
            }
        }
    }

    /// The folders it changes.
    fn dirs(&self) -> impl Iterator<Item = &Path> {
        let (first, second) = match self {
            Op::Set(path, _) | Op::Unset(path, _) => (path, None),
            Op::Rename { from, to, .. } => (from, Some(to)),
        };
        [Some(first), second].into_iter().flatten().filter_map(|path| path.parent())
    }
}

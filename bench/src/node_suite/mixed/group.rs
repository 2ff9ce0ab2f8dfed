//! A control group (version 2) that limits the memory of a server, page cache included; and emptying that cache
//! beforehand, as pages that are there already are charged to nobody.
//!
//! Needs the right to make groups and the memory controller; where either is missing the caller is told.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::store::Failure;

/// Where groups are made.
pub const ROOT: &str = "/sys/fs/cgroup";

/// A group; removed when dropped, when its processes have ended.
#[derive(Debug)]
pub struct Group {
    path: PathBuf,
}

impl Group {
    /// Makes a group under `root` that may use `memory_bytes`.
    pub fn create(root: &Path, memory_bytes: u64) -> Result<Group, Failure> {
        let controllers = fs::read_to_string(root.join("cgroup.subtree_control")).unwrap_or_default();
        if !controllers.split_whitespace().any(|name| name == "memory") {
            return Err(format!("no memory controller of control groups v2 at {}", root.display()).into());
        }
        let path = root.join(format!("hust-bench-{}", std::process::id()));
        fs::create_dir(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let group = Group { path };
        fs::write(group.path.join("memory.max"), memory_bytes.to_string())?;
        Ok(group)
    }

    /// Moves a process there; what it has already is not charged anew.
    pub fn add(&self, pid: u32) -> Result<(), Failure> {
        Ok(fs::write(self.path.join("cgroup.procs"), pid.to_string())?)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // A group with a process in it stays; it limits nobody else.
        let _ = fs::remove_dir(&self.path);
    }
}

/// Drops the pages of all files under `dir` from the cache, after they are written.
pub fn forget_cache(dir: &Path) -> Result<(), Failure> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() {
            forget_cache(&path)?;
        } else if path.is_file() {
            let file = fs::File::open(&path)?;
            file.sync_all()?;
            rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_needs_the_memory_controller() {
        let root = tempfile::tempdir().unwrap();
        let error = Group::create(root.path(), 1).unwrap_err();
        assert!(error.to_string().contains("no memory controller"), "{error}");
        fs::write(root.path().join("cgroup.subtree_control"), "cpu memory\n").unwrap();
        let group = Group::create(root.path(), 1 << 20).unwrap();
        group.add(7).unwrap();
        assert_eq!(fs::read_to_string(group.path.join("memory.max")).unwrap(), "1048576");
        assert_eq!(fs::read_to_string(group.path.join("cgroup.procs")).unwrap(), "7");
    }

    #[test]
    fn the_cache_of_a_tree_is_dropped() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("sub")).unwrap();
        fs::write(root.path().join("sub/file"), "x").unwrap();
        forget_cache(root.path()).unwrap();
        assert_eq!(fs::read_to_string(root.path().join("sub/file")).unwrap(), "x");
        assert!(forget_cache(&root.path().join("none")).is_err());
    }
}

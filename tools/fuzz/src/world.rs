//! Folders in memory, made and copied for each run.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use hust_engine::vfs::{SimVfs, Vfs};

/// Files with their content.
pub type Files = Vec<(PathBuf, Vec<u8>)>;

/// All files of a simulated disk.
pub fn files_of(vfs: &SimVfs) -> Files {
    let mut files = Files::new();
    for path in vfs.paths() {
        let file = vfs.open(&path).expect("a file that is listed");
        let mut bytes = vec![0; vfs.len(&path).expect("a file that is listed") as usize];
        let read = file.read_at(&mut bytes, 0).expect("reading memory");
        bytes.truncate(read);
        files.push((path, bytes));
    }
    files
}

/// A simulated disk with these files.
pub fn disk(files: &Files) -> Arc<SimVfs> {
    let vfs = SimVfs::new(1);
    for (path, bytes) in files {
        vfs.create_dir_all(path.parent().unwrap_or(Path::new("/"))).expect("a new folder");
        let file = vfs.create(path).expect("a new file");
        file.write_all_at(bytes, 0).expect("writing memory");
    }
    Arc::new(vfs)
}

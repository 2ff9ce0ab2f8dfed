//! The operating system's files.
//!
//! Reads and writes are positioned, so one open file serves all threads without a lock. The simulator makes folders
//! durable at once; to deserve the same trust `create_dir_all` here syncs the parent of each folder it makes.

use std::{
    any::Any,
    fs::{self, File, OpenOptions, TryLockError},
    io,
    ops::Range,
    os::unix::fs::FileExt,
    path::Path,
    sync::Arc,
};

use rustix::{
    fs::{FallocateFlags, fallocate, statvfs},
    io::Errno,
};

use super::{Map, Vfs, VfsFile, window::Window};

/// The file system of this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct RealVfs;

#[derive(Debug)]
struct RealFile {
    file: File,
    window: Window,
}

/// Holds an advisory lock (`flock`) until it is closed; the kernel drops it with the process.
#[derive(Debug)]
struct RealLock(#[expect(dead_code, reason = "held, not used")] File);

#[expect(clippy::disallowed_methods, reason = "this is the door")]
impl Vfs for RealVfs {
    fn create(&self, path: &Path) -> io::Result<Arc<dyn VfsFile>> {
        RealFile::of(OpenOptions::new().read(true).write(true).create_new(true).open(path)?)
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn VfsFile>> {
        RealFile::of(OpenOptions::new().read(true).write(true).open(path)?)
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        path.try_exists()
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(dir)? {
            names.push(entry?.file_name().to_string_lossy().into_owned());
        }
        names.sort_unstable();
        Ok(names)
    }

    fn create_dir_all(&self, dir: &Path) -> io::Result<()> {
        let missing: Vec<&Path> =
            dir.ancestors().take_while(|path| !path.as_os_str().is_empty() && !path.is_dir()).collect();
        for path in missing.into_iter().rev() {
            fs::create_dir_all(path)?;
            self.sync_dir(path.parent().unwrap_or(path))?;
        }
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::hard_link(from, to)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        File::open(here(dir))?.sync_all()
    }

    fn free_bytes(&self, path: &Path) -> io::Result<u64> {
        let stat = statvfs(here(path))?;
        Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn Any + Send + Sync>> {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Box::new(RealLock(file))),
            Err(TryLockError::WouldBlock) => Err(io::ErrorKind::WouldBlock.into()),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

/// The parent of a bare name is the empty path, which the kernel does not take.
fn here(path: &Path) -> &Path {
    if path.as_os_str().is_empty() { Path::new(".") } else { path }
}

impl VfsFile for RealFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut done = 0;
        while let Some(rest) = buf.get_mut(done..).filter(|rest| !rest.is_empty()) {
            match self.file.read_at(rest, offset + done as u64) {
                Ok(0) => break,
                Ok(count) => done += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(done)
    }

    fn write_all_at(&self, data: &[u8], offset: u64) -> io::Result<()> {
        // Goes on after interruptions and short writes.
        self.file.write_all_at(data, offset)
    }

    fn append_at(&self, data: &[u8], offset: u64) -> io::Result<()> {
        if self.window.store(&self.file, data, offset)? { Ok(()) } else { self.write_all_at(data, offset) }
    }

    fn prepare(&self, range: Range<u64>) -> io::Result<()> {
        self.window.prepare(&self.file, range)
    }

    fn allocate(&self, offset: u64, len: u64) -> io::Result<()> {
        if len == 0 {
            return Ok(());
        }
        loop {
            match fallocate(&self.file, FallocateFlags::empty(), offset, len) {
                Err(Errno::INTR) => {}
                Err(Errno::OPNOTSUPP | Errno::NOSYS) => return self.grow(offset.saturating_add(len)),
                Err(error) => return Err(error.into()),
                Ok(()) => {
                    self.window.open(offset..offset.saturating_add(len));
                    return Ok(());
                }
            }
        }
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.window.close();
        self.file.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn map(&self, capacity: u64) -> io::Result<Arc<Map>> {
        Map::of_file(&self.file, capacity)
    }
}

impl RealFile {
    fn of(file: File) -> io::Result<Arc<dyn VfsFile>> {
        Ok(Arc::new(RealFile { file, window: Window::default() }))
    }

    /// Makes the file at least `len` long where space cannot be reserved. Like `allocate`, not to be called while
    /// another thread writes beyond `len`.
    fn grow(&self, len: u64) -> io::Result<()> {
        if self.file.metadata()?.len() < len { self.file.set_len(len) } else { Ok(()) }
    }
}

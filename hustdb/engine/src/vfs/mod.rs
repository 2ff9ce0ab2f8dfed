//! The one door to the disk.
//!
//! [`Vfs`] and [`VfsFile`] are every file operation the engine makes. `RealVfs` does them; `SimVfs` keeps a live and a
//! durable image of each file and directory and can crash, fail or flip bits at the n-th operation.

mod map;
mod real;
mod sim;
#[cfg(test)]
mod tests;
mod window;

use std::{any::Any, fmt::Debug, io, ops::Range, path::Path, sync::Arc};

pub use map::Map;
pub use real::RealVfs;
pub use sim::{Fault, SimVfs};

/// A folder tree. Names are created and removed durably only after [`Vfs::sync_dir`] of their folder.
pub trait Vfs: Send + Sync + Debug {
    /// Creates a new file for reading and writing; it must not exist.
    fn create(&self, path: &Path) -> io::Result<Arc<dyn VfsFile>>;
    /// Opens an existing file for reading and writing.
    fn open(&self, path: &Path) -> io::Result<Arc<dyn VfsFile>>;
    /// Whether there is such a file or folder.
    fn exists(&self, path: &Path) -> io::Result<bool>;
    /// Names in a folder, sorted.
    fn list(&self, dir: &Path) -> io::Result<Vec<String>>;
    /// Creates a folder and those above it, durably; fine if it is there.
    fn create_dir_all(&self, dir: &Path) -> io::Result<()>;
    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Renames a file, replacing what is there.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Makes a second name for a file.
    fn link(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Makes the names in a folder durable.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;
    /// Bytes free to this process on the file system of `path`.
    fn free_bytes(&self, path: &Path) -> io::Result<u64>;
    /// Takes the exclusive lock on a file (created if absent), held until the result is dropped. `WouldBlock` if
    /// somebody else has it.
    fn lock(&self, path: &Path) -> io::Result<Box<dyn Any + Send + Sync>>;
}

/// An open file. Calls may come from several threads.
pub trait VfsFile: Send + Sync + Debug {
    /// Length in bytes.
    fn len(&self) -> io::Result<u64>;
    /// Whether it has no bytes.
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }
    /// Reads up to `buf.len()` bytes; fewer only at the end of the file.
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize>;
    /// Writes all of `data`, growing the file as needed.
    fn write_all_at(&self, data: &[u8], offset: u64) -> io::Result<()>;
    /// Writes all of `data` behind all that was written before, in space that `allocate` has reserved; without a system
    /// call where that can be. Until it is synced a power loss may tear it anywhere, also within a sector.
    fn append_at(&self, data: &[u8], offset: u64) -> io::Result<()>;
    /// Makes ready for writes of a little each, every one synced, that will go on behind `range`, which is written next;
    /// nothing is there or behind it yet. What is reserved behind still reads as zeros.
    fn prepare(&self, range: Range<u64>) -> io::Result<()> {
        let _ = range;
        Ok(())
    }
    /// Reserves space so that later writes to this range cannot run out of it; the range reads as zeros and counts
    /// in `len`. Where the file system cannot reserve, only the length grows. Not to be called while another thread
    /// writes beyond the range.
    fn allocate(&self, offset: u64, len: u64) -> io::Result<()>;
    /// Cuts or grows the file.
    fn set_len(&self, len: u64) -> io::Result<()>;
    /// Makes data and length durable (fdatasync). After an error the state of the file is unknown: never call again.
    fn sync_data(&self) -> io::Result<()>;
    /// Maps the first `capacity` bytes for reading. `capacity` may pass the length of a file that is still growing:
    /// bytes that are written later appear in the map; bytes beyond the file's length must not be read.
    fn map(&self, capacity: u64) -> io::Result<Arc<Map>>;
}

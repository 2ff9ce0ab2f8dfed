//! A disk in memory that can lose power, fail, fill up and rot, all repeatably from a seed.
//!
//! [`SimVfs`] is a handle on a world: folders and files, each with a live image (what the process sees) and a durable
//! one. It is as strict as POSIX allows: `sync_data` makes one file's data and length durable, `sync_dir` the names of
//! one folder; only new folders are durable at once. [`SimVfs::crash`] answers with the world after a power loss,
//! [`SimVfs::kill`] with the one after `kill -9`; the old world then refuses every call, so that threads left over
//! cannot touch the new one. Operations that change the disk are counted; a crash or fault is planned by that count.
//! Reads, maps and `create_dir_all` are not counted.

mod faults;
mod file;
mod inode;
mod names;
mod region;
mod rng;
mod state;
mod storage;
#[cfg(test)]
mod tests;

use std::{
    any::Any,
    fmt, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use parking_lot::Mutex;

use self::{file::SimFile, state::State};
use super::{Vfs, VfsFile};

pub use faults::Fault;
pub(super) use region::Region;

/// A handle on a simulated world; clones share it.
#[derive(Clone)]
pub struct SimVfs(Arc<Mutex<State>>);

impl SimVfs {
    /// An empty world. The seed decides what crashes and failed operations leave behind.
    pub fn new(seed: u64) -> SimVfs {
        SimVfs::of(State::new(seed))
    }

    fn of(state: State) -> SimVfs {
        SimVfs(Arc::new(Mutex::new(state)))
    }

    /// The world after a power loss: of what was not synced, sectors, lengths and names are each kept or lost. This
    /// world is over, except for another call, which answers with another outcome.
    pub fn crash(&self) -> SimVfs {
        SimVfs::of(self.0.lock().crash())
    }

    /// The world after the process was killed: nothing is lost but the locks; what was not synced still is not. This
    /// world is over.
    pub fn kill(&self) -> SimVfs {
        SimVfs::of(self.0.lock().kill())
    }

    /// Cuts the power in operation number `n` (the first is 1; if it has passed, in the next one): that operation may
    /// be done, in part, or not, and from then on every call fails. Follow with [`SimVfs::crash`].
    pub fn crash_at(&self, n: u64) {
        self.0.lock().faults.crash_at = Some(n);
    }

    /// Whether the planned crash has happened.
    pub fn has_crashed(&self) -> bool {
        self.0.lock().faults.crashed
    }

    /// Lets operation number `n` fail, once. A failed write may have been done in part; what a failed `sync_data`
    /// left unwritten is forgotten, as Linux does.
    pub fn fail_at(&self, n: u64, fault: Fault) {
        self.0.lock().faults.once.insert(n, fault);
    }

    /// Lets operation number `n` and all after it fail, until [`SimVfs::clear_faults`].
    pub fn fail_from(&self, n: u64, fault: Fault) {
        self.0.lock().faults.from = Some((n, fault));
    }

    /// Forgets planned crashes and faults. The power does not come back by this.
    pub fn clear_faults(&self) {
        self.0.lock().faults.clear();
    }

    /// Operations so far that change the disk, failed ones too: create, write, append, allocate, set_len, sync_data, remove,
    /// rename, link, sync_dir, and a lock that creates its file.
    pub fn ops(&self) -> u64 {
        self.0.lock().faults.ops
    }

    /// Limits the space. Files take their length, holes too. On a full disk a write does what fits, then fails.
    pub fn set_capacity_bytes(&self, capacity_bytes: Option<u64>) {
        self.0.lock().capacity_bytes = capacity_bytes;
    }

    /// Flips bit 0-7 of a byte, in memory, on the disk and in maps. Nobody may be reading that byte meanwhile.
    pub fn flip_bit(&self, path: &Path, offset: u64, bit: u8) -> io::Result<()> {
        let mut state = self.0.lock();
        let number = state.names.find(path)?;
        let inode = state.inode(number)?;
        let mask = 1u8.checked_shl(bit.into());
        match mask.filter(|_| offset < inode.live.len().min(storage::MAX_FILE_BYTES)) {
            Some(mask) => {
                inode.flip(offset, mask);
                Ok(())
            }
            None => Err(io::ErrorKind::InvalidInput.into()),
        }
    }

    /// All files, sorted. Works after a crash too.
    pub fn paths(&self) -> Vec<PathBuf> {
        self.0.lock().names.paths().cloned().collect()
    }

    /// Length of a file in bytes. Works after a crash too.
    pub fn len(&self, path: &Path) -> io::Result<u64> {
        let mut state = self.0.lock();
        let number = state.names.find(path)?;
        Ok(state.inode(number)?.live.len())
    }

    fn open_with(&self, find: impl FnOnce(&mut State) -> io::Result<u64>) -> io::Result<Arc<dyn VfsFile>> {
        let mut state = self.0.lock();
        let number = find(&mut state)?;
        Ok(Arc::new(SimFile::new(&self.0, &mut state, number)?))
    }
}

impl Vfs for SimVfs {
    fn create(&self, path: &Path) -> io::Result<Arc<dyn VfsFile>> {
        self.open_with(|state| state.run(|state| state.create(path)))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn VfsFile>> {
        self.open_with(|state| {
            state.check()?;
            state.names.find(path)
        })
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        let state = self.0.lock();
        state.check()?;
        Ok(state.names.exists(path))
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let state = self.0.lock();
        state.check()?;
        state.names.list(dir)
    }

    fn create_dir_all(&self, dir: &Path) -> io::Result<()> {
        let mut state = self.0.lock();
        state.check()?;
        state.names.create_dir_all(dir)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.0.lock().run(|state| state.names.remove(path))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.0.lock().run(|state| state.names.rename(from, to))
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.0.lock().run(|state| {
            let number = state.names.find(from)?;
            state.names.add(to, number)
        })
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.0.lock().run(|state| state.sync_dir(dir))
    }

    fn free_bytes(&self, path: &Path) -> io::Result<u64> {
        let state = self.0.lock();
        state.check()?;
        if state.names.exists(path) { Ok(state.free_bytes()) } else { Err(io::ErrorKind::NotFound.into()) }
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn Any + Send + Sync>> {
        self.0.lock().lock(path)?;
        Ok(Box::new(SimLock { world: self.0.clone(), path: path.to_path_buf() }))
    }
}

/// Names a file that is locked in a world until it is dropped.
struct SimLock {
    world: Arc<Mutex<State>>,
    path: PathBuf,
}

impl Drop for SimLock {
    fn drop(&mut self) {
        self.world.lock().unlock(&self.path);
    }
}

impl fmt::Debug for SimVfs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.0.lock();
        write!(f, "SimVfs({} files, {} operations)", state.names.paths().count(), state.faults.ops)
    }
}

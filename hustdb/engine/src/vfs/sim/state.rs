//! Everything a simulated world knows, behind one lock: names, files, planned faults, locks.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    faults::{Faults, Step},
    inode::Inode,
    names::Names,
    rng::Rng,
};
use crate::vfs::Map;

#[derive(Debug)]
pub(super) struct State {
    pub(super) names: Names,
    pub(super) faults: Faults,
    pub(super) capacity_bytes: Option<u64>,
    /// Replaced by another world; nothing works here any more.
    pub(super) over: bool,
    inodes: BTreeMap<u64, Inode>,
    next_inode: u64,
    locks: BTreeSet<PathBuf>,
    rng: Rng,
}

impl State {
    pub(super) fn new(seed: u64) -> State {
        State {
            names: Names::new(),
            faults: Faults::default(),
            capacity_bytes: None,
            over: false,
            inodes: BTreeMap::new(),
            next_inode: 0,
            locks: BTreeSet::new(),
            rng: Rng::new(seed),
        }
    }

    /// The world after a power loss. This one is over.
    pub(super) fn crash(&mut self) -> State {
        let names = self.names.crashed(&mut self.rng);
        let mut inodes = BTreeMap::new();
        for number in names.live() {
            if let Some(inode) = self.inodes.get(&number) {
                inodes.insert(number, inode.crashed(&mut self.rng));
            }
        }
        self.succeed(names, inodes)
    }

    /// The world after the process was killed. This one is over.
    pub(super) fn kill(&mut self) -> State {
        let reachable = self.names.reachable();
        let kept = self.inodes.iter().filter(|(number, _)| reachable.contains(number));
        let inodes = kept.map(|(&number, inode)| (number, inode.killed())).collect();
        self.succeed(self.names.clone(), inodes)
    }

    fn succeed(&mut self, names: Names, inodes: BTreeMap<u64, Inode>) -> State {
        self.over = true;
        let (capacity_bytes, next_inode) = (self.capacity_bytes, self.next_inode);
        State { names, inodes, capacity_bytes, next_inode, ..State::new(self.rng.next()) }
    }

    /// Whether the disk still answers.
    pub(super) fn check(&self) -> io::Result<()> {
        if self.over {
            Err(io::Error::other("this simulated world is over"))
        } else if self.faults.crashed {
            Err(power_loss())
        } else {
            Ok(())
        }
    }

    /// Runs an operation that is done or not: not if it fails as planned, perhaps if the power goes off.
    pub(super) fn run<T>(&mut self, act: impl FnOnce(&mut State) -> io::Result<T>) -> io::Result<T> {
        self.check()?;
        match self.faults.step() {
            Step::Go => act(self),
            Step::Fail(fault) => Err(fault.error()),
            Step::Crash => {
                if self.rng.coin() {
                    let _ = act(self);
                }
                Err(power_loss())
            }
        }
    }

    pub(super) fn inode(&mut self, number: u64) -> io::Result<&mut Inode> {
        self.inodes.get_mut(&number).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    pub(super) fn create(&mut self, path: &Path) -> io::Result<u64> {
        self.names.check_free(path)?;
        if self.free_bytes() == 0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let number = self.next_inode;
        self.next_inode += 1;
        self.inodes.insert(number, Inode::empty());
        self.names.add(path, number)?;
        Ok(number)
    }

    /// Counts a handle on a file.
    pub(super) fn hold(&mut self, number: u64) -> io::Result<()> {
        self.inode(number)?.open += 1;
        Ok(())
    }

    pub(super) fn release(&mut self, number: u64) {
        if let Some(inode) = self.inodes.get_mut(&number) {
            inode.open = inode.open.saturating_sub(1);
        }
    }

    /// Writes; a failed write has done a random first part, one that finds the disk full as much as fits.
    pub(super) fn write(&mut self, number: u64, data: &[u8], offset: u64) -> io::Result<()> {
        self.write_with(number, data, offset, |inode, data, _| inode.write(data, offset))
    }

    /// Writes as stores into a map do. `InvalidInput` where something was written before, or nothing reserved.
    pub(super) fn append(&mut self, number: u64, data: &[u8], offset: u64) -> io::Result<()> {
        let live = &self.inode(number)?.live;
        if offset < live.written() || live.len() < offset + data.len() as u64 {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "an append to what is not free"));
        }
        self.write_with(number, data, offset, |inode, data, rng| inode.append(data, offset, rng))
    }

    fn write_with(
        &mut self,
        number: u64,
        data: &[u8],
        offset: u64,
        write: impl FnOnce(&mut Inode, &[u8], &mut Rng) -> io::Result<()>,
    ) -> io::Result<()> {
        self.check()?;
        let (count, error) = match self.faults.step() {
            Step::Go => {
                let room = self.room(number, offset)?.min(data.len() as u64) as usize;
                (room, (room < data.len()).then(|| io::ErrorKind::StorageFull.into()))
            }
            Step::Fail(fault) => (self.part(data.len()), Some(fault.error())),
            Step::Crash => (self.part(data.len()), Some(power_loss())),
        };
        let inode = self.inodes.get_mut(&number).ok_or(io::ErrorKind::NotFound)?;
        let done = write(inode, data.get(..count).unwrap_or_default(), &mut self.rng);
        error.map_or(done, Err)
    }

    /// All, nothing, or a length between.
    fn part(&mut self, len: usize) -> usize {
        match self.rng.below(4) {
            0 => 0,
            1 => len,
            _ => self.rng.below(len + 1),
        }
    }

    /// Cuts or grows a file, which takes space as if written.
    pub(super) fn set_len(&mut self, number: u64, len: u64) -> io::Result<()> {
        if self.room(number, 0)? < len {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.inode(number)?.set_len(len);
        Ok(())
    }

    pub(super) fn allocate(&mut self, number: u64, offset: u64, len: u64) -> io::Result<()> {
        let end = offset.checked_add(len).ok_or(io::ErrorKind::InvalidInput)?;
        if end <= self.inode(number)?.live.len() { Ok(()) } else { self.set_len(number, end) }
    }

    /// Bytes that fit into a file from `offset` on.
    fn room(&mut self, number: u64, offset: u64) -> io::Result<u64> {
        let len = self.inode(number)?.live.len();
        Ok(len.saturating_add(self.free_bytes()).saturating_sub(offset))
    }

    pub(super) fn sync(&mut self, number: u64) -> io::Result<()> {
        self.check()?;
        let step = self.faults.step();
        let inode = self.inodes.get_mut(&number).ok_or(io::ErrorKind::NotFound)?;
        match step {
            Step::Go => {
                inode.sync();
                Ok(())
            }
            Step::Fail(fault) => {
                inode.fail_sync(&mut self.rng);
                Err(fault.error())
            }
            Step::Crash => {
                if self.rng.coin() {
                    inode.sync();
                }
                Err(power_loss())
            }
        }
    }

    pub(super) fn sync_dir(&mut self, dir: &Path) -> io::Result<()> {
        self.names.sync(dir)?;
        // Files without a name, a handle or a map are gone.
        let reachable = self.names.reachable();
        self.inodes.retain(|number, inode| reachable.contains(number) || inode.is_used());
        Ok(())
    }

    pub(super) fn map(&mut self, number: u64, capacity: u64) -> io::Result<Arc<Map>> {
        let region = self.inode(number)?.live.map(capacity)?;
        Map::of_region(region, capacity).ok_or_else(|| io::ErrorKind::InvalidInput.into())
    }

    /// What is left of the capacity. A removed file takes its space until its last handle and map are gone.
    pub(super) fn free_bytes(&self) -> u64 {
        let Some(capacity) = self.capacity_bytes else { return u64::MAX };
        let named = self.names.live();
        let held = |(number, inode): &(&u64, &Inode)| named.contains(number) || inode.is_used();
        let lens = self.inodes.iter().filter(held).map(|(_, inode)| inode.live.len());
        lens.fold(capacity, u64::saturating_sub)
    }

    /// Takes the lock on a path, if it is free.
    pub(super) fn lock(&mut self, path: &Path) -> io::Result<()> {
        self.check()?;
        if !self.names.exists(path) {
            self.run(|state| state.create(path))?;
        }
        self.names.find(path)?;
        if self.locks.insert(path.to_path_buf()) { Ok(()) } else { Err(io::ErrorKind::WouldBlock.into()) }
    }

    pub(super) fn unlock(&mut self, path: &Path) {
        self.locks.remove(path);
    }
}

fn power_loss() -> io::Error {
    io::Error::other("simulated power loss")
}

#[cfg(test)]
impl State {
    /// Files kept in memory.
    pub(super) fn files(&self) -> usize {
        self.inodes.len()
    }
}

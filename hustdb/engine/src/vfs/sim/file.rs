//! A handle on a simulated file.

use std::{io, sync::Arc};

use parking_lot::Mutex;

use super::state::State;
use crate::vfs::{Map, VfsFile};

#[derive(Debug)]
pub(super) struct SimFile {
    world: Arc<Mutex<State>>,
    number: u64,
}

impl SimFile {
    /// A handle on file `number`, which `state`, locked out of `world`, counts.
    pub(super) fn new(world: &Arc<Mutex<State>>, state: &mut State, number: u64) -> io::Result<SimFile> {
        state.hold(number)?;
        Ok(SimFile { world: world.clone(), number })
    }
}

impl Drop for SimFile {
    fn drop(&mut self) {
        self.world.lock().release(self.number);
    }
}

impl VfsFile for SimFile {
    fn len(&self) -> io::Result<u64> {
        let mut state = self.world.lock();
        state.check()?;
        Ok(state.inode(self.number)?.live.len())
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut state = self.world.lock();
        state.check()?;
        Ok(state.inode(self.number)?.live.read(buf, offset))
    }

    fn write_all_at(&self, data: &[u8], offset: u64) -> io::Result<()> {
        self.world.lock().write(self.number, data, offset)
    }

    fn append_at(&self, data: &[u8], offset: u64) -> io::Result<()> {
        self.world.lock().append(self.number, data, offset)
    }

    fn allocate(&self, offset: u64, len: u64) -> io::Result<()> {
        self.world.lock().run(|state| state.allocate(self.number, offset, len))
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.world.lock().run(|state| state.set_len(self.number, len))
    }

    fn sync_data(&self) -> io::Result<()> {
        self.world.lock().sync(self.number)
    }

    fn map(&self, capacity: u64) -> io::Result<Arc<Map>> {
        let mut state = self.world.lock();
        state.check()?;
        state.map(self.number, capacity)
    }
}

//! A disk that fills up: writes are refused cleanly, reads go on, and writing resumes when there is space again.

use std::{sync::Arc, time::Duration};

use hust_engine::{
    Engine, Error, SyncMode,
    clock::SimClock,
    vfs::{Fault, SimVfs},
};

use crate::support::{Model, Random, options, random_batch, read_all, write};

/// Room that is left, in steps: from none to where a flush and a segment fit.
const ROOM_STEP_BYTES: u64 = 613;
const ROOM_MAX_BYTES: u64 = 36 << 10;

struct World {
    name: String,
    vfs: SimVfs,
    clock: Arc<SimClock>,
    random: Random,
    model: Model,
    engine: Engine,
}

impl World {
    fn new(name: String, seed: u64, sync: SyncMode) -> World {
        let (vfs, clock) = (SimVfs::new(seed), Arc::new(SimClock::new(1_700_000_000_000)));
        let engine = Engine::open(options(&vfs, &clock, sync)).unwrap();
        World { name, vfs, clock, random: Random(seed), model: Model::default(), engine }
    }

    /// Writes a batch; `false` if it was refused for want of space.
    fn write(&mut self) -> bool {
        let batch = random_batch(&mut self.random);
        match write(&self.engine, &self.clock, &batch) {
            Ok(()) => {
                self.model.push(batch);
                self.model.acknowledge_all();
                true
            }
            Err(Error::Full(_)) => false,
            Err(error) => panic!("{}: {error}", self.name),
        }
    }

    /// Freezes what is in memory and works until there is nothing to do; `false` if there was no space for it.
    fn work(&mut self) -> bool {
        drop(self.engine.snapshot());
        self.clock.advance(Duration::from_secs(5));
        loop {
            match self.engine.work() {
                Ok(true) => {}
                Ok(false) => return true,
                Err(Error::Full(_)) => return false,
                Err(error) => panic!("{}: {error}", self.name),
            }
        }
    }

    fn limit(&self, room_bytes: u64) {
        let used: u64 = self.vfs.paths().iter().map(|path| self.vfs.len(path).unwrap()).sum();
        self.vfs.set_capacity_bytes(Some(used + room_bytes));
    }

    fn read(&self) {
        let rows = read_all(&self.engine).unwrap_or_else(|error| panic!("{}: {error}", self.name));
        assert_eq!(rows, self.model.newest(), "{}", self.name);
        assert_eq!(self.engine.stats().poisoned, None, "{}", self.name);
    }

    /// A table that no level has is space that nobody gets back before the next start.
    fn check_tables(&self) {
        let levels = self.engine.stats().levels;
        let known: u64 = levels.iter().map(|level| level.files).sum();
        let there = self.vfs.paths().into_iter().filter(|path| path.starts_with("/db/table")).count();
        assert_eq!(there as u64, known, "{}: files of tables", self.name);
    }

    /// Kills the process and starts again on the same disk, full as it is. `false` if there is no room to start.
    fn restart(&mut self, sync: SyncMode) -> bool {
        self.vfs = self.vfs.kill();
        match Engine::open(options(&self.vfs, &self.clock, sync)) {
            Ok(engine) => self.engine = engine,
            Err(Error::Full(_)) => return false,
            Err(error) => panic!("{}: {error}", self.name),
        }
        true
    }
}

/// Fills the disk after some writes, goes on in it, perhaps restarts in it, and gets space again.
fn fill_and_free(seed: u64, room_bytes: u64, sync: SyncMode, seen: &mut [u64; 3]) {
    let name = format!("seed {seed}, {room_bytes} bytes of room, {sync:?}");
    let mut world = World::new(name, seed, sync);
    for _ in 0..seed % 90 {
        assert!(world.write());
        if world.random.chance(10) {
            assert!(world.work());
        }
    }
    world.limit(room_bytes);
    for _ in 0..24 {
        seen[0] += u64::from(!world.write());
        if world.random.chance(25) {
            seen[1] += u64::from(!world.work());
        }
    }
    world.read();
    let room = world.random.chance(50) || {
        let started = world.restart(sync);
        seen[2] += u64::from(!started);
        started
    };
    if room {
        world.read();
        world.write();
        world.read();
    }
    world.vfs.set_capacity_bytes(None);
    assert!(room || world.restart(sync), "{}: does not start with space", world.name);
    world.read();
    for _ in 0..12 {
        assert!(world.write(), "{}: refuses with space", world.name);
    }
    assert!(world.work(), "{}: cannot work with space", world.name);
    world.check_tables();
    world.read();
    world.engine.close().unwrap_or_else(|error| panic!("{}: {error}", world.name));
    assert!(world.restart(sync));
    world.read();
}

#[test]
fn a_full_disk_refuses_and_recovers() {
    // Refused writes, refused work, refused starts; of the last there need not be any.
    let mut seen = [0; 3];
    for (at, room_bytes) in (0..ROOM_MAX_BYTES).step_by(ROOM_STEP_BYTES as usize).enumerate() {
        for sync in [SyncMode::Always, SyncMode::Os] {
            fill_and_free(1000 + 17 * at as u64, room_bytes, sync, &mut seen);
        }
    }
    println!("refused: {} writes, {} times work, {} starts", seen[0], seen[1], seen[2]);
    assert!(seen[..2].iter().all(|count| *count > 0), "{seen:?}");
}

/// However much of a refused step came through, nothing of it is in the way of a start right after it.
#[test]
fn a_start_right_after_work_that_found_no_space() {
    const OPERATIONS: u64 = 30;
    let mut refused = 0;
    for seed in 0..20 * OPERATIONS {
        let mut world = World::new(format!("seed {seed}"), seed, SyncMode::Always);
        (0..20).for_each(|_| assert!(world.write()));
        world.vfs.fail_at(world.vfs.ops() + 1 + seed % OPERATIONS, Fault::Enospc);
        drop(world.engine.snapshot());
        world.clock.advance(Duration::from_secs(5));
        let error = loop {
            match world.engine.work() {
                Ok(true) => {}
                Ok(false) => break None,
                Err(error) => break Some(error),
            }
        };
        // A failed sync stops writing, whatever the cause.
        if !matches!(error, Some(Error::Full(_))) {
            continue;
        }
        refused += 1;
        world.vfs.clear_faults();
        for vfs in [world.vfs.kill(), world.vfs.crash()] {
            let engine = Engine::open(options(&vfs, &world.clock, SyncMode::Always));
            let engine = engine.unwrap_or_else(|error| panic!("seed {seed}: {error}"));
            assert_eq!(read_all(&engine).unwrap(), world.model.newest(), "seed {seed}");
        }
    }
    assert!(refused > 50, "{refused}");
}

/// The reserve of the options is kept free: writes are refused before the disk is full.
#[test]
fn the_reserve_is_left_alone() {
    let (vfs, clock) = (SimVfs::new(3), Arc::new(SimClock::new(1_700_000_000_000)));
    let capacity_bytes = 320 << 10;
    vfs.set_capacity_bytes(Some(capacity_bytes));
    let with = hust_engine::Options { reserve_bytes: 128 << 10, ..options(&vfs, &clock, SyncMode::Always) };
    let engine = Engine::open(with).unwrap();
    let mut random = Random(3);
    let refused = loop {
        if let Err(error) = write(&engine, &clock, &random_batch(&mut random)) {
            break error;
        }
    };
    assert!(matches!(refused, Error::Full(_)), "{refused}");
    assert!(engine.free_bytes().unwrap() >= 128 << 10, "{} bytes free", engine.free_bytes().unwrap());
    read_all(&engine).unwrap();
    vfs.set_capacity_bytes(None);
    write(&engine, &clock, &random_batch(&mut random)).unwrap();
}

//! Crashes at every file operation: in writes, flushes, compaction, collection and recovery.
//!
//! The oracle: every acknowledged batch is there, whole; what was not acknowledged is there whole or not at all; what
//! is there is a prefix of what was written. After each recovery the same database goes on and crashes again.
//!
//! `HUST_CRASH_POINTS` sets how many crash points `many_crashes` visits, `HUST_CRASH_SEED` its first seed.

mod support;

use std::sync::Arc;

use hust_engine::{Engine, Error, SyncMode, clock::SimClock, vfs::SimVfs};
use support::{Model, Random, options, random_batch, read_all, tick, write};

/// Crash points of a run of the gate, over all modes.
const CRASH_POINTS: u64 = 4_000;
/// File operations of the script that is crashed at each of them.
const SCRIPT_OPS: u64 = 600;
/// Crashes of one world before the next begins.
const CRASHES_A_WORLD: u64 = 50;

/// How a world ends.
#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    /// Power is lost.
    Power,
    /// The process is killed; the kernel keeps what it has.
    Kill,
}

struct World {
    seed: u64,
    sync: SyncMode,
    vfs: SimVfs,
    clock: Arc<SimClock>,
    random: Random,
    model: Model,
    recoveries_cut: u64,
}

impl World {
    fn new(seed: u64, sync: SyncMode) -> World {
        let clock = Arc::new(SimClock::new(1_700_000_000_000));
        let (vfs, random) = (SimVfs::new(seed), Random(seed));
        World { seed, sync, vfs, clock, random, model: Model::default(), recoveries_cut: 0 }
    }

    /// Opens, writes until the planned operation fails, and takes the world over the crash.
    fn live_and_crash(&mut self, ops: u64, end: End) {
        self.vfs.crash_at(self.vfs.ops() + ops);
        while !self.vfs.has_crashed() {
            match self.open() {
                Ok(engine) => {
                    let ended = self.run_until_closed(&engine);
                    assert!(ended.is_ok() || self.vfs.has_crashed(), "{}: {ended:?}", self.name());
                }
                Err(error) => {
                    assert!(self.vfs.has_crashed(), "{}: {error}", self.name());
                    self.recoveries_cut += 1;
                }
            }
        }
        self.vfs = if end == End::Power { self.vfs.crash() } else { self.vfs.kill() };
    }

    fn open(&self) -> Result<Engine, Error> {
        let engine = Engine::open(options(&self.vfs, &self.clock, self.sync))?;
        Ok(engine)
    }

    /// Writes and works until something fails, or until it is closed cleanly.
    fn run_until_closed(&mut self, engine: &Engine) -> Result<(), Error> {
        while !self.random.chance(1) {
            let batch = random_batch(&mut self.random);
            self.model.push(batch.clone());
            write(engine, &self.clock, &batch)?;
            self.model.acknowledge_all();
            tick(engine, &self.clock, &mut self.random)?;
        }
        engine.close()
    }

    /// Opens without a planned crash and compares with the model.
    fn check(&mut self, end: End) {
        let engine = self.open().unwrap_or_else(|error| panic!("{}: {error}", self.name()));
        let found = read_all(&engine).unwrap_or_else(|error| panic!("{}: {error}", self.name()));
        let kept = match (self.sync, end) {
            (SyncMode::Always, _) | (_, End::Kill) => self.model.acknowledged,
            (_, End::Power) => 0,
        };
        let settled = self.model.settle(&found, kept);
        settled.unwrap_or_else(|what| panic!("{}: {what}", self.name()));
        drop(engine);
        self.vfs = self.vfs.kill();
        if self.sync != SyncMode::Always {
            // What was read is the new base; make it durable, so that the next power loss cannot go behind it.
            let engine = self.open().unwrap_or_else(|error| panic!("{}: {error}", self.name()));
            engine.close().unwrap_or_else(|error| panic!("{}: {error}", self.name()));
            self.vfs = self.vfs.kill();
        }
    }

    fn name(&self) -> String {
        format!("seed {} {:?} ops {} batches {}", self.seed, self.sync, self.vfs.ops(), self.model.len())
    }
}

fn crash_often(seed: u64, sync: SyncMode, crashes: u64) -> u64 {
    let mut world = World::new(seed, sync);
    for _ in 0..crashes {
        let end = if world.random.chance(75) { End::Power } else { End::Kill };
        let ops = 1 + match world.random.below(3) {
            0 => world.random.below(12),
            1 => world.random.below(60),
            _ => world.random.below(300),
        };
        world.live_and_crash(ops, end);
        // Sometimes recovery is cut short too, and its recovery, before anybody looks.
        while world.random.chance(30) {
            let ops = 1 + world.random.below(8);
            world.vfs.crash_at(world.vfs.ops() + ops);
            drop(world.open());
            world.vfs = if end == End::Power { world.vfs.crash() } else { world.vfs.kill() };
        }
        world.check(end);
    }
    world.recoveries_cut
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(default)
}

#[test]
fn many_crashes() {
    let first = number("HUST_CRASH_SEED", 1);
    let worlds = number("HUST_CRASH_POINTS", CRASH_POINTS) / CRASHES_A_WORLD;
    let mut in_recovery = 0;
    for seed in first..first + worlds {
        let sync = [SyncMode::Always, SyncMode::Always, SyncMode::Os][(seed % 3) as usize];
        in_recovery += crash_often(seed, sync, CRASHES_A_WORLD);
    }
    println!("{} crash points, {in_recovery} of them in recovery", worlds * CRASHES_A_WORLD);
    assert!(worlds < 20 || in_recovery > 0, "no crash fell into a recovery");
}

/// One script, crashed at each of its operations in turn, from an empty folder on.
#[test]
fn a_crash_at_every_operation_of_one_script() {
    for sync in [SyncMode::Always, SyncMode::Os] {
        for ops in 1..=SCRIPT_OPS {
            let mut world = World::new(4711, sync);
            world.live_and_crash(ops, End::Power);
            world.check(End::Power);
        }
    }
}

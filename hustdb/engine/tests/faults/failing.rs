//! A failing operation at every step of a script: the engine carries on, or stops writing for good.
//!
//! Once a write has been answered with `Poisoned` every later one is, while reads go on. Whatever happened, the next
//! start finds every acknowledged batch, and of the others a prefix, each whole.

use std::{sync::Arc, time::Duration};

use hust_engine::{
    Engine, Error, SyncMode,
    clock::SimClock,
    vfs::{Fault, SimVfs},
};

use crate::support::{Model, Random, begin, options, random_batch, read_all};

const BATCHES: u64 = 60;

/// One run of the script.
struct Run {
    name: String,
    sync: SyncMode,
    vfs: SimVfs,
    clock: Arc<SimClock>,
    model: Model,
    poisoned: bool,
}

/// What a run must have been through, over all runs.
#[derive(Debug, Default)]
struct Seen {
    poisoned: u64,
    carried_on: u64,
    not_opened: u64,
}

impl Run {
    fn new(name: String, sync: SyncMode, plan: impl FnOnce(&SimVfs)) -> Run {
        let (vfs, clock) = (SimVfs::new(11), Arc::new(SimClock::new(1_700_000_000_000)));
        plan(&vfs);
        Run { name, sync, vfs, clock, model: Model::default(), poisoned: false }
    }

    /// Writes, flushes, compacts and collects, reopens half-way, whatever fails.
    fn live(&mut self, seen: &mut Seen) {
        let mut random = Random(11);
        for _ in 0..2 {
            let engine = match Engine::open(options(&self.vfs, &self.clock, self.sync)) {
                Ok(engine) => engine,
                Err(_) => {
                    seen.not_opened += 1;
                    continue;
                }
            };
            self.poisoned = false;
            for step in 0..BATCHES / 2 {
                self.write(&engine, &mut random);
                if step % 10 == 9 {
                    drop(engine.snapshot());
                    self.clock.advance(Duration::from_secs(5));
                }
                self.work(&engine);
                if step % 7 == 0 {
                    self.read(&engine);
                }
            }
            self.read(&engine);
            assert_eq!(engine.stats().poisoned.is_some(), self.poisoned, "{}", self.name);
            if self.poisoned {
                seen.poisoned += 1;
                // Only a new start knows which of the unacknowledged batches there are.
                return;
            }
            seen.carried_on += 1;
            if engine.close().is_err() {
                return;
            }
        }
    }

    fn write(&mut self, engine: &Engine, random: &mut Random) {
        let batch = random_batch(random);
        let stopped = match begin(engine, &self.clock, &batch) {
            Ok(ticket) => {
                self.model.push(batch);
                let done = ticket.wait();
                assert!(done.is_err() || !self.poisoned, "{}: acknowledged after Poisoned", self.name);
                match done {
                    Ok(()) => {
                        self.model.acknowledge_all();
                        false
                    }
                    Err(Error::Poisoned(_)) => true,
                    Err(error) => panic!("{}: a ticket answers {error}", self.name),
                }
            }
            Err(Error::Poisoned(_)) => true,
            Err(Error::Io { .. } | Error::Full(_)) => false,
            Err(error) => panic!("{}: {error}", self.name),
        };
        assert!(stopped || !self.poisoned, "{}: no longer Poisoned", self.name);
        self.poisoned = stopped;
    }

    fn work(&mut self, engine: &Engine) {
        for _ in 0..3 {
            match engine.work() {
                Ok(_) | Err(Error::Full(_)) => {}
                Err(_) => self.poisoned = true,
            }
        }
    }

    fn read(&self, engine: &Engine) {
        let rows = read_all(engine).unwrap_or_else(|error| panic!("{}: {error}", self.name));
        assert_eq!(rows, self.model.newest(), "{}", self.name);
    }

    /// Starts again after a kill, and after a power loss.
    fn check(self) {
        let killed = (self.vfs.kill(), self.model.acknowledged);
        let kept = if self.sync == SyncMode::Always { self.model.acknowledged } else { 0 };
        for (vfs, kept) in [killed, (self.vfs.crash(), kept)] {
            let engine = Engine::open(options(&vfs, &self.clock, self.sync));
            let engine = engine.unwrap_or_else(|error| panic!("{}: {error}", self.name));
            let found = read_all(&engine).unwrap_or_else(|error| panic!("{}: {error}", self.name));
            let settled = self.model.clone().settle(&found, kept);
            settled.unwrap_or_else(|what| panic!("{}: {what}", self.name));
        }
    }
}

fn fail_everywhere(fault: Fault, lasting: bool, sync: SyncMode) {
    let mut quiet = Run::new("no fault".into(), sync, |_| ());
    quiet.live(&mut Seen::default());
    let ops = quiet.vfs.ops();
    quiet.check();
    let mut seen = Seen::default();
    for op in 1..=ops {
        let name = format!("{fault:?} {sync:?} at operation {op}, lasting {lasting}");
        let mut run = Run::new(name, sync, |vfs| match lasting {
            true => vfs.fail_from(op, fault),
            false => vfs.fail_at(op, fault),
        });
        run.live(&mut seen);
        run.vfs.clear_faults();
        run.check();
    }
    println!("{fault:?} {sync:?} lasting {lasting}: {ops} operations, {seen:?}");
    assert!(seen.poisoned > 0 && seen.carried_on > 0 && seen.not_opened > 0, "{seen:?}");
}

#[test]
fn an_error_at_every_operation() {
    fail_everywhere(Fault::Eio, false, SyncMode::Always);
    fail_everywhere(Fault::Eio, false, SyncMode::Os);
}

#[test]
fn errors_from_every_operation_on() {
    fail_everywhere(Fault::Eio, true, SyncMode::Always);
    fail_everywhere(Fault::Enospc, true, SyncMode::Os);
}

#[test]
fn no_space_at_every_operation() {
    fail_everywhere(Fault::Enospc, false, SyncMode::Always);
}

/// Room that nobody will make must not be waited for.
#[test]
fn a_full_memtable_does_not_hide_that_writing_has_stopped() {
    let (vfs, clock) = (SimVfs::new(5), Arc::new(SimClock::new(1_700_000_000_000)));
    let engine = Engine::open(options(&vfs, &clock, SyncMode::Os)).unwrap();
    let mut random = Random(5);
    let mut refused = || loop {
        if let Err(error) = begin(&engine, &clock, &random_batch(&mut random)) {
            return error;
        }
    };
    assert!(matches!(refused(), Error::Busy(_)), "nobody flushes");
    vfs.fail_at(vfs.ops() + 1, Fault::Eio);
    assert!(engine.work().is_err());
    let error = refused();
    assert!(matches!(error, Error::Poisoned(_)), "{error}");
    engine.wait_writable();
    read_all(&engine).unwrap();
}

//! The store against the model, under random commands, time jumps, sweeps, background work, restarts and crashes.
//!
//! After every step the answers agree; now and then everything is looked at again and compared with the model, the
//! tallies too. After a crash each key is as the model has it before or after the step that was cut; all steps before
//! were acknowledged, so they must be there.

use hust_engine::{Row, SyncMode};

use super::{
    model::{Kept, Model},
    *,
};
use crate::{Address, Ticket};

const KEYS: u64 = 24;
/// Steps of a run that is never cut, and number of such runs.
const STEPS: usize = 4000;
const RUNS: u64 = 8;
/// Crashes of a run.
const CRASHES: usize = 60;
/// Number of runs that lose power, and of those that are killed.
const POWER_LOSS_RUNS: u64 = 6;
const KILLED_RUNS: u64 = 3;

/// How a process ends before its time.
#[derive(Clone, Copy, PartialEq)]
enum End {
    PowerLoss,
    Kill,
}

/// xorshift64*: enough for choosing steps.
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn seeded(seed: u64) -> Dice {
        Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }

    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) % end
    }

    pub(super) fn value(&mut self) -> Vec<u8> {
        let len = [0, 1, 2, 5, 300, 5000][self.below(6) as usize];
        vec![b'a' + self.below(3) as u8; len]
    }
}

fn key(number: u64) -> Vec<u8> {
    format!("key_{number}").into_bytes()
}

fn is_row(stored: Option<&Row>, kept: Option<&Kept>) -> bool {
    stored.map(|row| (row.meta, row.value())) == kept.map(Kept::row)
}

struct Run {
    node: Node,
    model: Model,
    /// The model before the step under way.
    before: Model,
    dice: Dice,
}

impl Run {
    fn new(seed: u64, sync: SyncMode) -> Run {
        println!("seed {seed}");
        let node = Node::seeded(seed, |options| options.engine.sync = sync);
        let model = Model { now_ms: node.clock_ms(), ..Model::default() };
        Run { node, before: model.clone(), model, dice: Dice::seeded(seed) }
    }

    /// One step. After an error the model is as if the step had been done, if it is known what that means.
    fn step(&mut self) -> Result<()> {
        self.before = self.model.clone();
        let key = key(self.dice.below(KEYS));
        match self.dice.below(21) {
            0..7 => self.local(&key)?,
            7..11 => self.replica(&key)?,
            11..16 => self.read(&key)?,
            16 => self.node.clock.advance(self.dice.below(1500)),
            17 => {
                self.model.sweep();
                self.node.try_sweep()?;
            }
            18 => self.compare()?,
            19 => _ = self.node.store().engine().work()?,
            _ => match self.dice.below(20) {
                0 => self.node.try_restart()?,
                1 => self.node.work()?,
                _ => {}
            },
        }
        self.model.now_ms = self.node.clock_ms();
        Ok(())
    }

    fn write(
        &self,
        key: &[u8],
        value: Option<&[u8]>,
        origin: Origin,
        lifetime: Lifetime,
    ) -> Result<(Answer, Ticket)> {
        let kv = self.node.store().kv();
        let Written { answer, ticket, .. } = self.node.call(|| match value {
            Some(value) => {
                let (put, terms) = (Change::Put(value), Terms::new(origin, lifetime));
                ready_or(kv.try_write(key, put, terms), || kv.write(key, put, terms))
            }
            None => {
                let terms = Terms::new(origin, FOR_EVER);
                ready_or(kv.try_write(key, Change::Delete, terms), || kv.write(key, Change::Delete, terms))
            }
        })?;
        Ok((answer, ticket))
    }

    fn local(&mut self, key: &[u8]) -> Result<()> {
        let value = (self.dice.below(3) > 0).then(|| self.dice.value());
        let current = self.model.live(key).map_or(0, |kept| kept.shown.version);
        let origin = match self.dice.below(4) {
            0 => Origin::Local { ver: current },
            1 => Origin::Local { ver: self.dice.below(5) },
            2 => Origin::Unstamped { ver: 1 + self.dice.below(6) },
            _ => LOCAL,
        };
        let ttl_s = self.dice.below(4);
        let expire_ms = if ttl_s == 0 || value.is_none() { 0 } else { self.model.now_ms + ttl_s * 1000 };
        let (answer, ticket) = self.write(key, value.as_deref(), origin, Lifetime::Ttl(ttl_s))?;
        self.model.check_local(key, origin, value.as_deref(), expire_ms, answer);
        Ok(ticket.wait()?)
    }

    /// A replica near what is here, so that every part of the order decides now and then.
    fn replica(&mut self, key: &[u8]) -> Result<()> {
        let here = self.model.kept.get(key).cloned();
        let near = here.as_ref().map_or(self.model.now_ms << 16, |kept| kept.shown.stamp);
        let stamp = [near, near, near, near + 1, near.saturating_sub(1)][self.dice.below(5) as usize].max(1);
        let dead = self.dice.below(4) == 0;
        let version = match here.as_ref().map_or(1, |kept| kept.shown.version) {
            same if self.dice.below(3) > 0 => same.max(u64::from(!dead)),
            _ => 1 + self.dice.below(4),
        };
        let expire_ms = match self.dice.below(4) {
            _ if dead => 0,
            0 => 0,
            1 => here.as_ref().map_or(0, |kept| kept.shown.expire_ms),
            _ => (self.model.now_ms + self.dice.below(3000)).saturating_sub(1000),
        };
        let value = match (dead, here) {
            (true, _) => None,
            (false, Some(kept)) if !kept.dead && self.dice.below(2) == 0 => Some(kept.value),
            _ => Some(self.dice.value()),
        };
        let origin = Origin::Replica { ver: version, stamp };
        let (answer, ticket) = self.write(key, value.as_deref(), origin, Lifetime::Until(expire_ms))?;
        self.model.check_replica(key, Shown { version, stamp, expire_ms }, value.as_deref(), answer);
        Ok(ticket.wait()?)
    }

    fn read(&self, key: &[u8]) -> Result<()> {
        let kv = self.node.store().kv();
        let live = self.model.live(key);
        let record = ready_or(kv.try_get(key), || kv.get(key))?;
        assert_eq!(record.as_ref().map(|record| record.shown), live.map(|kept| kept.shown));
        assert!(record.is_none_or(|record| live.is_some_and(|kept| *record.value == kept.value[..])));
        let exists = ready_or(kv.try_exist(key), || kv.exist(key))?;
        assert_eq!(exists, live.map(|kept| kept.shown));
        Ok(())
    }

    /// The row under a key, whatever it shows.
    fn stored(&self, key: &[u8]) -> Result<Option<Row>> {
        Ok(self.node.store().engine().get(&Address::kv(key).key)?)
    }

    /// Looks at everything and counts it again.
    fn compare(&self) -> Result<()> {
        for key in (0..KEYS).map(key) {
            let stored = self.stored(&key)?;
            assert!(is_row(stored.as_ref(), self.model.kept.get(&key)), "{key:?}: {stored:?}");
            self.read(&key)?;
        }
        let (stat, digests) = self.model.recount();
        assert_eq!(self.node.store().kv_stat(), stat);
        assert_eq!(self.node.store().digest(0..1024), digests);
        Ok(())
    }

    /// Steps until the disk fails as planned.
    fn run_into(&mut self, ops: u64) {
        self.node.vfs.crash_at(self.node.vfs.ops() + ops);
        while !self.node.vfs.has_crashed() {
            if let Err(error) = self.step() {
                assert!(self.node.vfs.has_crashed(), "{error}");
            }
        }
    }

    /// Opens the store after a crash and settles what became of the step that it cut.
    fn recover(&mut self, end: End) {
        loop {
            let vfs = &self.node.vfs;
            let next = if end == End::PowerLoss { vfs.crash() } else { vfs.kill() };
            self.node.move_to(next);
            if self.dice.below(4) == 0 {
                self.node.vfs.crash_at(1 + self.dice.below(12));
            }
            let opened = Store::open(self.node.options.clone());
            if self.node.vfs.has_crashed() {
                continue;
            }
            self.node.vfs.clear_faults();
            self.node.store = Some(opened.unwrap());
            break;
        }
        self.model.now_ms = self.node.clock_ms();
        for key in (0..KEYS).map(key) {
            let stored = self.stored(&key).unwrap();
            if !is_row(stored.as_ref(), self.model.kept.get(&key)) {
                let before = self.before.kept.get(&key).cloned();
                assert!(is_row(stored.as_ref(), before.as_ref()), "{key:?}: {stored:?}, before {before:?}");
                match before {
                    Some(kept) => self.model.kept.insert(key, kept),
                    None => self.model.kept.remove(&key),
                };
            }
        }
        self.compare().unwrap();
    }

    /// Lets everything expire: nothing but what never does may be left in the sums.
    fn end(mut self) {
        self.node.clock.advance(60_000);
        self.model.now_ms = self.node.clock_ms();
        self.node.sweep();
        self.model.sweep();
        self.compare().unwrap();
        self.node.restart();
        self.compare().unwrap();
    }
}

#[test]
fn the_store_behaves_like_a_plain_map() {
    for seed in 1..=RUNS {
        let mut run = Run::new(seed, SyncMode::Os);
        for _ in 0..STEPS {
            run.step().unwrap();
            if run.dice.below(300) == 0 {
                run.node.kill();
                run.compare().unwrap();
            }
        }
        run.end();
    }
}

fn crash_often(seed: u64, sync: SyncMode, end: End) {
    let mut run = Run::new(seed, sync);
    for _ in 0..CRASHES {
        let most_ops = [10, 100, 1000][run.dice.below(3) as usize];
        let ops = 1 + run.dice.below(most_ops);
        run.run_into(ops);
        run.recover(end);
    }
    run.end();
}

#[test]
fn acknowledged_writes_survive_power_losses() {
    (1..=POWER_LOSS_RUNS).for_each(|seed| crash_often(seed, SyncMode::Always, End::PowerLoss));
}

#[test]
fn acknowledged_writes_survive_kills() {
    (1..=KILLED_RUNS).for_each(|seed| crash_often(seed, SyncMode::Os, End::Kill));
}

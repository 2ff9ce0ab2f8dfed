//! The store against the model, for records of all kinds, under random commands, time jumps, sweeps, background work,
//! restarts and crashes.
//!
//! After every step the answers agree; now and then every row is looked at and compared with the model, counts and
//! tallies too. After a crash each record is as the model has it before or after the step that was cut; all steps
//! before were acknowledged, so they must be there.

use hust_engine::SyncMode;

use super::{
    model::{Id, Kept, Model, Told, stored_score},
    rows::Rows,
    *,
};
use crate::{Kind, Member, ScoreOperation, Ticket, tally};

/// Names of tables; each may be of any type, at times of several.
const TABLES: [&str; 3] = ["a", "b", "c"];
const KV_KEYS: u64 = 12;
const MEMBER_KEYS: u64 = 4;
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
        let byte = [b'a', b'b', b'c', b'1', b'2'][self.below(5) as usize];
        vec![byte; len]
    }

    fn id(&mut self) -> Id {
        let kind = [Kind::Kv, Kind::Hash, Kind::Set, Kind::Zset][self.below(4) as usize];
        match kind {
            Kind::Kv => Id { kind, table: "", key: format!("key_{}", self.below(KV_KEYS)).into_bytes() },
            _ => {
                let table = TABLES[self.below(TABLES.len() as u64) as usize];
                Id { kind, table, key: format!("m{}", self.below(MEMBER_KEYS)).into_bytes() }
            }
        }
    }

    /// Few scores, so that members share them, and now and then one at the end of the range.
    fn score(&mut self) -> i64 {
        [-3, -1, 0, 1, 2, 7, i64::MAX, i64::MIN][self.below(8) as usize]
    }
}

fn member_of(id: &Id) -> Member<'_> {
    Member { kind: id.kind, table: id.table.as_bytes(), key: &id.key }
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
        let id = self.dice.id();
        match self.dice.below(21) {
            0..7 => self.local(&id)?,
            7..11 => self.replica(&id)?,
            11..16 => self.read(&id)?,
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

    /// What a write told, once it is known how it ended, and the ticket of one that was accepted.
    fn write(&self, id: &Id, change: Change<'_>, terms: Terms) -> Result<(Told, Option<Ticket>)> {
        let (kv, members) = (self.node.store().kv(), self.node.store().members());
        let member = member_of(id);
        let written = self.node.call(|| match id.kind {
            Kind::Kv => ready_or(kv.try_write(&id.key, change, terms), || kv.write(&id.key, change, terms)),
            _ => {
                ready_or(members.try_write(&member, change, terms), || members.write(&member, change, terms))
            }
        });
        match written {
            Ok(Written { answer, number, ticket }) => Ok((Ok((answer, number)), Some(ticket))),
            Err(error @ (Error::Table(_) | Error::Refused { .. })) => Ok((Err(error), None)),
            Err(error) => Err(error),
        }
    }

    fn change<'a>(&mut self, kind: Kind, value: &'a [u8]) -> Change<'a> {
        if self.dice.below(3) == 0 {
            return Change::Delete;
        }
        match kind {
            Kind::Kv => Change::Put(value),
            Kind::Hash if self.dice.below(2) == 0 => Change::Add(self.dice.score()),
            Kind::Hash => Change::Put(value),
            Kind::Set => Change::Put(b""),
            _ => {
                let all = [ScoreOperation::Set, ScoreOperation::Add, ScoreOperation::Subtract];
                Change::Score { score: self.dice.score(), operation: all[self.dice.below(3) as usize] }
            }
        }
    }

    fn local(&mut self, id: &Id) -> Result<()> {
        let value = self.dice.value();
        let change = self.change(id.kind, &value);
        let current = self.model.live(id).map_or(0, |kept| kept.shown.version);
        let calculated = matches!(change, Change::Add(_) | Change::Score { .. });
        let origin = match self.dice.below(4) {
            0 => Origin::Local { ver: current },
            1 => Origin::Local { ver: self.dice.below(5) },
            2 if !calculated => Origin::Unstamped { ver: 1 + self.dice.below(6) },
            _ => LOCAL,
        };
        let lifetime = match self.dice.below(4) {
            _ if change == Change::Delete => FOR_EVER,
            0 => FOR_EVER,
            ttl_s if calculated && ttl_s == 1 => Lifetime::Kept,
            ttl_s => Lifetime::Ttl(ttl_s),
        };
        let terms = Terms::new(origin, lifetime);
        let (told, ticket) = self.write(id, change, terms)?;
        self.model.check_local(id, change, terms, &told);
        Ok(ticket.map_or(Ok(()), |ticket| ticket.wait())?)
    }

    /// A replica near what is here, so that every part of the order decides now and then.
    fn replica(&mut self, id: &Id) -> Result<()> {
        let here = self.model.kept.get(id).cloned();
        let near = here.as_ref().map_or(self.model.now_ms << 16, |kept| kept.shown.stamp);
        let stamp = [near, near, near, near + 1, near.saturating_sub(1)][self.dice.below(5) as usize].max(1);
        let (dead, swept) = match self.dice.below(8) {
            0 | 1 => (true, false),
            2 => (false, true),
            _ => (false, false),
        };
        let version = match here.as_ref().map_or(1, |kept| kept.shown.version) {
            same if self.dice.below(3) > 0 => same.max(u64::from(!dead)),
            _ => 1 + self.dice.below(4),
        };
        let expire_ms = match self.dice.below(4) {
            _ if dead => 0,
            0 if !swept => 0,
            1 if !swept => here.as_ref().map_or(0, |kept| kept.shown.expire_ms),
            _ => (self.model.now_ms + self.dice.below(3000)).saturating_sub(1000),
        };
        let value = match (id.kind, here) {
            _ if dead || swept => Vec::new(),
            (Kind::Set, _) => Vec::new(),
            (_, Some(kept)) if kept.is_counted() && self.dice.below(2) == 0 => kept.value,
            (Kind::Zset, _) => stored_score(self.dice.score()),
            _ => self.dice.value(),
        };
        let change = match id.kind {
            _ if dead => Change::Delete,
            _ if swept => Change::Remains,
            Kind::Zset => {
                Change::Score { score: crate::score_of(&value).unwrap(), operation: ScoreOperation::Set }
            }
            _ => Change::Put(&value),
        };
        let terms = Terms::new(Origin::Replica { ver: version, stamp }, Lifetime::Until(expire_ms));
        let (told, ticket) = self.write(id, change, terms)?;
        let shown = Shown { version, stamp, expire_ms };
        let (answer, _) = told.unwrap();
        self.model.check_replica(id, Kept { shown, dead, swept, value: value.clone() }, answer);
        Ok(ticket.map_or(Ok(()), |ticket| ticket.wait())?)
    }

    fn read(&self, id: &Id) -> Result<()> {
        let (kv, members) = (self.node.store().kv(), self.node.store().members());
        let (key, member) = (&id.key[..], member_of(id));
        let (record, exists) = match id.kind {
            Kind::Kv => {
                (ready_or(kv.try_get(key), || kv.get(key))?, ready_or(kv.try_exist(key), || kv.exist(key))?)
            }
            kind if self.model.shown_type(id.table) != Some(kind) => {
                assert!(matches!(members.try_get(&member), Err(Error::Table(_))), "{id:?}");
                assert!(matches!(members.exist(&member), Err(Error::Table(_))), "{id:?}");
                return Ok(());
            }
            _ => (
                ready_or(members.try_get(&member), || members.get(&member))?,
                ready_or(members.try_exist(&member), || members.exist(&member))?,
            ),
        };
        let live = self.model.live(id);
        assert_eq!(record.as_ref().map(|record| record.shown), live.map(|kept| kept.shown), "{id:?}");
        assert!(record.is_none_or(|record| live.is_some_and(|kept| *record.value == kept.value[..])));
        assert_eq!(exists, live.map(|kept| kept.shown), "{id:?}");
        Ok(())
    }

    /// Looks at everything and counts it again.
    fn compare(&self) -> Result<()> {
        let store = self.node.store();
        Rows::read(store, &TABLES)?.compare(&self.model);
        for id in self.model.kept.keys() {
            self.read(id)?;
        }
        let (kv, hash, guarded) = self.model.totals();
        assert_eq!((store.kv_stat(), store.hash_stat()), (kv, hash));
        assert_eq!(store.engine().tally_total(tally::GUARDED_BYTES), guarded);
        assert_eq!(store.table_stats(), self.model.table_stats());
        assert_eq!(store.table_count(), self.model.table_stats().len());
        assert_eq!(store.digest(0..1024), self.model.digests());
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
        let rows = Rows::read(self.node.store(), &TABLES).unwrap();
        let ids: Vec<Id> = self.model.kept.keys().chain(self.before.kept.keys()).cloned().collect();
        for id in ids {
            if !rows.is_record(&id, self.model.kept.get(&id)) {
                let before = self.before.kept.get(&id).cloned();
                assert!(rows.is_record(&id, before.as_ref()), "{id:?}, before {before:?}");
                match before {
                    Some(kept) => self.model.kept.insert(id, kept),
                    None => self.model.kept.remove(&id),
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

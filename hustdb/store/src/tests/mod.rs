//! The store over a simulated disk and a clock that tests set.

mod capacity;
mod cold;
mod contract;
mod convergence;
mod debts;
mod export;
mod export_keep;
mod listing;
mod model;
mod pages;
mod plain_map;
mod reads;
mod reap;
mod replica;
mod rows;
mod seen;
mod sweep;
mod tables;
mod world;

use std::sync::Arc;

use hust_engine::{
    Background, SyncMode,
    vfs::{SimVfs, Vfs},
};

use crate::{
    Answer, Change, Error, Fetch, Lifetime, Origin, Record, Result, Shown, Store, StoreOptions, Terms,
    Written, testing::TestClock,
};

/// When the tests begin, unix ms.
const START_MS: u64 = 1_700_000_000_000;

const LOCAL: Origin = Origin::Local { ver: 0 };
const FOR_EVER: Lifetime = Lifetime::Ttl(0);

/// A store that can be restarted on its disk, which can lose power.
struct Node {
    options: StoreOptions,
    vfs: SimVfs,
    clock: Arc<TestClock>,
    store: Option<Store>,
}

impl Node {
    fn new(change: impl FnOnce(&mut StoreOptions)) -> Node {
        Node::seeded(1, change)
    }

    /// `seed` decides what crashes leave behind.
    fn seeded(seed: u64, change: impl FnOnce(&mut StoreOptions)) -> Node {
        let (vfs, clock) = (SimVfs::new(seed), TestClock::at(START_MS));
        let engine = engine_options(&vfs, &clock);
        let mut options =
            StoreOptions { sweep_interval: None, export_thread: false, ..StoreOptions::new(engine) };
        change(&mut options);
        let store = Some(Store::open(options.clone()).unwrap());
        Node { options, vfs, clock, store }
    }

    fn store(&self) -> &Store {
        self.store.as_ref().unwrap()
    }

    /// Closes and opens.
    fn restart(&mut self) {
        self.try_restart().unwrap();
    }

    fn try_restart(&mut self) -> Result<()> {
        self.store.take().unwrap().close()?;
        self.store = Some(Store::open(self.options.clone())?);
        Ok(())
    }

    /// Opens what `kill -9` leaves.
    fn kill(&mut self) {
        self.move_to(self.vfs.kill());
        self.store = Some(Store::open(self.options.clone()).unwrap());
    }

    /// Leaves the present world and its store for another.
    fn move_to(&mut self, vfs: SimVfs) {
        self.store = None;
        self.options.engine.vfs = Arc::new(vfs.clone());
        self.vfs = vfs;
    }

    /// Does all background work there is.
    fn work(&self) -> Result<()> {
        while self.store().engine().work()? {}
        Ok(())
    }

    /// Calls, and again after the background work that it was refused for.
    fn call<T>(&self, call: impl Fn() -> Result<T>) -> Result<T> {
        match call() {
            Err(Error::Busy(_)) => {
                self.work()?;
                call()
            }
            done => done,
        }
    }

    fn put(&self, key: &[u8], value: &[u8], origin: Origin, lifetime: Lifetime) -> Answer {
        let terms = Terms::new(origin, lifetime);
        settle(self.call(|| self.store().kv().write(key, Change::Put(value), terms))).unwrap()
    }

    fn delete(&self, key: &[u8], origin: Origin) -> Answer {
        let terms = Terms::new(origin, FOR_EVER);
        settle(self.call(|| self.store().kv().write(key, Change::Delete, terms))).unwrap()
    }

    fn get(&self, key: &[u8]) -> Option<Record> {
        self.store().kv().get(key).unwrap()
    }

    fn sweep(&self) {
        self.try_sweep().unwrap();
    }

    fn try_sweep(&self) -> Result<()> {
        while self.call(|| self.store().sweep(self.clock_ms(), 7))?.more {}
        Ok(())
    }

    fn clock_ms(&self) -> u64 {
        use hust_engine::clock::Clock;
        self.clock.now_ms()
    }
}

fn settle(written: Result<Written>) -> Result<Answer> {
    let Written { answer, ticket, .. } = written?;
    ticket.wait()?;
    Ok(answer)
}

/// What was done if that took no disk, else what is done with it, as a server does it.
fn ready_or<T>(tried: Result<Fetch<T>>, blocking: impl FnOnce() -> Result<T>) -> Result<T> {
    match tried? {
        Fetch::Ready(done) => Ok(done),
        Fetch::Cold => blocking(),
    }
}

fn applied(answer: Answer) -> Shown {
    match answer {
        Answer::Applied(shown) => shown,
        other => panic!("not applied: {other:?}"),
    }
}

/// Small sizes, so that flushes, compaction and collection are at work within a few hundred writes.
fn engine_options(vfs: &SimVfs, clock: &Arc<TestClock>) -> hust_engine::Options {
    hust_engine::Options {
        vfs: Arc::new(vfs.clone()),
        clock: clock.clone(),
        sync: SyncMode::Os,
        memtable_bytes: 64 << 10,
        inline_max: 64,
        segment_bytes: 16 << 10,
        table_bytes: 4 << 10,
        block_bytes: 512,
        level_base_bytes: 8 << 10,
        reserve_bytes: 0,
        background: Background::Manual,
        ..hust_engine::Options::new("/db")
    }
}

/// Flips a bit of `value` wherever it lies in the log.
pub(crate) fn damage(vfs: &SimVfs, value: &[u8]) {
    let mut places = 0;
    for path in vfs.paths().into_iter().filter(|path| path.extension().is_some_and(|e| e == "log")) {
        let mut bytes = vec![0; vfs.len(&path).unwrap() as usize];
        vfs.open(&path).unwrap().read_at(&mut bytes, 0).unwrap();
        if let Some(at) = bytes.windows(value.len()).position(|window| window == value) {
            vfs.flip_bit(&path, at as u64, 3).unwrap();
            places += 1;
        }
    }
    assert_eq!(places, 1, "a stored value lies in one place");
}

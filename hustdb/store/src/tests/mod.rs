//! The store over a simulated disk and a clock that tests set.

mod capacity;
mod contract;
mod listing;
mod model;
mod sweep;

use std::sync::Arc;

use crate::{
    Answer, Delete, Fetch, Lifetime, Origin, Put, Record, Result, Shown, Store, StoreOptions, Written,
    testing::TestClock,
};

/// When the tests begin, unix ms.
const START_MS: u64 = 1_700_000_000_000;

const LOCAL: Origin = Origin::Local { ver: 0 };
const FOR_EVER: Lifetime = Lifetime::Ttl(0);

/// A store that can be restarted on its disk.
struct Node {
    options: StoreOptions,
    clock: Arc<TestClock>,
    store: Option<Store>,
}

impl Node {
    fn new(change: impl FnOnce(&mut StoreOptions)) -> Node {
        let clock = TestClock::at(START_MS);
        let mut options = StoreOptions { sweep_interval: None, ..StoreOptions::new(engine_options(&clock)) };
        change(&mut options);
        let store = Some(Store::open(options.clone()).unwrap());
        Node { options, clock, store }
    }

    fn store(&self) -> &Store {
        self.store.as_ref().unwrap()
    }

    fn restart(&mut self) {
        self.store.take().unwrap().close().unwrap();
        self.store = Some(Store::open(self.options.clone()).unwrap());
    }

    fn put(&self, key: &[u8], value: &[u8], origin: Origin, lifetime: Lifetime) -> Answer {
        settle(self.store().kv().put(&Put { key, value, origin, lifetime })).unwrap()
    }

    fn delete(&self, key: &[u8], origin: Origin) -> Answer {
        settle(self.store().kv().delete(&Delete { key, origin })).unwrap()
    }

    fn get(&self, key: &[u8]) -> Option<Record> {
        self.store().kv().get(key).unwrap()
    }

    fn sweep(&self) {
        while self.store().sweep(self.clock_ms(), 7).unwrap().more {}
    }

    fn clock_ms(&self) -> u64 {
        use hust_engine::clock::Clock;
        self.clock.now_ms()
    }
}

fn settle(written: Result<Written>) -> Result<Answer> {
    let Written { answer, ticket } = written?;
    ticket.wait()?;
    Ok(answer)
}

/// What the write did if it can be done without blocking, else done blocking, as a server does it.
fn settle_or<T>(tried: Result<Fetch<T>>, blocking: impl FnOnce() -> Result<T>) -> Result<T> {
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

fn engine_options(clock: &Arc<TestClock>) -> hust_engine::Options {
    hust_engine::Options {
        clock: clock.clone(),
        partitions: 8,
        disk: Default::default(),
        free: Arc::new(std::sync::atomic::AtomicU64::new(u64::MAX)),
    }
}

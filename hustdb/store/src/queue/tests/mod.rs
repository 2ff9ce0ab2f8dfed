//! Queues over a simulated disk and a clock that tests set.

mod capacity;
mod clock;
mod contract;
mod deliver;
mod model;
mod power;
mod push;
mod restart;
mod syncs;
mod threads;

use std::{sync::Arc, time::Duration};

use hust_engine::{Background, SyncMode, clock::SimClock, vfs::SimVfs};

use super::*;
use crate::{Error, Store, StoreOptions};

/// When the tests begin, unix ms.
const START_MS: u64 = 1_700_000_000_000;

/// An acknowledgement that is as durable as the engine's mode has it.
const ACK: Verdict = Verdict::Ack { durable: true };
/// One that does not wait for the disk.
const ACK_WRITTEN: Verdict = Verdict::Ack { durable: false };

/// A store with queues that can be restarted on its disk, which can lose power.
struct Node {
    options: StoreOptions,
    vfs: SimVfs,
    clock: Arc<SimClock>,
    store: Option<Store>,
}

impl Node {
    fn new(change: impl FnOnce(&mut StoreOptions)) -> Node {
        Node::seeded(1, change)
    }

    /// `seed` decides what crashes leave behind.
    fn seeded(seed: u64, change: impl FnOnce(&mut StoreOptions)) -> Node {
        let (vfs, clock) = (SimVfs::new(seed), Arc::new(SimClock::new(START_MS)));
        let engine = hust_engine::Options {
            vfs: Arc::new(vfs.clone()),
            clock: clock.clone(),
            sync: SyncMode::Os,
            partition_bits: 1,
            memtable_bytes: 64 << 10,
            inline_max: 256,
            segment_bytes: 64 << 10,
            table_bytes: 4 << 10,
            block_bytes: 512,
            level_base_bytes: 8 << 10,
            reserve_bytes: 0,
            background: Background::Manual,
            ..hust_engine::Options::new("/db")
        };
        let queue = QueueOptions { threads: false, ..QueueOptions::default() };
        let mut options = StoreOptions { sweep_interval: None, queue, ..StoreOptions::new(engine) };
        change(&mut options);
        let store = Some(Store::open(options.clone()).unwrap());
        Node { options, vfs, clock, store }
    }

    fn queues(&self) -> &Queues {
        self.store.as_ref().unwrap().queues()
    }

    /// Closes and opens.
    fn restart(&mut self) {
        self.store.take().unwrap().close().unwrap();
        self.open();
    }

    /// Opens what `kill -9` leaves.
    fn kill(&mut self) {
        self.move_to(self.vfs.kill());
        self.open();
    }

    /// Opens what a loss of power leaves.
    fn crash(&mut self) {
        self.move_to(self.vfs.crash());
        self.open();
    }

    fn move_to(&mut self, vfs: SimVfs) {
        self.store = None;
        self.options.engine.vfs = Arc::new(vfs.clone());
        self.vfs = vfs;
    }

    fn open(&mut self) {
        self.store = Some(Store::open(self.options.clone()).unwrap());
    }

    /// Does all background work of the engine.
    fn work(&self) {
        while self.store.as_ref().unwrap().engine().work().unwrap() {}
    }

    /// Calls, and again after the background work that it was refused for.
    fn call<T>(&self, call: impl Fn() -> QueueResult<T>) -> QueueResult<T> {
        match call() {
            Err(QueueError::Store(Error::Busy(_))) => {
                self.work();
                call()
            }
            done => done,
        }
    }

    /// Lets time pass and what is due be noticed.
    fn pass(&self, ms: u64) {
        self.clock.advance(Duration::from_millis(ms));
        self.tick();
    }

    fn tick(&self) {
        self.call(|| self.queues().tick()).unwrap();
    }

    fn reclaim(&self) {
        self.call(|| self.queues().reclaim()).unwrap();
    }

    fn try_put(&self, queue: &str, message: NewMessage<'_>) -> QueueResult<Stored> {
        let done = self.call(|| self.queues().put(queue, std::slice::from_ref(&message)))?;
        done.promise.wait()?;
        Ok(done.stored[0])
    }

    /// Puts and answers the index.
    fn put(&self, queue: &str, item: &[u8]) -> u64 {
        self.try_put(queue, new(item)).unwrap().index
    }

    fn put_priority(&self, queue: &str, priority: u8, item: &[u8]) -> u64 {
        self.try_put(queue, NewMessage { priority, ..new(item) }).unwrap().index
    }

    fn try_get(&self, queue: &str, ack: bool, count: usize) -> QueueResult<Vec<Delivered>> {
        let get = Get { worker: "w", ack, count };
        let done = self.call(|| self.queues().get(queue, &get))?;
        done.promise.wait()?;
        Ok(done.messages)
    }

    /// Gets one message without acknowledging it.
    fn lease(&self, queue: &str) -> Option<Delivered> {
        self.try_get(queue, false, 1).unwrap().pop()
    }

    /// Gets the items of all ready messages for good.
    fn drain(&self, queue: &str) -> Vec<String> {
        let mut items = Vec::new();
        loop {
            let messages = self.try_get(queue, true, 7).unwrap();
            if messages.is_empty() {
                return items;
            }
            items.extend(messages.iter().map(text));
        }
    }

    fn settle(&self, queue: &str, tokens: &[Token], verdict: Verdict) -> QueueResult<Vec<bool>> {
        let tokens: Vec<Option<Token>> = tokens.iter().map(|token| Some(*token)).collect();
        let done = self.call(|| self.queues().settle(queue, &tokens, verdict))?;
        done.promise.wait()?;
        Ok(done.current)
    }

    fn ack(&self, queue: &str, delivered: &Delivered) -> QueueResult<()> {
        self.settle(queue, &[delivered.token.unwrap()], ACK).map(drop)
    }

    fn nack(&self, queue: &str, delivered: &Delivered, delay_s: u64) -> QueueResult<()> {
        self.settle(queue, &[delivered.token.unwrap()], Verdict::Nack { delay_s }).map(drop)
    }

    fn set(&self, queue: &str, change: Change) -> Settings {
        let done = self.call(|| self.queues().configure(queue, &change, true)).unwrap();
        done.promise.wait().unwrap();
        done.settings
    }

    fn stat(&self, queue: &str) -> QueueStat {
        self.queues().stat(queue).unwrap()
    }

    /// Rows of any kind that live in the engine's queue tables, settings and counters excepted.
    fn rows(&self) -> usize {
        let engine = self.store.as_ref().unwrap().engine();
        let layout = layout::Layout::new(self.options.engine.partition_bits);
        let mut count = 0;
        for tables in layout.partitions() {
            for table in [tables.items, tables.slots, tables.expiries, tables.ids, tables.id_times] {
                let (mut from, to) = layout::Tables::whole(table);
                loop {
                    let page =
                        engine.page_without_values(from, to, hust_engine::Direction::Forward, 1000).unwrap();
                    count += page.rows.iter().filter(|(_, row)| !row.meta.is_tombstone()).count();
                    match page.next {
                        Some(next) => from = next,
                        None => break,
                    }
                }
            }
        }
        count
    }

    /// What the capacity limit counts.
    fn guarded(&self) -> i64 {
        self.store.as_ref().unwrap().engine().tally_total(crate::tally::GUARDED_BYTES)
    }
}

fn new(item: &[u8]) -> NewMessage<'_> {
    NewMessage { priority: 0, item, ttl_s: None, delay_s: 0, id: None }
}

fn text(delivered: &Delivered) -> String {
    String::from_utf8_lossy(&delivered.item).into_owned()
}

//! Many threads on a real disk, with flushes, compaction and collection going on: sums stay constant, counters count
//! exactly, nobody waits for ever.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "tests end at the first surprise, and tell what they saw"
)]

mod support;

use std::{
    future::Future,
    pin::pin,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
    time::Duration,
};

use hust_engine::{
    Background, Direction, Engine, Error, Fetch, Head, Key, Meta, Options, Result, Row, Snapshot, SyncMode,
    Ticket,
    clock::{Clock, SystemClock},
};
use support::Random;

const ACCOUNTS: u64 = 64;
const START_BALANCE: u64 = 1_000;
const COUNTERS: u64 = 8;
/// Values of accounts are this long at most: some inline, some in the content log.
const PADDING_MAX: u64 = 3_000;

fn options(dir: &std::path::Path, sync: SyncMode) -> Options {
    Options {
        sync,
        partition_bits: 2,
        memtable_bytes: 256 << 10,
        inline_max: 256,
        segment_bytes: 256 << 10,
        table_bytes: 32 << 10,
        block_bytes: 1 << 10,
        level_base_bytes: 64 << 10,
        reserve_bytes: 0,
        idle_flush_ms: 20,
        background: Background::Threads,
        ..Options::new(dir)
    }
}

fn key(number: u64) -> Key {
    let mut tail = [0; 20];
    tail[..8].copy_from_slice(&Random(number).next().to_be_bytes());
    tail[8..16].copy_from_slice(&number.to_be_bytes());
    Key::new(1, tail)
}

fn counter(number: u64) -> Key {
    key(1_000_000 + number)
}

fn first_word(value: &[u8]) -> u64 {
    u64::from_le_bytes(value[..8].try_into().unwrap())
}

/// A number and padding that can be told from any other.
fn value_of(number: u64, padding: u64) -> Vec<u8> {
    let mut value = number.to_le_bytes().to_vec();
    value.resize(8 + padding as usize, number as u8);
    value
}

fn checked_number(row: &Row) -> u64 {
    let number = first_word(row.value());
    assert!(row.value()[8..].iter().all(|byte| *byte == number as u8), "a torn value");
    number
}

fn meta(head: Option<&Head>) -> Meta {
    Meta { stamp: 1 << 16, version: head.map_or(0, |head| head.meta().version) + 1, ..Meta::default() }
}

/// Tries until it is not refused as busy; waits for the background in between.
fn patiently<T>(engine: &Engine, mut attempt: impl FnMut() -> Result<T>) -> T {
    loop {
        match attempt() {
            Ok(done) => return done,
            Err(Error::Busy(_)) => engine.wait_writable(),
            Err(error) => panic!("{error}"),
        }
    }
}

/// The bytes of small numbers, which outlive every batch.
fn bytes_of(number: u64) -> &'static [u8] {
    static NUMBERS: LazyLock<Vec<[u8; 8]>> = LazyLock::new(|| (0..1 << 20).map(u64::to_le_bytes).collect());
    &NUMBERS[number as usize]
}

fn increment(engine: &Engine, at: &Key) -> Ticket {
    patiently(engine, || {
        let ((), ticket) = engine.update(&[*at], |heads, out| {
            let old = heads[0].as_ref().map_or(0, |head| first_word(head.inline_value().unwrap()));
            out.put(*at, meta(heads[0].as_ref()), b"counter", bytes_of(old + 1));
            Ok(())
        })?;
        Ok(ticket)
    })
}

fn transfer(engine: &Engine, random: &mut Random) -> Ticket {
    let from = random.below(ACCOUNTS);
    let to = (from + 1 + random.below(ACCOUNTS - 1)) % ACCOUNTS;
    let (amount, padding) = (random.below(50), random.below(PADDING_MAX));
    patiently(engine, || move_money(engine, &[key(from), key(to)], amount, padding))
}

/// Moves up to `amount` from the first account to the second, in one batch.
fn move_money(engine: &Engine, keys: &[Key; 2], amount: u64, padding: u64) -> Result<Ticket> {
    // A first look says what to write; the update holds only if nothing has changed since.
    let look = |key: &Key| -> Result<(u64, u64)> {
        let row = engine.get(key)?.ok_or_else(|| Error::Invalid("an account is gone".into()))?;
        Ok((row.meta.version, checked_number(&row)))
    };
    loop {
        let [(from_version, from), (to_version, to)] = [look(&keys[0])?, look(&keys[1])?];
        let moved = amount.min(from);
        let values = [value_of(from - moved, padding), value_of(to + moved, PADDING_MAX - padding)];
        let (done, ticket) = engine.update(keys, |heads, out| {
            let versions = [from_version, to_version];
            if heads
                .iter()
                .zip(versions)
                .any(|(head, version)| head.as_ref().map(|head| head.meta().version) != Some(version))
            {
                return Ok(false);
            }
            for ((key, head), value) in keys.iter().zip(heads).zip(&values) {
                out.put(*key, meta(head.as_ref()), b"account", value);
            }
            Ok(true)
        })?;
        if done {
            return Ok(ticket);
        }
    }
}

fn sum_of(snapshot: &Snapshot) -> u64 {
    let (mut from, mut sum, mut rows) = (Key::MIN, 0, 0);
    loop {
        let page = snapshot.page(from, Key::MAX, Direction::Forward, 10, 1 << 20).unwrap();
        for (_, row) in page.rows.iter().filter(|(_, row)| row.user_key() == b"account") {
            sum += checked_number(row);
            rows += 1;
        }
        match page.next {
            Some(next) => from = next,
            None => {
                assert_eq!(rows, ACCOUNTS, "accounts in a snapshot");
                return sum;
            }
        }
    }
}

/// How long anything here may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
const COUNTING_THREADS: u64 = 2;
const MOVING_THREADS: u64 = 3;
/// Snapshots held while what they show is collected.
const PINNED: usize = 4;

/// What the threads of a run share.
struct Bank {
    engine: Engine,
    clock: SystemClock,
    stop: AtomicBool,
    counted: AtomicU64,
    looks: AtomicU64,
}

impl Bank {
    fn open(dir: &std::path::Path, sync: SyncMode) -> Bank {
        let engine = Engine::open(options(dir, sync)).unwrap();
        for number in 0..ACCOUNTS {
            let value = value_of(START_BALANCE, number * 40);
            let ((), ticket) = engine
                .update(&[key(number)], |heads, out| {
                    out.put(key(number), meta(heads[0].as_ref()), b"account", &value);
                    Ok(())
                })
                .unwrap();
            ticket.wait().unwrap();
        }
        let (stop, counted, looks) = (AtomicBool::new(false), AtomicU64::new(0), AtomicU64::new(0));
        Bank { engine, clock: SystemClock::new(), stop, counted, looks }
    }

    fn count(&self, seed: u64) {
        let mut random = Random(seed);
        while !self.stop.load(Relaxed) {
            let ticket = increment(&self.engine, &counter(random.below(COUNTERS)));
            self.counted.fetch_add(1, Relaxed);
            if random.chance(10) {
                ticket.wait().unwrap();
            }
        }
    }

    fn move_about(&self, seed: u64) {
        let mut random = Random(seed);
        while !self.stop.load(Relaxed) {
            let ticket = transfer(&self.engine, &mut random);
            if random.chance(20) {
                ticket.wait().unwrap();
            }
        }
    }

    fn sum_up(&self) {
        let mut pinned = std::collections::VecDeque::new();
        while !self.stop.load(Relaxed) {
            pinned.push_back(self.engine.snapshot());
            assert_eq!(sum_of(&pinned[pinned.len() - 1]), ACCOUNTS * START_BALANCE, "a new snapshot");
            if pinned.len() > PINNED {
                let oldest = pinned.pop_front().unwrap();
                assert_eq!(sum_of(&oldest), ACCOUNTS * START_BALANCE, "a pinned snapshot");
            }
            self.looks.fetch_add(1, Relaxed);
        }
    }

    fn look(&self, seed: u64) {
        let mut random = Random(seed);
        while !self.stop.load(Relaxed) {
            let at = key(random.below(ACCOUNTS));
            let row = match self.engine.try_get(&at).unwrap() {
                Fetch::Ready(row) => row,
                Fetch::Cold => self.engine.get(&at).unwrap(),
            };
            checked_number(&row.unwrap());
            if random.chance(1) {
                let page = self.engine.page(Key::MIN, Key::MAX, Direction::Backward, 200, 1 << 30).unwrap();
                let accounts = page.rows.iter().filter(|(_, row)| row.user_key() == b"account");
                assert_eq!(accounts.map(|(_, row)| checked_number(row)).count() as u64, ACCOUNTS);
            }
        }
    }

    /// Lets the threads run until everything in the background has had work.
    fn wait(&self) -> Option<String> {
        let began = self.clock.monotonic();
        loop {
            let stats = self.engine.stats();
            let least = self.clock.monotonic() - began > Duration::from_secs(1);
            let worked = stats.flushed_bytes > 0 && stats.compaction_out_bytes > 0;
            if least && worked && stats.collected_bytes > 0 && self.looks.load(Relaxed) > 2 * PINNED as u64 {
                return None;
            }
            if self.clock.monotonic() - began > PATIENCE {
                return Some(format!("{stats:?}"));
            }
            thread::park_timeout(Duration::from_millis(20));
        }
    }
}

fn counters(engine: &Engine) -> u64 {
    let value = |number| engine.get(&counter(number)).unwrap().map_or(0, |row| first_word(row.value()));
    (0..COUNTERS).map(value).sum()
}

fn run_bank(sync: SyncMode) {
    let dir = tempfile::tempdir().unwrap();
    let bank = Bank::open(dir.path(), sync);
    let missing = thread::scope(|scope| {
        for seed in 0..COUNTING_THREADS {
            let bank = &bank;
            scope.spawn(move || bank.count(seed));
        }
        for seed in 0..MOVING_THREADS {
            let bank = &bank;
            scope.spawn(move || bank.move_about(100 + seed));
        }
        scope.spawn(|| bank.sum_up());
        scope.spawn(|| bank.look(200));
        let missing = bank.wait();
        bank.stop.store(true, Relaxed);
        missing
    });
    assert_eq!(missing, None, "{sync:?}: not all of the background has worked");
    let counted = bank.counted.load(Relaxed);
    assert_eq!(counters(&bank.engine), counted, "{sync:?}");
    assert_eq!(sum_of(&bank.engine.snapshot()), ACCOUNTS * START_BALANCE, "{sync:?}");
    bank.engine.verify().unwrap();
    bank.engine.close().unwrap();
    drop(bank);
    let engine = Engine::open(options(dir.path(), sync)).unwrap();
    assert_eq!(counters(&engine), counted, "{sync:?}, reopened");
    assert_eq!(sum_of(&engine.snapshot()), ACCOUNTS * START_BALANCE, "{sync:?}, reopened");
    println!("{sync:?}: counted {counted}");
}

#[test]
fn sums_stay_constant_and_counts_are_exact() {
    run_bank(SyncMode::Os);
}

#[test]
fn sums_stay_constant_with_every_write_synced() {
    run_bank(SyncMode::Always);
}

/// A waker that unparks a thread.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Polls all tickets whenever one wakes this thread; panics if that takes for ever.
fn await_all(tickets: Vec<Ticket>) {
    let clock = SystemClock::new();
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut left: Vec<_> = tickets.into_iter().map(Box::pin).collect();
    while !left.is_empty() {
        left.retain_mut(|ticket| match ticket.as_mut().poll(&mut context) {
            Poll::Ready(done) => {
                done.unwrap();
                false
            }
            Poll::Pending => true,
        });
        if !left.is_empty() {
            thread::park_timeout(PATIENCE);
            assert!(clock.monotonic() < PATIENCE, "{} tickets were never woken", left.len());
        }
    }
}

/// Each ticket is polled by one task only, woken by its waker alone: a lost wake-up would hold it for ever.
#[test]
fn tickets_wake_their_tasks() {
    for sync in [SyncMode::Always, SyncMode::Interval(Duration::from_millis(5)), SyncMode::Os] {
        let dir = tempfile::tempdir().unwrap();
        let engine = Engine::open(options(dir.path(), sync)).unwrap();
        let per_thread = 120;
        thread::scope(|scope| {
            for seed in 0..4 {
                let engine = &engine;
                scope.spawn(move || {
                    let mut random = Random(seed);
                    for _ in 0..per_thread {
                        let count = 1 + random.below(5);
                        let tickets = (0..count).map(|_| increment(engine, &counter(random.below(COUNTERS))));
                        let mut tickets: Vec<_> = tickets.collect();
                        // Some are dropped half-way, which must not disturb the others.
                        if random.chance(30) {
                            let mut dropped = pin!(tickets.pop().unwrap());
                            let _ = dropped.as_mut().poll(&mut Context::from_waker(Waker::noop()));
                        }
                        await_all(tickets);
                    }
                });
            }
        });
        engine.close().unwrap();
    }
}

/// What `get` has brought into memory `try_get` finds there.
#[test]
fn nothing_stays_cold() {
    let dir = tempfile::tempdir().unwrap();
    let bank = Bank::open(dir.path(), SyncMode::Os);
    bank.engine.close().unwrap();
    drop(bank);
    let engine = Engine::open(options(dir.path(), SyncMode::Os)).unwrap();
    for number in 0..ACCOUNTS {
        let ready = (0..100).any(|_| {
            engine.get(&key(number)).unwrap().unwrap();
            matches!(engine.try_get(&key(number)).unwrap(), Fetch::Ready(Some(_)))
        });
        assert!(ready, "account {number} stays cold");
        let head = engine.head(&key(number)).unwrap().unwrap();
        assert!(matches!(engine.value_of(&head).unwrap(), Fetch::Ready(_)), "value of account {number}");
    }
}

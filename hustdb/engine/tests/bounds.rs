//! What stays bounded: memory while writing and after a restart, space at rest, tombstones, open files.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "tests end at the first surprise, and tell what they saw"
)]

mod support;

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    thread,
    time::Duration,
};

use hust_engine::{
    Background, Engine, Error, Key, Meta, Options, Result, Stats, SyncMode, Ticket,
    clock::SimClock,
    row,
    vfs::{RealVfs, SimVfs, Vfs},
};
use support::Random;

const GRACE_MS: u64 = 60_000;
/// Memtables grow by up to 256 KiB at a time, each of two here; less than that is never a tenth of this.
const BUDGET_BYTES: u64 = 8 << 20;
/// Longer than the grace, and than compaction puts off a cold file with few rows to drop.
const AGES: Duration = Duration::from_secs(30 * 24 * 3600);

fn key(number: u64) -> Key {
    let mut tail = [0; 20];
    tail[..8].copy_from_slice(&Random(number).next().to_be_bytes());
    tail[8..16].copy_from_slice(&number.to_be_bytes());
    Key::new(1, tail)
}

/// Puts a row in, or a tombstone with these flags.
fn put(engine: &Engine, number: u64, flags: u8, value: &[u8]) -> Result<Ticket> {
    let now_ms = engine.options().clock.now_ms();
    let expire_ms = if flags & row::EXPIRED != 0 { now_ms - 1 } else { 0 };
    let name = number.to_be_bytes();
    let ((), ticket) = engine.update(&[key(number)], |heads, out| {
        let version = heads[0].as_ref().map_or(0, |head| head.meta().version) + 1;
        out.put(key(number), Meta { stamp: now_ms << 16, version, expire_ms, flags }, &name, value);
        Ok(())
    })?;
    Ok(ticket)
}

/// A disk and a clock of its own, sizes small enough for many segments and tables.
fn simulated() -> (SimVfs, Arc<SimClock>, Options) {
    let (vfs, clock) = (SimVfs::new(1), Arc::new(SimClock::new(1_700_000_000_000)));
    let options = Options {
        vfs: Arc::new(vfs.clone()),
        clock: clock.clone(),
        sync: SyncMode::Os,
        partition_bits: 1,
        memtable_bytes: 256 << 10,
        segment_bytes: 256 << 10,
        table_bytes: 32 << 10,
        block_bytes: 2 << 10,
        level_base_bytes: 64 << 10,
        tombstone_grace_ms: GRACE_MS,
        reserve_bytes: 0,
        background: Background::Manual,
        ..Options::new("/db")
    };
    (vfs, clock, options)
}

/// Writes; when it is refused as busy, works until it is not.
fn put_working(engine: &Engine, number: u64, flags: u8, value: &[u8]) {
    loop {
        match put(engine, number, flags, value) {
            Ok(ticket) => return ticket.wait().unwrap(),
            Err(Error::Busy(_)) => assert!(engine.work().unwrap(), "busy, yet there is no work"),
            Err(error) => panic!("{error}"),
        }
    }
}

/// Lets a lot of time pass and everything be done that is then due.
fn rest(engine: &Engine, clock: &SimClock) -> Stats {
    drop(engine.snapshot());
    for _ in 0..3 {
        clock.advance(AGES);
        while engine.work().unwrap() {}
    }
    engine.stats()
}

fn tombstones(stats: &Stats) -> u64 {
    stats.levels.iter().map(|level| level.tombstones).sum()
}

fn table_bytes(stats: &Stats) -> u64 {
    stats.levels.iter().map(|level| level.size_bytes).sum()
}

fn file_bytes(vfs: &SimVfs, below: &str) -> u64 {
    let paths = vfs.paths().into_iter().filter(|path| path.starts_with(below));
    paths.map(|path| vfs.len(&path).unwrap()).sum()
}

#[test]
fn memory_is_bounded_when_nobody_flushes() {
    let (_, _, options) = simulated();
    let budget = BUDGET_BYTES;
    let engine = Engine::open(Options { memtable_bytes: budget, ..options }).unwrap();
    for len in [0, 10, 200] {
        let value = vec![7; len];
        let refused = (0..100_000).find_map(|number| {
            let refused = put(&engine, number, 0, &value).err();
            let bytes = engine.stats().memtable_bytes;
            assert!(bytes <= budget + budget / 10, "{bytes} bytes of {budget}, values of {len}");
            refused
        });
        assert!(matches!(refused, Some(Error::Busy(_))), "{refused:?}");
        assert!(engine.stats().refused_writes.iter().any(|(_, count)| *count > 0));
        assert!(engine.get(&key(0)).unwrap().is_some(), "reads go on");
        while engine.work().unwrap() {}
        put(&engine, 0, 0, &value).unwrap();
        drop(engine.snapshot());
        while engine.work().unwrap() {}
    }
}

#[test]
fn memory_is_bounded_while_threads_write() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options {
        sync: SyncMode::Os,
        partition_bits: 1,
        memtable_bytes: BUDGET_BYTES,
        segment_bytes: 4 << 20,
        table_bytes: 256 << 10,
        level_base_bytes: 1 << 20,
        reserve_bytes: 0,
        ..Options::new(dir.path())
    };
    let budget = BUDGET_BYTES;
    let engine = Engine::open(options).unwrap();
    let worst = AtomicU64::new(0);
    thread::scope(|scope| {
        for writer in 0..3u64 {
            let (engine, worst) = (&engine, &worst);
            scope.spawn(move || {
                for number in 0..40_000 {
                    while let Err(error) = put(engine, writer << 32 | number, 0, &[3; 60]) {
                        assert!(matches!(error, Error::Busy(_)), "{error}");
                        engine.wait_writable();
                    }
                    worst.fetch_max(engine.stats().memtable_bytes, Relaxed);
                }
            });
        }
    });
    let worst = worst.load(Relaxed);
    assert!(worst <= budget + budget / 10, "{worst} bytes of {budget}");
    assert!(worst > budget / 2, "{worst} bytes of {budget}: the budget is not used");
    engine.close().unwrap();
}

/// The log holds many times more than the memtables may when it is opened again.
#[test]
fn a_restart_with_a_long_log_stays_within_the_budget() {
    let (vfs, _, small) = simulated();
    let large = Options { memtable_bytes: 64 << 20, ..small.clone() };
    let engine = Engine::open(large).unwrap();
    let rows = 20_000;
    for number in 0..rows {
        put(&engine, number, 0, &[5; 100]).unwrap().wait().unwrap();
    }
    let written = engine.stats().memtable_bytes;
    assert!(written > 8 * small.memtable_bytes, "{written} bytes in memory");
    drop(engine);
    let vfs = vfs.kill();
    let options = Options { vfs: Arc::new(vfs.clone()), ..small };
    let budget = options.memtable_bytes;
    let engine = Engine::open(options).unwrap();
    let stats = engine.stats();
    assert!(stats.memtable_bytes <= budget + budget / 10, "{} bytes of {budget}", stats.memtable_bytes);
    // Each flush on the way made one table of at most a memtable's rows.
    let flushed = stats.levels[0];
    assert!(flushed.files >= written / budget, "{flushed:?} of {written} bytes");
    assert!(flushed.size_bytes / flushed.files <= budget, "{flushed:?}");
    while engine.work().unwrap() {}
    for number in (0..rows).step_by(97) {
        assert_eq!(engine.get(&key(number)).unwrap().unwrap().value(), [5; 100]);
    }
    assert_eq!(engine.verify().unwrap().rows, rows);
    put(&engine, 0, 0, &[6]).unwrap();
}

#[test]
fn old_tombstones_leave_cold_files() {
    let (_, clock, options) = simulated();
    let engine = Engine::open(options).unwrap();
    let rows = 3_000;
    for number in 0..rows {
        put_working(&engine, number, 0, &[9; 1_000][..if number % 2 == 0 { 1_000 } else { 50 }]);
    }
    drop(engine.snapshot());
    while engine.work().unwrap() {}
    let full = engine.stats();
    // The oldest rows, which fill whole segments, but no large share of any table.
    for number in 0..rows / 4 {
        let flags = if number % 3 == 0 { row::TOMBSTONE } else { row::TOMBSTONE | row::EXPIRED };
        put_working(&engine, number, flags, &[]);
    }
    drop(engine.snapshot());
    while engine.work().unwrap() {}
    let before = engine.stats();
    assert_eq!(tombstones(&before), rows / 4, "kept for the grace");
    let after = rest(&engine, &clock);
    assert_eq!(tombstones(&after), 0, "{:?}", after.levels);
    assert!(table_bytes(&after) < table_bytes(&before));
    assert!(after.segment_bytes < full.segment_bytes);
    assert_eq!(engine.verify().unwrap().rows, rows - rows / 4);
    for number in 0..rows {
        assert_eq!(engine.get(&key(number)).unwrap().is_some(), number >= rows / 4, "row {number}");
    }
}

#[test]
fn space_comes_back() {
    let (vfs, clock, options) = simulated();
    let engine = Engine::open(options).unwrap();
    let (rows, value_bytes) = (1_500, 4_096);
    let mut random = Random(5);
    for round in 0..6 {
        for number in 0..rows {
            // The first round in order, the others at random.
            let number = if round == 0 { number } else { random.below(rows) };
            put_working(&engine, number, 0, &vec![round; value_bytes]);
            if random.chance(15) {
                engine.work().unwrap();
            }
        }
        let live = rows * value_bytes as u64;
        let disk = engine.stats().disk_bytes();
        assert!(disk <= live * 3, "{disk} bytes while overwriting {live}");
    }
    let stats = rest(&engine, &clock);
    let live = rows * (value_bytes as u64 + 8);
    assert!(stats.disk_bytes() * 100 <= live * 125, "{} bytes for {live}", stats.disk_bytes());
    let files = file_bytes(&vfs, "/db/log") + file_bytes(&vfs, "/db/table");
    assert!(files * 100 <= live * 125, "{files} bytes of files for {live}");
    assert_eq!(engine.verify().unwrap().value_bytes, rows * value_bytes as u64);

    for number in 0..rows {
        put_working(&engine, number, row::TOMBSTONE, &[]);
    }
    let stats = rest(&engine, &clock);
    assert_eq!(stats.live_value_bytes, 0);
    assert_eq!(tombstones(&stats), 0);
    let segment_bytes = u64::from(engine.options().segment_bytes);
    assert!(stats.disk_bytes() <= 2 * segment_bytes, "{} bytes for nothing", stats.disk_bytes());
    let files = file_bytes(&vfs, "/db");
    assert!(files <= 4 * segment_bytes, "{files} bytes of files for nothing");
    engine.close().unwrap();
}

#[test]
fn tables_keep_no_descriptor() {
    let dir = tempfile::tempdir().unwrap();
    let open_files = || RealVfs.list(Path::new("/proc/self/fd")).unwrap().len();
    let (_, clock, simulated) = simulated();
    let options = Options {
        dir: dir.path().into(),
        vfs: Arc::new(RealVfs),
        table_bytes: 4 << 10,
        segment_bytes: 64 << 20,
        ..simulated
    };
    let engine = Engine::open(options.clone()).unwrap();
    for number in 0..16_000 {
        put_working(&engine, number, 0, &[1; 100]);
    }
    rest(&engine, &clock);
    let files = |engine: &Engine| engine.stats().levels.iter().map(|level| level.files).sum::<u64>();
    let tables = files(&engine);
    assert!(tables > 200, "{tables} tables");
    assert!(open_files() < 60, "{} open files with {tables} tables", open_files());
    engine.close().unwrap();
    drop(engine);
    let engine = Engine::open(options).unwrap();
    assert_eq!(engine.verify().unwrap().rows, 16_000);
    assert!(open_files() < 60, "{} open files with {tables} tables, reopened", open_files());
}

#[test]
fn finished_segments_keep_no_descriptor() {
    let dir = tempfile::tempdir().unwrap();
    let open_files = || RealVfs.list(Path::new("/proc/self/fd")).unwrap().len();
    let (_, clock, simulated) = simulated();
    let options =
        Options { dir: dir.path().into(), vfs: Arc::new(RealVfs), segment_bytes: 64 << 10, ..simulated };
    let engine = Engine::open(options.clone()).unwrap();
    for number in 0..3_000 {
        put_working(&engine, number, 0, &[1; 4000]);
    }
    rest(&engine, &clock);
    let segments = engine.stats().segments;
    assert!(segments > 150, "{segments} segments");
    assert!(open_files() < 60, "{} open files with {segments} segments", open_files());
    engine.close().unwrap();
    drop(engine);
    let engine = Engine::open(options).unwrap();
    assert_eq!(engine.verify().unwrap().rows, 3_000);
    assert!(open_files() < 60, "{} open files with {segments} segments, reopened", open_files());
}

//! Times the content log on the real disk, beside a bare loop of write and fdatasync.
//!
//! `cargo run --release --config profile.release.lto=false -p hust-engine --example log_bench [folder]`

use std::{
    error::Error,
    io::{self, Write},
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::Duration,
};

use hust_engine::{
    Background, Key, Meta, SyncMode,
    clock::{Clock, SystemClock},
    log::{Entry, EntryValue, Log, LogOptions, Pointers, RecoverFrom},
    vfs::{RealVfs, Vfs},
};

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// Values up to this length stand in the record's body.
const INLINE_MAX: usize = 512;

fn open(dir: &Path, sync: SyncMode) -> Outcome<Log> {
    let options = LogOptions { sync, background: Background::Threads, ..LogOptions::new(dir) };
    let clock = Arc::new(SystemClock::new());
    Ok(Log::open(options, Arc::new(RealVfs), clock, &RecoverFrom::default(), &mut |_, _| Ok(()))?)
}

/// Appends one row; answers the end of its record.
fn append(log: &Log, n: u64, value: &[u8]) -> Outcome<u64> {
    let raw_len = value.len() as u32;
    let value = if value.len() > INLINE_MAX {
        EntryValue::Large { bytes: value, raw_len }
    } else {
        EntryValue::Inline(value)
    };
    let meta = Meta { stamp: n << 16, version: 1, ..Meta::default() };
    let key = Key([1 << 32, n.wrapping_mul(0x9E37_79B9_7F4A_7C15), 0]);
    let name = n.to_be_bytes();
    let entry = Entry { key, meta, user_key: &name, value, kill: None, tallies: &[] };
    Ok(log.append(&[entry], &mut Pointers::new())?.end)
}

/// Time for `each` appends on each of `threads` threads, each of which waits after `group` appends.
fn run(log: &Log, threads: u64, each: u64, group: u64, value: &[u8]) -> Outcome<Duration> {
    let clock = SystemClock::new();
    thread::scope(|scope| -> Outcome<()> {
        let writer = |first: u64| {
            move || -> Outcome<()> {
                for n in 1..=each {
                    let end = append(log, first + n, value)?;
                    if n % group == 0 {
                        log.ticket(end).wait()?;
                    }
                }
                Ok(())
            }
        };
        let writers: Vec<_> = (0..threads).map(|thread| scope.spawn(writer(thread << 32))).collect();
        for writer in writers {
            writer.join().map_err(|_| "a writer panicked")??;
        }
        Ok(())
    })?;
    Ok(clock.monotonic())
}

fn bare(dir: &Path, count: u64, value: &[u8]) -> Outcome<Duration> {
    let path = dir.join("bare");
    let file = RealVfs.create(&path)?;
    let clock = SystemClock::new();
    for n in 0..count {
        file.write_all_at(value, n * value.len() as u64)?;
        file.sync_data()?;
    }
    let took = clock.monotonic();
    RealVfs.remove(&path)?;
    Ok(took)
}

fn fresh(root: &Path, name: &str) -> Outcome<PathBuf> {
    let dir = root.join(name);
    RealVfs.create_dir_all(&dir)?;
    Ok(dir)
}

fn clear(dir: &Path) -> Outcome<()> {
    for name in RealVfs.list(dir)? {
        RealVfs.remove(&dir.join(name))?;
    }
    Ok(())
}

fn main() -> Outcome<()> {
    let root =
        std::env::args_os().nth(1).map_or_else(std::env::temp_dir, PathBuf::from).join("hust-log-bench");
    let dir = fresh(&root, "log")?;
    let mut out = io::stdout().lock();
    for (bytes, count) in [(100, 1_000_000u64), (4096, 100_000)] {
        let value = vec![7; bytes];
        for (group, what) in [(1, "wait() after each"), (100, "wait() after 100")] {
            let log = open(&dir, SyncMode::Os)?;
            let took = run(&log, 1, count, group, &value)?;
            log.close()?;
            drop(log);
            clear(&dir)?;
            writeln!(out, "os, {bytes} B, {what}: {} ns an append", took.as_nanos() as u64 / count)?;
        }
    }
    let value = vec![7; 1024];
    let took = bare(&root, 2000, &value)?;
    writeln!(out, "bare write + fdatasync, 1 KiB: {} us", took.as_micros() as u64 / 2000)?;
    for threads in [1, 16, 64] {
        let each = 6400 / threads;
        let log = open(&dir, SyncMode::Always)?;
        let took = run(&log, threads, each, 1, &value)?;
        let (count, stats) = (threads * each, log.stats());
        log.close()?;
        drop(log);
        clear(&dir)?;
        let micros = took.as_micros() as u64 / count;
        writeln!(
            out,
            "always, 1 KiB, {threads} writers: {micros} us an append, {} syncs for {count}",
            stats.syncs
        )?;
    }
    Ok(())
}

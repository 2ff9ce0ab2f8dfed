//! The tasks themselves. Every read checks that the value is the one written for its row; a wrong or missing value
//! is a failure, not a figure.

use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

use hdrhistogram::Histogram;

use super::Shared;
use crate::{
    store::{Failure, Store},
    task::{Ask, Other, Told},
    workload::{Choice, Rng, Values, is_value_of, key},
};

/// Operations between two looks at the clock.
const BURST: u64 = 64;

/// Does what `ask` says; [`Ask::Close`] is the caller's.
pub fn run(store: &Shared, ask: &Ask, seed: u64) -> Result<Told, Failure> {
    let store = store.as_ref();
    match *ask {
        Ask::Fill { from, to, value_bytes } => write(store, seed, value_bytes, from..to),
        Ask::Overwrite { rows, value_bytes, count } => {
            let mut rng = Rng::new(seed ^ 0x0E);
            write(store, seed, value_bytes, (0..count).map(move |_| rng.below(rows)))
        }
        Ask::Read { rows, value_bytes, threads, seconds, zipf } => {
            let choice = if zipf { Choice::zipf(rows) } else { Choice::Uniform(rows) };
            read(store, seed, &choice, value_bytes, threads, seconds)
        }
        Ask::ReadAbsent { seconds } => read_absent(store, seed, seconds),
        Ask::SyncedInsert { from, value_bytes, writers, seconds } => {
            synced_insert(store, seed, from, value_bytes, writers, seconds)
        }
        Ask::ReadWhile { rows, value_bytes, seconds, other } => {
            read_while(store, seed, rows, value_bytes, seconds, other)
        }
        Ask::Probe { row, value_bytes } => {
            read_row(store, seed, row, value_bytes)?;
            Ok(Told { ops: 1, ..Told::default() })
        }
        Ask::Settle => {
            store.settle()?;
            Ok(Told::default())
        }
        Ask::Close => Err("closing is not a task".into()),
    }
}

fn write(
    store: &dyn Store,
    seed: u64,
    value_bytes: usize,
    rows: impl Iterator<Item = u64>,
) -> Result<Told, Failure> {
    let mut values = Values::new(seed);
    let start = Instant::now();
    let mut ops = 0;
    for row in rows {
        store.put(&key(seed, row), values.next(row, value_bytes))?;
        ops += 1;
    }
    Ok(Told { ops, seconds: start.elapsed().as_secs_f64(), ..Told::default() })
}

fn read_row(store: &dyn Store, seed: u64, row: u64, value_bytes: usize) -> Result<(), Failure> {
    let mut right = false;
    let found = store.get(&key(seed, row), &mut |value| right = is_value_of(row, value_bytes, value))?;
    match (found, right) {
        (true, true) => Ok(()),
        (true, false) => Err(format!("row {row} has the value of another").into()),
        (false, _) => Err(format!("row {row} is missing").into()),
    }
}

fn read(
    store: &dyn Store,
    seed: u64,
    choice: &Choice,
    value_bytes: usize,
    threads: usize,
    seconds: f64,
) -> Result<Told, Failure> {
    let start = Instant::now();
    let ops = on_threads(threads, |thread| {
        let mut rng = Rng::new(seed ^ (0x5EAD + thread));
        let mut ops = 0;
        while start.elapsed().as_secs_f64() < seconds {
            for _ in 0..BURST {
                read_row(store, seed, choice.next(&mut rng), value_bytes)?;
            }
            ops += BURST;
        }
        Ok(ops)
    })?;
    Ok(Told { ops, seconds: start.elapsed().as_secs_f64(), ..Told::default() })
}

fn read_absent(store: &dyn Store, seed: u64, seconds: f64) -> Result<Told, Failure> {
    let mut rng = Rng::new(seed ^ 0xAB);
    let start = Instant::now();
    let mut ops = 0;
    while start.elapsed().as_secs_f64() < seconds {
        for _ in 0..BURST {
            // Another seed: 128 random bits that are no row's key.
            if store.get(&key(!seed, rng.next()), &mut |_| {})? {
                return Err("a key that was never written was found".into());
            }
        }
        ops += BURST;
    }
    Ok(Told { ops, seconds: start.elapsed().as_secs_f64(), ..Told::default() })
}

fn synced_insert(
    store: &dyn Store,
    seed: u64,
    from: u64,
    value_bytes: usize,
    writers: usize,
    seconds: f64,
) -> Result<Told, Failure> {
    let next = AtomicU64::new(from);
    let start = Instant::now();
    let ops = on_threads(writers, |writer| {
        let mut values = Values::new(seed ^ writer);
        let mut ops = 0;
        while start.elapsed().as_secs_f64() < seconds {
            let row = next.fetch_add(1, Ordering::Relaxed);
            store.put_synced(&key(seed, row), values.next(row, value_bytes))?;
            ops += 1;
        }
        Ok(ops)
    })?;
    Ok(Told { ops, seconds: start.elapsed().as_secs_f64(), ..Told::default() })
}

fn read_while(
    store: &dyn Store,
    seed: u64,
    rows: u64,
    value_bytes: usize,
    seconds: f64,
    other: Other,
) -> Result<Told, Failure> {
    let (stop, counts) = (AtomicBool::new(false), AtomicBool::new(other == Other::Overwrite));
    let start = Instant::now();
    let end = start + Duration::from_secs_f64(seconds);
    let work = || match other {
        Other::Overwrite => overwrite_until(store, seed, rows, value_bytes, &stop),
        Other::Compact => compact_until(store, seed, rows, value_bytes, &stop, &counts),
    };
    let (latencies_ns, other_ops) = thread::scope(|scope| -> Result<_, Failure> {
        let writer = thread::Builder::new().name("other".into()).spawn_scoped(scope, work)?;
        let read = timed_reads(store, seed, rows, value_bytes, &counts, || {
            Instant::now() >= end || writer.is_finished()
        });
        stop.store(true, Ordering::Relaxed);
        let other_ops = writer.join().map_err(|_| "the other thread panicked")??;
        Ok((read?, other_ops))
    })?;
    Ok(Told {
        ops: latencies_ns.len(),
        other_ops,
        seconds: start.elapsed().as_secs_f64(),
        p50_ns: latencies_ns.value_at_quantile(0.5),
        p999_ns: latencies_ns.value_at_quantile(0.999),
        ..Told::default()
    })
}

fn timed_reads(
    store: &dyn Store,
    seed: u64,
    rows: u64,
    value_bytes: usize,
    counts: &AtomicBool,
    done: impl Fn() -> bool,
) -> Result<Histogram<u64>, Failure> {
    let mut rng = Rng::new(seed ^ 0x71);
    let mut latencies_ns = Histogram::<u64>::new_with_bounds(1, 60_000_000_000, 3)?;
    while !done() {
        let mut before = Instant::now();
        for _ in 0..BURST {
            read_row(store, seed, rng.below(rows), value_bytes)?;
            let after = Instant::now();
            if counts.load(Ordering::Relaxed) {
                latencies_ns.saturating_record((after - before).as_nanos() as u64);
            }
            before = after;
        }
    }
    Ok(latencies_ns)
}

fn overwrite_until(
    store: &dyn Store,
    seed: u64,
    rows: u64,
    value_bytes: usize,
    stop: &AtomicBool,
) -> Result<u64, Failure> {
    let mut rng = Rng::new(seed ^ 0x0F);
    let mut values = Values::new(seed);
    let mut ops = 0;
    while !stop.load(Ordering::Relaxed) {
        let row = rng.below(rows);
        store.put(&key(seed, row), values.next(row, value_bytes))?;
        ops += 1;
    }
    Ok(ops)
}

fn compact_until(
    store: &dyn Store,
    seed: u64,
    rows: u64,
    value_bytes: usize,
    stop: &AtomicBool,
    counts: &AtomicBool,
) -> Result<u64, Failure> {
    let mut rng = Rng::new(seed ^ 0xC0);
    let mut ops = 0;
    while !stop.load(Ordering::Relaxed) {
        ops += write(store, seed, value_bytes, (0..rows / 10).map(|_| rng.below(rows)))?.ops;
        counts.store(true, Ordering::Relaxed);
        store.compact()?;
        counts.store(false, Ordering::Relaxed);
    }
    Ok(ops)
}

/// Runs `work` on `threads` threads and adds up what they count.
fn on_threads(threads: usize, work: impl Fn(u64) -> Result<u64, Failure> + Sync) -> Result<u64, Failure> {
    thread::scope(|scope| {
        let work = &work;
        let started: Vec<_> = (0..threads as u64)
            .map(|n| thread::Builder::new().name(format!("load-{n}")).spawn_scoped(scope, move || work(n)))
            .collect();
        let mut total = 0;
        for thread in started {
            total += thread?.join().map_err(|_| "a load thread panicked")??;
        }
        Ok(total)
    })
}

#[cfg(test)]
mod tests;

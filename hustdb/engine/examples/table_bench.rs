//! Nanoseconds a get costs in one table:
//! `cargo run --release -p hust-engine --example table_bench -- [ROWS [BLOCK_BYTES]]`.
//!
//! Rows are 16-byte user keys with 100-byte values under random keys, all in memory; then the same rows as ten fields
//! each of small hashes with numbers as far apart as those of a million. A hit compares the user key and
//! reads the ends of the value, as a caller would. Beside it stands what one dependent read of a random byte of the same
//! file costs, the unit that hits are made of. Times are processor time where the kernel tells it, so that a busy
//! machine disturbs them less.

#![allow(clippy::print_stdout, reason = "this is a program")]
#![allow(clippy::disallowed_methods, reason = "measures time")]

use std::{env, error::Error, hint::black_box, sync::Arc, time::Instant};

use hust_engine::{
    Cold, Key, Meta, RowRef, Value,
    table::{BlockCache, Find, Table, TableBuilder, TableOptions},
    vfs::{RealVfs, Vfs},
};

const GETS: u64 = 1_000_000;
const ROUNDS: u64 = 5;

fn mix(number: u64) -> u64 {
    let number = (number ^ number >> 31).wrapping_mul(0x7FB5_D329_728E_A185);
    let number = (number ^ number >> 27).wrapping_mul(0x81DA_DEF4_BC2D_D44D);
    number ^ number >> 33
}

/// How rows lie in the table.
#[derive(Clone, Copy, Debug)]
enum Layout {
    /// By their hash alone.
    Plain,
    /// By the number of their hash table, then by their hash.
    SmallTables,
}

/// The user key and row key of row `number`.
fn row(layout: Layout, number: u64) -> ([u8; 16], Key) {
    let mut user_key = [0; 16];
    user_key[..8].copy_from_slice(&mix(number).to_be_bytes());
    user_key[8..].copy_from_slice(&number.to_be_bytes());
    let mut md5 = [0; 16];
    md5[..8].copy_from_slice(&mix(number ^ 0x5555).to_be_bytes());
    md5[8..].copy_from_slice(&mix(number ^ 0xAAAA_0000).to_be_bytes());
    let table = match layout {
        Layout::Plain => 1,
        Layout::SmallTables => 0x1000_0000 + (number / 10 % 1_000_000) as u32 * 268,
    };
    (user_key, Key::hashed(table, md5))
}

fn build(
    layout: Layout,
    rows: u64,
    block_bytes: usize,
    compress: bool,
) -> Result<(Arc<Table>, tempfile::TempDir), Box<dyn Error>> {
    let dir = tempfile::TempDir::new()?;
    let path = dir.path().join("table");
    let file = RealVfs.create(&path)?;
    let mut keys: Vec<(Key, u64)> = (0..rows).map(|number| (row(layout, number).1, number)).collect();
    keys.sort_unstable();
    let options = TableOptions { block_bytes, compress, ..TableOptions::default() };
    let begin = Instant::now();
    let mut builder = TableBuilder::new(file.clone(), path.clone(), 1, options);
    for &(key, number) in &keys {
        let meta = Meta { stamp: (1_700_000_000_000 + number / 200) << 16, version: 1, ..Meta::default() };
        let mut value = [0; 100];
        for (at, chunk) in value.chunks_mut(8).enumerate() {
            chunk.copy_from_slice(&mix(number + at as u64 / 3).to_be_bytes()[..chunk.len()]);
        }
        builder.add(key, &RowRef { meta, user_key: &row(layout, number).0, value: Value::Inline(&value) })?;
    }
    let meta = builder.finish()?;
    let built = begin.elapsed();
    let begin = Instant::now();
    let table = Table::open(&*file, path, &meta, Arc::new(BlockCache::new(256 << 20)))?;
    println!(
        "{rows} rows, {layout:?}, compress {compress}: built in {built:.2?}, opened in {:.2?}, {} B on disk and {:.2} B in memory a row",
        begin.elapsed(),
        meta.size_bytes / rows,
        table.memory_bytes() as f64 / rows as f64
    );
    let begin = Instant::now();
    table.verify()?;
    println!("  verify {:.2?}", begin.elapsed());
    Ok((table, dir))
}

fn get(table: &Table, layout: Layout, number: u64) -> Result<bool, Box<dyn Error>> {
    let (user_key, key) = row(layout, number);
    match table.get(&key, key.filter_hash(), Cold::Read)? {
        Find::Row(found) => {
            black_box(found.user_key().last());
            Ok(found.user_key() == user_key)
        }
        _ => Ok(false),
    }
}

/// Processor time of this thread in nanoseconds; wall time where the kernel does not say.
fn cpu_ns(start: Instant) -> u64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let cpu_ns = stat.split(' ').next().and_then(|field| field.parse().ok());
    cpu_ns.unwrap_or_else(|| start.elapsed().as_nanos() as u64)
}

/// The best of some rounds, less what making up the keys costs.
fn measure(
    what: &str,
    hits: u64,
    mut run: impl FnMut(u64) -> Result<bool, Box<dyn Error>>,
    pick: impl Fn(u64) -> u64,
) -> Result<(), Box<dyn Error>> {
    let mut best = f64::MAX;
    let start = Instant::now();
    for round in 0..ROUNDS {
        let begin = cpu_ns(start);
        for number in 0..GETS {
            black_box(row(Layout::Plain, pick(round * GETS + number)));
        }
        let overhead = cpu_ns(start) - begin;
        let begin = cpu_ns(start);
        let mut found = 0;
        for number in 0..GETS {
            found += u64::from(run(pick(round * GETS + number))?);
        }
        let spent = (cpu_ns(start) - begin).saturating_sub(overhead);
        if found != hits {
            return Err(format!("{what}: {found} found").into());
        }
        best = best.min(spent as f64 / GETS as f64);
    }
    println!("  {what}: {best:.0} ns");
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let rows = env::args().nth(1).map_or(Ok(1_000_000), |rows| rows.parse())?;
    let block_bytes = env::args().nth(2).map_or(Ok(16 << 10), |bytes| bytes.parse())?;
    for (layout, compress) in [(Layout::Plain, false), (Layout::Plain, true), (Layout::SmallTables, false)] {
        let (table, dir) = build(layout, rows, block_bytes, compress)?;
        for number in 0..rows {
            get(&table, layout, number)?;
        }
        measure("hit", GETS, |number| get(&table, layout, number), |number| mix(number) % rows)?;
        let map = RealVfs.open(&dir.path().join("table"))?.map(table.meta().size_bytes)?;
        let bytes = map.bytes();
        bytes.chunks(4096).for_each(|page| _ = black_box(page[0]));
        let mut last = 0;
        let touch = |number: u64| {
            last = black_box(bytes[(mix(number + u64::from(last)) % bytes.len() as u64) as usize]);
            Ok(true)
        };
        measure("one random byte", GETS, touch, |number| number)?;
        measure("absent", 0, |number| get(&table, layout, number), |number| rows + mix(number) % (1 << 40))?;
        let start = Instant::now();
        let begin = cpu_ns(start);
        let mut cursor = table.cursor();
        cursor.seek_first()?;
        while cursor.valid() {
            black_box(cursor.row()?);
            cursor.next()?;
        }
        println!("  cursor: {:.0} ns a row", (cpu_ns(start) - begin) as f64 / rows as f64);
    }
    Ok(())
}

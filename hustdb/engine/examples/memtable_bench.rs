//! Measures memtable insert, get and walk, and merges of several memtables.
#![allow(clippy::print_stdout, reason = "it is its purpose")]

use std::{hint::black_box, sync::Arc};

use hust_engine::{
    Key, Meta, RowRef, Value,
    clock::{Clock, SystemClock},
    compaction::{Direction, Merge, RowCursor, simulate::Random},
    memtable::Memtable,
};

const ROWS: u64 = 100_000;
const ROUNDS: usize = 7;

/// Median nanoseconds an operation; `run` answers how many it did.
fn median_ns(clock: &SystemClock, mut run: impl FnMut() -> u64) -> f64 {
    let mut figures: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let start = clock.monotonic();
            let count = run();
            (clock.monotonic() - start).as_nanos() as f64 / count as f64
        })
        .collect();
    figures.sort_by(f64::total_cmp);
    figures[ROUNDS / 2]
}

fn fill(memtable: &Memtable, keys: &[Key]) {
    let value = [7; 100];
    for (i, key) in keys.iter().enumerate() {
        let user_key = (i as u128).to_le_bytes();
        let meta = Meta { stamp: 1, version: i as u64, ..Meta::default() };
        memtable.insert(*key, &RowRef { meta, user_key: &user_key, value: Value::Inline(&value) });
    }
}

fn walk(mut rows: impl RowCursor) -> u64 {
    let mut count = 0;
    while let Some(key) = rows.key() {
        black_box((key, rows.row().map(|row| row.meta.version).ok()));
        count += 1;
        if rows.advance().is_err() {
            break;
        }
    }
    count
}

fn main() {
    let clock = SystemClock::new();
    let mut random = Random::new(1);
    let mut md5 = move || {
        let (a, b) = (random.next_u64(), random.next_u64());
        (u128::from(a) << 64 | u128::from(b)).to_be_bytes()
    };
    let keys: Vec<Key> = (0..ROWS).map(|_| Key::hashed(1, md5())).collect();
    let absent: Vec<Key> = (0..ROWS).map(|_| Key::hashed(1, md5())).collect();
    let ascending: Vec<Key> = (0..ROWS).map(|i| Key([1 << 63, 0, i])).collect();

    println!("{ROWS} rows of 100 B with 16 B user keys, ns an operation");
    for (name, keys) in [("random", &keys), ("ascending", &ascending)] {
        let memtable = Arc::new(Memtable::new());
        let insert = median_ns(&clock, || {
            fill(&Memtable::new(), keys);
            ROWS
        });
        fill(&memtable, keys);
        let overwrite = median_ns(&clock, || {
            fill(&memtable, keys);
            ROWS
        });
        let get =
            median_ns(&clock, || keys.iter().filter_map(|key| black_box(memtable.get(key))).count() as u64);
        let with = median_ns(&clock, || {
            keys.iter().filter_map(|key| memtable.with(key, |row| black_box(row.meta.version))).count() as u64
        });
        let miss = median_ns(&clock, || {
            absent.iter().filter(|key| black_box(memtable.get(key)).is_none()).count() as u64
        });
        let a_row = memtable.memory_bytes() as u64 / ROWS;
        let frozen = memtable.freeze();
        let next = median_ns(&clock, || walk(frozen.cursor(Direction::Forward)));
        println!(
            "{name:9} insert {insert:.0}  overwrite {overwrite:.0}  get {get:.0}  with {with:.0}  miss {miss:.0}  \
             next {next:.1}  bytes/row {a_row}"
        );
    }

    for sources in [2, 4, 8, 12] {
        let frozen: Vec<_> = (0..sources)
            .map(|source| {
                let memtable = Arc::new(Memtable::new());
                let own: Vec<Key> = keys.iter().skip(source).step_by(sources).copied().collect();
                fill(&memtable, &own);
                memtable.freeze()
            })
            .collect();
        let row = median_ns(&clock, || {
            let cursors = frozen.iter().map(|memtable| memtable.cursor(Direction::Forward)).collect();
            walk(Merge::new(cursors, Direction::Forward))
        });
        println!("merge of {sources:2} {row:.1} ns a row");
    }
}

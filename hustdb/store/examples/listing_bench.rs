//! How many rows a second listings show, inside the store: pages of 1000 fields of a hash with their values, while the
//! rows are in the memtable, and from tables; then walks by cursor over all, and over a file with 8000 more tables. Times
//! are processor time where the kernel tells it, so that a busy machine disturbs them less.
//!
//! `cargo run --release -p hust-store --example listing_bench [FIELDS] [VALUE_BYTES]`

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a program for the developer")]

use std::hint::black_box;

use hust_engine::{
    SyncMode,
    clock::{Clock, SystemClock},
};
use hust_store::{
    Change, ExportOf, ExportRequest, Kind, ListOf, ListRequest, ListedValue, Member, Start, Store,
    StoreOptions, TaskStatus, Terms,
};

const PAGES: usize = 2000;
/// Hashes of 8 fields, one in each file.
const SMALL_TABLES: usize = 8000;

fn open(dir: &std::path::Path) -> Store {
    let engine = hust_engine::Options {
        sync: SyncMode::Os,
        memtable_bytes: 1 << 30,
        memory_bytes: 0,
        idle_flush_ms: u64::MAX,
        ..hust_engine::Options::new(dir)
    };
    let options = StoreOptions { sweep_interval: None, export_thread: false, ..StoreOptions::new(engine) };
    Store::open(options).unwrap()
}

const HASH: ListOf<'_> = ListOf::Table { kind: Kind::Hash, name: b"h" };

/// Shows a page; gives its rows and the token of the next.
fn page(store: &Store, of: ListOf<'_>, start: Start<'_>, size: usize) -> (usize, Option<String>) {
    let request = ListRequest { of, slots: 0..1024, start, size, values: true };
    let mut bytes = 0;
    let listing = store.list(&request, &mut |row| {
        bytes += row.key.len();
        if let ListedValue::Bytes(value) = row.value {
            bytes += black_box(value).len();
        }
        Ok(())
    });
    black_box(bytes);
    let listing = listing.unwrap();
    (listing.rows, listing.cursor)
}

/// Processor time of this thread, ns.
fn cpu_ns(clock: &SystemClock) -> u64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let cpu_ns = stat.split(' ').next().and_then(|field| field.parse().ok());
    cpu_ns.unwrap_or_else(|| clock.monotonic().as_nanos() as u64)
}

fn report(what: &str, rows: usize, took_ns: u64) {
    let per_second = rows as f64 / took_ns.max(1) as f64 * 1e3;
    println!("{what:<44} {rows:>9} rows {per_second:>8.2} M rows/s");
}

fn measure(store: &Store, clock: &SystemClock, what: &str, fields: usize) {
    for round in 0..3 {
        let begin = cpu_ns(clock);
        let rows: usize = (0..PAGES).map(|_| page(store, HASH, Start::Offset(0), 1000).0).sum();
        report(&format!("{what}: first page, round {round}"), rows, cpu_ns(clock) - begin);
    }
    let begin = cpu_ns(clock);
    assert_eq!(walk(store, HASH), fields);
    report(&format!("{what}: walk by cursor"), fields, cpu_ns(clock) - begin);
    let begin = cpu_ns(clock);
    let rows = walk(store, ListOf::File(0));
    report(&format!("{what}: walk over a file of small tables"), rows, cpu_ns(clock) - begin);
}

/// Follows cursors to the end; gives the number of rows.
fn walk(store: &Store, of: ListOf<'_>) -> usize {
    let (mut token, mut rows) = (String::new(), 0);
    loop {
        let (shown, next) = page(store, of, Start::Cursor(token.as_bytes()), 1000);
        rows += shown;
        match next {
            Some(next) => token = next,
            None => return rows,
        }
    }
}

fn main() {
    let number =
        |at: usize, default: usize| std::env::args().nth(at).map_or(default, |text| text.parse().unwrap());
    let (fields, value_bytes) = (number(1, 200_000), number(2, 32));
    let dir = tempfile::tempdir().unwrap();
    let clock = SystemClock::new();
    let value = vec![7; value_bytes];
    let store = open(dir.path());
    let set = |table: &str, field: usize| {
        let key = format!("field_{field}");
        let member = Member { kind: Kind::Hash, table: table.as_bytes(), key: key.as_bytes() };
        store.members().write(&member, Change::Put(&value), Terms::PLAIN).unwrap();
    };
    (0..fields).for_each(|field| set("h", field));
    for table in 0..SMALL_TABLES {
        (0..8).for_each(|field| set(&format!("small{table}"), field * SMALL_TABLES + table));
    }
    measure(&store, &clock, "memtable", fields);
    let request = ExportRequest {
        of: ExportOf::Table(b"h"),
        slots: 0..1024,
        values: true,
        offset: 0,
        size: 0,
        cover: true,
    };
    let begin = cpu_ns(&clock);
    let token = store.export(&request).unwrap();
    assert!(store.run_export() && store.export_status(token) == TaskStatus::Done);
    report("export", fields, cpu_ns(&clock) - begin);
    store.close().unwrap();
    drop(store);
    measure(&open(dir.path()), &clock, "tables", fields);
}

//! Tests of the log as a whole, and what they share: numbered rows whose contents follow from their number.

mod codec;
mod crash;
mod damage;
mod durability;
mod values;

use std::{path::PathBuf, sync::Arc};

use super::*;
use crate::{
    Key, Meta, SyncMode, Value,
    clock::SystemClock,
    vfs::{SimVfs, Vfs},
};

/// Rows are stored large from this length on.
const INLINE_MAX: usize = 300;

/// The value of row `n`: of very different lengths, and different bytes.
fn value(n: u64) -> Vec<u8> {
    let len = [5, 120, 700, 0, 2500, 301, 60][n as usize % 7] + n as usize % 13;
    (0..len).map(|i| (n.wrapping_mul(31).wrapping_add(i as u64 * 7) >> (i % 3)) as u8).collect()
}

fn key(n: u64) -> Key {
    Key([7 << 32, n, 0])
}

fn tallies(n: u64) -> Vec<Tally> {
    (0..n % 3).map(|i| Tally { slot: (n + i) as u16, lane: i as u8, delta: n as i64 - 40 }).collect()
}

fn kill(n: u64) -> Option<Kill> {
    n.is_multiple_of(4).then_some(Kill { segment: n as u32, len: 9 })
}

fn meta(n: u64) -> Meta {
    Meta { stamp: n << 16, version: n, expire_ms: n % 2 * 5000, flags: n as u8 & 0xF0 }
}

/// Appends a batch of rows as one record.
fn append(log: &Log, rows: &[u64]) -> Result<(Appended, Pointers)> {
    let values: Vec<_> = rows.iter().map(|n| value(*n)).collect();
    let tallies: Vec<_> = rows.iter().map(|n| tallies(*n)).collect();
    let names: Vec<_> = rows.iter().map(|n| n.to_string()).collect();
    let entry = |i: usize| Entry {
        key: key(rows[i]),
        meta: meta(rows[i]),
        user_key: names[i].as_bytes(),
        value: match values[i].len() {
            len if len >= INLINE_MAX => EntryValue::Large { bytes: &values[i], raw_len: len as u32 },
            _ => EntryValue::Inline(&values[i]),
        },
        kill: kill(rows[i]),
        tallies: &tallies[i],
    };
    let entries: Vec<_> = (0..rows.len()).map(entry).collect();
    let mut pointers = Pointers::new();
    let appended = log.append(&entries, &mut pointers)?;
    Ok((appended, pointers))
}

/// What replay showed of a row.
#[derive(Clone, Debug, PartialEq)]
struct Seen {
    n: u64,
    position: u64,
    pointer: Option<Pointer>,
}

/// Takes an entry for granted only if all of it is as it was appended.
fn see(position: u64, entry: &DecodedEntry<'_>) -> Seen {
    let n = entry.key.0[1];
    assert_eq!(entry.key, key(n));
    assert_eq!(entry.meta, meta(n));
    assert_eq!(entry.user_key, n.to_string().as_bytes());
    assert_eq!(entry.kill, kill(n));
    assert_eq!(entry.tallies, tallies(n));
    let pointer = match entry.value {
        Value::Inline(bytes) => {
            assert_eq!(bytes, value(n));
            None
        }
        Value::Stored(pointer) => Some(pointer),
    };
    Seen { n, position, pointer }
}

fn dir() -> PathBuf {
    PathBuf::from("/db/log")
}

/// Small segments, so that a test sees many.
fn options(sync: SyncMode, background: Background) -> LogOptions {
    LogOptions {
        segment_bytes: 8 << 10,
        buffer_bytes: 6 << 10,
        allocate_bytes: 2 << 10,
        reserve_bytes: 0,
        sync,
        background,
        ..LogOptions::new(dir())
    }
}

fn open_with(vfs: Arc<dyn Vfs>, options: LogOptions, from: &RecoverFrom) -> Result<(Log, Vec<Seen>)> {
    let mut seen = Vec::new();
    let mut visit = |position, entry: &DecodedEntry<'_>| {
        seen.push(see(position, entry));
        Ok(())
    };
    let log = Log::open(options, vfs, Arc::new(SystemClock::new()), from, &mut visit)?;
    Ok((log, seen))
}

/// Opens on one thread in mode `always`, replaying everything.
fn open(vfs: &SimVfs) -> Result<(Log, Vec<Seen>)> {
    let vfs = Arc::new(vfs.clone());
    open_with(vfs, options(SyncMode::Always, Background::Manual), &RecoverFrom::default())
}

/// Reads what replay showed.
fn check_values(log: &Log, seen: &[Seen]) {
    for row in seen {
        if let Some(pointer) = row.pointer {
            let ValueRead::Ready(bytes) = log.read(pointer, Cold::Read).unwrap() else {
                panic!("row {}", row.n)
            };
            assert_eq!(*bytes, *value(row.n), "row {}", row.n);
        }
    }
}

fn numbers(seen: &[Seen]) -> Vec<u64> {
    seen.iter().map(|row| row.n).collect()
}

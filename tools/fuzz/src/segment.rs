//! A log folder with one hostile segment: recovery, reads of all values, scans, and recovery of what recovery left.
//!
//! The folder has two hot segments and a cold one; mode bits 1-2 say which of them the input is, bit 3 that all of the
//! log is known to have been durable, bit 4 that the first segment need not be replayed.

use std::sync::{Arc, OnceLock};

use hust_engine::{
    Background, Cold, Key, Meta, Pointer, Result, SyncMode, Value,
    clock::SimClock,
    log::{Entry, EntryValue, Log, LogOptions, RecoverFrom, Tally, ValueRead, position},
    vfs::SimVfs,
};

use crate::{
    MEND, Random, set_u32, u32_at, u64_at,
    world::{Files, disk, files_of},
};

const RECORD_MAGIC: &[u8; 4] = b"\xB7re\xC1";
const COLD_MAGIC: &[u8; 4] = b"\xB7co\xC1";
const SALT: u64 = 0x0123_4567_89AB_CDEF;

/// What a replay hands out of an entry: position, key, stamp, user key, inline value or pointer.
type Seen = (u64, Key, u64, Vec<u8>, std::result::Result<Vec<u8>, Pointer>);

/// The undamaged folder and what is in it.
struct Template {
    files: Files,
    end: u64,
    seen: Vec<Seen>,
    values: Vec<(Pointer, Vec<u8>)>,
}

fn options() -> LogOptions {
    LogOptions {
        segment_bytes: 8192,
        allocate_bytes: 4096,
        reserve_bytes: 0,
        sync: SyncMode::Os,
        background: Background::Manual,
        ..LogOptions::new("/log")
    }
}

fn open(vfs: &Arc<SimVfs>, from: &RecoverFrom) -> Result<(Log, Vec<Seen>)> {
    let mut seen = Vec::new();
    let log = Log::open(options(), vfs.clone(), Arc::new(SimClock::new(1000)), from, &mut |at, entry| {
        let value = match entry.value {
            Value::Inline(bytes) => Ok(bytes.to_vec()),
            Value::Stored(pointer) => Err(pointer),
        };
        seen.push((at, entry.key, entry.meta.stamp, entry.user_key.to_vec(), value));
        Ok(())
    })?;
    Ok((log, seen))
}

fn template() -> &'static Template {
    static TEMPLATE: OnceLock<Template> = OnceLock::new();
    TEMPLATE.get_or_init(|| make().expect("a log in memory"))
}

fn make() -> Result<Template> {
    let vfs = disk(&Files::new());
    let (log, _) = open(&vfs, &RecoverFrom::default())?;
    let mut random = Random::new(3);
    let mut pointers = Default::default();
    let mut values = Vec::new();
    let mut cold = log.cold_writer();
    let moved = cold.append(Key::hashed(1, [7; 16]), &[b'c'; 700], 700)?;
    cold.append(Key::hashed(1, [8; 16]), &[b'd'; 300], 300)?;
    cold.finish()?;
    values.push((moved, vec![b'c'; 700]));
    let tallies = [Tally { slot: 3, lane: 1, delta: -5 }, Tally { slot: 900, lane: 0, delta: 1 << 40 }];
    for number in 0..24u64 {
        if number == 14 {
            log.rotate()?;
        }
        let large = vec![number as u8; 300 + random.below(500)];
        let small = vec![number as u8; random.below(60)];
        let meta = Meta { stamp: 1000 << 16 | number, version: number, expire_ms: number % 3, flags: 0 };
        let key = |n: u64| Key::hashed(1, [n as u8; 16]);
        let plain = Entry {
            key: key(number),
            meta,
            user_key: b"key",
            value: EntryValue::Inline(&small),
            kill: None,
            tallies: &[],
        };
        let large_value = EntryValue::Large { bytes: &large, raw_len: large.len() as u32 };
        let mut entries = vec![Entry { tallies: &tallies, ..plain }];
        if number % 2 == 0 {
            entries.push(Entry { key: Key([number, 1, 2]), value: large_value, ..plain });
        }
        if number % 8 == 7 {
            entries.push(Entry { key: key(100), value: EntryValue::Stored(moved), ..plain });
        }
        log.append(&entries, &mut pointers)?;
        values.extend(pointers.get(1).copied().flatten().filter(|_| number % 2 == 0).map(|to| (to, large)));
        if number % 5 == 4 {
            log.sync_to(log.end())?;
        }
    }
    let end = log.close()?;
    let mut files = files_of(&vfs);
    // The salt is random; for cases to repeat it must not be.
    for (path, bytes) in &mut files {
        bytes[40..48].copy_from_slice(&SALT.to_le_bytes());
        mend(bytes, number_of(path));
    }
    let (_log, seen) = open(&disk(&files), &RecoverFrom::default())?;
    Ok(Template { files, end, seen, values })
}

fn number_of(path: &std::path::Path) -> u32 {
    path.file_stem().and_then(|stem| stem.to_str()?.parse().ok()).unwrap_or_default()
}

/// Recomputes the checksums of the header and of every record or cold value that can be reached from it.
fn mend(bytes: &mut [u8], segment: u32) {
    let Some(header) = bytes.get(..60) else { return };
    let crc = crc32fast::hash(header);
    set_u32(bytes, 60, crc);
    let salt = u64_at(bytes, 40).unwrap_or_default();
    let mut at = 64;
    while let (Some(first), Some(second)) = (u32_at(bytes, at + 4), u32_at(bytes, at + 8)) {
        let (head, len) = match bytes[at..].first_chunk::<4>() {
            Some(RECORD_MAGIC) => (24, first as usize + second as usize),
            Some(COLD_MAGIC) => (40, first as usize),
            _ => return,
        };
        let body = at + head + 4;
        let covered = if head == 24 { first as usize } else { len };
        if let Some(covered) = bytes.get(body..).and_then(|rest| rest.get(..covered)) {
            let crc = crc32fast::hash(covered);
            set_u32(bytes, at + 12, crc);
        }
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(&salt.to_le_bytes());
        hasher.update(&position(segment, at as u32).to_le_bytes());
        hasher.update(bytes.get(at..at + head).unwrap_or_default());
        set_u32(bytes, at + head, hasher.finalize());
        at = body + len;
    }
}

/// Recovers the folder with the input in place of one segment.
pub fn segment(data: &[u8]) {
    let Some((&mode, bytes)) = data.split_first() else { return };
    let template = template();
    let mut files = template.files.clone();
    let which = usize::from(mode >> 1 & 3) % files.len();
    let (path, content) = &mut files[which];
    let number = number_of(path);
    *content = bytes.to_vec();
    if mode & MEND != 0 {
        mend(content, number);
    }
    let mut from = RecoverFrom::default();
    if mode & 8 != 0 {
        (from.durable_floor, from.clean_end) = (template.end, Some(template.end));
    }
    if mode & 16 != 0 {
        from.replay_from = position((template.end >> 32) as u32, 64);
    }
    let vfs = disk(&files);
    let Ok((log, seen)) = open(&vfs, &from) else { return };
    if mode & MEND == 0 {
        check(template, &from, &log, &seen);
    } else {
        let pointers = seen.iter().filter_map(|(.., value)| value.as_ref().err());
        pointers.for_each(|pointer| _ = log.read(*pointer, Cold::Read));
    }
    for info in log.segments() {
        let values = log.scan_values(info.id).expect("a readable file").expect("a segment that is listed");
        values.flatten().for_each(|(_, pointer)| _ = log.read(pointer, Cold::Read));
    }
    // A second start finds what the first one left, and the same rows in it.
    drop(log);
    let (_log, again) = open(&vfs, &from).expect("a log that was recovered recovers again");
    assert_eq!(again, seen, "a second start finds other rows");
}

/// What was recovered from a segment whose checksums were not touched is right.
fn check(template: &Template, from: &RecoverFrom, log: &Log, seen: &[Seen]) {
    let wanted: Vec<&Seen> = template.seen.iter().filter(|seen| seen.0 >= from.replay_from).collect();
    assert!(seen.len() <= wanted.len() && seen.iter().zip(&wanted).all(|(a, b)| a == *b), "a prefix");
    assert!(from.durable_floor == 0 || seen.len() == wanted.len(), "all of what was durable");
    for (pointer, value) in &template.values {
        if let Ok(ValueRead::Ready(bytes)) = log.read(*pointer, Cold::Read) {
            assert_eq!(&bytes[..], &value[..]);
        }
    }
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for (which, (_, bytes)) in template().files.iter().enumerate() {
        for mode in [0, MEND, 8, 16, 24 | MEND] {
            seeds.push([&[mode | (which as u8) << 1], &bytes[..]].concat());
        }
    }
    seeds
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seeds_are_real() {
        let template = template();
        let names: Vec<std::path::PathBuf> = template.files.iter().map(|(path, _)| path.clone()).collect();
        assert_eq!(names.len(), 3, "{names:?}");
        assert_eq!(template.seen.len(), 24 + 12 + 3);
        let (log, _) = open(&disk(&template.files), &RecoverFrom::default()).unwrap();
        for (pointer, value) in &template.values {
            assert!(
                matches!(log.read(*pointer, Cold::Read).unwrap(), ValueRead::Ready(bytes) if bytes[..] == value[..])
            );
        }
    }
}

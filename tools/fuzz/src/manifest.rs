//! A database with a hostile manifest: open, read everything, do the background work, close, and open again.
//!
//! Mode bit 1 says which of two databases: one that was killed, or one that was closed.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, OnceLock},
    time::Duration,
};

use hust_engine::{
    Background, Direction, Engine, Key, Meta, Options, Result, SyncMode, clock::SimClock, row::TOMBSTONE,
    vfs::SimVfs,
};

use crate::{
    MEND, Random, set_u32, u32_at,
    world::{Files, disk, files_of},
};

const MANIFEST: &str = "/db/MANIFEST";
/// Most steps of background work in one run.
const STEPS_MAX: usize = 200;

/// Newest value by key; `None` = deleted.
type Rows = BTreeMap<Key, Option<Vec<u8>>>;

/// A real database: its files, its manifest, its rows.
struct Real {
    others: Files,
    manifest: Vec<u8>,
    rows: Rows,
}

fn options(vfs: &Arc<SimVfs>, clock: &Arc<SimClock>) -> Options {
    Options {
        vfs: vfs.clone(),
        clock: clock.clone(),
        sync: SyncMode::Os,
        partition_bits: 1,
        memtable_bytes: 1 << 16,
        inline_max: 64,
        segment_bytes: 4096,
        table_bytes: 4096,
        block_bytes: 512,
        level_base_bytes: 8192,
        reserve_bytes: 0,
        background: Background::Manual,
        ..Options::new("/db")
    }
}

fn real(closed: bool) -> &'static Real {
    static REAL: OnceLock<[Real; 2]> = OnceLock::new();
    let made = REAL.get_or_init(|| [false, true].map(|closed| make(closed).expect("a database in memory")));
    &made[usize::from(closed)]
}

fn make(closed: bool) -> Result<Real> {
    let mut vfs = disk(&Files::new());
    let clock = Arc::new(SimClock::new(1 << 40));
    let mut random = Random::new(7);
    let mut rows = Rows::new();
    for session in 0..7u64 {
        let engine = Engine::open(options(&vfs, &clock))?;
        for write in 0..12 {
            let number = random.below(40) as u64;
            let key = Key::hashed(
                1,
                [random.clone().word() as u8, number as u8].repeat(8).try_into().unwrap_or_default(),
            );
            let key = if number.is_multiple_of(4) { Key::hashed(1, [number as u8; 16]) } else { key };
            let delete = random.below(6) == 0;
            let value = if delete { Vec::new() } else { vec![write; random.below(200)] };
            let flags = if delete { TOMBSTONE } else { 0 };
            let stamp = (1 << 40 | session << 8 | u64::from(write)) << 16;
            let meta = Meta { stamp, version: session, expire_ms: 0, flags };
            engine.update(&[key], |_, batch| {
                batch.put(key, meta, b"user key", &value);
                batch.tally(&key, 3, 1, 1);
                Ok(())
            })?;
            rows.insert(key, (!delete).then_some(value));
        }
        clock.advance(Duration::from_secs(10));
        work(&engine);
        if session < 6 || closed {
            engine.close()?;
        }
        drop(engine);
        vfs = Arc::new(vfs.kill());
    }
    let (manifest, others): (Files, Files) =
        files_of(&vfs).into_iter().partition(|(path, _)| path.as_os_str() == MANIFEST);
    Ok(Real {
        others,
        manifest: manifest.into_iter().map(|(_, bytes)| bytes).collect::<Vec<_>>().concat(),
        rows,
    })
}

/// Background work until there is none, it fails, or it has been enough.
fn work(engine: &Engine) {
    for _ in 0..STEPS_MAX {
        if !engine.work().unwrap_or(false) {
            return;
        }
    }
}

/// Recomputes the checksums of the header and of the frames that follow each other.
fn mend(bytes: &mut [u8]) {
    if let Some(header) = bytes.get(..12) {
        let crc = crc32fast::hash(header);
        set_u32(bytes, 12, crc);
    }
    let mut at = 16;
    while let Some(len) = u32_at(bytes, at) {
        let end = at + 16 + len as usize;
        let Some(covered) = bytes.get(at + 8..end) else { return };
        let crc = crc32fast::hash(covered);
        set_u32(bytes, at + 4, crc);
        at = end;
    }
}

/// Opens the database with the input as its manifest.
pub fn manifest(data: &[u8]) {
    let Some((&mode, bytes)) = data.split_first() else { return };
    let real = real(mode & 2 != 0);
    let mut bytes = bytes.to_vec();
    let mended = mode & MEND != 0;
    if mended {
        mend(&mut bytes);
    }
    let mut files = real.others.clone();
    files.push((PathBuf::from(MANIFEST), bytes));
    let mut vfs = disk(&files);
    let clock = Arc::new(SimClock::new(1 << 40));
    for _ in 0..2 {
        let Ok(engine) = Engine::open(options(&vfs, &clock)) else { return };
        let before = read(&engine, real, mended);
        clock.advance(Duration::from_secs(10));
        work(&engine);
        let after = read(&engine, real, mended);
        if !mended {
            assert_eq!(before, after, "background work has changed what is read");
        }
        let _ = engine.close();
        drop(engine);
        vfs = Arc::new(vfs.kill());
    }
}

/// Reads all rows; with untouched checksums each of them is right or an error. Answers how many are errors.
fn read(engine: &Engine, real: &Real, mended: bool) -> usize {
    let mut errors = 0;
    for (key, value) in &real.rows {
        match engine.get(key) {
            Err(_) => errors += 1,
            Ok(row) if !mended => {
                let row = row.expect("a row that was written");
                assert_eq!(row.meta.is_tombstone(), value.is_none());
                assert_eq!(row.value(), value.as_deref().unwrap_or_default());
            }
            Ok(_) => {}
        }
    }
    for direction in [Direction::Forward, Direction::Backward] {
        let page = engine.page(Key::MIN, Key::MAX, direction, 1000, 1 << 20);
        if !mended && let Ok(page) = page {
            assert_eq!(page.rows.len(), real.rows.len());
        }
    }
    let _ = (engine.tally(3), engine.stats(), engine.max_stamp());
    errors
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    [0, MEND, 2, 2 | MEND].map(|mode: u8| [&[mode], &real(mode & 2 != 0).manifest[..]].concat()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seeds_are_real() {
        for closed in [false, true] {
            let real = real(closed);
            let tables = real.others.iter().filter(|(path, _)| path.starts_with("/db/table")).count();
            let segments = real.others.iter().filter(|(path, _)| path.starts_with("/db/log")).count();
            assert!(tables >= 2 && segments >= 2 && real.rows.len() > 20, "{tables} {segments}");
            let mut mended = real.manifest.clone();
            mend(&mut mended);
            assert!(mended == real.manifest);
        }
    }
}

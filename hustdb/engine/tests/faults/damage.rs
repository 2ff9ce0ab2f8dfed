//! One byte changed, or the end cut off, in each file of a small database, one place at a time.
//!
//! A database that was closed shows everything or says what is damaged. After a kill there is one ambiguity: nothing
//! proves that the last record was ever durable, so it may be taken for torn and cut off. `HUST_DAMAGE_STRIDE` sets
//! every how many-th byte of a log segment is changed; of all other files it is every one.

use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use hust_engine::{
    Engine, Error, Options, SyncMode,
    clock::SimClock,
    vfs::{SimVfs, Vfs},
};

use crate::support::{Change, KEYS, Random, Rows, key_of, options, read_all, write};

const LOG_STRIDE: u64 = 3;
const CUT_STRIDE: u64 = 7;

/// A database on a disk that nobody uses, and the worlds it has been through.
struct Specimen {
    vfs: SimVfs,
    clock: Arc<SimClock>,
    /// The world after each batch that is not in tables, the newest last.
    worlds: Vec<Rows>,
}

/// What came of an attempt to read a damaged database.
#[derive(Debug, Default)]
struct Outcomes {
    refused: u64,
    partly: u64,
    shorter: u64,
    exact: u64,
}

fn small(vfs: &SimVfs, clock: &Arc<SimClock>) -> Options {
    Options {
        segment_bytes: 4 << 10,
        table_bytes: 1 << 10,
        block_bytes: 256,
        level_base_bytes: 2 << 10,
        ..options(vfs, clock, SyncMode::Always)
    }
}

fn batch(random: &mut Random) -> Vec<Change> {
    let first = random.below(16);
    let numbers = [first, (first + 5) % 16];
    let count = 1 + random.below(2) as usize;
    let change = |number: &u64| {
        let len = [0, 40, 70, 300][random.below(4) as usize];
        let value = vec![random.next() as u8; len];
        (*number, (!random.chance(15)).then_some(value))
    };
    numbers[..count].iter().map(change).collect()
}

impl Specimen {
    /// Tables, cold segments and several hot ones, the last with rows that are nowhere else.
    fn new(seed: u64, closed: bool) -> Specimen {
        let clock = Arc::new(SimClock::new(1_700_000_000_000));
        let (vfs, mut random) = (SimVfs::new(seed), Random(seed));
        let engine = Engine::open(small(&vfs, &clock)).unwrap();
        for _ in 0..3 {
            for _ in 0..14 {
                write(&engine, &clock, &batch(&mut random)).unwrap();
            }
            // A snapshot freezes the memtables, and what is frozen is flushed.
            drop(engine.snapshot());
            clock.advance(Duration::from_secs(10));
            while engine.work().unwrap() {}
        }
        assert!(engine.stats().collected_bytes > 0, "no cold segment");
        let mut worlds = vec![read_all(&engine).unwrap()];
        for _ in 0..14 {
            write(&engine, &clock, &batch(&mut random)).unwrap();
            worlds.push(read_all(&engine).unwrap());
        }
        if closed {
            engine.close().unwrap();
        }
        drop(engine);
        Specimen { vfs: vfs.kill(), clock, worlds }
    }

    fn files(&self) -> Vec<(PathBuf, u64)> {
        let paths = self.vfs.paths().into_iter();
        paths.map(|path| (path.clone(), self.vfs.len(&path).unwrap())).filter(|(_, len)| *len > 0).collect()
    }

    /// Damages a copy of the disk and reads what is there, which must be one of the last `allowed` worlds.
    fn examine(&self, allowed: usize, outcomes: &mut Outcomes, place: &str, damage: impl FnOnce(&SimVfs)) {
        let disk = self.vfs.kill();
        damage(&disk);
        let worlds = &self.worlds[self.worlds.len() - allowed..];
        let seen = catch_unwind(AssertUnwindSafe(|| self.read(&disk, worlds, outcomes)));
        match seen {
            Ok(Ok(())) => {}
            Ok(Err(what)) => panic!("{place}: {what}"),
            Err(_) => panic!("{place}: panicked"),
        }
    }

    fn read(&self, disk: &SimVfs, worlds: &[Rows], outcomes: &mut Outcomes) -> Result<(), String> {
        let engine = match Engine::open(small(disk, &self.clock)) {
            Ok(engine) => engine,
            Err(error) => {
                outcomes.refused += 1;
                return expect_damage(&error);
            }
        };
        let whole = read_keys(&engine, worlds)?;
        match read_all(&engine) {
            Ok(rows) if !worlds.contains(&rows) => return Err("pages show another world".into()),
            Ok(_) if !whole => return Err("pages show what gets cannot read".into()),
            Ok(rows) if Some(&rows) == worlds.last() => outcomes.exact += 1,
            Ok(_) => outcomes.shorter += 1,
            Err(error) => {
                outcomes.partly += 1;
                expect_damage(&error)?;
            }
        }
        // What is read wrongly must not be written elsewhere with a good checksum.
        drop(engine.snapshot());
        self.clock.advance(Duration::from_secs(10));
        for _ in 0..40 {
            match engine.work() {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => {
                    expect_damage(&error)?;
                    break;
                }
            }
        }
        read_keys(&engine, worlds).map(drop)
    }
}

/// Reads each key by itself; those that can be read must all be of one world. Answers whether all can.
fn read_keys(engine: &Engine, worlds: &[Rows]) -> Result<bool, String> {
    let mut seen = BTreeMap::new();
    for number in 0..KEYS {
        match engine.get(&key_of(number)) {
            Ok(row) => {
                let row = row.filter(|row| !row.meta.is_tombstone());
                if row.as_ref().is_some_and(|row| row.user_key() != number.to_be_bytes()) {
                    return Err(format!("key {number} has another name"));
                }
                seen.insert(number, row.map(|row| (row.value().to_vec(), row.meta.version)));
            }
            Err(error) => expect_damage(&error)?,
        }
    }
    let fits = |world: &&Rows| seen.iter().all(|(number, row)| world.get(number) == row.as_ref());
    match worlds.iter().rev().find(fits) {
        Some(_) => Ok(seen.len() == KEYS as usize),
        None => Err("gets show a world that never was".into()),
    }
}

fn expect_damage(error: &Error) -> Result<(), String> {
    match error {
        Error::Damaged { .. } | Error::Invalid(_) => Ok(()),
        other => Err(format!("not called damage: {other}")),
    }
}

fn is_log(path: &Path) -> bool {
    path.starts_with("/db/log")
}

fn flip_everywhere(closed: bool) -> Outcomes {
    let specimen = Specimen::new(7, closed);
    let mut random = Random(7);
    let stride = std::env::var("HUST_DAMAGE_STRIDE").ok().and_then(|stride| stride.parse().ok());
    let stride: u64 = stride.unwrap_or(LOG_STRIDE);
    let mut outcomes = Outcomes::default();
    for (path, len) in specimen.files() {
        let step = if is_log(&path) { stride } else { 1 };
        for offset in (random.below(step)..len).step_by(step as usize) {
            let bit = random.below(8) as u8;
            let place = format!("{} of {len} bytes, byte {offset}, bit {bit}", path.display());
            // Of what follows the last record but one nothing says that it was durable.
            let allowed = if closed || !is_log(&path) { 1 } else { 2 };
            specimen
                .examine(allowed, &mut outcomes, &place, |disk| disk.flip_bit(&path, offset, bit).unwrap());
        }
    }
    println!("closed {closed}: {outcomes:?}");
    outcomes
}

#[test]
fn a_flipped_bit_of_a_closed_database_is_found_or_harmless() {
    let outcomes = flip_everywhere(true);
    assert!(outcomes.refused > 0 && outcomes.partly > 0 && outcomes.shorter == 0, "{outcomes:?}");
}

#[test]
fn a_flipped_bit_of_a_killed_database_costs_the_last_record_at_most() {
    let outcomes = flip_everywhere(false);
    assert!(outcomes.refused > 0 && outcomes.partly > 0 && outcomes.shorter > 0, "{outcomes:?}");
}

#[test]
fn a_file_that_lost_its_end_is_found_or_harmless() {
    for closed in [true, false] {
        let specimen = Specimen::new(8, closed);
        let mut outcomes = Outcomes::default();
        for (path, len) in specimen.files() {
            for cut in (0..len).step_by(CUT_STRIDE as usize) {
                let place = format!("closed {closed}: {} of {len} bytes cut to {cut}", path.display());
                // Nobody can tell the end of a log that was cut between records from the end of a log.
                let allowed = if closed || !is_log(&path) { 1 } else { specimen.worlds.len() };
                specimen.examine(allowed, &mut outcomes, &place, |disk| {
                    disk.open(&path).unwrap().set_len(cut).unwrap();
                });
            }
        }
        println!("cut, closed {closed}: {outcomes:?}");
        assert!(outcomes.refused > 0 && (closed || outcomes.shorter > 0), "{outcomes:?}");
    }
}

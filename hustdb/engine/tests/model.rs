//! The engine against a model: random batches, background work, restarts, checkpoints and snapshots, under random
//! options. One list of operations must give one history, whatever the options.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::{path::Path, sync::Arc};

use hust_engine::{Direction, Engine, Key, Options, SyncMode, clock::SimClock, vfs::SimVfs};
use support::{Model, Random, Rows, options, random_batch, read_all, tick, write};

const SEEDS: u64 = 40;
const STEPS: u64 = 600;

fn random_options(random: &mut Random, vfs: &SimVfs, clock: &Arc<SimClock>) -> Options {
    let sync = [SyncMode::Always, SyncMode::Os][random.below(2) as usize];
    let defaults = options(vfs, clock, sync);
    Options {
        inline_max: 64,
        block_bytes: [64, 512, 4096][random.below(3) as usize],
        table_bytes: [1 << 10, 16 << 10, 1 << 20][random.below(3) as usize],
        memtable_bytes: [32 << 10, 128 << 10][random.below(2) as usize],
        segment_bytes: [8 << 10, 64 << 10][random.below(2) as usize],
        level_base_bytes: [2 << 10, 64 << 10][random.below(2) as usize],
        block_cache_bytes: [0, 1 << 20][random.below(2) as usize],
        compress: random.chance(50),
        ..defaults
    }
}

/// What the readers saw after each restart.
fn history(seed: u64, options_seed: u64) -> Vec<Rows> {
    let clock = Arc::new(SimClock::new(1_700_000_000_000));
    let (mut vfs, mut random, mut with) = (SimVfs::new(seed), Random(seed), Random(options_seed));
    let mut model = Model::default();
    let mut seen = Vec::new();
    let mut engine = Engine::open(random_options(&mut with, &vfs, &clock)).unwrap();
    for step in 0..STEPS {
        let batch = random_batch(&mut random);
        model.push(batch.clone());
        write(&engine, &clock, &batch).unwrap();
        tick(&engine, &clock, &mut with).unwrap();
        if random.chance(2) {
            assert_eq!(read_all(&engine).unwrap(), model.newest(), "seed {seed}/{options_seed} step {step}");
            if with.chance(50) {
                engine.close().unwrap();
            } else {
                drop(engine);
            }
            vfs = vfs.kill();
            engine = Engine::open(random_options(&mut with, &vfs, &clock)).unwrap();
            let rows = read_all(&engine).unwrap();
            assert_eq!(rows, model.newest(), "seed {seed}/{options_seed} step {step}, reopened");
            seen.push(rows);
        }
    }
    engine.verify().unwrap();
    seen
}

#[test]
fn one_history_whatever_the_options() {
    for seed in 1..=SEEDS {
        assert_eq!(history(seed, seed * 7), history(seed, seed * 13 + 1), "seed {seed}");
    }
}

fn snapshot_rows(snapshot: &hust_engine::Snapshot, direction: Direction) -> Rows {
    let (mut from, mut to) = (Key::MIN, Key::MAX);
    let mut rows = Rows::new();
    loop {
        let page = snapshot.page(from, to, direction, 5, 2000).unwrap();
        for (_, row) in page.rows.iter().filter(|(_, row)| !row.meta.is_tombstone()) {
            let number = u64::from_be_bytes(row.user_key().try_into().unwrap());
            rows.insert(number, (row.value().to_vec(), row.meta.version));
        }
        match (page.next, direction) {
            (None, _) => return rows,
            (Some(next), Direction::Forward) => from = next,
            (Some(next), Direction::Backward) => to = next,
        }
    }
}

/// Snapshots and checkpoints show the moment they were taken, whatever is written, compacted and collected after.
#[test]
fn snapshots_and_checkpoints_stand_still() {
    for seed in 1..=12 {
        let clock = Arc::new(SimClock::new(1_700_000_000_000));
        let (vfs, mut random) = (SimVfs::new(seed), Random(seed));
        let engine = Engine::open(options(&vfs, &clock, SyncMode::Always)).unwrap();
        let mut model = Model::default();
        let mut kept = Vec::new();
        for step in 0..1_200 {
            let batch = random_batch(&mut random);
            model.push(batch.clone());
            write(&engine, &clock, &batch).unwrap();
            tick(&engine, &clock, &mut random).unwrap();
            if random.chance(1) {
                let dir = format!("/copy-{step}");
                engine.checkpoint(Path::new(&dir)).unwrap();
                kept.push((engine.snapshot(), dir, model.newest()));
            }
        }
        assert!(!kept.is_empty(), "seed {seed}");
        for (snapshot, dir, rows) in &kept {
            assert_eq!(snapshot_rows(snapshot, Direction::Forward), *rows, "seed {seed}");
            assert_eq!(snapshot_rows(snapshot, Direction::Backward), *rows, "seed {seed}");
            let copy = Options { dir: dir.into(), ..options(&vfs, &clock, SyncMode::Always) };
            let copy = Engine::open(copy).unwrap();
            assert_eq!(read_all(&copy).unwrap(), *rows, "seed {seed}: {dir}");
            copy.close().unwrap();
        }
        assert_eq!(read_all(&engine).unwrap(), model.newest());
    }
}

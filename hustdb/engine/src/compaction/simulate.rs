//! What a shape of levels costs, found out without a disk.
//!
//! Drives `pick` with a made-up workload of uniform keys. Files are sorted lists of key numbers and a size; a merge
//! really merges, so duplicates vanish as they would. Compaction is as fast as it needs to be: after each flush plans
//! run until none is due.

use std::collections::BTreeSet;

use crate::Key;

use super::{FileInfo, Level, LevelConfig, Plan, pick};

/// A small seeded generator (SplitMix64).
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// A generator whose numbers depend on `seed` alone.
    pub fn new(seed: u64) -> Random {
        Random(seed)
    }

    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`, which must not be 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next_u64()) * u128::from(bound)) >> 64) as u64
    }
}

/// What is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Workload {
    /// Every write is a new key.
    Insert,
    /// Every write is one of this many keys, at random.
    Overwrite {
        /// Number of keys.
        keys: u32,
    },
}

/// One run.
#[derive(Clone, Debug)]
pub struct Setup {
    /// What is written.
    pub workload: Workload,
    /// How many rows are written.
    pub writes: u32,
    /// Rows in a memtable when it is flushed.
    pub memtable_rows: usize,
    /// Bytes of a row in a table.
    pub row_bytes: u64,
    /// Seed of the workload.
    pub seed: u64,
    /// The levels.
    pub levels: LevelConfig,
}

/// What the run cost.
#[derive(Clone, Copy, Debug, Default)]
pub struct Costs {
    /// Bytes written to tables for each byte flushed or compacted, over bytes written by the workload.
    pub write_amp: f64,
    /// Tables that a read of any key may have to probe, at most, seen just after a flush.
    pub tables_worst: usize,
    /// Tables that the read of an existing key probes on average, filters aside.
    pub tables_avg: f64,
    /// Rows in tables over distinct keys, the worst seen in the second half.
    pub space_amp: f64,
    /// Tables at the end.
    pub files: usize,
    /// Levels in use at the end, level 0 included.
    pub levels: usize,
}

struct File {
    info: FileInfo,
    keys: Vec<u32>,
}

struct Run<'a> {
    setup: &'a Setup,
    levels: Vec<Level>,
    files: Vec<File>,
    next_id: u64,
    written_rows: u64,
}

/// Runs the workload and measures.
pub fn simulate(setup: &Setup) -> Costs {
    let mut random = Random::new(setup.seed);
    let mut run =
        Run { setup, levels: vec![Level::default()], files: Vec::new(), next_id: 1, written_rows: 0 };
    let mut seen = BTreeSet::new();
    let mut memtable = BTreeSet::new();
    let mut costs = Costs::default();
    for write in 0..setup.writes {
        let number = match setup.workload {
            Workload::Insert => write,
            Workload::Overwrite { keys } => random.below(u64::from(keys)) as u32,
        };
        // An odd factor permutes the 32-bit numbers: uniform keys.
        let key = number.wrapping_mul(0x9E37_79B1);
        seen.insert(key);
        memtable.insert(key);
        if memtable.len() < setup.memtable_rows {
            continue;
        }
        run.flush(std::mem::take(&mut memtable).into_iter().collect());
        costs.tables_worst = costs.tables_worst.max(run.tables_worst());
        while let Some(plan) = pick(&run.levels, &BTreeSet::new(), 0, &setup.levels) {
            run.apply(&plan);
        }
        if write > setup.writes / 2 {
            let rows: usize = run.files.iter().map(|file| file.keys.len()).sum();
            costs.space_amp = costs.space_amp.max(rows as f64 / seen.len() as f64);
        }
    }
    costs.write_amp = run.written_rows as f64 / f64::from(setup.writes.max(1));
    costs.tables_avg = run.tables_avg(&mut random, &seen);
    costs.files = run.files.len();
    costs.levels = run.levels.iter().rposition(|level| !level.files.is_empty()).map_or(0, |last| last + 1);
    costs
}

impl Run<'_> {
    fn flush(&mut self, keys: Vec<u32>) {
        let info = self.add(keys);
        self.levels[0].files.insert(0, info);
    }

    fn add(&mut self, keys: Vec<u32>) -> FileInfo {
        let info = FileInfo {
            id: self.next_id,
            size_bytes: keys.len() as u64 * self.setup.row_bytes,
            rows: keys.len() as u64,
            tombstones: 0,
            min: key(keys.first()),
            max: key(keys.last()),
            droppable_rows: 0,
            droppable_from_ms: u64::MAX,
        };
        self.next_id += 1;
        self.written_rows += info.rows;
        self.files.push(File { info: info.clone(), keys });
        info
    }

    fn apply(&mut self, plan: &Plan) {
        let taken: BTreeSet<u64> = plan.inputs.iter().chain(&plan.overlapped).copied().collect();
        self.levels.resize_with(self.levels.len().max(plan.level_out + 1), Level::default);
        for level in [plan.level_in, plan.level_out] {
            self.levels[level].files.retain(|file| !taken.contains(&file.id));
        }
        let mut outputs = Vec::new();
        if plan.trivial_move {
            let moved = self.files.iter().filter(|file| taken.contains(&file.info.id));
            outputs.extend(moved.map(|file| file.info.clone()));
        } else {
            let (inputs, kept) =
                std::mem::take(&mut self.files).into_iter().partition(|file| taken.contains(&file.info.id));
            self.files = kept;
            let inputs: Vec<File> = inputs;
            let mut keys: Vec<u32> = inputs.into_iter().flat_map(|file| file.keys).collect();
            keys.sort_unstable();
            keys.dedup();
            let rows = (self.setup.levels.table_bytes / self.setup.row_bytes.max(1)).max(1) as usize;
            outputs.extend(keys.chunks(rows).map(|keys| self.add(keys.to_vec())));
        }
        let files = &mut self.levels[plan.level_out].files;
        files.extend(outputs);
        files.sort_by_key(|file| file.min);
    }

    fn tables_worst(&self) -> usize {
        let deeper = self.levels.iter().skip(1).filter(|level| !level.files.is_empty()).count();
        self.levels[0].files.len() + deeper
    }

    fn tables_avg(&self, random: &mut Random, seen: &BTreeSet<u32>) -> f64 {
        const SAMPLES: u32 = 1000;
        let mut probed = 0;
        for _ in 0..SAMPLES {
            let from = random.next_u64() as u32;
            let wanted = seen.range(from..).next().or(seen.first()).copied();
            let order = self.levels.iter().flat_map(|level| &level.files);
            for info in order.filter(|f| (f.min..=f.max).contains(&key(wanted.as_ref()))) {
                probed += 1;
                let file = self.files.iter().find(|file| file.info.id == info.id);
                if file.zip(wanted).is_some_and(|(file, key)| file.keys.binary_search(&key).is_ok()) {
                    break;
                }
            }
        }
        f64::from(probed) / f64::from(SAMPLES)
    }
}

fn key(number: Option<&u32>) -> Key {
    Key([u64::from(number.copied().unwrap_or(0)), 0, 0])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setup(workload: Workload) -> Setup {
        let levels = LevelConfig {
            base_bytes: 400_000,
            table_bytes: 100_000,
            max_levels: 4,
            ..LevelConfig::default()
        };
        Setup { workload, writes: 150_000, memtable_rows: 1000, row_bytes: 100, seed: 7, levels }
    }

    #[test]
    fn leveled_costs_stay_in_bounds() {
        let overwrite = simulate(&setup(Workload::Overwrite { keys: 30_000 }));
        assert!((3.0..9.0).contains(&overwrite.write_amp), "{overwrite:?}");
        assert!(overwrite.space_amp < 1.5 && overwrite.space_amp >= 1.0, "{overwrite:?}");
        assert!(overwrite.tables_worst <= 4 + 2 && overwrite.tables_avg < 5.0, "{overwrite:?}");
        let insert = simulate(&setup(Workload::Insert));
        assert!((3.0..12.0).contains(&insert.write_amp), "{insert:?}");
        assert!((insert.space_amp - 1.0).abs() < 1e-9, "{insert:?}");
    }
}

//! Plans started and finished in random order over files with real rows: the newest row of every key stays the first
//! one found, plans keep out of each other's way, and picking ends.

use std::collections::{BTreeMap, BTreeSet};

use crate::Key;

use super::{FileInfo, Level, LevelConfig, Plan, pick, simulate::Random};

/// Version of the write, and when it may be forgotten, if ever.
type Row = (u64, Option<u64>);

struct Model {
    random: Random,
    cfg: LevelConfig,
    levels: Vec<Level>,
    rows: BTreeMap<u64, BTreeMap<Key, Row>>,
    /// Plans that run, and when they were started.
    running: Vec<(Plan, u64)>,
    newest: BTreeMap<Key, Row>,
    now_ms: u64,
    next_id: u64,
    version: u64,
    moves: usize,
    dropped: usize,
}

impl Model {
    fn new(seed: u64) -> Model {
        let mut random = Random::new(seed);
        let cfg = LevelConfig {
            l0_trigger: 1 + random.below(4) as usize,
            base_bytes: 1 + random.below(40),
            fanout: 1 + random.below(4),
            max_levels: 2 + random.below(4) as usize,
            table_bytes: 1 + random.below(8),
            age_share_min: 0.4,
            age_wait_ms: 20,
        };
        let levels = vec![Level::default(); 1 + random.below(3) as usize];
        Model {
            random,
            cfg,
            levels,
            rows: BTreeMap::new(),
            running: Vec::new(),
            newest: BTreeMap::new(),
            now_ms: 0,
            next_id: 1,
            version: 0,
            moves: 0,
            dropped: 0,
        }
    }

    fn busy(&self) -> BTreeSet<u64> {
        self.running
            .iter()
            .flat_map(|(plan, _)| plan.inputs.iter().chain(&plan.overlapped))
            .copied()
            .collect()
    }

    fn file(&mut self, rows: BTreeMap<Key, Row>) -> FileInfo {
        let times = || rows.values().filter_map(|row| row.1);
        let info = FileInfo {
            id: self.next_id,
            size_bytes: rows.len() as u64,
            rows: rows.len() as u64,
            tombstones: 0,
            min: *rows.first_key_value().unwrap().0,
            max: *rows.last_key_value().unwrap().0,
            droppable_rows: times().count() as u64,
            droppable_from_ms: times().max().unwrap_or(u64::MAX),
        };
        self.next_id += 1;
        self.rows.insert(info.id, rows);
        info
    }

    fn flush(&mut self) {
        let start = self.random.below(60);
        let width = 1 + self.random.below(40);
        let mut rows = BTreeMap::new();
        for _ in 0..=self.random.below(8) {
            self.version += 1;
            let key = Key([start + self.random.below(width), 0, 0]);
            let due = self.random.below(3) == 0;
            let row = (self.version, due.then(|| self.now_ms + self.random.below(30)));
            rows.insert(key, row);
            self.newest.insert(key, row);
        }
        let info = self.file(rows);
        self.levels[0].files.insert(0, info);
    }

    fn start(&mut self) -> bool {
        let busy = self.busy();
        let Some(plan) = pick(&self.levels, &busy, self.now_ms, &self.cfg) else { return false };
        assert!(plan.inputs.iter().chain(&plan.overlapped).all(|id| !busy.contains(id)));
        assert!(plan.level_out == plan.level_in || plan.level_out == plan.level_in + 1);
        assert!(plan.level_out < self.cfg.max_levels && !plan.inputs.is_empty());
        assert!(!plan.trivial_move || plan.overlapped.is_empty());
        self.running.push((plan, self.now_ms));
        true
    }

    fn finish(&mut self) {
        if self.running.is_empty() {
            return;
        }
        let at = self.random.below(self.running.len() as u64) as usize;
        let (plan, started_ms) = self.running.swap_remove(at);
        self.levels.resize_with(self.levels.len().max(plan.level_out + 1), Level::default);
        let mut outputs = Vec::new();
        let mut take = |level: &mut Level, ids: &[u64]| {
            for id in ids {
                let at = level
                    .files
                    .iter()
                    .position(|file| file.id == *id)
                    .expect("a plan names files of its levels");
                outputs.push(level.files.remove(at));
            }
        };
        take(&mut self.levels[plan.level_in], &plan.inputs);
        take(&mut self.levels[plan.level_out], &plan.overlapped);
        if plan.trivial_move {
            self.moves += 1;
        } else {
            let mut merged = BTreeMap::new();
            // Oldest first, so that newer rows overwrite.
            for file in outputs.drain(..).rev() {
                merged.extend(self.rows.remove(&file.id).unwrap());
            }
            let before = merged.len();
            merged.retain(|_, row: &mut Row| !(plan.bottom && row.1.is_some_and(|from| from <= started_ms)));
            self.dropped += before - merged.len();
            let rows: Vec<_> = merged.into_iter().collect();
            for rows in rows.chunks(self.cfg.table_bytes as usize) {
                let info = self.file(rows.iter().copied().collect());
                outputs.push(info);
            }
        }
        let files = &mut self.levels[plan.level_out].files;
        files.extend(outputs);
        files.sort_by_key(|file| file.min);
    }

    fn check(&self) {
        for level in &self.levels[1..] {
            assert!(level.files.windows(2).all(|pair| pair[0].max < pair[1].min), "overlap");
        }
        for (key, newest) in &self.newest {
            let mut layers = self.levels.iter().flat_map(|level| &level.files);
            match layers.find_map(|file| self.rows[&file.id].get(key)) {
                Some(found) => assert_eq!(found, newest, "{key:?}"),
                None => assert!(newest.1.is_some_and(|from| from <= self.now_ms), "{key:?} is lost"),
            }
        }
    }
}

#[test]
fn the_newest_rows_survive_any_order_of_plans() {
    let (mut moves, mut dropped) = (0, 0);
    for seed in 0..400 {
        println!("seed {seed}");
        let mut model = Model::new(seed);
        for _ in 0..150 {
            model.now_ms += model.random.below(3);
            match model.random.below(5) {
                0 | 1 => model.flush(),
                2 => model.finish(),
                _ => _ = model.start(),
            }
            model.check();
        }
        // With time standing still, picking ends.
        let mut rounds = 0;
        loop {
            while model.start() {}
            if model.running.is_empty() {
                break;
            }
            model.finish();
            model.check();
            rounds += 1;
            assert!(rounds < 2000, "picking does not end");
        }
        let due = |file: &FileInfo| file.due_share(model.now_ms) >= model.cfg.age_share_min;
        assert!(!model.levels.iter().flat_map(|level| &level.files).any(due), "a due file stays");
        assert!(model.levels[0].files.len() < model.cfg.l0_trigger);
        moves += model.moves;
        dropped += model.dropped;
    }
    assert!(moves > 100 && dropped > 1000, "{moves} moves, {dropped} rows dropped");
}

//! What to compact next: a pure function from the shape of the levels to a plan.
//!
//! Three reasons compete by urgency, where 1.0 is "due": level 0 has too many files, a level is over its target, or
//! rows that may be forgotten lie in a file that nobody writes to any more. A plan never touches a file that another
//! plan is working on. Files of one plan cover one unbroken range of keys per level, so plans that run side by side
//! write disjoint ranges and levels 1 and deeper stay free of overlap.

use std::{collections::BTreeSet, ops::RangeInclusive};

use crate::Key;

use super::level::{FileInfo, Level, LevelConfig};

/// Why a plan was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Level 0 has many files, each of which a read may have to probe.
    LevelZero,
    /// A level is over its target.
    Size,
    /// Rows may be forgotten.
    Age,
}

/// A compaction to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The level of `inputs`.
    pub level_in: usize,
    /// Files to merge; those of level 0 newest first.
    pub inputs: Vec<u64>,
    /// The level of the outputs: the next one, or `level_in` itself.
    pub level_out: usize,
    /// Files of `level_out` that share keys with the inputs; merged too, as the older ones.
    pub overlapped: Vec<u64>,
    /// Nothing older of the keys in the outputs' range lies below `level_out`: tombstones may be dropped.
    pub bottom: bool,
    /// Why.
    pub reason: Reason,
    /// The inputs may change level as they are, in the manifest alone.
    pub trivial_move: bool,
}

/// The most urgent compaction of a partition, if one is due. `busy` are the files of plans that still run.
pub fn pick(levels: &[Level], busy: &BTreeSet<u64>, now_ms: u64, cfg: &LevelConfig) -> Option<Plan> {
    let picker = Picker { levels, busy, now_ms, cfg };
    let mut candidates = picker.candidates();
    candidates.sort_by(|a, b| b.urgency.total_cmp(&a.urgency));
    let mut level_zero_waits = false;
    for candidate in candidates {
        // Level 0 needs all of level 1 that it covers: if less urgent work kept a file there busy at every moment, it
        // would wait for ever.
        if level_zero_waits
            && matches!(candidate.work, Work::Shrink { level: 1 } | Work::Rewrite { level: 1, .. })
        {
            continue;
        }
        let plan = picker.plan(&candidate);
        if plan.is_some() {
            return plan;
        }
        level_zero_waits |= matches!(candidate.work, Work::LevelZero(_));
    }
    None
}

/// Something that is due, before it is known whether busy files are in its way.
struct Candidate {
    urgency: f64,
    work: Work,
}

enum Work {
    LevelZero(Reason),
    Shrink { level: usize },
    Rewrite { level: usize, at: usize },
}

struct Picker<'a> {
    levels: &'a [Level],
    busy: &'a BTreeSet<u64>,
    now_ms: u64,
    cfg: &'a LevelConfig,
}

impl<'a> Picker<'a> {
    fn candidates(&self) -> Vec<Candidate> {
        let mut found = Vec::new();
        for (level, files) in self.levels.iter().enumerate() {
            let files = &files.files;
            if level == 0 {
                let urgency = files.len() as f64 / self.cfg.l0_trigger.max(1) as f64;
                if urgency >= 1.0 {
                    found.push(Candidate { urgency, work: Work::LevelZero(Reason::LevelZero) });
                }
            } else if level < self.cfg.last_level() {
                // Busy files are on their way out of the level.
                let idle_bytes: u64 = files.iter().filter(|f| !self.is_busy(f)).map(|f| f.size_bytes).sum();
                let urgency = idle_bytes as f64 / self.cfg.target_bytes(level) as f64;
                if urgency > 1.0 {
                    found.push(Candidate { urgency, work: Work::Shrink { level } });
                }
            }
            for (at, file) in files.iter().enumerate() {
                if let Some(urgency) = self.age_urgency(file) {
                    let work =
                        if level == 0 { Work::LevelZero(Reason::Age) } else { Work::Rewrite { level, at } };
                    found.push(Candidate { urgency, work });
                }
            }
        }
        found
    }

    /// Share of droppable rows plus the time they are overdue, so that steady writing cannot put them off for ever.
    fn age_urgency(&self, file: &FileInfo) -> Option<f64> {
        let share = file.due_share(self.now_ms);
        if share == 0.0 {
            return None;
        }
        let overdue_ms = self.now_ms.saturating_sub(file.droppable_from_ms);
        let due = share >= self.cfg.age_share_min || overdue_ms >= self.cfg.age_wait_ms;
        due.then(|| share + overdue_ms as f64 / self.cfg.age_wait_ms.max(1) as f64)
    }

    fn plan(&self, candidate: &Candidate) -> Option<Plan> {
        match candidate.work {
            Work::LevelZero(reason) => self.level_zero(reason),
            Work::Shrink { level } => self.shrink(level),
            Work::Rewrite { level, at } => self.rewrite(level, &self.levels[level].files[at]),
        }
    }

    /// All of level 0 into level 1. One at a time: a second one could overtake the first and bring older rows above
    /// newer ones.
    fn level_zero(&self, reason: Reason) -> Option<Plan> {
        let files = &self.levels.first()?.files;
        let range = hull(files)?;
        if files.iter().any(|file| self.is_busy(file)) {
            return None;
        }
        // Moved as they are only if that leaves no crowd of small files in level 1.
        let size_bytes: u64 = files.iter().map(|file| file.size_bytes).sum();
        let movable = size_bytes / files.len() as u64 >= self.cfg.table_bytes / 2 && disjoint(files);
        self.downwards(0, files, &range, reason, movable)
    }

    /// The file of `level` that drags the least along, into the next level.
    fn shrink(&self, level: usize) -> Option<Plan> {
        let mut files: Vec<(f64, &FileInfo)> = self.levels[level]
            .files
            .iter()
            .filter(|file| !self.is_busy(file))
            .map(|file| {
                let dragged: u64 = self.below(level + 1, &range(file)).iter().map(|f| f.size_bytes).sum();
                (dragged as f64 / file.size_bytes.max(1) as f64, file)
            })
            .collect();
        files.sort_by(|(a, f), (b, g)| a.total_cmp(b).then(f.id.cmp(&g.id)));
        files.into_iter().find_map(|(_, file)| {
            self.downwards(level, std::slice::from_ref(file), &range(file), Reason::Size, true)
        })
    }

    /// A file with droppable rows: where it is if they can go there, else one level down.
    fn rewrite(&self, level: usize, file: &FileInfo) -> Option<Plan> {
        if self.is_busy(file) {
            return None;
        }
        if !self.is_bottom(level, &range(file)) {
            return self.downwards(level, std::slice::from_ref(file), &range(file), Reason::Age, true);
        }
        Some(Plan {
            level_in: level,
            inputs: vec![file.id],
            level_out: level,
            overlapped: Vec::new(),
            bottom: true,
            reason: Reason::Age,
            trivial_move: false,
        })
    }

    /// A plan that takes `files`, which fill `range`, into the next level, unless busy files are in the way.
    fn downwards(
        &self,
        level: usize,
        files: &[FileInfo],
        range: &RangeInclusive<Key>,
        reason: Reason,
        movable: bool,
    ) -> Option<Plan> {
        let level_out = level + 1;
        let overlapped = self.below(level_out, range);
        if overlapped.iter().any(|file| self.is_busy(file)) {
            return None;
        }
        let outputs = overlapped.iter().fold(range.clone(), |range, file| join(&range, file));
        let bottom = self.is_bottom(level_out, &outputs);
        let droppable = bottom && files.iter().any(|file| file.due_share(self.now_ms) > 0.0);
        Some(Plan {
            level_in: level,
            inputs: files.iter().map(|file| file.id).collect(),
            level_out,
            trivial_move: movable && overlapped.is_empty() && !droppable,
            overlapped: overlapped.iter().map(|file| file.id).collect(),
            bottom,
            reason,
        })
    }

    /// Whether no level below `level` has files that share keys with `range`.
    fn is_bottom(&self, level: usize, range: &RangeInclusive<Key>) -> bool {
        (level + 1..self.levels.len()).all(|below| self.below(below, range).is_empty())
    }

    fn below(&self, level: usize, range: &RangeInclusive<Key>) -> &'a [FileInfo] {
        self.levels.get(level).map_or(&[], |level| level.overlapping(range))
    }

    fn is_busy(&self, file: &FileInfo) -> bool {
        self.busy.contains(&file.id)
    }
}

fn range(file: &FileInfo) -> RangeInclusive<Key> {
    file.min..=file.max
}

fn join(range: &RangeInclusive<Key>, file: &FileInfo) -> RangeInclusive<Key> {
    file.min.min(*range.start())..=file.max.max(*range.end())
}

/// The range from the smallest to the greatest key of `files`.
fn hull(files: &[FileInfo]) -> Option<RangeInclusive<Key>> {
    let first = files.first()?;
    Some(files.iter().fold(range(first), |hull, file| join(&hull, file)))
}

/// Whether no two of `files` share keys.
fn disjoint(files: &[FileInfo]) -> bool {
    let mut sorted: Vec<&FileInfo> = files.iter().collect();
    sorted.sort_by_key(|file| file.min);
    sorted.windows(2).all(|pair| pair[0].max < pair[1].min)
}

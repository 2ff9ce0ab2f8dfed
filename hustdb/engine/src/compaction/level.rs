//! The shape of a partition's levels, as picking sees it.

use std::ops::RangeInclusive;

use crate::Key;

/// A table file, as picking sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileInfo {
    /// File number; grows with every file made.
    pub id: u64,
    /// Size on disk.
    pub size_bytes: u64,
    /// Rows, tombstones included.
    pub rows: u64,
    /// Tombstones.
    pub tombstones: u64,
    /// Smallest key.
    pub min: Key,
    /// Greatest key.
    pub max: Key,
    /// Rows that a rewrite at the bottom drops from `droppable_from_ms` on: those that may go some day and have no
    /// stored value.
    pub droppable_rows: u64,
    /// When the `droppable_rows` may go (all of them: if it were the time of the first, a file whose rows expire one
    /// by one would be rewritten for each); `u64::MAX` = never.
    pub droppable_from_ms: u64,
}

impl FileInfo {
    /// Share of rows that a rewrite at the bottom would drop at `now_ms`.
    pub(super) fn due_share(&self, now_ms: u64) -> f64 {
        if self.droppable_from_ms > now_ms || self.droppable_rows == 0 {
            return 0.0;
        }
        self.droppable_rows as f64 / self.rows.max(1) as f64
    }
}

/// Level 0: overlapping files, newest first. The others: files that do not overlap, by key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Level {
    /// The files.
    pub files: Vec<FileInfo>,
}

impl Level {
    /// Total size.
    pub fn size_bytes(&self) -> u64 {
        self.files.iter().map(|file| file.size_bytes).sum()
    }

    /// The files of a sorted level that share keys with `range`.
    pub(super) fn overlapping(&self, range: &RangeInclusive<Key>) -> &[FileInfo] {
        let start = self.files.partition_point(|file| file.max < *range.start());
        let len = self.files[start..].partition_point(|file| file.min <= *range.end());
        &self.files[start..start + len]
    }
}

/// Shape and thresholds of the levels of one partition.
#[derive(Clone, Debug, PartialEq)]
pub struct LevelConfig {
    /// Files in level 0 that start a merge into level 1.
    pub l0_trigger: usize,
    /// Target size of level 1.
    pub base_bytes: u64,
    /// Target size of a level over that of the one above.
    pub fanout: u64,
    /// Number of levels, level 0 included, at least 2; the last may hold whatever comes.
    pub max_levels: usize,
    /// Size at which an output file is ended.
    pub table_bytes: u64,
    /// Share of a file's rows that must be droppable for it to be rewritten as soon as they are due.
    pub age_share_min: f64,
    /// Overdue for this long, droppable rows are dropped however few they are.
    pub age_wait_ms: u64,
}

impl Default for LevelConfig {
    fn default() -> LevelConfig {
        LevelConfig {
            l0_trigger: 4,
            base_bytes: 32 << 20,
            fanout: 10,
            max_levels: 5,
            table_bytes: 8 << 20,
            age_share_min: 0.3,
            age_wait_ms: 24 * 3600 * 1000,
        }
    }
}

impl LevelConfig {
    /// The deepest level.
    pub(super) fn last_level(&self) -> usize {
        self.max_levels.max(2) - 1
    }

    /// Size that level `level` (1 or deeper) should not pass; the last level has no limit.
    pub fn target_bytes(&self, level: usize) -> u64 {
        if level >= self.last_level() {
            return u64::MAX;
        }
        let power = self.fanout.saturating_pow(level.saturating_sub(1) as u32);
        self.base_bytes.saturating_mul(power).max(1)
    }
}

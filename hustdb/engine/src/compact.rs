//! Compaction: merging tables into lower levels by the plans of `compaction::pick`.
//!
//! Order of durability: output tables, their folder, the manifest edit; only then the inputs' names are removed.
//! Readers that still hold an input keep its map.

use std::{
    collections::BTreeSet,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

use crate::{
    Error, Result,
    compaction::{self, Direction, FileInfo, Level, LevelConfig, Merge, Plan, Reason, Retain, RowCursor},
    engine::Inner,
    key::Key,
    manifest::Edit,
    options::Background,
    outputs::Outputs,
    runs::TableRun,
    table::Table,
    view::Levels,
};

/// At rest level 0 goes down if it is at least this part of level 1.
const AT_REST_PART: u64 = 10;
/// Files in level 0 from which on it is merged down under load: fewer would rewrite level 1 too often.
const LEVEL_ZERO_TRIGGER: usize = 8;

impl Inner {
    /// Does one compaction, if one is due. Several threads may be in here, each with tables of its own.
    pub fn compact_step(&self) -> Result<bool> {
        let Some((index, plan)) = self.claim_plan() else { return Ok(false) };
        let ids: Vec<u64> = plan.inputs.iter().chain(&plan.overlapped).copied().collect();
        let result = self.compact(index, &plan);
        self.busy_tables.lock().retain(|id| !ids.contains(id));
        result.map(|()| true)
    }

    /// Picks the most urgent plan over all partitions and marks its tables as taken.
    fn claim_plan(&self) -> Option<(usize, Plan)> {
        let mut busy = self.busy_tables.lock();
        let (config, idle) = (self.level_config(), self.is_idle());
        let now_ms = self.options.clock.now_ms();
        let plans = self.partitions.iter().enumerate().filter_map(|(index, partition)| {
            let levels = level_infos(&partition.view().levels);
            let config = if idle { at_rest(&config, &levels) } else { config.clone() };
            compaction::pick(&levels, &busy, now_ms, &config).map(|plan| (index, plan))
        });
        let (index, plan) = plans.max_by_key(|(index, plan)| self.urgency(*index, plan))?;
        busy.extend(plan.inputs.iter().chain(&plan.overlapped));
        Some((index, plan))
    }

    /// Full level 0s slow every read and hold up writers, so they go first, the fullest before all.
    fn urgency(&self, index: usize, plan: &Plan) -> (bool, usize) {
        let level_zero = self.partitions[index].view().levels.first().map_or(0, Vec::len);
        (plan.reason == Reason::LevelZero, level_zero)
    }

    pub fn level_config(&self) -> LevelConfig {
        LevelConfig {
            l0_trigger: LEVEL_ZERO_TRIGGER,
            base_bytes: self.options.level_base_bytes,
            table_bytes: self.options.table_bytes,
            ..LevelConfig::default()
        }
    }

    fn compact(&self, index: usize, plan: &Plan) -> Result<()> {
        let levels = self.partitions[index].view_full().levels.clone();
        let upper = select(&levels, plan.level_in, &plan.inputs)?;
        let lower = select(&levels, plan.level_out, &plan.overlapped)?;
        if plan.trivial_move {
            return self.install_compaction(index, plan, &upper, upper.clone(), false);
        }
        let outputs = self.merge_tables(plan, &upper, &lower)?;
        let inputs: Vec<_> = upper.into_iter().chain(lower).collect();
        let bytes = |tables: &[Arc<Table>]| tables.iter().map(|t| t.meta().size_bytes).sum::<u64>();
        self.counters.compaction_in_bytes.fetch_add(bytes(&inputs), Relaxed);
        self.counters.compaction_out_bytes.fetch_add(bytes(&outputs), Relaxed);
        self.install_compaction(index, plan, &inputs, outputs, true)
    }

    fn merge_tables(
        &self,
        plan: &Plan,
        upper: &[Arc<Table>],
        lower: &[Arc<Table>],
    ) -> Result<Vec<Arc<Table>>> {
        let mut runs: Vec<Vec<Arc<Table>>> = match plan.level_in {
            0 => upper.iter().map(|table| vec![table.clone()]).collect(),
            _ => vec![upper.to_vec()],
        };
        runs.push(lower.to_vec());
        let sources = runs.into_iter().map(|run| TableRun::seek(run, Key::MIN, Direction::Forward));
        let sources = sources.collect::<Result<Vec<_>>>()?;
        let mut merge = Merge::new(sources, Direction::Forward);
        let now_ms = self.options.clock.now_ms();
        let grace_ms = self.options.tombstone_grace_ms;
        let mut outputs = Outputs::new(&self.tables, self.options.table_bytes);
        while let Some(key) = merge.key() {
            let row = merge.row()?;
            let stored = row.pointer().is_some();
            if compaction::retain(&row.meta, stored, plan.bottom, now_ms, grace_ms) == Retain::Keep
                && let Some(written_bytes) = outputs.add(key, &row)?
            {
                self.pace_compaction(written_bytes)?;
            }
            merge.advance()?;
        }
        outputs.finish()
    }

    /// Holds to the configured rate by waiting for its time to pass, and ends early when the engine stops.
    fn pace_compaction(&self, written_bytes: u64) -> Result<()> {
        let rate = self.options.compaction_rate_bytes;
        let until_ms = self.monotonic_ms() + (written_bytes * 1000).checked_div(rate).unwrap_or(0);
        loop {
            if self.signal.is_stopping() {
                return Err(Error::Busy("stopping"));
            }
            let left_ms = until_ms.saturating_sub(self.monotonic_ms());
            if left_ms == 0 || self.options.background == Background::Manual {
                return Ok(());
            }
            self.signal.wait_stop(Duration::from_millis(left_ms));
        }
    }

    fn install_compaction(
        &self,
        index: usize,
        plan: &Plan,
        inputs: &[Arc<Table>],
        outputs: Vec<Arc<Table>>,
        unlink: bool,
    ) -> Result<()> {
        let removed: BTreeSet<u64> = inputs.iter().map(|table| table.meta().id).collect();
        let edit = Edit {
            removed: removed.iter().map(|&id| (index as u16, id)).collect(),
            added: outputs.iter().map(|t| (index as u16, plan.level_out as u8, t.meta().clone())).collect(),
            ..Edit::default()
        };
        // A table that is only moved has its name already.
        let new = if unlink { outputs.as_slice() } else { &[] };
        self.tables.enter(&self.manifest, &edit, new)?;
        self.partitions[index].install_levels(|levels| replace(levels, &removed, &outputs, plan.level_out));
        self.share_memory();
        if unlink {
            for table in inputs {
                self.tables.remove(table.meta().id)?;
            }
        }
        Ok(())
    }
}

/// At rest level 0 is merged down as soon as it is worth the rewriting of level 1: reads then look at one table less,
/// and overwritten rows leave.
fn at_rest(config: &LevelConfig, levels: &[Level]) -> LevelConfig {
    let bytes = |level: usize| levels.get(level).map_or(0, Level::size_bytes);
    let l0_trigger = if bytes(0) >= bytes(1) / AT_REST_PART { 1 } else { config.l0_trigger };
    LevelConfig { l0_trigger, ..config.clone() }
}

fn replace(levels: &Levels, removed: &BTreeSet<u64>, outputs: &[Arc<Table>], level_out: usize) -> Levels {
    let mut levels: Levels = levels
        .iter()
        .map(|tables| tables.iter().filter(|table| !removed.contains(&table.meta().id)).cloned().collect())
        .collect();
    if levels.len() <= level_out {
        levels.resize(level_out + 1, Vec::new());
    }
    levels[level_out].extend(outputs.iter().cloned());
    if level_out > 0 {
        levels[level_out].sort_by_key(|table| table.meta().min);
    }
    levels
}

fn select(levels: &Levels, level: usize, ids: &[u64]) -> Result<Vec<Arc<Table>>> {
    let tables = levels.get(level).map_or(&[][..], |tables| &tables[..]);
    let found: Vec<_> = tables.iter().filter(|table| ids.contains(&table.meta().id)).cloned().collect();
    if found.len() != ids.len() {
        return Err(Error::Invalid(format!("a plan names tables that level {level} does not have")));
    }
    Ok(found)
}

/// What `pick` needs to know of the levels.
pub(crate) fn level_infos(levels: &Levels) -> Vec<Level> {
    let info = |table: &Arc<Table>| {
        let meta = table.meta();
        FileInfo {
            id: meta.id,
            size_bytes: meta.size_bytes,
            rows: meta.rows,
            tombstones: meta.tombstones,
            min: meta.min,
            max: meta.max,
            droppable_from_ms: meta.droppable_from_ms,
            droppable_rows: meta.droppable_rows,
        }
    };
    levels.iter().map(|tables| Level { files: tables.iter().map(info).collect() }).collect()
}

//! Write amplification (bytes sent to the disk for each byte of rows, until at rest) under random overwrites, and
//! space amplification (bytes on disk for each byte of live rows) at rest after everything was overwritten 5 times.

use super::{Field, row_bytes, rows_of};
use crate::{
    args::Context,
    report::{Goal, Line, Report},
    store::{BUDGET, Failure, disk_bytes},
    task::Ask,
    workload::size_name,
};

const WRITE_VALUE_BYTES: usize = 4096;
const SPACE_VALUE_BYTES: [usize; 2] = [100, 4096];

/// Overwrites of everything before the disk is looked at.
const PASSES: usize = 5;

pub fn run(context: &Context, report: &mut Report, _: u64) -> Result<(), Failure> {
    written(context, report)?;
    for value_bytes in SPACE_VALUE_BYTES {
        occupied(context, report, value_bytes)?;
    }
    Ok(())
}

fn written(context: &Context, report: &mut Report) -> Result<(), Failure> {
    let times = if context.common.quick { 2 } else { 8 };
    let rows = rows_of(times * BUDGET.memtable_bytes, WRITE_VALUE_BYTES);
    let name = format!("write amplification, random overwrite, {}", size_name(WRITE_VALUE_BYTES));
    let line = Line::less(name, "x").goal(Goal::Figure(1.5));
    let mut field = Field::new(context)?;
    field.fill(rows, WRITE_VALUE_BYTES)?;
    for worker in &mut field.workers {
        let before = worker.ask(&Ask::Settle)?;
        let count = 2 * rows;
        worker.ask(&Ask::Overwrite { rows, value_bytes: WRITE_VALUE_BYTES, count })?;
        let after = worker.ask(&Ask::Settle)?;
        let payload_bytes = count * row_bytes(WRITE_VALUE_BYTES);
        let written_bytes = after.written_bytes - before.written_bytes;
        report.add(&line, worker.kind.name(), written_bytes as f64 / payload_bytes as f64);
    }
    field.close()
}

fn occupied(context: &Context, report: &mut Report, value_bytes: usize) -> Result<(), Failure> {
    let times = if context.common.quick { 1 } else { 3 };
    let rows = rows_of(times * BUDGET.memtable_bytes, value_bytes);
    let name = format!("space amplification after {PASSES} overwrites, {}", size_name(value_bytes));
    let line = Line::less(name, "x").goal(Goal::Figure(1.25));
    let mut field = Field::new(context)?;
    field.fill(rows, value_bytes)?;
    for _ in 0..PASSES {
        field.ask(&Ask::Fill { from: 0, to: rows, value_bytes })?;
    }
    field.ask(&Ask::Settle)?;
    let payload_bytes = rows * row_bytes(value_bytes);
    for worker in &field.workers {
        let on_disk = disk_bytes(&field.dir.path().join(worker.kind.name()))?;
        report.add(&line, worker.kind.name(), on_disk as f64 / payload_bytes as f64);
    }
    field.close()
}

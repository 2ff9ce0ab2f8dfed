//! How long opening takes: after a clean close, and after `kill -9` with a memtable full of unflushed rows. What
//! was written (sync = os) must be there again.

use super::{Field, rows_of};
use crate::{
    args::Context,
    report::{Goal, Line, Report},
    store::{BUDGET, Failure},
    task::Ask,
    worker::Worker,
    workload::size_name,
};

const VALUE_BYTES: usize = 100;

/// The goals are for this many rows.
const GOAL_ROWS: u64 = 10_000_000;

pub fn run(context: &Context, report: &mut Report, rows: u64) -> Result<(), Failure> {
    let rows = if context.common.quick { rows.min(300_000) } else { rows };
    let name = format!("{rows} rows of {}", size_name(VALUE_BYTES));
    let clean = Line::less(format!("open after clean close, {name}"), "s").goal(Goal::Figure(0.3));
    let killed =
        Line::less(format!("open after kill -9, memtable full, {name}"), "s").goal(Goal::Figure(2.0));
    if rows < GOAL_ROWS {
        report.note(format!("the goals of opening are for {GOAL_ROWS} rows (--rows), measured with {rows}"));
    }
    let mut field = Field::new(context)?;
    field.fill(rows, VALUE_BYTES)?;
    let dir = field.dir;
    // Just under the budget: no flush begins by itself.
    let unflushed = rows_of(BUDGET.memtable_bytes * 6 / 10, VALUE_BYTES);
    for mut worker in field.workers {
        let (kind, folder) = (worker.kind, dir.path().join(worker.kind.name()));
        for round in 0..context.common.rounds as u64 {
            worker.close()?;
            worker = Worker::start(kind, &folder, context.seed, false)?;
            report.add(&clean, kind.name(), worker.open_seconds);
            let from = rows + round * unflushed;
            let to = from + unflushed;
            worker.ask(&Ask::Fill { from, to, value_bytes: VALUE_BYTES })?;
            drop(worker);
            worker = Worker::start(kind, &folder, context.seed, false)?;
            report.add(&killed, kind.name(), worker.open_seconds);
            for row in [0, rows - 1, from, to - 1] {
                worker.ask(&Ask::Probe { row, value_bytes: VALUE_BYTES })?;
            }
            worker.ask(&Ask::Settle)?;
        }
        worker.close()?;
    }
    Ok(())
}

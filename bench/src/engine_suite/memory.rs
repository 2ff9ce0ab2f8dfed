//! Memory beyond the configured limit: the greatest anonymous memory of a worker that writes and reads several
//! times as much as the memtables and the cache may hold together.

use super::{Field, rows_of};
use crate::{
    args::Context,
    report::{Goal, Line, Report},
    store::{BUDGET, Failure},
    task::Ask,
    workload::size_name,
};

const VALUE_BYTES: usize = 1024;

pub fn run(context: &Context, report: &mut Report, _: u64) -> Result<(), Failure> {
    let limit_bytes = BUDGET.memtable_bytes + BUDGET.cache_bytes;
    let rows = rows_of(if context.common.quick { limit_bytes } else { 3 * limit_bytes }, VALUE_BYTES);
    let line =
        Line::less(format!("peak memory / limit, {}", size_name(VALUE_BYTES)), "x").goal(Goal::Figure(1.1));
    let mut field = Field::new(context)?;
    let seconds = context.common.seconds * 3.0;
    field.ask(&Ask::Fill { from: 0, to: rows, value_bytes: VALUE_BYTES })?;
    field.ask(&Ask::Read { rows, value_bytes: VALUE_BYTES, threads: 2, seconds, zipf: false })?;
    field.ask(&Ask::Overwrite { rows, value_bytes: VALUE_BYTES, count: rows / 2 })?;
    for (store, told) in
        field.ask(&Ask::Read { rows, value_bytes: VALUE_BYTES, threads: 2, seconds, zipf: true })?
    {
        report.add(&line, store, told.peak_bytes as f64 / limit_bytes as f64);
    }
    field.close()
}

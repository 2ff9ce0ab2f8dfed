//! Random insert and random overwrite with sync = os, sustained until ten times the memtable budget has been
//! written, so that flushes and compactions are in the figure.

use super::{Field, rows_of};
use crate::{
    args::Context,
    report::{Goal, Line, Report},
    store::{BUDGET, Failure},
    task::Ask,
    workload::size_name,
};

const VALUE_BYTES: [usize; 4] = [100, 1024, 4096, 65536];

pub fn run(context: &Context, report: &mut Report, _: u64) -> Result<(), Failure> {
    let times = if context.common.quick { 2 } else { 10 };
    for value_bytes in VALUE_BYTES {
        let rows = rows_of(times * BUDGET.memtable_bytes, value_bytes);
        let size = size_name(value_bytes);
        let line = |what| Line::more(format!("{what}, {size}, sync = os"), "ops/s").goal(Goal::Ratio(2.0));
        let cpu = |what| Line::less(format!("{what}, {size}, CPU until at rest"), "us/op");
        // Each round begins with empty stores. One pass is long; half of the rounds give the median enough.
        for _ in 0..context.common.rounds.div_ceil(2) {
            let mut field = Field::new(context)?;
            for (what, ask) in [
                ("random insert", Ask::Fill { from: 0, to: rows, value_bytes }),
                ("random overwrite", Ask::Overwrite { rows, value_bytes, count: rows }),
            ] {
                for worker in &mut field.workers {
                    let told = worker.ask(&ask)?;
                    let rest = worker.ask(&Ask::Settle)?;
                    let name = worker.kind.name();
                    report.add(&line(what), name, told.rate());
                    report.add(&cpu(what), name, (told.cpu_us + rest.cpu_us) as f64 / rows as f64);
                }
            }
            field.close()?;
        }
    }
    Ok(())
}

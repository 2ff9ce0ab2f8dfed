//! Reads beside other work: beside overwrites at full speed, and beside compactions of everything.

use super::{Field, rows_of};
use crate::{
    args::Context,
    report::{Goal, Line, Report},
    store::Failure,
    task::{Ask, Other},
    workload::size_name,
};

const VALUE_BYTES: usize = 1024;
const DATA_BYTES: u64 = 160 << 20;
const QUICK_BYTES: u64 = 32 << 20;

pub fn run(context: &Context, report: &mut Report, _: u64) -> Result<(), Failure> {
    let rows = rows_of(if context.common.quick { QUICK_BYTES } else { DATA_BYTES }, VALUE_BYTES);
    let size = size_name(VALUE_BYTES);
    let mut field = Field::new(context)?;
    field.fill(rows, VALUE_BYTES)?;
    // Long enough for several memtables and compactions.
    let seconds = context.common.seconds * 3.0;
    let ask = |other| Ask::ReadWhile { rows, value_bytes: VALUE_BYTES, seconds, other };
    let read = Line::more(format!("read while writing, reads, {size}"), "ops/s").goal(Goal::Ratio(2.0));
    let write = Line::more(format!("read while writing, writes, {size}"), "ops/s").goal(Goal::Ratio(2.0));
    let p50 = Line::less("get during compaction, p50", "us");
    let p999 = Line::less("get during compaction, p99.9", "us");
    let spread = Line::less("get during compaction, p99.9 / p50", "").goal(Goal::Figure(5.0));
    for _ in 0..context.common.rounds {
        for (store, told) in field.ask(&ask(Other::Overwrite))? {
            report.add(&read, store, told.rate());
            report.add(&write, store, told.other_rate());
        }
        field.ask(&Ask::Settle)?;
        for (store, told) in field.ask(&ask(Other::Compact))? {
            if told.ops == 0 {
                report.note(format!("{store}: no read fell into a compaction in {seconds} s"));
                continue;
            }
            report.add(&p50, store, told.p50_ns as f64 / 1e3);
            report.add(&p999, store, told.p999_ns as f64 / 1e3);
            report.add(&spread, store, told.p999_ns as f64 / told.p50_ns.max(1) as f64);
        }
        field.ask(&Ask::Settle)?;
    }
    field.close()
}

//! Random reads and reads of absent keys, everything in memory.

use super::{Field, rows_of};
use crate::{
    args::Context,
    report::{Goal, Line, Report},
    store::Failure,
    task::Ask,
    workload::size_name,
};

const VALUE_BYTES: [usize; 4] = [100, 1024, 4096, 65536];

/// Fits the cache of 256 MiB.
const DATA_BYTES: u64 = 160 << 20;
const QUICK_BYTES: u64 = 32 << 20;

pub fn run(context: &Context, report: &mut Report, _: u64) -> Result<(), Failure> {
    for value_bytes in VALUE_BYTES {
        let rows = rows_of(if context.common.quick { QUICK_BYTES } else { DATA_BYTES }, value_bytes);
        let size = size_name(value_bytes);
        let seconds = context.common.seconds;
        let read = |threads, zipf| Ask::Read { rows, value_bytes, threads, seconds, zipf };
        let mut field = Field::new(context)?;
        field.fill(rows, value_bytes)?;
        // Fills the caches.
        field.ask(&read(2, false))?;
        for _ in 0..context.common.rounds {
            for (what, ask) in [
                ("random read, 1 thread", read(1, false)),
                ("random read, 2 threads", read(2, false)),
                ("Zipf read, 2 threads", read(2, true)),
                ("read of absent keys", Ask::ReadAbsent { seconds }),
            ] {
                let goal = if matches!(ask, Ask::ReadAbsent { .. }) { 2.5 } else { 3.0 };
                let line = Line::more(format!("{what}, {size}"), "ops/s").goal(Goal::Ratio(goal));
                // Beside other load on the machine the steadier figure.
                let cpu = Line::less(format!("{what}, {size}, CPU"), "us/op");
                for (store, told) in field.ask(&ask)? {
                    report.add(&line, store, told.rate());
                    report.add(&cpu, store, told.cpu_us as f64 / told.ops.max(1) as f64);
                }
            }
        }
        field.close()?;
    }
    Ok(())
}

//! Inserts that wait for the disk, by 1, 16 and 64 writers, beside a bare loop that appends the bytes of as many
//! rows as there are writers and syncs them at once: what the disk allows a perfect group commit.

use std::{fs::OpenOptions, io::Write, path::Path, time::Instant};

use super::{Field, row_bytes};
use crate::{
    args::Context,
    report::{Goal, Line, Report},
    store::Failure,
    task::Ask,
    workload::{Values, size_name},
};

const VALUE_BYTES: [usize; 2] = [100, 4096];
const WRITERS: [(usize, f64); 3] = [(1, 1.0), (16, 1.3), (64, 1.5)];

/// Turns in a round. The speed of a disk changes within seconds; short turns let everybody have the same of it.
const TURNS: usize = 4;

pub fn run(context: &Context, report: &mut Report, _: u64) -> Result<(), Failure> {
    for value_bytes in VALUE_BYTES {
        for (writers, goal) in WRITERS {
            let name = format!("synced insert, {writers} writers, {}", size_name(value_bytes));
            let line = Line::more(&name, "ops/s").goal(Goal::Ratio(goal));
            let share = Line::more(format!("{name}, of bare append + fdatasync"), "").goal(Goal::Figure(0.9));
            let mut field = Field::synced(context)?;
            let seconds = context.common.seconds / TURNS as f64;
            let mut from = 0;
            for _ in 0..context.common.rounds * TURNS {
                let block = writers * row_bytes(value_bytes) as usize;
                let syncs = bare_syncs(&field.dir.path().join("bare"), block, context.seed, seconds)?;
                for (store, told) in field.ask(&Ask::SyncedInsert { from, value_bytes, writers, seconds })? {
                    report.add(&line, store, told.rate());
                    let of_bare = told.rate() / (syncs * writers as f64);
                    report.add(&share, store, of_bare);
                    from += told.ops;
                }
            }
            field.close()?;
        }
    }
    Ok(())
}

/// Appends `block_bytes` and syncs, again and again; how often a second.
fn bare_syncs(path: &Path, block_bytes: usize, seed: u64, seconds: f64) -> Result<f64, Failure> {
    let mut file = OpenOptions::new().create(true).append(true).open(path)?;
    let mut values = Values::new(seed);
    let block = values.next(0, block_bytes).to_vec();
    let start = Instant::now();
    let mut syncs = 0u64;
    while start.elapsed().as_secs_f64() < seconds {
        file.write_all(&block)?;
        file.sync_data()?;
        syncs += 1;
    }
    Ok(syncs as f64 / start.elapsed().as_secs_f64())
}

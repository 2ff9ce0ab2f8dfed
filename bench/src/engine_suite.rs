//! The table of the engine's goals, measured: every store in worker processes of its own, asked in turn.

use crate::{
    args::Context,
    report::Report,
    store::{Failure, Kind},
    task::{Ask, Told},
    worker::Worker,
    workload::KEY_BYTES,
};

mod amplification;
mod memory;
mod mixed;
mod open;
mod reads;
mod synced;
mod writes;

type Group = fn(&Context, &mut Report, u64) -> Result<(), Failure>;

const GROUPS: [(&str, Group); 7] = [
    ("reads", reads::run),
    ("writes", writes::run),
    ("synced", synced::run),
    ("mixed", mixed::run),
    ("amplification", amplification::run),
    ("open", open::run),
    ("memory", memory::run),
];

/// Measures all groups, or the ones named in `only`; `rows` is for the group that opens stores.
pub fn run(context: &Context, rows: u64, only: &[String]) -> Result<Report, Failure> {
    if let Some(unknown) = only.iter().find(|name| !GROUPS.iter().any(|(known, _)| known == name)) {
        return Err(format!("no group {unknown:?}").into());
    }
    let mut report = Report::new("engine", None);
    for (peer, is_in) in [("rocksdb", cfg!(feature = "rocksdb")), ("fjall", cfg!(feature = "fjall"))] {
        if !is_in {
            report.note(format!("{peer}: not in this build (--features peers), left out"));
        }
    }
    for (name, group) in GROUPS {
        if only.is_empty() || only.iter().any(|wanted| wanted == name) {
            eprintln!("engine: {name}");
            group(context, &mut report, rows)?;
        }
    }
    Ok(report)
}

/// One worker a store, each on an empty folder.
struct Field {
    workers: Vec<Worker>,
    dir: tempfile::TempDir,
}

impl Field {
    fn new(context: &Context) -> Result<Field, Failure> {
        Field::open(context, false)
    }

    /// For synced writes.
    fn synced(context: &Context) -> Result<Field, Failure> {
        Field::open(context, true)
    }

    fn open(context: &Context, synced: bool) -> Result<Field, Failure> {
        let dir = tempfile::tempdir_in(context.dir.path())?;
        let workers = Kind::ALL
            .iter()
            .map(|kind| Worker::start(*kind, &dir.path().join(kind.name()), context.seed, synced))
            .collect::<Result<_, _>>()?;
        Ok(Field { workers, dir })
    }

    /// The same question to every store, one after the other.
    fn ask(&mut self, ask: &Ask) -> Result<Vec<(&'static str, Told)>, Failure> {
        self.workers.iter_mut().map(|worker| Ok((worker.kind.name(), worker.ask(ask)?))).collect()
    }

    /// Writes rows `0..rows` and waits until nothing is left to do in the background.
    fn fill(&mut self, rows: u64, value_bytes: usize) -> Result<(), Failure> {
        self.ask(&Ask::Fill { from: 0, to: rows, value_bytes })?;
        self.ask(&Ask::Settle)?;
        Ok(())
    }

    /// Closes all stores properly.
    fn close(self) -> Result<(), Failure> {
        self.workers.into_iter().try_for_each(|worker| worker.close().map(drop))
    }
}

/// How many rows of `value_bytes` make up `bytes`.
fn rows_of(bytes: u64, value_bytes: usize) -> u64 {
    (bytes / row_bytes(value_bytes)).max(1)
}

/// User key and value.
fn row_bytes(value_bytes: usize) -> u64 {
    (KEY_BYTES + value_bytes) as u64
}

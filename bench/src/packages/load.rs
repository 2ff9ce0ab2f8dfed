//! Loading records over several connections, reading them back, comparing.
//!
//! A request without an answer is sent again once the node is back; one with an answer never is. So a record's
//! version after its acknowledged PUT is between 1 and the number of times the PUT was sent, and stays as it was
//! acknowledged.

use std::{
    fmt,
    sync::{
        OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{index::Record, node::Node};
use crate::{
    load::{get_target, put_target},
    store::Failure,
};

/// Mismatches that are spelled out.
const SHOWN: usize = 5;

/// How a load went.
#[derive(Debug, Default)]
pub struct Summary {
    /// Records loaded and read back.
    pub records: usize,
    /// Bytes of their values.
    pub bytes: usize,
    /// Time of the writes.
    pub write: Duration,
    /// Time of the reads.
    pub read: Duration,
    /// PUTs that were sent again because no answer came.
    pub repeated: usize,
    /// Repeated PUTs whose first sending had been applied after all.
    pub applied_twice: usize,
    /// Times the node was killed and started again.
    pub restarts: usize,
    /// Records that were not there, had another value or another version than acknowledged.
    pub mismatches: usize,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rate = |time: Duration| self.records as f64 / time.as_secs_f64().max(1e-9);
        writeln!(f, "records     {} ({} bytes)", self.records, self.bytes)?;
        writeln!(f, "written in  {:.2} s, {:.0} req/s", self.write.as_secs_f64(), rate(self.write))?;
        writeln!(f, "read in     {:.2} s, {:.0} req/s", self.read.as_secs_f64(), rate(self.read))?;
        writeln!(
            f,
            "restarts    {}, {} requests repeated, {} of them had been applied",
            self.restarts, self.repeated, self.applied_twice
        )?;
        write!(f, "mismatches  {}", self.mismatches)
    }
}

/// What is known of a record once its PUT was answered.
#[derive(Clone, Copy, Debug)]
struct Acknowledged {
    version: Option<u64>,
    sent: usize,
}

/// Counters the threads of a load share.
pub struct Progress {
    /// PUTs acknowledged so far.
    pub acknowledged: AtomicUsize,
    bar: ProgressBar,
}

/// Loads and reads back. `fresh`: the node was empty, so versions are checked too.
pub fn run(records: &[Record], node: &Node, connections: usize, visible: bool) -> Result<Summary, Failure> {
    let progress = Progress::new(records.len(), visible);
    let loaded = write_all(records, node, connections, &progress)?;
    read_back(records, node, connections, &loaded, visible)
}

/// The acknowledgements of a whole load.
pub struct Loaded {
    acknowledged: Vec<OnceLock<Acknowledged>>,
    took: Duration,
}

impl Progress {
    /// A bar for `total` requests.
    pub fn new(total: usize, visible: bool) -> Progress {
        Progress { acknowledged: AtomicUsize::new(0), bar: bar("PUT", total, visible) }
    }
}

fn bar(what: &'static str, total: usize, visible: bool) -> ProgressBar {
    let target = if visible { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let bar = ProgressBar::with_draw_target(Some(total as u64), target).with_prefix(what);
    let style =
        ProgressStyle::with_template("{prefix} [{bar:40}] {human_pos}/{human_len} {per_sec} ETA {eta}");
    // The template is fixed; a wrong one would leave the plain bar.
    style.map_or(bar.clone(), |style| bar.with_style(style.progress_chars("=> ")))
}

/// PUTs every record once, and again as long as no answer comes.
pub fn write_all(
    records: &[Record],
    node: &Node,
    connections: usize,
    progress: &Progress,
) -> Result<Loaded, Failure> {
    let acknowledged: Vec<OnceLock<Acknowledged>> = records.iter().map(|_| OnceLock::new()).collect();
    let start = Instant::now();
    each(records, connections, |next| {
        let mut connection = node.connect()?;
        while let Some((n, record)) = next() {
            let mut sent = 0;
            let version = loop {
                sent += 1;
                match connection.client.put(&put_target(&record.query_key), &record.value) {
                    Ok(answer) if answer.status == 200 => break answer.version,
                    Ok(answer) => {
                        return Err(format!("PUT {}: status {}", record.query_key, answer.status).into());
                    }
                    Err(error) => connection = node.connect_again(&connection, &error)?,
                }
            };
            // Each record is taken by one thread.
            let _ = acknowledged[n].set(Acknowledged { version, sent });
            progress.acknowledged.fetch_add(1, Ordering::Relaxed);
            progress.bar.inc(1);
        }
        Ok(())
    })?;
    progress.bar.finish();
    Ok(Loaded { acknowledged, took: start.elapsed() })
}

/// GETs every record and compares value and version.
pub fn read_back(
    records: &[Record],
    node: &Node,
    connections: usize,
    loaded: &Loaded,
    visible: bool,
) -> Result<Summary, Failure> {
    let bar = bar("GET", records.len(), visible);
    let mismatches = AtomicUsize::new(0);
    let start = Instant::now();
    each(records, connections, |next| {
        let mut connection = node.connect()?;
        while let Some((n, record)) = next() {
            let answer = connection.client.get(&get_target(&record.query_key))?;
            let known = loaded.acknowledged[n].get();
            let wrong = if answer.status != 200 {
                Some(format!("status {}", answer.status))
            } else if answer.body != record.value {
                Some("another value".to_owned())
            } else {
                known.map_or(Some("never acknowledged".into()), |known| {
                    wrong_version(node, known, answer.version)
                })
            };
            if let Some(wrong) = wrong
                && mismatches.fetch_add(1, Ordering::Relaxed) < SHOWN
            {
                eprintln!("{}: {wrong}", record.query_key);
            }
            bar.inc(1);
        }
        Ok(())
    })?;
    bar.finish();
    let known = || loaded.acknowledged.iter().filter_map(OnceLock::get);
    Ok(Summary {
        records: records.len(),
        bytes: records.iter().map(|record| record.value.len()).sum(),
        write: loaded.took,
        read: start.elapsed(),
        repeated: known().map(|known| known.sent - 1).sum(),
        applied_twice: known().filter(|known| node.was_empty() && known.version > Some(1)).count(),
        restarts: 0,
        mismatches: mismatches.into_inner(),
    })
}

/// What is wrong with the version, if anything. Where the node was not empty only the acknowledged one is known.
fn wrong_version(node: &Node, known: &Acknowledged, read: Option<u64>) -> Option<String> {
    let Some(acknowledged) = known.version else { return Some("acknowledged without a version".into()) };
    if read != Some(acknowledged) {
        return Some(format!("version {read:?}, acknowledged was {acknowledged}"));
    }
    let possible = 1..=known.sent as u64;
    (node.was_empty() && !possible.contains(&acknowledged))
        .then(|| format!("version {acknowledged} after {} PUTs", known.sent))
}

/// Runs `work` on `threads` threads; each takes the next record from the closure it is given.
fn each<'a>(
    records: &'a [Record],
    threads: usize,
    work: impl Fn(&dyn Fn() -> Option<(usize, &'a Record)>) -> Result<(), Failure> + Sync,
) -> Result<(), Failure> {
    let next = AtomicUsize::new(0);
    let take = || {
        let n = next.fetch_add(1, Ordering::Relaxed);
        Some((n, records.get(n)?))
    };
    thread::scope(|scope| {
        let (work, take) = (&work, &take);
        let started: Vec<_> = (0..threads.max(1))
            .map(|n| {
                thread::Builder::new().name(format!("packages-{n}")).spawn_scoped(scope, move || work(take))
            })
            .collect();
        for thread in started {
            thread?.join().map_err(|_| "a loading thread panicked")??;
        }
        Ok(())
    })
}

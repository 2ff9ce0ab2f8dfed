//! Memory and disk that a million records of 256 bytes take, loaded through HTTP and then left at rest; Redis with
//! an append-only file for comparison.

use std::{path::Path, time::Duration};

use super::{peer, redis, start_ours};
use crate::{
    args::{Context, Node},
    load::{fill, put_target},
    process::Server,
    report::{Goal, Line, OURS, Report},
    store::{Failure, disk_bytes, wait_for_rest},
    workload::KEY_BYTES,
};

const VALUE_BYTES: usize = 256;

/// Longest wait for rest; what is on disk then is what is reported.
const REST_LIMIT: Duration = Duration::from_secs(60);

/// Measures `rows` records.
pub fn run(context: &Context, node: &Node, rows: u64) -> Result<Report, Failure> {
    let rows = if context.common.quick { rows.min(100_000) } else { rows };
    let mut report = Report::new("footprint", None);
    if let Some(server) = start_ours(context, node, &mut report, "hust", "os")? {
        fill(server.address, put_target, rows, VALUE_BYTES, 16, context.seed)?;
        add(&mut report, OURS, &server, &context.dir.path().join("hust"), rows)?;
    }
    if let Some(program) = peer(&mut report, "redis-server") {
        let dir = context.dir.path().join("redis");
        let server = redis::start(&program, &dir, Some("everysec"))?;
        redis::fill(server.address, rows, VALUE_BYTES, context.seed)?;
        add(&mut report, "redis", &server, &dir, rows)?;
    }
    Ok(report)
}

fn add(report: &mut Report, name: &str, server: &Server, dir: &Path, rows: u64) -> Result<(), Failure> {
    let what = format!("{rows} records of {VALUE_BYTES} B");
    let loaded_mb = server.resident_bytes()? as f64 / 1e6;
    if !wait_for_rest(dir, REST_LIMIT) {
        report.note(format!("{name}: the disk is not at rest after {} s", REST_LIMIT.as_secs()));
    }
    let resident = Line::less(format!("{what}, resident when loaded"), "MB").goal(Goal::Figure(400.0));
    report.add(&resident, name, loaded_mb);
    let at_rest = Line::less(format!("{what}, resident at rest"), "MB").goal(Goal::Figure(400.0));
    report.add(&at_rest, name, server.resident_bytes()? as f64 / 1e6);
    let on_disk = disk_bytes(dir)? as f64;
    let values = Line::less(format!("{what}, disk / values"), "x").goal(Goal::Figure(1.3));
    report.add(&values, name, on_disk / (rows * VALUE_BYTES as u64) as f64);
    let pairs = Line::less(format!("{what}, disk / keys and values"), "x");
    report.add(&pairs, name, on_disk / (rows * (VALUE_BYTES + KEY_BYTES) as u64) as f64);
    Ok(())
}

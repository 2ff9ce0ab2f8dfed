//! A million small hashes on one node: what they take on the disk and in memory, and how long the node needs to open
//! with them.

use std::{
    fmt::Write as _,
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::Duration,
};

use base64::{Engine as _, prelude::BASE64_STANDARD};

use super::{rest::rest, start_with};
use crate::{
    args::{Context, Node},
    load::{Client, store_batch},
    process::Server,
    report::{Goal, Line, OURS, Report},
    store::{Failure, disk_bytes},
    workload::Values,
};

const FIELDS: u64 = 10;
const VALUE_BYTES: usize = 20;
/// `f0` to `f9`.
const FIELD_BYTES: usize = 2;

/// Hashes that one request brings.
const SHARE: u64 = 100;
const CONNECTIONS: u64 = 4;

const SETTINGS: [&str; 2] = ["engine.sync=os", "store.table_maximum=16777216"];

/// Longest wait for rest.
const REST_LIMIT: Duration = Duration::from_secs(120);

/// Measures `tables` hashes.
pub fn run(context: &Context, node: &Node, tables: u64) -> Result<Report, Failure> {
    let tables = if context.common.quick { tables.min(50_000) } else { tables };
    let mut report = Report::new("tables", None);
    let Some(empty) = start_with(context, node, &mut report, "empty", &SETTINGS)? else { return Ok(report) };
    let empty_bytes = empty.anonymous_bytes()?;
    drop(empty);
    let Some(server) = start_with(context, node, &mut report, "tables", &SETTINGS)? else {
        return Ok(report);
    };
    load(&server, tables, context.seed)?;
    let dir = context.dir.path().join("tables");
    rest(&mut report, OURS, &dir, REST_LIMIT);
    let what = format!("{tables} hashes of {FIELDS} fields of {VALUE_BYTES} B");
    let payload = (tables * FIELDS) as f64 * (FIELD_BYTES + VALUE_BYTES) as f64;
    let disk = Line::less(format!("{what}, disk / fields and values"), "x").goal(Goal::Figure(3.0));
    report.add(&disk, OURS, disk_bytes(&dir)? as f64 / payload);
    let opening = Line::less(format!("{what}, opening after a clean end"), "s").goal(Goal::Figure(2.0));
    let killed = Line::less(format!("{what}, opening after kill -9"), "s").goal(Goal::Figure(2.0));
    let memory =
        Line::less(format!("{what}, anonymous memory after opening, a table"), "B").goal(Goal::Figure(200.0));
    let again = || -> Result<Server, Failure> {
        let mut unused = Report::new("tables", None);
        start_with(context, node, &mut unused, "tables", &SETTINGS)?
            .ok_or_else(|| "our binary is gone".into())
    };
    drop(server);
    for _ in 0..context.common.rounds {
        let server = again()?;
        report.add(&opening, OURS, server.start_seconds);
        let own_bytes = server.anonymous_bytes()?.saturating_sub(empty_bytes);
        report.add(&memory, OURS, own_bytes as f64 / tables as f64);
        server.kill()?;
        let server = again()?;
        report.add(&killed, OURS, server.start_seconds);
        drop(server);
    }
    Ok(report)
}

/// Stores the hashes `t0`, `t1`, ... over several connections, many fields a request.
fn load(server: &Server, tables: u64, seed: u64) -> Result<(), Failure> {
    let next = AtomicU64::new(0);
    let work = |connection: u64| -> Result<(), Failure> {
        let mut client = Client::connect(server.address)?;
        let mut values = Values::new(seed ^ connection);
        let mut body = String::new();
        loop {
            let from = next.fetch_add(SHARE, Ordering::Relaxed);
            if from >= tables {
                return Ok(());
            }
            body.clear();
            for table in from..(from + SHARE).min(tables) {
                for field in 0..FIELDS {
                    let value = BASE64_STANDARD.encode(values.next(table * FIELDS + field, VALUE_BYTES));
                    let key = BASE64_STANDARD.encode(format!("f{field}"));
                    writeln!(body, r#"{{"key":"{key}","tb":"t{table}","ty":"H","val":"{value}"}}"#)?;
                }
            }
            store_batch(&mut client, &body).map_err(|error| format!("tables from {from}: {error}"))?;
        }
    };
    thread::scope(|scope| {
        let work = &work;
        let started: Vec<_> = (0..CONNECTIONS)
            .map(|n| thread::Builder::new().name(format!("load-{n}")).spawn_scoped(scope, move || work(n)))
            .collect();
        for thread in started {
            thread?.join().map_err(|_| "a loading thread panicked")??;
        }
        Ok(())
    })
}

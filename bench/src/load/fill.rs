//! Fills a node with records over several connections.

use std::{
    net::SocketAddr,
    ops::Range,
    sync::atomic::{AtomicU64, Ordering},
    thread,
};

use base64::{Engine as _, prelude::BASE64_STANDARD};

use super::Client;
use crate::{
    store::Failure,
    workload::{Values, text_key},
};

/// Records a connection takes at a time.
const SHARE: u64 = 256;

/// PUTs records `0..rows` with values of `value_bytes`, at the target of each key; any answer but 200 is a failure.
pub fn fill(
    address: SocketAddr,
    target: impl Fn(&str) -> String + Sync,
    rows: u64,
    value_bytes: usize,
    connections: usize,
    seed: u64,
) -> Result<(), Failure> {
    in_shares(address, rows, connections, seed, |client, values, share| {
        for row in share {
            let answer = client.put(&target(&text_key(row)), values.next(row, value_bytes))?;
            if answer.status != 200 {
                return Err(format!("PUT of record {row}: status {}", answer.status).into());
            }
        }
        Ok(())
    })
}

/// Stores kv records `0..rows` with values of `value_bytes`, many a request.
pub fn fill_in_batches(
    address: SocketAddr,
    rows: u64,
    value_bytes: usize,
    connections: usize,
    seed: u64,
) -> Result<(), Failure> {
    in_shares(address, rows, connections, seed, |client, values, share| {
        let mut body = String::new();
        let from = share.start;
        for row in share {
            let key = BASE64_STANDARD.encode(text_key(row));
            body.push_str(r#"{"key":""#);
            body.push_str(&key);
            body.push_str(r#"","val":""#);
            BASE64_STANDARD.encode_string(values.next(row, value_bytes), &mut body);
            body.push_str("\"}\n");
        }
        store_batch(client, &body).map_err(|error| format!("records from {from}: {error}").into())
    })
}

/// Sends items to `mput`; any that is not stored is a failure.
pub fn store_batch(client: &mut Client, items: &str) -> Result<(), Failure> {
    let answer = client.post("/hustdb/mput", items.as_bytes())?;
    let mut lines = answer.body.split(|byte| *byte == b'\n');
    let all_done = lines.all(|line| line.is_empty() || line.starts_with(br#"{"status":200"#));
    if answer.status == 200 && all_done {
        Ok(())
    } else {
        Err(format!("mput: status {}", answer.status).into())
    }
}

/// Has connections store shares of the records `0..rows`.
fn in_shares(
    address: SocketAddr,
    rows: u64,
    connections: usize,
    seed: u64,
    store: impl Fn(&mut Client, &mut Values, Range<u64>) -> Result<(), Failure> + Sync,
) -> Result<(), Failure> {
    let next = AtomicU64::new(0);
    let work = |connection: u64| -> Result<(), Failure> {
        let mut client = Client::connect(address)?;
        let mut values = Values::new(seed ^ connection);
        loop {
            let from = next.fetch_add(SHARE, Ordering::Relaxed);
            if from >= rows {
                return Ok(());
            }
            store(&mut client, &mut values, from..(from + SHARE).min(rows))?;
        }
    };
    thread::scope(|scope| {
        let work = &work;
        let started: Vec<_> = (0..connections as u64)
            .map(|n| thread::Builder::new().name(format!("fill-{n}")).spawn_scoped(scope, move || work(n)))
            .collect();
        for thread in started {
            thread?.join().map_err(|_| "a loading thread panicked")??;
        }
        Ok(())
    })
}

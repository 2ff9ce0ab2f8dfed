//! Fills a node with records over several connections.

use std::{
    net::SocketAddr,
    sync::atomic::{AtomicU64, Ordering},
    thread,
};

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
    let next = AtomicU64::new(0);
    let work = |connection: u64| -> Result<(), Failure> {
        let mut client = Client::connect(address)?;
        let mut values = Values::new(seed ^ connection);
        loop {
            let from = next.fetch_add(SHARE, Ordering::Relaxed);
            if from >= rows {
                return Ok(());
            }
            for row in from..(from + SHARE).min(rows) {
                let answer = client.put(&target(&text_key(row)), values.next(row, value_bytes))?;
                if answer.status != 200 {
                    return Err(format!("PUT of record {row}: status {}", answer.status).into());
                }
            }
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

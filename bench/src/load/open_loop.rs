//! An open loop: requests are due at fixed times whatever the answers do, and latency counts from the time a request
//! was due, so that a slow answer shows in all that had to wait behind it (no coordinated omission).

use std::{
    net::SocketAddr,
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

use hdrhistogram::Histogram;

use super::Client;
use crate::{clock::park_until, store::Failure};

/// Longest latency that is told apart.
const LONGEST_US: u64 = 60_000_000;

/// What an open loop saw.
#[derive(Debug)]
pub struct Latency {
    /// Median, microseconds.
    pub p50_us: u64,
    /// 99th percentile, microseconds.
    pub p99_us: u64,
    /// 99.9th percentile, microseconds.
    pub p999_us: u64,
    /// How late requests left that a thread was waiting to send, 99th percentile, microseconds: what the load itself
    /// lacked of the cores. It is in all percentiles above.
    pub late_p99_us: u64,
}

/// Sends `rate` GETs a second for `seconds` over `connections` connections; `target` gives the target of request n.
/// Any answer but 200 is a failure.
pub fn open_loop(
    address: SocketAddr,
    rate: f64,
    seconds: f64,
    connections: usize,
    target: impl Fn(u64) -> String + Sync,
) -> Result<Latency, Failure> {
    let clients: Vec<Client> =
        (0..connections).map(|_| Client::connect(address)).collect::<Result<_, _>>()?;
    open_loop_of(clients, rate, seconds, |client, n| {
        let target = target(n);
        match client.get(&target)?.status {
            200 => Ok(()),
            status => Err(format!("GET {target}: status {status}").into()),
        }
    })
}

/// Has `rate` requests a second made for `seconds` by these clients; `ask` makes request n.
pub fn open_loop_of<C: Send>(
    clients: Vec<C>,
    rate: f64,
    seconds: f64,
    ask: impl Fn(&mut C, u64) -> Result<(), Failure> + Sync,
) -> Result<Latency, Failure> {
    let count = (rate * seconds) as u64;
    let next = AtomicU64::new(0);
    let start = Instant::now() + Duration::from_millis(20);
    let empty = Histogram::<u64>::new_with_bounds(1, LONGEST_US, 3)?;
    let work = |mut client: C| -> Result<[Histogram<u64>; 2], Failure> {
        let [mut latencies_us, mut late_us] = [empty.clone(), empty.clone()];
        loop {
            let n = next.fetch_add(1, Ordering::Relaxed);
            if n >= count {
                return Ok([latencies_us, late_us]);
            }
            let due = start + Duration::from_secs_f64(n as f64 / rate);
            let waited = Instant::now() < due;
            park_until(due);
            if waited {
                late_us.saturating_record(due.elapsed().as_micros() as u64);
            }
            ask(&mut client, n)?;
            latencies_us.saturating_record(due.elapsed().as_micros() as u64);
        }
    };
    let [mut all_us, mut all_late_us] = [empty.clone(), empty.clone()];
    thread::scope(|scope| -> Result<(), Failure> {
        let work = &work;
        let started: Vec<_> = clients
            .into_iter()
            .map(|client| {
                thread::Builder::new().name("open-loop".into()).spawn_scoped(scope, move || work(client))
            })
            .collect();
        for thread in started {
            let [latencies_us, late_us] = thread?.join().map_err(|_| "a load thread panicked")??;
            all_us.add(latencies_us)?;
            all_late_us.add(late_us)?;
        }
        Ok(())
    })?;
    Ok(Latency {
        p50_us: all_us.value_at_quantile(0.5),
        p99_us: all_us.value_at_quantile(0.99),
        p999_us: all_us.value_at_quantile(0.999),
        late_p99_us: all_late_us.value_at_quantile(0.99),
    })
}

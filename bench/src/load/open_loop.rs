//! An open loop: requests are due at fixed times whatever the answers do, and latency counts from the time a request
//! was due, so that a slow answer shows in all that had to wait behind it (no coordinated omission).

use std::{
    net::SocketAddr,
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use hdrhistogram::Histogram;

use super::Client;
use crate::{clock::park_until, store::Failure};

/// Longest latency that is told apart.
const LONGEST_US: u64 = 60_000_000;
/// What a thousand threads get to wake up before the first request is due.
const LEAD: Duration = Duration::from_millis(200);

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

/// What one thread saw, microseconds. Kept as it is: a histogram for each of a thousand threads is memory whose first
/// touch would be in the latencies.
#[derive(Default)]
struct Seen {
    latencies_us: Vec<u64>,
    late_us: Vec<u64>,
}

/// Has `rate` requests a second made for `seconds` by these clients; `ask` makes request n. The first is due when all
/// threads are there.
pub fn open_loop_of<C: Send>(
    clients: Vec<C>,
    rate: f64,
    seconds: f64,
    ask: impl Fn(&mut C, u64) -> Result<(), Failure> + Sync,
) -> Result<Latency, Failure> {
    let count = (rate * seconds) as u64;
    let (next, start) = (AtomicU64::new(0), OnceLock::<Instant>::new());
    let work = |mut client: C| -> Result<Seen, Failure> {
        let start = loop {
            match start.get() {
                Some(start) => break *start,
                None => thread::park(),
            }
        };
        let mut seen = Seen::default();
        loop {
            let n = next.fetch_add(1, Ordering::Relaxed);
            if n >= count {
                return Ok(seen);
            }
            let due = start + Duration::from_secs_f64(n as f64 / rate);
            let waited = Instant::now() < due;
            park_until(due);
            if waited {
                seen.late_us.push(due.elapsed().as_micros() as u64);
            }
            ask(&mut client, n)?;
            seen.latencies_us.push(due.elapsed().as_micros() as u64);
        }
    };
    let empty = Histogram::<u64>::new_with_bounds(1, LONGEST_US, 3)?;
    let [mut all_us, mut all_late_us] = [empty.clone(), empty];
    thread::scope(|scope| -> Result<(), Failure> {
        let work = &work;
        let spawn = |client| {
            thread::Builder::new().name("open-loop".into()).spawn_scoped(scope, move || work(client))
        };
        let threads: Vec<_> = clients.into_iter().map(spawn).collect();
        if threads.iter().any(Result::is_err) {
            next.store(count, Ordering::Relaxed);
        }
        start.get_or_init(|| Instant::now() + LEAD);
        threads.iter().flatten().for_each(|thread| thread.thread().unpark());
        for thread in threads {
            let seen = thread?.join().map_err(|_| "a load thread panicked")??;
            seen.latencies_us.into_iter().for_each(|us| all_us.saturating_record(us));
            seen.late_us.into_iter().for_each(|us| all_late_us.saturating_record(us));
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

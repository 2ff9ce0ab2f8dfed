//! Reads and writes mixed, on stores that are asked in any protocol: as fast as they answer (a closed loop), and at a
//! fixed rate of arrivals (an open loop).

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use super::{
    Client, Messages, Resp, Value, get_target,
    open_loop::{Latency, open_loop_of},
    put_target,
};
use crate::{
    store::Failure,
    workload::{Choice, Rng, is_value_of, text_key},
};

/// A connection to a store of records.
pub enum Records {
    /// Our node.
    Http(Client),
    /// Redis.
    Redis(Resp),
}

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Mix {
    /// Which records.
    pub choice: Choice,
    /// Writes in a hundred requests.
    pub writes: u64,
    /// Seed of all choices.
    pub seed: u64,
}

/// A connection with the values it writes.
pub struct Asker {
    records: Records,
    values: Arc<Messages>,
    value: Vec<u8>,
}

impl Asker {
    /// On a connection of its own.
    pub fn new(records: Records, values: Arc<Messages>) -> Asker {
        Asker { records, values, value: Vec::new() }
    }

    /// Sends request `n` of a mix; a wrong answer is a failure.
    fn ask(&mut self, mix: &Mix, n: u64) -> Result<(), Failure> {
        let mut rng = Rng::new(mix.seed ^ n.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let row = mix.choice.next(&mut rng);
        let key = text_key(row);
        let done = if rng.below(100) < mix.writes {
            self.value.clear();
            self.values.write(row, &mut self.value);
            self.records.put(&key, &self.value)?
        } else {
            self.records.get(&key, |value| is_value_of(row, self.values.bytes(), value))?
        };
        if done { Ok(()) } else { Err(format!("record {row} is lost or wrong, or was refused").into()) }
    }
}

impl Records {
    fn put(&mut self, key: &str, value: &[u8]) -> Result<bool, Failure> {
        Ok(match self {
            Records::Http(client) => client.put(&put_target(key), value)?.status == 200,
            Records::Redis(redis) => {
                redis.ask(&[b"SET", key.as_bytes(), value])? == Value::Text(b"OK".into())
            }
        })
    }

    fn get(&mut self, key: &str, is_right: impl Fn(&[u8]) -> bool) -> Result<bool, Failure> {
        Ok(match self {
            Records::Http(client) => {
                let answer = client.get(&get_target(key))?;
                answer.status == 200 && is_right(answer.body)
            }
            Records::Redis(redis) => match redis.ask(&[b"GET", key.as_bytes()])? {
                Value::Text(value) => is_right(&value),
                _ => false,
            },
        })
    }
}

/// Sends requests for `seconds`, each connection one after the other. Answers how many, and in how many seconds.
pub fn closed_mix(askers: Vec<Asker>, mix: &Mix, seconds: f64) -> Result<(u64, f64), Failure> {
    let (start, length) = (Instant::now(), Duration::from_secs_f64(seconds));
    let next = AtomicU64::new(0);
    let work = |mut asker: Asker| -> Result<(), Failure> {
        while start.elapsed() < length {
            asker.ask(mix, next.fetch_add(1, Ordering::Relaxed))?;
        }
        Ok(())
    };
    thread::scope(|scope| -> Result<(), Failure> {
        let work = &work;
        let started: Vec<_> = askers
            .into_iter()
            .map(|asker| thread::Builder::new().name("mix".into()).spawn_scoped(scope, move || work(asker)))
            .collect();
        for thread in started {
            thread?.join().map_err(|_| "a load thread panicked")??;
        }
        Ok(())
    })?;
    Ok((next.into_inner(), start.elapsed().as_secs_f64()))
}

/// Sends `rate` requests a second for `seconds`; see [`open_loop`](super::open_loop()).
pub fn open_mix(askers: Vec<Asker>, mix: &Mix, rate: f64, seconds: f64) -> Result<Latency, Failure> {
    open_loop_of(askers, rate, seconds, |asker, n| asker.ask(mix, n))
}

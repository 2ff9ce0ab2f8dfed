//! The load: clients that put, take and acknowledge in turn on one queue, each on its own connection and thread.
//!
//! A client takes as many messages as it put, whosesoever they are, so that one is always there to be taken and the
//! queue is empty at the end. What was put and what was taken is compared.

use std::{
    sync::Barrier,
    thread,
    time::{Duration, Instant},
};

use super::broker::{Broker, Client};
use crate::{
    load::{Messages, Tally},
    proc::own_cpu_us,
    store::Failure,
};

/// How many clients there are, and what they put.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    pub clients: usize,
    /// Messages put at a time.
    pub batch: usize,
}

/// What a load saw.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    /// Messages a second.
    pub rate: f64,
    /// Server CPU a message, microseconds.
    pub cpu_us: f64,
    /// CPU of the load a message, microseconds.
    pub load_us: f64,
    pub messages: u64,
}

/// What one client does, again and again until it says `false`.
pub type Work<'a> = dyn Fn(&mut dyn Client, &mut Own<'_>) -> Result<bool, Failure> + Sync + 'a;

/// What a client has of its own: numbers for messages, and what it did.
pub struct Own<'a> {
    messages: &'a Messages,
    next: u64,
    buffer: Vec<u8>,
    /// What it put.
    pub put: Tally,
    /// What it took.
    pub taken: Tally,
}

impl Own<'_> {
    /// Puts a batch of new messages.
    pub fn put(&mut self, client: &mut dyn Client, batch: usize) -> Result<(), Failure> {
        self.buffer.clear();
        for _ in 0..batch {
            self.messages.write(self.next, &mut self.buffer);
            self.put.add(self.next);
            self.next += 1;
        }
        let batch: Vec<&[u8]> = self.buffer.chunks_exact(self.messages.bytes()).collect();
        client.put(&batch)
    }

    /// Takes as many and acknowledges them together.
    pub fn take(&mut self, client: &mut dyn Client, batch: usize) -> Result<(), Failure> {
        let (mut left, mut wrong) = (batch, 0);
        while left > 0 {
            client.get(left, &mut |message| {
                left = left.saturating_sub(1);
                match self.messages.number(message) {
                    Some(number) => self.taken.add(number),
                    None => wrong += 1,
                }
            })?;
        }
        if wrong > 0 {
            return Err(format!("{wrong} messages are not those that were put").into());
        }
        client.ack()
    }
}

/// Lets clients put, take and acknowledge for `seconds`.
pub fn cycle(
    broker: &Broker,
    queue: &str,
    messages: &Messages,
    shape: Shape,
    seconds: f64,
) -> Result<Seen, Failure> {
    let length = Duration::from_secs_f64(seconds);
    let start = std::sync::OnceLock::new();
    let work = |client: &mut dyn Client, own: &mut Own<'_>| {
        own.put(client, shape.batch)?;
        own.take(client, shape.batch)?;
        Ok(start.get_or_init(Instant::now).elapsed() < length)
    };
    let (seen, put, taken) = run(broker, queue, messages, shape, 0, &work)?;
    taken.check(put)?;
    Ok(seen)
}

/// Has every client do its work; also answers what was put and taken. `round` tells the numbers of messages apart
/// from those of other rounds in the same queue.
pub fn run(
    broker: &Broker,
    queue: &str,
    messages: &Messages,
    shape: Shape,
    round: u64,
    work: &Work<'_>,
) -> Result<(Seen, Tally, Tally), Failure> {
    let clients: Vec<Box<dyn Client>> =
        (0..shape.clients).map(|_| broker.client(queue, shape.batch)).collect::<Result<_, _>>()?;
    let barrier = Barrier::new(shape.clients + 1);
    let one = |n: usize, mut client: Box<dyn Client>| -> Result<(Tally, Tally), Failure> {
        let next = round << 48 | (n as u64) << 32;
        let (put, taken) = (Tally::default(), Tally::default());
        let mut own = Own { messages, next, buffer: Vec::new(), put, taken };
        barrier.wait();
        while work(client.as_mut(), &mut own)? {}
        client.finish()?;
        Ok((own.put, own.taken))
    };
    let (mut put, mut taken) = (Tally::default(), Tally::default());
    let (before_us, load_before_us, seconds) = thread::scope(|scope| -> Result<(u64, u64, f64), Failure> {
        let one = &one;
        let started: Vec<_> = clients
            .into_iter()
            .enumerate()
            .map(|(n, client)| {
                thread::Builder::new().name(format!("client-{n}")).spawn_scoped(scope, move || one(n, client))
            })
            .collect::<Result<_, _>>()?;
        let (before_us, load_before_us) = (broker.server.cpu_us()?, own_cpu_us()?);
        barrier.wait();
        let start = Instant::now();
        for thread in started {
            let (of_put, of_taken) = thread.join().map_err(|_| "a client panicked")??;
            put.merge(of_put);
            taken.merge(of_taken);
        }
        Ok((before_us, load_before_us, start.elapsed().as_secs_f64()))
    })?;
    let count = put.count.max(taken.count);
    let each = |spent_us: u64| spent_us as f64 / (count as f64).max(1.0);
    let cpu_us = each(broker.server.cpu_us()? - before_us);
    let load_us = each(own_cpu_us()? - load_before_us);
    Ok((Seen { rate: count as f64 / seconds, cpu_us, load_us, messages: count }, put, taken))
}

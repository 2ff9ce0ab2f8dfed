//! Messages, or values, that prove themselves: each has a number and bytes that follow from it, and what was put and what was
//! taken is counted such that a message that is lost, changed or taken twice shows.

use crate::{store::Failure, workload::Rng};

/// Bytes of random data messages are cut from.
const POOL_BYTES: usize = 1 << 20;

/// Bytes of the number a message begins with.
const NUMBER_BYTES: usize = 8;

/// Makes messages of one length, and knows them again.
#[derive(Debug)]
pub struct Messages {
    pool: Vec<u8>,
    bytes: usize,
}

/// Messages that were put, or taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many.
    pub count: u64,
    /// A sum in which every message has a term of its own.
    sum: u64,
}

impl Messages {
    /// Of `bytes` (9 to 1 MiB) each; equal seeds give equal messages.
    pub fn new(seed: u64, bytes: usize) -> Messages {
        let mut rng = Rng::new(seed);
        let pool = (0..POOL_BYTES / 8).flat_map(|_| rng.next().to_le_bytes()).collect();
        Messages { pool, bytes: bytes.clamp(NUMBER_BYTES + 1, POOL_BYTES) }
    }

    /// Appends message `number` to `to`.
    pub fn write(&self, number: u64, to: &mut Vec<u8>) {
        to.extend_from_slice(&number.to_le_bytes());
        to.extend_from_slice(self.rest(number));
    }

    /// The number of a message, if it is one of ours and unchanged.
    pub fn number(&self, message: &[u8]) -> Option<u64> {
        let (number, rest) = message.split_first_chunk()?;
        let number = u64::from_le_bytes(*number);
        (rest == self.rest(number)).then_some(number)
    }

    /// Length of a message.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    fn rest(&self, number: u64) -> &[u8] {
        let len = self.bytes - NUMBER_BYTES;
        let start = Rng::new(number).below((self.pool.len() - len + 1) as u64) as usize;
        &self.pool[start..start + len]
    }
}

impl Tally {
    /// Counts one.
    pub fn add(&mut self, number: u64) {
        self.count += 1;
        self.sum = self.sum.wrapping_add(Rng::new(number).next());
    }

    /// Counts all of another.
    pub fn merge(&mut self, other: Tally) {
        self.count += other.count;
        self.sum = self.sum.wrapping_add(other.sum);
    }

    /// Fails unless exactly the messages of `put` were taken.
    pub fn check(self, put: Tally) -> Result<(), Failure> {
        if self == put {
            return Ok(());
        }
        Err(format!("messages lost or repeated: {} put, {} taken", put.count, self.count).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_know_themselves() {
        let messages = Messages::new(1, 256);
        let mut message = Vec::new();
        messages.write(77, &mut message);
        assert_eq!((message.len(), messages.number(&message)), (256, Some(77)));
        for at in [0, 8, 255] {
            let mut changed = message.clone();
            changed[at] ^= 1;
            assert_eq!(messages.number(&changed), None, "{at}");
        }
        assert_eq!(messages.number(&message[..255]), None);
        assert_eq!(messages.number(b""), None);
    }

    #[test]
    fn a_message_for_another_shows() {
        let (mut put, mut taken) = (Tally::default(), Tally::default());
        (1..=3).for_each(|number| put.add(number));
        [3, 1, 2].into_iter().for_each(|number| taken.add(number));
        assert!(taken.check(put).is_ok());
        let mut wrong = Tally::default();
        [3, 1, 1].into_iter().for_each(|number| wrong.add(number));
        assert!(wrong.check(put).is_err());
    }
}

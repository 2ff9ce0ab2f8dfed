//! What the suite asks of a broker: clients that put, take and acknowledge, each on a connection of its own, and all
//! of them written alike - one blocking write, then blocking reads - so that no contender pays for its client.

use std::rc::Rc;

use super::{
    beanstalkd::Beanstalkd,
    hust::{Acks, Hust},
    rabbitmq::Rabbit,
    streams::Streams,
};
use crate::{process::Server, store::Failure};

/// A client of one queue.
pub trait Client: Send {
    /// Puts these messages; returns when all are as safe as the broker was told to keep them, or notes to put them with
    /// the next get, which returns then, where that is how it was made.
    fn put(&mut self, messages: &[&[u8]]) -> Result<(), Failure>;

    /// Takes at most `most` messages, and waits for one at least; `seen` gets each.
    fn get(&mut self, most: usize, seen: &mut dyn FnMut(&[u8])) -> Result<(), Failure>;

    /// Acknowledges all that was taken and not acknowledged; or notes to do so with the next call, where that is how it
    /// was made.
    fn ack(&mut self) -> Result<(), Failure>;

    /// Ends: whatever the broker sent ahead goes to others, and every acknowledgement has arrived.
    fn finish(&mut self) -> Result<(), Failure> {
        Ok(())
    }
}

/// Which protocol a broker speaks.
#[derive(Clone, Copy, Debug)]
pub enum Protocol {
    Hust(Acks),
    Amqp,
    Beanstalk,
    /// Acknowledgements are sent with the next reserve.
    BeanstalkAcksAlong,
    Streams,
}

/// A broker under measurement.
pub struct Broker {
    pub name: &'static str,
    pub server: Rc<Server>,
    pub protocol: Protocol,
}

impl Broker {
    /// A client of `queue` that takes at most `most` messages at a time; the queue is made if there is none.
    pub fn client(&self, queue: &str, most: usize) -> Result<Box<dyn Client>, Failure> {
        let address = self.server.address;
        Ok(match self.protocol {
            Protocol::Hust(acks) => Box::new(Hust::connect(address, queue, acks)?),
            Protocol::Amqp => Box::new(Rabbit::connect(address, queue, most)?),
            Protocol::Beanstalk => Box::new(Beanstalkd::connect(address, queue, false)?),
            Protocol::BeanstalkAcksAlong => Box::new(Beanstalkd::connect(address, queue, true)?),
            Protocol::Streams => Box::new(Streams::connect(address, queue)?),
        })
    }

    /// Has the broker forget a queue that is not used any more, where it would keep what was acknowledged.
    pub fn forget(&self, queue: &str) -> Result<(), Failure> {
        match self.protocol {
            Protocol::Streams => super::streams::forget(self.server.address, queue),
            Protocol::Hust(_) | Protocol::Amqp | Protocol::Beanstalk | Protocol::BeanstalkAcksAlong => Ok(()),
        }
    }
}

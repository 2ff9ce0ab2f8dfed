//! A client's connection to one of the proxies, and what the answer to a write says.

use std::{io::ErrorKind, net::SocketAddr, time::Duration};

use hust_testkit::{Raw, Reply, wait_until};

use super::record::Request;
use crate::support::now_ms;

/// A write whose answer was lost may take effect until its deadline: the time-out of the proxies, and some more.
const DEADLINE_MS: u64 = 3000;
/// One that a proxy that stands still has not passed on has no deadline yet.
const STALLED_MS: u64 = 120_000;
/// Nobody listens: the next attempt is after this time.
const PAUSE: Duration = Duration::from_millis(20);

/// What came of a request.
#[derive(Debug)]
pub enum Said {
    /// An answer.
    Reply(Reply),
    /// It was not done.
    Nothing,
    /// It may have been done, or may be until then, unix ms; 0: not any more.
    Doubt(u64),
}

/// Stays at its home, and at another proxy only as long as nobody listens there: else all would gather at one, and
/// stand still with it.
#[derive(Debug)]
pub struct Link {
    proxies: Vec<SocketAddr>,
    home: usize,
    /// The proxy it uses.
    pub at: usize,
    raw: Option<Raw>,
}

impl Link {
    pub fn new(proxies: Vec<SocketAddr>, home: usize) -> Link {
        Link { proxies, home, at: home, raw: None }
    }

    /// Makes sure of a connection, to any proxy that listens; if nobody does, waits a little.
    pub fn is_ready(&mut self) -> bool {
        if self.raw.is_none() {
            self.raw = self.connect();
        }
        self.raw.is_some() || wait_until(PAUSE, || false)
    }

    /// Asks over the connection there is.
    pub fn ask(&mut self, (method, target, body): &Request) -> Said {
        let Some(mut raw) = self.raw.take() else { return Said::Nothing };
        match raw.ask(method, target, &[], body) {
            Ok(reply) => {
                self.raw = Some(raw).filter(|_| self.at == self.home);
                Said::Reply(reply)
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                Said::Doubt(now_ms() + STALLED_MS)
            }
            Err(_) => Said::Doubt(now_ms() + DEADLINE_MS),
        }
    }

    /// Asks for a write; what a proxy says of an outcome is told apart.
    pub fn write(&mut self, request: &Request) -> Said {
        match self.ask(request) {
            Said::Reply(reply) if reply.status == 503 => match reply.header("outcome") {
                Some("unknown") => Said::Doubt(0),
                _ => Said::Nothing,
            },
            said => said,
        }
    }

    fn connect(&mut self) -> Option<Raw> {
        (0..self.proxies.len()).find_map(|step| {
            let at = (self.home + step) % self.proxies.len();
            let raw = Raw::connect(self.proxies[at]).ok()?;
            self.at = at;
            Some(raw)
        })
    }
}

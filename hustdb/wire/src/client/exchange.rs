//! One exchange from end to end: wait for a permit, take or make a connection, send, read all of the answer.
//!
//! Sent again, once, on a fresh connection is only what a kept connection provably did not begin, and, if the call says
//! that this does no harm, what a kept connection ended over without a byte of an answer.

use tokio::time::Instant;

use super::{
    Call, Failure, Options, Repeat, Reply,
    dial::dial,
    link::Link,
    peer::Peer,
    roundtrip::{Lost, RoundTrip, Stage},
};

/// What an exchange needs beside the call.
pub struct Exchange<'a> {
    pub peer: &'a Peer,
    pub options: &'a Options,
}

impl Exchange<'_> {
    /// The answer to `call`, complete, or why there is none.
    pub async fn run(&self, call: &Call) -> Result<Reply, Failure> {
        let now = Instant::now();
        let deadline = now + call.timeout.unwrap_or(self.options.timeout);
        // Declared before the connection, hence given up after it.
        let _permit = match self.peer.admit() {
            Some(permit) => permit,
            // Seldom needed, and much larger than the rest of an exchange; so is a fresh connection.
            None => Box::pin(self.peer.wait(self.options.waiting, deadline)).await?,
        };
        let mut kept = self.peer.reuse(now, self.options.idle_timeout);
        loop {
            let (link, is_kept) = match kept.take() {
                Some(link) => (link, true),
                None => (Box::pin(self.open(deadline)).await?, false),
            };
            let mut trip = RoundTrip::new(link, call, &self.peer.fixed, deadline);
            match (&mut trip).await {
                Ok(reply) => {
                    if let Some(link) = trip.end() {
                        self.peer.keep(link);
                    }
                    return Ok(reply);
                }
                Err(lost) if is_kept && may_repeat(lost.stage, call.repeat) => {}
                Err(lost) => return Err(lost.into()),
            }
        }
    }

    async fn open(&self, deadline: Instant) -> Result<Link, Failure> {
        let until = deadline.min(Instant::now() + self.options.connect_timeout);
        dial(&self.peer.host, &self.options.trust, until).await.map(Link::new)
    }
}

impl From<Lost> for Failure {
    fn from(lost: Lost) -> Failure {
        match lost.stage {
            Stage::Unsent => Failure::unreachable(lost.cause),
            Stage::Silent | Stage::Begun => Failure::unknown(lost.cause),
        }
    }
}

fn may_repeat(stage: Stage, repeat: Repeat) -> bool {
    match stage {
        Stage::Unsent => true,
        Stage::Silent => repeat == Repeat::Idempotent,
        Stage::Begun => false,
    }
}

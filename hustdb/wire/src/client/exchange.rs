//! One exchange from end to end: wait for a permit, take or make a connection, send, read all of the answer.
//!
//! Sent again, once, on a fresh connection is only what a kept connection provably did not begin, and, if the call says
//! that this does no harm, what a kept connection ended over without a byte of an answer.

use tokio::time::Instant;

use super::{
    Call, Failure, Options, Repeat, Reply,
    dial::dial,
    link::{Link, Lost, Stage},
    peer::Peer,
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
        let _permit = self.peer.admit(self.options.waiting, deadline).await?;
        if let Some(kept) = self.peer.reuse(now, self.options.idle_timeout) {
            match self.send(kept, call, deadline).await {
                Err(lost) if may_repeat(lost.stage, call.repeat) => {}
                outcome => return outcome.map_err(Failure::from),
            }
        }
        let fresh = self.open(deadline).await?;
        self.send(fresh, call, deadline).await.map_err(Failure::from)
    }

    async fn open(&self, deadline: Instant) -> Result<Link, Failure> {
        let until = deadline.min(Instant::now() + self.options.connect_timeout);
        // Seldom needed, and much larger than the rest of an exchange.
        Box::pin(dial(&self.peer.host, &self.options.trust, until)).await.map(Link::new)
    }

    async fn send(&self, link: Link, call: &Call, deadline: Instant) -> Result<Reply, Lost> {
        let (reply, link) = link.exchange(call, &self.peer.fixed, deadline).await?;
        if let Some(link) = link {
            self.peer.keep(link);
        }
        Ok(reply)
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

//! What is asked of nodes, and what their answers mean.
//!
//! Bodies of answers come from outside: a digest, a cursor or a list of debts that is not what the contract says is a
//! [`Trouble`], as is any other status.

mod answers;
mod presence;
mod watch;

use std::{fmt, time::Duration};

use bytes::Bytes;
use hust_wire::{
    Host,
    client::{ANSWER_MAX_BYTES, Call, Failure, Pool, Reply},
    config::BackendConfig,
    frame::Content,
    line,
};
use hyper::StatusCode;

pub use presence::Presence;
pub use watch::Watch;

/// A node has this long to say that it serves.
const HEALTH_TIMEOUT: Duration = Duration::from_secs(5);

/// Why something was not done, in one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// What happened.
    pub cause: String,
    /// Whether the host gave no answer at all.
    pub is_silent: bool,
}

impl Trouble {
    /// Trouble that is not the silence of a host.
    pub fn new(cause: impl Into<String>) -> Trouble {
        Trouble { cause: cause.into(), is_silent: false }
    }

    /// An answer that is not what was asked for.
    fn answer(host: &Host, what: impl fmt::Display) -> Trouble {
        Trouble::new(format!("{host}: {what}"))
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.cause)
    }
}

/// What a node said to a merge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// All of it is merged and durable.
    Merged,
    /// It will not take something in it.
    Refused(String),
}

/// A page of a scan.
#[derive(Debug, Clone)]
pub struct Page {
    /// Frames.
    pub body: Bytes,
    /// Where the next page begins.
    pub cursor: Option<String>,
}

/// The nodes.
#[derive(Debug, Clone)]
pub struct Nodes {
    pool: Pool,
    answer_max_bytes: usize,
}

impl Nodes {
    /// Nodes as configured, whose values are at most this long.
    pub fn new(config: &BackendConfig, value_max_bytes: usize) -> Nodes {
        let answer_max_bytes = ANSWER_MAX_BYTES.max(value_max_bytes.saturating_add(ANSWER_MAX_BYTES));
        Nodes { pool: Pool::new(config), answer_max_bytes }
    }

    /// Whether a node says that it serves.
    pub async fn check(&self, host: &Host) -> Result<(), Trouble> {
        let call = call(Call::get("/status.html"))?.timeout(HEALTH_TIMEOUT);
        let reply = self.ask(host, call).await?;
        if reply.status == StatusCode::OK { Ok(()) } else { Err(Trouble::answer(host, said(&reply))) }
    }

    /// Merges records into a node.
    pub async fn merge(&self, host: &Host, body: Bytes) -> Result<Verdict, Trouble> {
        let reply = self.ask(host, call(Call::post("/hustdb/merge", body))?).await?;
        match reply.status {
            StatusCode::OK => Ok(Verdict::Merged),
            StatusCode::BAD_REQUEST | StatusCode::PAYLOAD_TOO_LARGE => Ok(Verdict::Refused(said(&reply))),
            _ => Err(Trouble::answer(host, said(&reply))),
        }
    }

    /// The digests of the slots `start..end`.
    pub async fn digests(&self, host: &Host, start: u16, end: u16) -> Result<Vec<u64>, Trouble> {
        let target = format!("/hustdb/digest?start={start}&end={end}");
        let reply = self.done(host, call(Call::get(target))?).await?;
        let slots = usize::from(end.saturating_sub(start));
        answers::digests(&reply.body, slots).ok_or_else(|| Trouble::answer(host, "no legal digest"))
    }

    /// A page of the records of a slot, from a cursor on.
    pub async fn scan(
        &self,
        host: &Host,
        slot: u16,
        content: Content,
        cursor: Option<&str>,
    ) -> Result<Page, Trouble> {
        let digest = content == Content::Digest;
        let (end, cursor) = (slot + 1, cursor.unwrap_or_default());
        let target =
            format!("/hustdb/scan?start={slot}&end={end}&limit=1000&digest={digest}&cursor={cursor}");
        let reply = self.done(host, call(Call::get(target))?).await?;
        let next = match reply.header("cursor") {
            None => None,
            Some(next) if answers::is_cursor(next) && next != cursor => Some(next.to_owned()),
            Some(_) => return Err(Trouble::answer(host, "no legal cursor")),
        };
        Ok(Page { body: reply.body, cursor: next })
    }

    /// What a node owes to hosts.
    pub async fn debts(&self, host: &Host) -> Result<Vec<(Host, u64)>, Trouble> {
        let call = call(Call::get("/hustdb/stat_all"))?.timeout(HEALTH_TIMEOUT);
        let reply = self.done(host, call).await?;
        answers::debts(&reply.body).ok_or_else(|| Trouble::answer(host, "no legal stat_all"))
    }

    async fn done(&self, host: &Host, call: Call) -> Result<Reply, Trouble> {
        let reply = self.ask(host, call).await?;
        if reply.status == StatusCode::OK { Ok(reply) } else { Err(Trouble::answer(host, said(&reply))) }
    }

    async fn ask(&self, host: &Host, call: Call) -> Result<Reply, Trouble> {
        let call = call.answer_max_bytes(self.answer_max_bytes).idempotent();
        let silent = |failure: Failure| Trouble { cause: format!("{host}: {failure}"), is_silent: true };
        self.pool.call(host, &call).await.map_err(silent)
    }
}

fn call(made: Result<Call, Failure>) -> Result<Call, Trouble> {
    made.map_err(|failure| Trouble::new(failure.to_string()))
}

/// Status and reason, cut to one short line.
fn said(reply: &Reply) -> String {
    format!("{} {}", reply.status.as_u16(), line::first(&reply.body)).trim_end().to_owned()
}

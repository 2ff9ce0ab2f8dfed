//! What a consumer asks for.

use crate::{param::required, query::Query, refusal::Refusal};

/// Most messages in one answer.
pub const COUNT_MAX: u64 = 1000;
/// Longest name of a worker, bytes.
pub const WORKER_MAX_BYTES: usize = 64;

/// What a get asks for, beside its queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Take {
    /// Who takes.
    pub worker: String,
    /// Whether what is taken is gone at once.
    pub ack: bool,
    /// How many messages as frames at most; `None`: one, as it is.
    pub count: Option<u64>,
}

impl Take {
    /// Reads what `query` asks for.
    pub fn read(query: Query<'_>) -> Result<Take, Refusal> {
        let worker = worker(query)?;
        let ack = query.boolean("ack")?.unwrap_or(true);
        Ok(Take { worker, ack, count: count(query)? })
    }
}

/// How many messages as frames at most; `None`: one, as it is.
pub fn count(query: Query<'_>) -> Result<Option<u64>, Refusal> {
    query.unsigned_in("count", 1, COUNT_MAX)
}

fn worker(query: Query<'_>) -> Result<String, Refusal> {
    let name = required("worker", query.bytes("worker")?)?;
    if !(1..=WORKER_MAX_BYTES).contains(&name.len()) {
        return Err(Refusal::bad("worker", format!("not of 1 to {WORKER_MAX_BYTES} bytes")));
    }
    String::from_utf8(name.into_owned()).map_err(|_| Refusal::bad("worker", "not UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_get_asks_for() {
        let read = |query: &'static str| {
            Take::read(Query::new(query.as_bytes())).map_err(|refusal| refusal.line().trim_end().to_owned())
        };
        let take = |worker: &str, ack, count| Ok(Take { worker: worker.into(), ack, count });
        let long: &'static str = format!("worker={}", "w".repeat(WORKER_MAX_BYTES + 1)).leak();
        let wrong = |reason: &str| Err(reason.to_owned());
        let table = [
            ("worker=w", take("w", true, None)),
            ("worker=%C3%A9&ack=false&count=1000", take("é", false, Some(1000))),
            ("ack=true", wrong("worker: missing")),
            ("worker=", wrong("worker: not of 1 to 64 bytes")),
            (long, wrong("worker: not of 1 to 64 bytes")),
            ("worker=%ff", wrong("worker: not UTF-8")),
            ("worker=w&ack=no", wrong("ack: not true, false, 1 or 0")),
            ("worker=w&count=0", wrong("count: not in 1..1000")),
            ("worker=w&count=1001", wrong("count: not in 1..1000")),
        ];
        for (query, expected) in table {
            assert_eq!(read(query), expected, "{query}");
        }
    }
}

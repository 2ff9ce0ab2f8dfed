//! Settings of a queue and what is dropped from it.

use crate::{param::required, query::Query, refusal::Refusal};

/// Longest redelivery timeout.
pub const TIMEOUT_MAX_S: u64 = 15_300;
const MINUTES_MAX: u64 = TIMEOUT_MAX_S / 60;
/// Largest limit of messages.
pub const LENGTH_MAX: u64 = 5_000_000;
const DELIVERIES_MAX: u64 = 65_535;
/// Longest time ids are remembered.
pub const DEDUP_MAX_S: u64 = 86_400;

/// The redelivery timeout: exactly one of `minute` and `second`.
pub fn timeout_s(query: Query<'_>) -> Result<u64, Refusal> {
    let minutes = query.unsigned_in("minute", 1, MINUTES_MAX)?;
    let seconds = query.unsigned_in("second", 1, TIMEOUT_MAX_S)?;
    match (minutes, seconds) {
        (Some(minutes), None) => Ok(minutes * 60),
        (None, Some(seconds)) => Ok(seconds),
        (None, None) => Err(Refusal::bad("minute", "missing, and no second either")),
        (Some(_), Some(_)) => Err(Refusal::bad("minute", "not with second")),
    }
}

/// Whether the queue is to be locked.
pub fn on_off(query: Query<'_>) -> Result<bool, Refusal> {
    required("on", query.boolean("on")?)
}

/// How many messages the queue may have; 0 = no limit.
pub fn size(query: Query<'_>) -> Result<u64, Refusal> {
    required("num", query.unsigned_in("num", 0, LENGTH_MAX)?)
}

/// What is dropped from a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purged {
    /// All of a priority.
    Priority(u8),
    /// Of a push queue: everything up to this index.
    UpTo(u64),
    /// Of a push queue: everything.
    All,
}

/// What is to be dropped.
pub fn purged(query: Query<'_>) -> Result<Purged, Refusal> {
    let priority = query.unsigned_in("priori", 0, 2)?.map(|priority| priority as u8);
    match (query.unsigned("upto", u64::MAX)?, priority) {
        (Some(upto), None | Some(0)) => Ok(Purged::UpTo(upto)),
        (Some(_), Some(_)) => Err(Refusal::bad("priori", "not with upto")),
        (None, Some(priority)) => Ok(Purged::Priority(priority)),
        (None, None) => Ok(Purged::All),
    }
}

/// Settings a queue should have; `None`: as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Redelivery timeout.
    pub timeout_s: Option<u64>,
    /// Most messages; 0 = no limit.
    pub max: Option<u64>,
    /// Whether it is locked.
    pub lock: Option<bool>,
    /// Deliveries before a message is dead; 0 = no limit.
    pub max_deliveries: Option<u32>,
    /// Where dead messages go; empty = nowhere.
    pub dead_letter: Option<String>,
    /// How long messages live; how long it may be depends on the kind of the queue.
    pub ttl_s: Option<u64>,
    /// How long ids are remembered.
    pub dedup_s: Option<u64>,
}

impl Wanted {
    /// The names of the settings.
    pub const NAMES: [&str; 7] = ["second", "max", "lock", "max_deliveries", "dead_letter", "ttl", "dedup"];

    /// Reads what `query` asks for.
    pub fn read(query: Query<'_>) -> Result<Wanted, Refusal> {
        let dead_letter = match query.bytes("dead_letter")?.as_deref() {
            Some([]) => Some(String::new()),
            _ => query.table("dead_letter")?.map(|name| name.into_owned()),
        };
        let deliveries = query.unsigned_in("max_deliveries", 0, DELIVERIES_MAX)?;
        Ok(Wanted {
            timeout_s: query.unsigned_in("second", 1, TIMEOUT_MAX_S)?,
            max: query.unsigned_in("max", 0, LENGTH_MAX)?,
            lock: query.boolean("lock")?,
            max_deliveries: deliveries.map(|deliveries| deliveries as u32),
            dead_letter,
            ttl_s: query.unsigned("ttl", u64::MAX)?,
            dedup_s: query.unsigned_in("dedup", 0, DEDUP_MAX_S)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line<T: std::fmt::Debug>(read: Result<T, Refusal>) -> String {
        read.map_or_else(|refusal| refusal.line().trim_end().to_owned(), |value| format!("{value:?}"))
    }

    #[test]
    fn one_form_of_a_timeout() {
        let table = [
            ("minute=255", "15300"),
            ("second=1", "1"),
            ("", "minute: missing, and no second either"),
            ("minute=1&second=1", "minute: not with second"),
            ("minute=256", "minute: not in 1..255"),
            ("second=0", "second: not in 1..15300"),
        ];
        for (query, expected) in table {
            assert_eq!(line(timeout_s(Query::new(query.as_bytes()))), expected, "{query}");
        }
    }

    #[test]
    fn one_form_of_a_purge() {
        let table = [
            ("", "All"),
            ("priori=2", "Priority(2)"),
            ("upto=7", "UpTo(7)"),
            ("upto=7&priori=0", "UpTo(7)"),
            ("upto=7&priori=1", "priori: not with upto"),
            ("priori=3", "priori: not in 0..2"),
        ];
        for (query, expected) in table {
            assert_eq!(line(purged(Query::new(query.as_bytes()))), expected, "{query}");
        }
    }

    #[test]
    fn settings_are_within_their_ranges() {
        let all = "second=15300&max=5000000&lock=1&max_deliveries=65535&dead_letter=&ttl=9&dedup=86400";
        let wanted = Wanted::read(Query::new(all.as_bytes())).unwrap();
        assert_eq!((wanted.timeout_s, wanted.dead_letter.as_deref()), (Some(15_300), Some("")));
        assert_eq!(Wanted::read(Query::new(b"queue=q")), Ok(Wanted::default()));
        for (query, expected) in [
            ("second=15301", "second: not in 1..15300"),
            ("max=5000001", "max: not in 0..5000000"),
            ("lock=yes", "lock: not true, false, 1 or 0"),
            ("max_deliveries=65536", "max_deliveries: not in 0..65535"),
            ("dead_letter=a-b", "dead_letter: illegal name"),
            ("ttl=-1", "ttl: negative"),
            ("dedup=86401", "dedup: not in 0..86400"),
        ] {
            assert_eq!(line(Wanted::read(Query::new(query.as_bytes()))), expected, "{query}");
        }
        assert_eq!(line(on_off(Query::new(b""))), "on: missing");
        assert_eq!(line(size(Query::new(b"num=5000001"))), "num: not in 0..5000000");
    }
}

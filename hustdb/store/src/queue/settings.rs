//! The settings of a queue: ranges, changes, and the row they are kept in.

use serde::{Deserialize, Serialize};

use super::error::{QueueError, QueueResult};
use crate::error::Error;

/// Longest redelivery timeout, seconds.
pub const TIMEOUT_MAX_S: u64 = 15_300;
/// Longest time an id is remembered, seconds.
pub const DEDUP_MAX_S: u64 = 86_400;
/// Greatest `max`.
pub const LENGTH_MAX: u64 = 5_000_000;
/// Longest name, bytes.
pub const NAME_MAX_BYTES: usize = 64;

/// What kind of queue a name has for its whole life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum QueueKind {
    /// put, get, ack.
    Normal,
    /// pub, sub.
    Push,
}

/// Settings of a queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// Redelivery timeout, seconds.
    pub timeout_s: u64,
    /// Ready messages above which puts are refused; 0 = no limit.
    pub max: u64,
    /// Whether puts are refused.
    pub lock: bool,
    /// Deliveries after which a message that comes back is a dead letter; 0 = no limit.
    pub max_deliveries: u32,
    /// Queue where dead letters go; empty = they are dropped.
    pub dead_letter: String,
    /// Life of messages that name none, seconds; 0 = for ever.
    pub ttl_s: u64,
    /// How long an id is remembered, seconds.
    pub dedup_s: u64,
}

impl Settings {
    /// The defaults.
    pub fn new(timeout_s: u64) -> Settings {
        let dead_letter = String::new();
        Settings { timeout_s, max: 0, lock: false, max_deliveries: 0, dead_letter, ttl_s: 0, dedup_s: 300 }
    }

    /// How long a delivery holds, ms.
    pub(crate) fn timeout_ms(&self) -> u64 {
        self.timeout_s.saturating_mul(1000)
    }
}

/// Settings to change; what is `None` stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// See [`Settings::timeout_s`].
    pub timeout_s: Option<u64>,
    /// See [`Settings::max`].
    pub max: Option<u64>,
    /// See [`Settings::lock`].
    pub lock: Option<bool>,
    /// See [`Settings::max_deliveries`].
    pub max_deliveries: Option<u32>,
    /// See [`Settings::dead_letter`].
    pub dead_letter: Option<String>,
    /// See [`Settings::ttl_s`].
    pub ttl_s: Option<u64>,
    /// See [`Settings::dedup_s`].
    pub dedup_s: Option<u64>,
}

impl Change {
    /// Whether nothing is asked for.
    pub fn is_empty(&self) -> bool {
        *self == Change::default()
    }

    /// `settings` of the queue `name` after this change. `ttl_maximum_s` is the longest ttl of its kind.
    pub(crate) fn apply(
        &self,
        name: &str,
        kind: QueueKind,
        settings: &Settings,
        ttl_maximum_s: u64,
    ) -> QueueResult<Settings> {
        if kind == QueueKind::Push {
            let foreign = [
                ("second", self.timeout_s.is_some()),
                ("max_deliveries", self.max_deliveries.is_some()),
                ("dead_letter", self.dead_letter.is_some()),
                ("dedup", self.dedup_s.is_some()),
            ];
            if let Some((subject, _)) = foreign.iter().find(|(_, given)| *given) {
                return Err(Error::invalid(subject, "not of a push queue").into());
            }
        }
        within("second", self.timeout_s, 1, TIMEOUT_MAX_S)?;
        within("max", self.max, 0, LENGTH_MAX)?;
        within("max_deliveries", self.max_deliveries.map(u64::from), 0, 65_535)?;
        within("ttl", self.ttl_s, 0, ttl_maximum_s)?;
        within("dedup", self.dedup_s, 0, DEDUP_MAX_S)?;
        if let Some(target) = &self.dead_letter
            && !target.is_empty()
        {
            check_name("dead_letter", target)?;
            if target == name {
                return Err(Error::invalid("dead_letter", "the queue itself").into());
            }
        }
        let mut after = settings.clone();
        set(&mut after.timeout_s, self.timeout_s);
        set(&mut after.max, self.max);
        set(&mut after.lock, self.lock);
        set(&mut after.max_deliveries, self.max_deliveries);
        set(&mut after.dead_letter, self.dead_letter.clone());
        set(&mut after.ttl_s, self.ttl_s);
        set(&mut after.dedup_s, self.dedup_s);
        Ok(after)
    }
}

fn set<T>(place: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *place = value;
    }
}

fn within(subject: &'static str, value: Option<u64>, min: u64, max: u64) -> QueueResult<()> {
    match value {
        Some(value) if !(min..=max).contains(&value) => {
            Err(Error::invalid(subject, format!("not in {min}..{max}")).into())
        }
        _ => Ok(()),
    }
}

/// Refuses what is no name of a queue.
pub(crate) fn check_name(subject: &'static str, name: &str) -> QueueResult<()> {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':' | b'.');
    match name.len() {
        0 => Err(Error::invalid(subject, "empty").into()),
        1..=NAME_MAX_BYTES if name.bytes().all(legal) => Ok(()),
        1..=NAME_MAX_BYTES => Err(Error::invalid(subject, "illegal name").into()),
        _ => Err(Error::invalid(subject, format!("over {NAME_MAX_BYTES} bytes")).into()),
    }
}

/// What the settings row holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Identity {
    pub(crate) incarnation: u64,
    pub(crate) kind: QueueKind,
    pub(crate) created_s: u64,
    pub(crate) settings: Settings,
}

/// First byte of the rows that this module and its neighbours encode.
const FORMAT: u8 = 1;

/// A row's bytes: a format byte, then the fields (postcard).
pub(crate) fn encode<T: Serialize>(row: &T) -> QueueResult<Vec<u8>> {
    postcard::to_extend(row, vec![FORMAT])
        .map_err(|cause| QueueError::from(hust_engine::Error::Invalid(format!("a queue's row: {cause}"))))
}

/// The row in these bytes; `None` where they are none.
pub(crate) fn decode<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Option<T> {
    let (format, fields) = bytes.split_first()?;
    if *format != FORMAT {
        return None;
    }
    postcard::from_bytes(fields).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_setting_has_its_range_and_nothing_is_half_set() {
        let settings = Settings::new(300);
        let apply = |change: &Change| change.apply("q", QueueKind::Normal, &settings, 1000);
        let fits = [
            Change { timeout_s: Some(1), ..Change::default() },
            Change { timeout_s: Some(15_300), ..Change::default() },
            Change { max: Some(5_000_000), ..Change::default() },
            Change { max_deliveries: Some(65_535), ..Change::default() },
            Change { dead_letter: Some("dead".into()), ..Change::default() },
            Change { dead_letter: Some(String::new()), ..Change::default() },
            Change { ttl_s: Some(1000), ..Change::default() },
            Change { dedup_s: Some(0), ..Change::default() },
        ];
        assert!(fits.iter().all(|change| apply(change).is_ok()));
        let wrong = [
            (Change { timeout_s: Some(0), ..Change::default() }, "second"),
            (Change { timeout_s: Some(15_301), ..Change::default() }, "second"),
            (Change { max: Some(5_000_001), ..Change::default() }, "max"),
            (Change { max_deliveries: Some(65_536), ..Change::default() }, "max_deliveries"),
            (Change { dead_letter: Some("q".into()), ..Change::default() }, "dead_letter"),
            (Change { dead_letter: Some("a-b".into()), ..Change::default() }, "dead_letter"),
            (Change { ttl_s: Some(1001), ..Change::default() }, "ttl"),
            (Change { max: Some(1), dedup_s: Some(86_401), ..Change::default() }, "dedup"),
        ];
        for (change, name) in wrong {
            match apply(&change) {
                Err(QueueError::Store(Error::Invalid { subject, .. })) => assert_eq!(subject, name),
                other => panic!("{name}: {other:?}"),
            }
        }
        for (change, legal) in [
            (Change { max: Some(1), lock: Some(true), ttl_s: Some(9), ..Change::default() }, true),
            (Change { timeout_s: Some(9), ..Change::default() }, false),
            (Change { dedup_s: Some(9), ..Change::default() }, false),
        ] {
            assert_eq!(change.apply("q", QueueKind::Push, &settings, 1000).is_ok(), legal, "{change:?}");
        }
    }

    #[test]
    fn rows_round_trip_and_other_bytes_are_none() {
        let identity = Identity {
            incarnation: u64::MAX,
            kind: QueueKind::Push,
            created_s: 5,
            settings: Settings { dead_letter: "d".into(), ..Settings::new(9) },
        };
        let bytes = encode(&identity).unwrap();
        assert_eq!(decode::<Identity>(&bytes), Some(identity));
        for len in 0..bytes.len() {
            assert_eq!(decode::<Identity>(&bytes[..len]), None, "cut at {len}");
        }
        assert_eq!(decode::<Identity>(&[&[9], &bytes[1..]].concat()), None);
    }
}

//! A plain map that behaves as a store must.
//!
//! It knows what the store does not keep: all of each record, its expired past included.

use std::{cmp::Ordering, collections::BTreeMap};

use hust_engine::{
    Meta,
    row::{EXPIRED, TOMBSTONE},
};

use super::*;
use crate::{Kind, Stat};

/// The newest record of a key.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    pub(super) shown: Shown,
    pub(super) dead: bool,
    pub(super) swept: bool,
    pub(super) value: Vec<u8>,
}

impl Kept {
    /// The row that the engine must have.
    pub(super) fn row(&self) -> (Meta, &[u8]) {
        let Shown { version, stamp, expire_ms } = self.shown;
        let flags = if self.dead { TOMBSTONE } else { 0 } | if self.swept { TOMBSTONE | EXPIRED } else { 0 };
        let value = if flags == 0 { &self.value[..] } else { &[] };
        (Meta { stamp, version, expire_ms, flags }, value)
    }
}

#[derive(Clone, Default)]
pub(super) struct Model {
    pub(super) kept: BTreeMap<Vec<u8>, Kept>,
    pub(super) now_ms: u64,
}

impl Model {
    pub(super) fn live(&self, key: &[u8]) -> Option<&Kept> {
        self.kept.get(key).filter(|kept| {
            !kept.dead && !kept.swept && (kept.shown.expire_ms == 0 || self.now_ms < kept.shown.expire_ms)
        })
    }

    fn store(&mut self, key: &[u8], shown: Shown, value: Option<&[u8]>) {
        let value_bytes = value.unwrap_or_default().to_vec();
        self.kept.insert(key.into(), Kept { shown, dead: value.is_none(), swept: false, value: value_bytes });
    }

    pub(super) fn sweep(&mut self) {
        for kept in self.kept.values_mut().filter(|kept| !kept.dead) {
            kept.swept |= kept.shown.expire_ms != 0 && kept.shown.expire_ms <= self.now_ms;
        }
    }

    /// Checks the answer to a local or unstamped write, and takes over the stamp it was given.
    pub(super) fn check_local(
        &mut self,
        key: &[u8],
        origin: Origin,
        value: Option<&[u8]>,
        expire_ms: u64,
        answer: Answer,
    ) {
        let current = self.live(key).map_or(0, |kept| kept.shown.version);
        let replaced = self.kept.get(key).map_or(0, |kept| kept.shown.stamp);
        let (conflict, older, version) = match origin {
            Origin::Local { ver } => (ver != 0 && ver != current, false, current + 1),
            Origin::Unstamped { ver } => (false, ver < current, ver),
            Origin::Replica { .. } => unreachable!(),
        };
        if value.is_none() && current == 0 {
            assert_eq!(answer, Answer::Absent);
        } else if conflict {
            assert_eq!(answer, Answer::Conflict { current });
        } else if older {
            let winner = self.live(key).unwrap().shown;
            assert_eq!(answer, Answer::Ignored { winner, greater: true });
        } else {
            let shown = applied(answer);
            assert_eq!(shown.version, if value.is_some() { version } else { current });
            assert_eq!(shown.expire_ms, expire_ms);
            assert!(shown.stamp > replaced, "newer than what it replaces");
            self.store(key, shown, value);
        }
    }

    pub(super) fn check_replica(&mut self, key: &[u8], shown: Shown, value: Option<&[u8]>, answer: Answer) {
        let order = |expire_ms: u64| if expire_ms == 0 { u64::MAX } else { expire_ms };
        let order = match self.kept.get(key) {
            None => Ordering::Greater,
            // What was swept has no value to compare: it counts as greater, or as the same if it can be.
            Some(here) if here.swept => {
                let form = if value.is_none() { 2 } else { 0 };
                (shown.stamp, shown.version, form).cmp(&(here.shown.stamp, here.shown.version, 1))
            }
            Some(here) => {
                let new = (shown.stamp, shown.version, value.is_none(), value.unwrap_or_default());
                let old = (here.shown.stamp, here.shown.version, here.dead, &here.value[..]);
                new.cmp(&old).then(order(shown.expire_ms).cmp(&order(here.shown.expire_ms)))
            }
        };
        if order.is_gt() {
            assert_eq!(answer, Answer::Applied(shown));
            return self.store(key, shown, value);
        }
        let here = &self.kept[key];
        let same = order.is_eq() || here.swept && value.is_some() && here.shown == shown;
        assert_eq!(answer, Answer::Ignored { winner: here.shown, greater: !same });
    }

    /// What the tallies must be: everything that is neither deleted nor swept.
    pub(super) fn recount(&self) -> (Stat, Vec<u64>) {
        let (mut stat, mut digests) = (Stat::default(), vec![0u64; 1024]);
        for (key, kept) in self.kept.iter().filter(|(_, kept)| !kept.dead && !kept.swept) {
            let bytes = (key.len() + kept.value.len()) as u64;
            stat.count += 1;
            stat.size += bytes;
            stat.capacity += bytes.div_ceil(1024) * 1024;
            let md5 = crate::md5(key);
            let digest = crate::tally::digest(Kind::Kv, 0, &md5, kept.shown.stamp, kept.shown.version);
            let sum = &mut digests[usize::from(crate::slot_of(&md5))];
            *sum = sum.wrapping_add(digest);
        }
        (stat, digests)
    }
}

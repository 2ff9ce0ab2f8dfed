//! A plain map that behaves as a store must, for records of all kinds.
//!
//! It knows what the store does not keep: all of each record, its expired past included.

use std::{cmp::Ordering, collections::BTreeMap};

use hust_engine::{
    Meta,
    row::{EXPIRED, TOMBSTONE},
};

use super::*;
use crate::{Figures, Kind, ScoreOperation, Stat, TableStat, score_of};

/// Identity of a record; kv pairs have an empty table.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Id {
    pub(super) kind: Kind,
    pub(super) table: &'static str,
    pub(super) key: Vec<u8>,
}

/// The newest record of an identity.
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

    pub(super) fn is_counted(&self) -> bool {
        !self.dead && !self.swept
    }

    /// Live < remains < tombstone.
    fn form(&self) -> u8 {
        if self.dead { 2 } else { u8::from(self.swept) }
    }

    fn order(&self, other: &Kept) -> Ordering {
        let place = |kept: &Kept| (kept.shown.stamp, kept.shown.version, kept.form());
        let value = |kept: &Kept| (kept.form() == 0).then(|| kept.value.clone());
        let expiry = |kept: &Kept| kept.shown.expire_ms.wrapping_sub(1);
        let order = place(self).cmp(&place(other)).then_with(|| value(self).cmp(&value(other)));
        order.then_with(|| expiry(self).cmp(&expiry(other)))
    }
}

/// What a client is told: the answer and the number of commands that calculate.
pub(super) type Told = Result<(Answer, Option<i64>)>;

#[derive(Clone, Default)]
pub(super) struct Model {
    pub(super) kept: BTreeMap<Id, Kept>,
    pub(super) now_ms: u64,
}

impl Model {
    pub(super) fn live(&self, id: &Id) -> Option<&Kept> {
        self.kept.get(id).filter(|kept| {
            kept.is_counted() && (kept.shown.expire_ms == 0 || self.now_ms < kept.shown.expire_ms)
        })
    }

    /// The type that a name shows.
    pub(super) fn shown_type(&self, table: &str) -> Option<Kind> {
        let counted = |kind| {
            self.kept.iter().any(|(id, kept)| id.kind == kind && id.table == table && kept.is_counted())
        };
        [Kind::Hash, Kind::Set, Kind::Zset].into_iter().find(|kind| counted(*kind))
    }

    pub(super) fn sweep(&mut self) {
        for kept in self.kept.values_mut().filter(|kept| !kept.dead) {
            kept.swept |= kept.shown.expire_ms != 0 && kept.shown.expire_ms <= self.now_ms;
        }
    }

    /// Checks what a local or unstamped write told, and takes over the stamp it was given.
    pub(super) fn check_local(&mut self, id: &Id, change: Change<'_>, terms: Terms, told: &Told) {
        let stores = change != Change::Delete;
        if id.kind != Kind::Kv {
            let shown = self.shown_type(id.table);
            if shown.is_some_and(|shown| shown != id.kind) || shown.is_none() && !stores {
                return assert!(matches!(told, Err(Error::Table(_))), "{id:?} {shown:?}: {told:?}");
            }
        }
        let live = self.live(id).cloned();
        let current = live.as_ref().map_or(0, |kept| kept.shown.version);
        let replaced = self.kept.get(id).map_or(0, |kept| kept.shown.stamp);
        let (conflict, older, version) = match terms.origin {
            Origin::Local { ver } => (ver != 0 && ver != current, false, current + 1),
            Origin::Unstamped { ver } => (false, ver < current, ver),
            Origin::Replica { .. } => unreachable!(),
        };
        let number = |kept: &Kept| match change {
            Change::Score { .. } => score_of(&kept.value),
            _ => None,
        };
        let refused = match &live {
            None if !stores => Some((Answer::Absent, None)),
            _ if conflict => Some((Answer::Conflict { current }, live.as_ref().and_then(number))),
            Some(kept) if older => {
                Some((Answer::Ignored { winner: kept.shown, greater: true }, number(kept)))
            }
            Some(kept) if is_same(change, terms, &kept.value) => {
                Some((Answer::Unchanged(kept.shown), number(kept)))
            }
            _ => None,
        };
        if let Some(refused) = refused {
            return assert_eq!(*told.as_ref().unwrap(), refused, "{id:?}");
        }
        let Some((value, number)) = apply(change, live.as_ref().map(|kept| &kept.value[..])) else {
            return assert!(matches!(told, Err(Error::Refused { .. })), "{id:?}: {told:?}");
        };
        let (answer, told_number) = *told.as_ref().unwrap();
        let shown = applied(answer);
        assert_eq!(told_number, number, "{id:?}");
        assert_eq!(shown.version, if stores { version } else { current });
        let kept_ms = live.map_or(0, |kept| kept.shown.expire_ms);
        assert_eq!(shown.expire_ms, if stores { self.expire_ms(terms.lifetime, kept_ms) } else { 0 });
        assert!(shown.stamp > replaced, "newer than what it replaces");
        self.kept.insert(id.clone(), Kept { shown, dead: !stores, swept: false, value });
    }

    fn expire_ms(&self, lifetime: Lifetime, kept_ms: u64) -> u64 {
        match lifetime {
            Lifetime::Ttl(0) => 0,
            Lifetime::Ttl(ttl_s) => self.now_ms + ttl_s * 1000,
            Lifetime::Until(expire_ms) => expire_ms,
            Lifetime::Kept => kept_ms,
        }
    }

    pub(super) fn check_replica(&mut self, id: &Id, incoming: Kept, answer: Answer) {
        let here = self.kept.get(id);
        let order = here.map_or(Ordering::Greater, |here| incoming.order(here));
        match here {
            Some(here) if order.is_le() => {
                let left = here.form() == 1 && incoming.form() == 0 && here.shown == incoming.shown;
                let greater = order.is_lt() && !left;
                assert_eq!(answer, Answer::Ignored { winner: here.shown, greater }, "{id:?}");
            }
            _ => {
                assert_eq!(answer, Answer::Applied(incoming.shown), "{id:?}");
                self.kept.insert(id.clone(), incoming);
            }
        }
    }

    /// What the totals must be: kv pairs, fields of hashes, all bytes that count against the capacity.
    pub(super) fn totals(&self) -> (Stat, Stat, i64) {
        let (mut kv, mut hash, mut guarded) = (Stat::default(), Stat::default(), 0);
        for (id, kept) in self.kept.iter().filter(|(_, kept)| kept.is_counted()) {
            let bytes = (id.key.len() + kept.value.len()) as u64;
            guarded += bytes as i64 + 64;
            let stat = match id.kind {
                Kind::Kv => &mut kv,
                Kind::Hash => &mut hash,
                _ => continue,
            };
            stat.count += 1;
            stat.size += bytes;
            stat.capacity += bytes.div_ceil(1024) * 1024;
        }
        (kv, hash, guarded)
    }

    /// What the store must say of its tables.
    pub(super) fn table_stats(&self) -> Vec<TableStat> {
        let mut tables: BTreeMap<&str, Figures> = BTreeMap::new();
        for (id, kept) in self.kept.iter().filter(|(id, kept)| id.kind != Kind::Kv && kept.is_counted()) {
            let figures = tables.entry(id.table).or_default();
            let bytes = (id.key.len() + kept.value.len()) as u64;
            match id.kind {
                Kind::Hash => {
                    figures.hash.count += 1;
                    figures.hash.size += bytes;
                    figures.hash.capacity += bytes.div_ceil(1024) * 1024;
                }
                Kind::Set => figures.set += 1,
                _ => figures.zset += 1,
            }
        }
        let stat = |(name, figures): (&str, Figures)| {
            Some(TableStat { name: name.as_bytes().into(), kind: self.shown_type(name)?, figures })
        };
        tables.into_iter().filter_map(stat).collect()
    }

    pub(super) fn digests(&self) -> Vec<u64> {
        let mut digests = vec![0u64; 1024];
        for (id, kept) in self.kept.iter().filter(|(_, kept)| kept.is_counted()) {
            let (md5, name) = (crate::md5(&id.key), crate::md5(id.table.as_bytes()));
            let table = u64::from_be_bytes(*name.first_chunk().unwrap());
            let table = if id.kind == Kind::Kv { 0 } else { table };
            let digest = crate::tally::digest(id.kind, table, &md5, kept.shown.stamp, kept.shown.version);
            let slot = crate::slot_of(if id.kind == Kind::Zset { &name } else { &md5 });
            let sum = &mut digests[usize::from(slot)];
            *sum = sum.wrapping_add(digest);
        }
        digests
    }
}

/// Whether a write sets the score that there is, and nothing else.
fn is_same(change: Change<'_>, terms: Terms, value: &[u8]) -> bool {
    let Change::Score { score, operation: ScoreOperation::Set } = change else { return false };
    matches!(terms.origin, Origin::Local { .. })
        && terms.lifetime == Lifetime::Kept
        && score_of(value) == Some(score)
}

/// The value that a change makes, and the number it tells; `None` if it cannot.
fn apply(change: Change<'_>, live: Option<&[u8]>) -> Option<(Vec<u8>, Option<i64>)> {
    match change {
        Change::Put(value) => Some((value.to_vec(), None)),
        Change::Delete | Change::Remains => Some((Vec::new(), None)),
        Change::Add(by) => {
            let stored = match live {
                None => 0,
                Some(text) => std::str::from_utf8(text).ok()?.parse::<i64>().ok()?,
            };
            let sum = stored.checked_add(by)?;
            Some((sum.to_string().into_bytes(), Some(sum)))
        }
        Change::Score { score, operation } => {
            let stored = live.map_or(0, |value| score_of(value).unwrap());
            let score = match operation {
                ScoreOperation::Set => Some(score),
                ScoreOperation::Add => stored.checked_add(score),
                ScoreOperation::Subtract => stored.checked_sub(score),
            }?;
            Some((stored_score(score), Some(score)))
        }
    }
}

/// A score as it is stored: big-endian, the sign bit flipped.
pub(super) fn stored_score(score: i64) -> Vec<u8> {
    (score as u64 ^ 1 << 63).to_be_bytes().to_vec()
}

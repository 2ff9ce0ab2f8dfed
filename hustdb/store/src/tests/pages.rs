//! Listings against a plain map, under random writes of all kinds, names with several types, expiry, sweeps, background
//! work and restarts: every page of every target, window and offset, every walk by cursor, and snapshots of the same.

use std::{collections::BTreeMap, ops::Range};

use super::{
    seen::{Seen, SeenValue, follow, list, list_snapshot, list_with},
    *,
};
use crate::{
    ExportOf, ExportRequest, Kind, ListOf, ListRequest, Member, ScoreOperation, SnapshotRequest, Start,
    TaskStatus, md5, slot_of,
};

const RUNS: u64 = 6;
const ROUNDS: usize = 12;
const WRITES: usize = 120;
const NAMES: u64 = 9;
const KEYS: u64 = 20;

struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) % end
    }

    fn window(&mut self) -> Range<u16> {
        match self.below(3) {
            0 => 0..1024,
            _ => {
                let start = self.below(1000) as u16;
                start..start + 1 + self.below(u64::from(1024 - start)) as u16
            }
        }
    }
}

#[derive(Clone, Debug)]
struct Kept {
    shown: Shown,
    dead: bool,
    swept: bool,
    value: Vec<u8>,
    score: i64,
}

/// By kind, name of the table (empty for kv) and key.
#[derive(Default)]
struct Map {
    kept: BTreeMap<(u8, String, String), Kept>,
    now_ms: u64,
}

fn number(name: &str) -> u32 {
    u32::from_be_bytes(*md5(name.as_bytes()).first_chunk().unwrap()) % (1 << 28)
}

fn file(md5: &[u8; 16]) -> usize {
    usize::from(slot_of(md5)) / 128
}

impl Map {
    fn shown(&self, name: &str) -> Option<Kind> {
        [Kind::Hash, Kind::Set, Kind::Zset].into_iter().find(|kind| {
            let rows = self.kept.range((*kind as u8, name.to_owned(), String::new())..);
            rows.take_while(|((found, table, _), _)| *found == *kind as u8 && table == name)
                .any(|(_, kept)| !kept.dead && !kept.swept)
        })
    }

    /// The rows of a table, or the kv pairs, in order and within a window.
    fn rows(&self, kind: Kind, name: &str, slots: &Range<u16>, table: bool) -> Vec<([u8; 16], Seen)> {
        let mut rows: Vec<_> = self
            .kept
            .iter()
            .filter(|((found, in_table, _), _)| *found == kind as u8 && in_table == name)
            .filter(|(_, kept)| {
                let expired = kept.shown.expire_ms != 0 && kept.shown.expire_ms <= self.now_ms;
                !kept.dead && !kept.swept && !expired
            })
            .map(|((_, _, key), kept)| {
                let own = md5(key.as_bytes());
                let (order, value) = match kind {
                    Kind::Zset => (kept.score, SeenValue::Score(kept.score)),
                    Kind::Set => (0, SeenValue::None),
                    _ => (0, SeenValue::Bytes(kept.value.clone())),
                };
                let table = table.then(|| (name.to_owned(), kind));
                ((order, own), Seen { key: key.clone().into_bytes(), value, shown: kept.shown, table })
            })
            .filter(|((_, own), _)| match kind {
                Kind::Zset => slots.contains(&slot_of(&md5(name.as_bytes()))),
                _ => slots.contains(&slot_of(own)),
            })
            .collect();
        rows.sort_by_key(|(order, _)| *order);
        rows.into_iter().map(|((_, own), row)| (own, row)).collect()
    }

    fn expected(&self, of: &ListOf<'_>, slots: &Range<u16>) -> Vec<Seen> {
        let bare = |rows: Vec<([u8; 16], Seen)>| rows.into_iter().map(|(_, row)| row).collect::<Vec<_>>();
        match *of {
            ListOf::Table { kind, name } => {
                bare(self.rows(kind, std::str::from_utf8(name).unwrap(), slots, false))
            }
            ListOf::Scores { name, min, max } => {
                let name = std::str::from_utf8(name).unwrap();
                let mut rows = bare(self.rows(Kind::Zset, name, slots, false));
                rows.retain(
                    |row| matches!(row.value, SeenValue::Score(score) if (min..=max).contains(&score)),
                );
                rows
            }
            ListOf::File(at) => {
                let mut all = bare(
                    self.rows(Kind::Kv, "", slots, false)
                        .into_iter()
                        .filter(|(md5, _)| file(md5) == at)
                        .collect(),
                );
                let mut names: Vec<_> = (0..NAMES).map(|n| format!("t{n}")).collect();
                names.sort_by_key(|name| number(name));
                for kind in [Kind::Hash, Kind::Set] {
                    for name in names.iter().filter(|name| self.shown(name) == Some(kind)) {
                        let rows = self.rows(kind, name, slots, true);
                        all.extend(bare(rows.into_iter().filter(|(md5, _)| file(md5) == at).collect()));
                    }
                }
                names.sort_by_key(|name| md5(name.as_bytes()));
                names
                    .retain(|name| file(&md5(name.as_bytes())) == at && self.shown(name) == Some(Kind::Zset));
                for name in names {
                    all.extend(bare(self.rows(Kind::Zset, &name, slots, true)));
                }
                all
            }
        }
    }
}

struct Run {
    node: Node,
    map: Map,
    dice: Dice,
    stamp: u64,
}

impl Run {
    fn new(seed: u64) -> Run {
        println!("seed {seed}");
        let (node, dice) = (Node::seeded(seed, |_| ()), Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15)));
        let map = Map { now_ms: node.clock_ms(), ..Map::default() };
        Run { node, map, dice, stamp: START_MS << 16 }
    }

    /// Replicas, so that a name may have rows of several types.
    fn write(&mut self) {
        let dice = &mut self.dice;
        self.stamp += 1;
        let kind = [Kind::Kv, Kind::Hash, Kind::Set, Kind::Zset][dice.below(4) as usize];
        // Names mostly have one type.
        let name = match kind {
            Kind::Kv => String::new(),
            _ if dice.below(8) == 0 => format!("t{}", dice.below(NAMES)),
            _ => format!("t{}", dice.below(NAMES / 3) * 3 + kind as u64 - 1),
        };
        let key = format!("k{}", dice.below(KEYS));
        let expire_ms = if dice.below(3) == 0 { self.map.now_ms + 500 + dice.below(3000) } else { 0 };
        let value = vec![b'v'; [0, 3, 500, 3000][dice.below(4) as usize]];
        let score = [i64::MIN, -3, 0, 5, i64::MAX][dice.below(5) as usize];
        let dead = dice.below(4) == 0;
        let change = match kind {
            _ if dead => Change::Delete,
            Kind::Zset => Change::Score { score, operation: ScoreOperation::Set },
            Kind::Set => Change::Put(b""),
            _ => Change::Put(&value),
        };
        let terms = Terms::new(Origin::Replica { ver: 3, stamp: self.stamp }, Lifetime::Until(expire_ms));
        let node = &self.node;
        let written = node.call(|| match kind {
            Kind::Kv => node.store().kv().write(key.as_bytes(), change, terms),
            _ => {
                let member = Member { kind, table: name.as_bytes(), key: key.as_bytes() };
                node.store().members().write(&member, change, terms)
            }
        });
        applied(settle(written).unwrap());
        let shown = Shown { version: 3, stamp: self.stamp, expire_ms };
        self.map.kept.insert((kind as u8, name, key), Kept { shown, dead, swept: false, value, score });
    }

    fn pass_time(&mut self) {
        self.node.clock.advance(400);
        self.map.now_ms += 400;
        match self.dice.below(4) {
            0 => {
                self.node.sweep();
                let now_ms = self.map.now_ms;
                for kept in self.map.kept.values_mut().filter(|kept| !kept.dead) {
                    kept.swept |= kept.shown.expire_ms != 0 && kept.shown.expire_ms <= now_ms;
                }
            }
            1 => self.node.restart(),
            2 => self.node.work().unwrap(),
            _ => {}
        }
    }

    fn targets(&mut self) -> Vec<(String, Option<Kind>)> {
        (0..NAMES).map(|n| format!("t{n}")).map(|name| (name.clone(), self.map.shown(&name))).collect()
    }

    fn check(&mut self) {
        for at in 0..8 {
            self.check_target(ListOf::File(at));
        }
        for (name, shown) in self.targets() {
            for kind in [Kind::Hash, Kind::Set, Kind::Zset] {
                let of = ListOf::Table { kind, name: name.as_bytes() };
                if shown == Some(kind) {
                    self.check_target(of);
                } else {
                    let refused = list(&self.node, of, 0..1024, Start::Offset(0), 1);
                    assert!(matches!(refused, Err(Error::Table(_))), "{name} {kind:?}");
                }
            }
            if shown == Some(Kind::Zset) {
                self.check_target(ListOf::Scores { name: name.as_bytes(), min: -3, max: 5 });
            }
        }
    }

    fn check_target(&mut self, of: ListOf<'_>) {
        let slots = self.dice.window();
        let expected = self.map.expected(&of, &slots);
        let size = 1 + self.dice.below(12) as usize;
        assert_eq!(
            follow(&mut self.node, of, slots.clone(), size, |_| ()),
            expected,
            "{of:?} {slots:?} by {size}"
        );
        let offset = self.dice.below(expected.len() as u64 + 3) as usize;
        let wanted: Vec<_> = expected.iter().skip(offset).take(size).cloned().collect();
        let (rows, listing) = list(&self.node, of, slots.clone(), Start::Offset(offset), size).unwrap();
        assert_eq!(rows, wanted, "{of:?} {slots:?} from {offset}");
        assert_eq!(listing.cursor.is_some(), offset + size < expected.len());
        let request = ListRequest { of, slots, start: Start::Offset(offset), size, values: false };
        let bare: Vec<_> = wanted.into_iter().map(Seen::bare).collect();
        assert_eq!(list_with(&self.node, &request).unwrap().0, bare);
    }

    /// A snapshot shows what the listing did, whatever is written afterwards.
    fn check_snapshot(&mut self) {
        let tables: Vec<_> = self.targets().into_iter().filter(|(_, shown)| shown.is_some()).collect();
        let at = self.dice.below(8 + tables.len() as u64) as usize;
        let (of, export) = match at.checked_sub(8).and_then(|at| tables.get(at)) {
            None => (ListOf::File(at % 8), ExportOf::File(at % 8)),
            Some((name, shown)) => (
                ListOf::Table { kind: shown.unwrap(), name: name.as_bytes() },
                ExportOf::Table(name.as_bytes()),
            ),
        };
        let slots = self.dice.window();
        let expected = self.map.expected(&of, &slots);
        let values = self.dice.below(2) == 0;
        let request =
            ExportRequest { of: export, slots: slots.clone(), values, offset: 0, size: 0, cover: true };
        let token = self.node.store().export(&request).unwrap();
        assert!(self.node.store().run_export());
        assert_eq!(self.node.store().export_status(token), TaskStatus::Done);
        for _ in 0..30 {
            self.write();
        }
        if self.dice.below(2) == 0 {
            self.node.restart();
        }
        let offset = self.dice.below(expected.len() as u64 + 2);
        for (size, shows_values) in [(3, false), (1000, values)] {
            let request = SnapshotRequest { of, slots: slots.clone(), offset, size, values: shows_values };
            let (rows, page) = list_snapshot(&self.node, &request).unwrap();
            let mut wanted: Vec<_> =
                expected.iter().skip(offset as usize).take(size as usize).cloned().collect();
            if !shows_values {
                wanted = wanted.into_iter().map(Seen::bare).collect();
            }
            assert_eq!((rows, page.total), (wanted, expected.len() as u64), "{of:?} {slots:?} from {offset}");
        }
    }
}

#[test]
fn listings_and_snapshots_are_those_of_a_plain_map() {
    for seed in 1..=RUNS {
        let mut run = Run::new(seed);
        for _ in 0..ROUNDS {
            for _ in 0..WRITES {
                run.write();
            }
            run.check();
            run.pass_time();
            run.check();
            run.check_snapshot();
        }
    }
}

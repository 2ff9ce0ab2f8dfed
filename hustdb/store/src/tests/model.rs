//! The store against a plain map, under random commands, time jumps, sweeps and restarts.
//!
//! The model knows one thing the store does not keep: all of each record, its expired past included. After every step
//! the answers agree; now and then everything is counted again and compared with the tallies.

use std::{cmp::Ordering, collections::BTreeMap};

use super::*;
use crate::{Kind, Stat};

const STEPS: usize = 4000;
const KEYS: u64 = 24;

/// xorshift64*: enough for choosing steps.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) % end
    }

    fn value(&mut self) -> Vec<u8> {
        let len = [0, 1, 2, 5, 300, 5000][self.below(6) as usize];
        vec![b'a' + self.below(3) as u8; len]
    }
}

#[derive(Clone, Debug)]
struct Kept {
    shown: Shown,
    dead: bool,
    swept: bool,
    value: Vec<u8>,
}

#[derive(Default)]
struct Model {
    kept: BTreeMap<Vec<u8>, Kept>,
    now_ms: u64,
}

impl Model {
    fn live(&self, key: &[u8]) -> Option<&Kept> {
        self.kept.get(key).filter(|kept| {
            !kept.dead && !kept.swept && (kept.shown.expire_ms == 0 || self.now_ms < kept.shown.expire_ms)
        })
    }

    fn store(&mut self, key: &[u8], shown: Shown, value: Option<&[u8]>) {
        let value_bytes = value.unwrap_or_default().to_vec();
        self.kept.insert(key.into(), Kept { shown, dead: value.is_none(), swept: false, value: value_bytes });
    }

    fn sweep(&mut self) {
        for kept in self.kept.values_mut().filter(|kept| !kept.dead) {
            kept.swept |= kept.shown.expire_ms != 0 && kept.shown.expire_ms <= self.now_ms;
        }
    }

    /// Checks the answer to a local or unstamped write, and takes over the stamp it was given.
    fn check_local(
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

    fn check_replica(&mut self, key: &[u8], shown: Shown, value: Option<&[u8]>, answer: Answer) {
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
    fn recount(&self) -> (Stat, Vec<u64>) {
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

struct Run {
    node: Node,
    model: Model,
    dice: Dice,
}

impl Run {
    fn step(&mut self) {
        let key = format!("key_{}", self.dice.below(KEYS)).into_bytes();
        match self.dice.below(20) {
            0..7 => self.local(&key),
            7..11 => self.replica(&key),
            11..16 => self.read(&key),
            16 => self.node.clock.advance(self.dice.below(1500)),
            17 => {
                self.node.sweep();
                self.model.sweep();
            }
            18 => self.recount(),
            _ if self.dice.below(10) == 0 => self.node.restart(),
            _ => {}
        }
        self.model.now_ms = self.node.clock_ms();
    }

    fn write(&self, key: &[u8], value: Option<&[u8]>, origin: Origin, lifetime: Lifetime) -> Answer {
        let kv = self.node.store().kv();
        settle(match value {
            Some(value) => {
                let put = Put { key, value, origin, lifetime };
                settle_or(kv.try_put(&put), || kv.put(&put))
            }
            None => {
                let delete = Delete { key, origin };
                settle_or(kv.try_delete(&delete), || kv.delete(&delete))
            }
        })
        .unwrap()
    }

    fn local(&mut self, key: &[u8]) {
        let value = (self.dice.below(3) > 0).then(|| self.dice.value());
        let current = self.model.live(key).map_or(0, |kept| kept.shown.version);
        let origin = match self.dice.below(4) {
            0 => Origin::Local { ver: current },
            1 => Origin::Local { ver: self.dice.below(5) },
            2 => Origin::Unstamped { ver: 1 + self.dice.below(6) },
            _ => LOCAL,
        };
        let ttl_s = self.dice.below(4);
        let expire_ms = if ttl_s == 0 || value.is_none() { 0 } else { self.model.now_ms + ttl_s * 1000 };
        let answer = self.write(key, value.as_deref(), origin, Lifetime::Ttl(ttl_s));
        self.model.check_local(key, origin, value.as_deref(), expire_ms, answer);
    }

    /// A replica near what is here, so that every part of the order decides now and then.
    fn replica(&mut self, key: &[u8]) {
        let here = self.model.kept.get(key).cloned();
        let near = here.as_ref().map_or(self.model.now_ms << 16, |kept| kept.shown.stamp);
        let stamp = [near, near, near, near + 1, near.saturating_sub(1)][self.dice.below(5) as usize].max(1);
        let dead = self.dice.below(4) == 0;
        let version = match here.as_ref().map_or(1, |kept| kept.shown.version) {
            same if self.dice.below(3) > 0 => same.max(u64::from(!dead)),
            _ => 1 + self.dice.below(4),
        };
        let expire_ms = match self.dice.below(4) {
            _ if dead => 0,
            0 => 0,
            1 => here.as_ref().map_or(0, |kept| kept.shown.expire_ms),
            _ => (self.model.now_ms + self.dice.below(3000)).saturating_sub(1000),
        };
        let value = match (dead, here) {
            (true, _) => None,
            (false, Some(kept)) if !kept.dead && self.dice.below(2) == 0 => Some(kept.value),
            _ => Some(self.dice.value()),
        };
        let origin = Origin::Replica { ver: version, stamp };
        let answer = self.write(key, value.as_deref(), origin, Lifetime::Until(expire_ms));
        self.model.check_replica(key, Shown { version, stamp, expire_ms }, value.as_deref(), answer);
    }

    fn read(&mut self, key: &[u8]) {
        let kv = self.node.store().kv();
        let record = settle_or(kv.try_get(key), || kv.get(key)).unwrap();
        let seen = record.as_ref().map(|record| (record.shown, &*record.value));
        assert_eq!(seen, self.model.live(key).map(|kept| (kept.shown, &kept.value[..])));
    }

    fn recount(&self) {
        let (stat, digests) = self.model.recount();
        assert_eq!(self.node.store().kv_stat(), stat);
        assert_eq!(self.node.store().digest(0..1024), digests);
    }
}

#[test]
fn the_store_behaves_like_a_plain_map() {
    for seed in 1..=8u64 {
        println!("seed {seed}");
        let node = Node::new(|_| ());
        let model = Model { now_ms: node.clock_ms(), ..Model::default() };
        let mut run = Run { node, model, dice: Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15)) };
        (0..STEPS).for_each(|_| run.step());
        run.node.restart();
        run.recount();
        run.node.clock.advance(60_000);
        run.model.now_ms = run.node.clock_ms();
        run.node.sweep();
        run.model.sweep();
        run.recount();
    }
}

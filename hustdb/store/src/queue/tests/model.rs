//! Random commands against what was promised, with jumps of time, restarts, kills and losses of power.
//!
//! The model knows of every message whether its put was acknowledged and whether its end was. Whatever happens in
//! between: an acknowledged put is there until it was consumed, and what was consumed does not come back - unless that
//! was not waited for, nothing after it was either, and power was lost.

use std::collections::{BTreeMap, BTreeSet};

use super::*;

/// A small generator: the same numbers for the same seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

#[derive(Default)]
struct Model {
    /// Put and acknowledged, not consumed.
    owed: BTreeSet<String>,
    /// Consumed, and that was acknowledged.
    gone: BTreeSet<String>,
    /// Those of them whose end a loss of power may undo.
    unsynced: BTreeSet<String>,
    /// Consumed, but power was lost: they may come back, once.
    doubtful: BTreeSet<String>,
    /// Deliveries of the present run: item by token.
    leases: BTreeMap<String, Delivered>,
    put: u64,
}

impl Model {
    fn deliver(&mut self, seed: u64, delivered: &[Delivered], ack: bool) {
        for one in delivered {
            let item = text(one);
            let name = item[..8].to_owned();
            assert!(!self.gone.contains(&name), "seed {seed}: {name} came back");
            if self.doubtful.remove(&name) {
                self.owed.insert(name.clone());
            }
            assert!(self.owed.contains(&name), "seed {seed}: {name} was never put");
            if ack {
                self.owed.remove(&name);
                self.gone.insert(name.clone());
                self.unsynced.clear();
            }
            if let Some(token) = one.token {
                self.leases.insert(token.to_string(), one.clone());
            }
        }
    }

    fn put(&mut self, node: &Node, dice: &mut Dice) {
        self.put += 1;
        let name = format!("{:08}", self.put);
        let mut item = name.clone();
        // Some lie in the content log.
        item.extend(std::iter::repeat_n('x', if dice.roll(4) == 0 { 400 } else { 3 }));
        let delay_s = if dice.roll(4) == 0 { dice.roll(30) } else { 0 };
        let message = NewMessage { priority: dice.roll(3) as u8, delay_s, ..new(item.as_bytes()) };
        node.try_put("q", message).unwrap();
        self.owed.insert(name);
        self.unsynced.clear();
    }

    fn lose_power(&mut self) {
        for name in std::mem::take(&mut self.unsynced) {
            self.gone.remove(&name);
            self.doubtful.insert(name);
        }
    }

    fn settle(&mut self, node: &Node, seed: u64, dice: &mut Dice) {
        let at = dice.roll(self.leases.len().max(1) as u64) as usize;
        let Some(token) = self.leases.keys().nth(at).cloned() else { return };
        let Some(delivered) = self.leases.remove(&token) else { return };
        let name = text(&delivered)[..8].to_owned();
        let verdict = match dice.roll(5) {
            0 => Verdict::Nack { delay_s: dice.roll(20) },
            1 => Verdict::Touch,
            2 => ACK_WRITTEN,
            _ => ACK,
        };
        let current = node.settle("q", &[delivered.token.unwrap()], verdict).is_ok();
        if current && matches!(verdict, Verdict::Ack { .. }) {
            assert!(self.owed.remove(&name), "seed {seed}: {name} was consumed twice");
            self.gone.insert(name.clone());
            match verdict {
                ACK_WRITTEN => _ = self.unsynced.insert(name),
                _ => self.unsynced.clear(),
            }
        } else if current {
            self.leases.insert(token, delivered);
        }
    }
}

fn run(seed: u64, sync: SyncMode, steps: usize) {
    println!("seed {seed}");
    let mut node = Node::seeded(seed, |options| options.engine.sync = sync);
    let (mut model, mut dice) = (Model::default(), Dice(seed));
    node.set("q", Change { timeout_s: Some(20), ..Change::default() });
    for _ in 0..steps {
        match dice.roll(40) {
            0..12 => model.put(&node, &mut dice),
            12..20 => {
                let ack = dice.roll(3) == 0;
                let taken = node.try_get("q", ack, 1 + dice.roll(4) as usize).unwrap();
                model.deliver(seed, &taken, ack);
            }
            20..32 => model.settle(&node, seed, &mut dice),
            32..36 => node.pass(dice.roll(15_000)),
            36 => node.work(),
            37 => node.restart(),
            38 => node.kill(),
            _ if sync == SyncMode::Always => {
                node.crash();
                model.lose_power();
            }
            _ => node.reclaim(),
        }
        let stat = node.stat("q");
        let held = stat.ready.iter().chain(&stat.delayed).sum::<u64>() + stat.in_flight;
        let (least, most) = (model.owed.len(), model.owed.len() + model.doubtful.len());
        assert!((least..=most).contains(&(held as usize)), "seed {seed}: {held} not in {least}..={most}");
    }
    // Everything that is owed comes, once all leases and delays are over.
    node.pass(60_000);
    let rest: BTreeSet<String> = node.drain("q").iter().map(|item| item[..8].to_owned()).collect();
    assert!(rest.is_superset(&model.owed), "seed {seed}: what was put and not consumed is there");
    let back: BTreeSet<String> = rest.difference(&model.owed).cloned().collect();
    assert!(back.is_subset(&model.doubtful), "seed {seed}: {back:?} came back");
    assert_eq!((node.rows(), node.guarded()), (0, 0), "seed {seed}: nothing is left");
}

#[test]
fn messages_are_kept_until_they_are_consumed_whatever_happens() {
    for seed in 0..12 {
        run(seed, SyncMode::Os, 400);
        run(1000 + seed, SyncMode::Always, 400);
    }
}

/// What a crash between the puts and the dead letters of two queues leaves: each message in exactly one of them.
#[test]
fn a_dead_letter_is_in_one_queue_at_every_crash() {
    for seed in 0..40 {
        let mut node = Node::seeded(seed, |options| options.engine.sync = SyncMode::Always);
        node.set("q", Change { max_deliveries: Some(1), dead_letter: Some("d".into()), ..Change::default() });
        for number in 0..5u32 {
            node.put("q", format!("{number}").as_bytes());
        }
        let taken = node.try_get("q", false, 5).unwrap();
        let tokens: Vec<Option<Token>> = taken.iter().map(|delivered| delivered.token).collect();
        // Nobody waits for it: it may be lost, but not in part.
        node.queues().settle("q", &tokens[..3], Verdict::Nack { delay_s: 0 }).unwrap();
        node.crash();
        node.pass(300_000);
        let in_d = if node.queues().stat("d").is_ok() { node.drain("d") } else { Vec::new() };
        let in_q = node.drain("q");
        let all: BTreeSet<&String> = in_d.iter().chain(&in_q).collect();
        assert_eq!((all.len(), in_d.len() + in_q.len()), (5, 5), "seed {seed}: {in_d:?} {in_q:?}");
    }
}

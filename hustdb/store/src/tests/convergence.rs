//! Stores that saw the same records, in any order, grouping and number, swept at any time, hold the same data.

use super::{
    plain_map::Dice,
    world::{Owned, assert_exact, assert_same, change_record, delete, merge, scan_all, write},
    *,
};
use crate::{Form, Kind, SLOTS, ScoreOperation};

const KINDS: [Kind; 4] = [Kind::Kv, Kind::Hash, Kind::Set, Kind::Zset];
/// Runs with made-up records, and runs of masters that write by themselves.
const RUNS: u64 = 12;
const MASTER_RUNS: u64 = 8;

/// A record out of a small world, so that each part of the order decides often.
fn record(dice: &mut Dice) -> Owned {
    let kind = KINDS[dice.below(4) as usize];
    let form = [Form::Live, Form::Live, Form::Live, Form::Tombstone, Form::Remains][dice.below(5) as usize];
    let expire_ms = match (form, dice.below(3)) {
        (Form::Tombstone, _) => 0,
        (Form::Live, 0) => 0,
        _ => START_MS + 1000 * (1 + dice.below(4)),
    };
    let value = match (form, kind) {
        (Form::Live, Kind::Kv | Kind::Hash) => {
            vec![b'a' + dice.below(3) as u8; [1, 80][dice.below(2) as usize]]
        }
        (Form::Live, Kind::Zset) => (dice.below(3) ^ 1 << 63).to_be_bytes().to_vec(),
        _ => Vec::new(),
    };
    Owned {
        kind,
        table: if kind == Kind::Kv { String::new() } else { format!("t{}", dice.below(2)) },
        key: format!("k{}", dice.below(4)),
        form,
        shown: Shown { version: 1 + dice.below(2), stamp: (START_MS << 16) + dice.below(3), expire_ms },
        value,
    }
}

/// Merges all records in an order and in groups of the dice's choice, some of them twice.
fn merge_shuffled(node: &Node, records: &[Owned], dice: &mut Dice, sweeping: bool) {
    let mut rest = records.to_vec();
    rest.extend(records.iter().filter(|_| dice.below(4) == 0).cloned().collect::<Vec<_>>());
    for at in (1..rest.len()).rev() {
        rest.swap(at, dice.below(at as u64 + 1) as usize);
    }
    while !rest.is_empty() {
        let group = rest.split_off(rest.len().saturating_sub(1 + dice.below(20) as usize));
        merge(node, &group);
        if sweeping && dice.below(4) == 0 {
            node.sweep();
        }
        if dice.below(6) == 0 {
            node.call(|| Ok(node.store().engine().work()?)).unwrap();
        }
    }
}

/// Both have what either had.
fn exchange(one: &Node, other: &Node) {
    let (left, right) = (scan_all(one.store(), 0..SLOTS), scan_all(other.store(), 0..SLOTS));
    merge(one, &right);
    merge(other, &left);
}

fn nodes(seed: u64) -> Vec<Node> {
    (0..3).map(|number| Node::seeded(seed * 3 + number, |_| ())).collect()
}

fn settle_all(nodes: &mut [Node]) {
    nodes.iter().for_each(|node| node.clock.advance(60_000));
    let latest_ms = nodes.iter().map(Node::clock_ms).max().unwrap();
    for node in nodes.iter() {
        node.clock.advance(latest_ms - node.clock_ms());
        node.sweep();
    }
    // Everything goes from the first to the last, and back.
    for (one, other) in [(0, 1), (1, 2), (0, 1)] {
        exchange(&nodes[one], &nodes[other]);
    }
    for _ in 0..2 {
        for node in nodes.iter() {
            node.sweep();
            assert_same(&nodes[0], node);
            assert_exact(node);
        }
        nodes.iter_mut().for_each(Node::restart);
    }
}

#[test]
fn any_order_grouping_and_repetition_ends_with_the_same() {
    for seed in 1..=RUNS {
        println!("seed {seed}");
        let mut dice = Dice::seeded(seed);
        let records: Vec<Owned> = (0..150).map(|_| record(&mut dice)).collect();
        let nodes = nodes(seed);
        for node in &nodes {
            merge_shuffled(node, &records, &mut dice, false);
            assert_same(&nodes[0], node);
            assert_exact(node);
        }
        let before = scan_all(nodes[0].store(), 0..SLOTS);
        merge_shuffled(&nodes[0], &records, &mut dice, false);
        assert_eq!(scan_all(nodes[0].store(), 0..SLOTS), before, "what was merged stays merged");
    }
}

#[test]
fn sweeps_at_different_times_do_not_part_nodes() {
    for seed in 1..=RUNS {
        println!("seed {seed}");
        let mut dice = Dice::seeded(seed);
        let records: Vec<Owned> = (0..150).map(|_| record(&mut dice)).collect();
        let mut nodes = nodes(seed);
        for node in &nodes {
            for part in records.chunks(50) {
                merge_shuffled(node, part, &mut dice, true);
                node.clock.advance(dice.below(3000));
            }
        }
        settle_all(&mut nodes);
    }
}

#[test]
fn masters_that_write_by_themselves_converge() {
    for seed in 1..=MASTER_RUNS {
        println!("seed {seed}");
        let mut dice = Dice::seeded(seed);
        let mut nodes = nodes(seed);
        for _ in 0..400 {
            let at = dice.below(3) as usize;
            write_something(&nodes[at], &mut dice);
            match dice.below(30) {
                0 => nodes[at].sweep(),
                1 => nodes[at].clock.advance(dice.below(2000)),
                2 => exchange(&nodes[at], &nodes[(at + 1) % 3]),
                3 => {
                    let start = dice.below(1000) as u16;
                    let part = scan_all(nodes[at].store(), start..start + 24);
                    merge(&nodes[(at + 1) % 3], &part);
                }
                4 => nodes[at].kill(),
                5 => nodes[at].work().unwrap(),
                _ => {}
            }
        }
        settle_all(&mut nodes);
    }
}

/// A write of any kind. That a table is absent or of another type is part of life.
fn write_something(node: &Node, dice: &mut Dice) {
    let kind = KINDS[dice.below(4) as usize];
    let (table, key) = (format!("{}", dice.below(3)), format!("k{}", dice.below(6)));
    let ttl = Lifetime::Ttl(dice.below(3));
    let kept = Terms { lifetime: Lifetime::Kept, ..Terms::PLAIN };
    let by = dice.below(9) as i64 - 4;
    let done = match (dice.below(4), kind) {
        (0, _) => delete(node, kind, &table, &key),
        (1, Kind::Hash) => change_record(node, kind, &table, &format!("n{key}"), Change::Add(by), kept),
        (1, Kind::Zset) => {
            let change = Change::Score { score: by, operation: ScoreOperation::Add };
            change_record(node, kind, &table, &key, change, kept)
        }
        _ => write(node, kind, &table, &key, &dice.value(), ttl),
    };
    assert!(matches!(done, Ok(_) | Err(Error::Table(_))), "{done:?}");
}

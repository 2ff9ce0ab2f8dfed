//! What a round compares. Pure.

use hust_wire::{Host, table::Table};

/// Slots `start <= slot < end` and the two masters that act for them now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PairRange {
    pub start: u16,
    pub end: u16,
    pub masters: [Host; 2],
}

/// Every acting pair of a table, in random order, so that several who compare seldom meet.
pub fn pairs(table: &Table, seed: u64) -> Vec<PairRange> {
    let parts = table.elements().iter().flat_map(|element| element.parts());
    let mut pairs: Vec<PairRange> = parts
        .map(|part| PairRange {
            start: part.start,
            end: part.end,
            masters: part.roles().acting.map(Host::clone),
        })
        .collect();
    shuffle(&mut pairs, seed);
    pairs
}

/// Fisher and Yates, with splitmix64.
fn shuffle<T>(items: &mut [T], seed: u64) {
    let mut state = seed;
    for last in (1..items.len()).rev() {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        items.swap(last, (mixed % (last as u64 + 1)) as usize);
    }
}

/// The slots, from `start` on, whose digests differ.
pub fn different(start: u16, first: &[u64], second: &[u64]) -> Vec<u16> {
    let both = (start..).zip(first.iter().zip(second));
    both.filter(|(_, (first, second))| first != second).map(|(slot, _)| slot).collect()
}

/// The slots that are in both ascending lists.
pub fn in_both(first: &[u16], second: &[u16]) -> Vec<u16> {
    first.iter().copied().filter(|slot| second.binary_search(slot).is_ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(pairs: &[PairRange]) -> Vec<String> {
        let show = |pair: &PairRange| {
            let [first, second] = &pair.masters;
            format!("{}..{} {first} {second}", pair.start, pair.end)
        };
        pairs.iter().map(show).collect()
    }

    #[test]
    fn every_acting_pair_once() {
        let hosts: Vec<Host> = (1..=16).map(|number| format!("h{number}:1").parse().unwrap()).collect();
        let table = Table::generate(&hosts).unwrap();
        let orders: Vec<Vec<String>> = (0..3).map(|seed| shown(&pairs(&table, seed))).collect();
        assert!(orders[0] != orders[1] && orders[1] != orders[2], "another order each time");
        for mut order in orders {
            order.sort();
            order.dedup();
            assert_eq!(order.len(), 16);
        }
    }

    #[test]
    fn a_moving_range_is_compared_where_it_acts() {
        let table = |phase: &str| {
            let json = format!(
                r#"{{"table": [{{"item": {{"key": [0, 1024], "val": ["a:1", "b:1"]}}, "increase": {{
                "low": {{"key": [0, 512], "val": ["a:1", "c:1"]}},
                "high": {{"key": [512, 1024], "val": ["c:1", "b:1"]}}, "phase": "{phase}"}}}}]}}"#
            );
            let mut shown = shown(&pairs(&Table::parse(json.as_bytes()).unwrap(), 1));
            shown.sort();
            shown
        };
        assert_eq!(table("copy"), ["0..512 a:1 b:1", "512..1024 a:1 b:1"]);
        assert_eq!(table("switch"), ["0..512 a:1 c:1", "512..1024 c:1 b:1"]);
    }

    #[test]
    fn slots_that_differ_twice() {
        let table: [(&[u64], &[u64], &[u16]); 4] = [
            (&[], &[], &[]),
            (&[1, 2, 3], &[1, 2, 3], &[]),
            (&[1, 2, 3], &[0, 2, 0], &[10, 12]),
            (&[0, 0], &[0, 9], &[11]),
        ];
        for (first, second, expected) in table {
            assert_eq!(different(10, first, second), expected);
        }
        assert_eq!(in_both(&[1, 3, 5], &[2, 3, 5, 7]), [3, 5]);
    }
}

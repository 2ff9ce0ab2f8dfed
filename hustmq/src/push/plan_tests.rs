//! Plans: tables, and random copies that become equal when the plan is carried out.

use std::collections::BTreeSet;

use super::*;

fn held(floor: u64, ci: u64, runs: &[(u64, u64)]) -> Held {
    Held { floor, ci, runs: runs.to_vec() }
}

fn need(node: usize, transfers: &[(usize, u64, u64)]) -> Need {
    let transfers =
        transfers.iter().map(|(from, first, last)| Transfer { from: *from, first: *first, last: *last });
    Need { node, transfers: transfers.collect() }
}

#[test]
fn what_each_node_needs() {
    let none: &[(u64, u64)] = &[];
    let table: [(&str, Vec<Held>, u64, Vec<Need>); 11] = [
        ("nobody", vec![], 0, vec![]),
        ("equal", vec![held(2, 5, &[(3, 5)]), held(2, 5, &[(3, 5)])], 2, vec![]),
        ("one knows nothing", vec![held(0, 3, &[(1, 3)]), Held::default()], 0, vec![need(1, &[(0, 1, 3)])]),
        (
            "an end is missing",
            vec![held(0, 3, &[(1, 3)]), held(0, 2, &[(1, 2)])],
            0,
            vec![need(1, &[(0, 3, 3)])],
        ),
        (
            "each has what the other lacks",
            vec![held(0, 9, &[(1, 2), (5, 9)]), held(0, 6, &[(2, 4), (6, 6)])],
            0,
            vec![need(0, &[(1, 3, 4)]), need(1, &[(0, 1, 1), (0, 5, 5), (0, 7, 9)])],
        ),
        ("a floor is raised", vec![held(4, 6, &[(5, 6)]), held(0, 6, &[(1, 6)])], 4, vec![need(1, &[])]),
        (
            "below the floor nothing is wanted",
            vec![held(4, 4, none), held(0, 6, &[(1, 3), (6, 6)])],
            4,
            vec![need(0, &[(1, 6, 6)]), need(1, &[])],
        ),
        (
            "from two sources, in order",
            vec![Held::default(), held(0, 4, &[(1, 4)]), held(0, 9, &[(3, 9)])],
            0,
            vec![need(0, &[(1, 1, 4), (2, 5, 9)]), need(1, &[(2, 5, 9)]), need(2, &[(1, 1, 2)])],
        ),
        (
            "holes are no reason to begin anew",
            vec![held(0, 9, &[(1, 2), (4, 4), (6, 9)]), held(0, 3, &[(3, 3)]), Held::default()],
            0,
            vec![
                need(0, &[(1, 3, 3)]),
                need(1, &[(0, 1, 2), (0, 4, 9)]),
                need(2, &[(0, 1, 2), (1, 3, 3), (0, 4, 9)]),
            ],
        ),
        (
            "what a node has lies between",
            vec![held(0, 9, &[(1, 9)]), held(0, 7, &[(3, 3), (7, 7)])],
            0,
            vec![need(1, &[(0, 1, 2), (0, 4, 6), (0, 8, 9)])],
        ),
        ("all has expired", vec![held(0, 7, none), held(0, 5, none)], 0, vec![need(1, &[])]),
    ];
    for (name, nodes, floor, needs) in table {
        let nodes: Vec<(usize, Held)> = nodes.into_iter().enumerate().collect();
        let plan = plan(&nodes);
        assert_eq!((plan.floor, plan.needs), (floor, needs), "{name}");
    }
}

#[test]
fn ends_of_the_numbers_do_no_harm() {
    let nodes = [(3, held(0, u64::MAX, &[(1, u64::MAX)])), (5, held(u64::MAX, 0, &[(9, 2)]))];
    assert_eq!(plan(&nodes).needs, [need(3, &[]), need(5, &[])]);
    let nodes = [(0, held(0, u64::MAX, &[(7, u64::MAX)])), (1, Held::default())];
    assert_eq!(plan(&nodes).needs, [need(1, &[(0, 7, u64::MAX)])]);
}

#[test]
fn a_window_full_of_holes_is_planned_at_once() {
    // If each were looked for among all, this would take minutes, on the thread that checks the nodes.
    let odd = |count: u64| (0..count).map(|at| (2 * at + 1, 2 * at + 1)).collect::<Vec<_>>();
    let nodes = [(0, held(0, 599_999, &odd(300_000))), (1, held(0, 9, &odd(5)))];
    assert_eq!(plan(&nodes).needs, [need(1, &[(0, 11, 599_999)])]);
}

fn runs(set: &BTreeSet<u64>) -> Vec<(u64, u64)> {
    union(set.iter().map(|index| (*index, *index)).collect::<Vec<_>>().iter(), 0)
}

#[test]
fn carried_out_it_makes_them_equal() {
    for seed in 1..=500_u64 {
        let mut dice = seed;
        let mut roll = |below: u64| {
            dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (dice >> 33) % below
        };
        let mut sets: Vec<(u64, BTreeSet<u64>)> = (0..3)
            .map(|_| {
                let floor = if roll(3) == 0 { roll(10) } else { 0 };
                let count = roll(20);
                (floor, (0..count).map(|_| roll(40) + 1).filter(|index| *index > floor).collect())
            })
            .collect();
        let nodes = |sets: &[(u64, BTreeSet<u64>)]| -> Vec<(usize, Held)> {
            let held = sets
                .iter()
                .map(|(floor, set)| held(*floor, set.last().copied().unwrap_or(0).max(*floor), &runs(set)));
            held.enumerate().collect()
        };
        let before = sets.clone();
        let made = plan(&nodes(&sets));
        for need in &made.needs {
            let moved = need.transfers.iter().flat_map(|part| {
                let from = &before[part.from].1;
                let part: Vec<u64> = from.range(part.first..=part.last).copied().collect();
                part
            });
            let moved: Vec<u64> = moved.collect();
            assert!(moved.is_sorted(), "seed {seed}: oldest first");
            let (floor, set) = &mut sets[need.node];
            set.extend(moved);
            *floor = made.floor;
            set.retain(|index| *index > made.floor);
        }
        let all: BTreeSet<u64> =
            before.iter().flat_map(|(_, set)| set).copied().filter(|index| *index > made.floor).collect();
        assert!(sets.iter().all(|(floor, set)| *floor == made.floor && *set == all), "seed {seed}");
        assert_eq!(plan(&nodes(&sets)).needs, [], "seed {seed}: nothing is left to do");
    }
}

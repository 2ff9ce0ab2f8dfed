//! What makes the copies of a push queue equal, decided. Pure.
//!
//! The floor is the largest any node has; wanted is what is live anywhere above it. Each node that lacks something gets
//! it from the first node that has it, oldest first; each node below the floor is raised. Nothing is renumbered or
//! dropped, so planning twice, or from two fronts, does no harm.

use serde::Deserialize;

/// What a node has of a queue: the answer of `runs`. All zero if it does not know the queue.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Held {
    /// Everything up to it was dropped on purpose.
    pub floor: u64,
    /// Last index published.
    pub ci: u64,
    /// Live indices: ascending, apart, both ends included.
    pub runs: Vec<(u64, u64)>,
}

/// Indices that one node lacks and another has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transfer {
    pub from: usize,
    pub first: u64,
    pub last: u64,
}

/// What one node needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    pub node: usize,
    /// Ascending.
    pub transfers: Vec<Transfer>,
}

/// How the copies become equal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    pub floor: u64,
    /// The largest ci of all.
    pub ci: u64,
    /// The nodes that are not as they should be.
    pub needs: Vec<Need>,
}

/// Consecutive indices, both ends included.
type Run = (u64, u64);

/// Plans for nodes by number.
pub fn plan(nodes: &[(usize, Held)]) -> Plan {
    let floor = nodes.iter().map(|(_, held)| held.floor).max().unwrap_or(0);
    let ci = nodes.iter().map(|(_, held)| held.ci).max().unwrap_or(0);
    // Ascending and apart, whatever the nodes said: they are searched below.
    let runs: Vec<(usize, Vec<Run>)> =
        nodes.iter().map(|(node, held)| (*node, union(held.runs.iter(), 0))).collect();
    let wanted = union(runs.iter().flat_map(|(_, runs)| runs), floor);
    let mut needs = Vec::new();
    for ((node, held), (_, own)) in nodes.iter().zip(&runs) {
        let mut transfers = Vec::new();
        for missing in without(&wanted, own) {
            fetch(missing, &runs, own, &mut transfers);
        }
        if !transfers.is_empty() || held.floor < floor || held.ci < ci {
            needs.push(Need { node: *node, transfers });
        }
    }
    Plan { floor, ci, needs }
}

/// All indices above `floor` that are in any of the runs: ascending, apart.
fn union<'a>(runs: impl Iterator<Item = &'a Run>, floor: u64) -> Vec<Run> {
    let mut runs: Vec<Run> = runs.copied().filter(|(first, last)| first <= last && *last > floor).collect();
    runs.sort_unstable();
    let mut joined: Vec<Run> = Vec::new();
    for (first, last) in runs {
        let first = first.max(floor.saturating_add(1));
        match joined.last_mut() {
            Some(before) if first <= before.1.saturating_add(1) => before.1 = before.1.max(last),
            _ => joined.push((first, last)),
        }
    }
    joined
}

/// What is in `wanted` and not in `held`; both ascending, each apart.
fn without(wanted: &[Run], held: &[Run]) -> Vec<Run> {
    let (mut missing, mut at) = (Vec::new(), 0);
    for (first, last) in wanted {
        // None after the last number there is.
        let mut next = Some(*first);
        while let (Some(begin), Some((from, to))) = (next, held.get(at).filter(|(from, _)| from <= last)) {
            if begin < *from {
                missing.push((begin, from - 1));
            }
            next = to.checked_add(1).map(|after| after.max(begin));
            if to > last {
                break;
            }
            at += 1;
        }
        if let Some(begin) = next.filter(|begin| begin <= last) {
            missing.push((begin, *last));
        }
    }
    missing
}

/// Splits what is missing by who has it. What comes from one node with nothing but holes between is one transfer.
fn fetch((first, last): Run, nodes: &[(usize, Vec<Run>)], own: &[Run], transfers: &mut Vec<Transfer>) {
    let mut next = first;
    while next <= last {
        // The first node of the list that has the next index, and how far it goes there.
        let source = nodes.iter().find_map(|(node, runs)| {
            let run = behind(runs, next).filter(|(from, _)| *from <= next)?;
            Some((*node, run.1.min(last)))
        });
        let Some((from, to)) = source else { return };
        let before = transfers.last_mut().filter(|before| {
            before.from == from && behind(own, before.last).is_none_or(|(held, _)| *held > next)
        });
        match before {
            Some(before) => before.last = to,
            None => transfers.push(Transfer { from, first: next, last: to }),
        }
        match to.checked_add(1) {
            Some(after) => next = after,
            None => return,
        }
    }
}

/// The run that has an index, or the next one behind it.
fn behind(runs: &[Run], index: u64) -> Option<&Run> {
    runs.get(runs.partition_point(|(_, last)| *last < index))
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;

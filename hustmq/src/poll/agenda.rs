//! What is to be looked at again, and when: at most one time for each queue on each node, the earliest. Pure.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use tokio::time::Instant;

/// A queue on a node.
pub type Spot = (Arc<str>, usize);

/// The looks to come.
#[derive(Debug, Default)]
pub struct Agenda {
    times: HashMap<Spot, Instant>,
    order: BTreeSet<(Instant, Spot)>,
}

impl Agenda {
    /// Adds a look. Whether it is the next of all.
    pub fn add(&mut self, spot: Spot, at: Instant) -> bool {
        if let Some(known) = self.times.get(&spot) {
            if *known <= at {
                return false;
            }
            self.order.remove(&(*known, spot.clone()));
        }
        self.times.insert(spot.clone(), at);
        self.order.insert((at, spot));
        self.next() == Some(at)
    }

    /// When the next look is due.
    pub fn next(&self) -> Option<Instant> {
        self.order.first().map(|(at, _)| *at)
    }

    /// The looks that are due; they are off the agenda.
    pub fn due(&mut self, now: Instant) -> Vec<Spot> {
        let mut due = Vec::new();
        while self.next().is_some_and(|at| at <= now)
            && let Some((_, spot)) = self.order.pop_first()
        {
            self.times.remove(&spot);
            due.push(spot);
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn each_spot_has_its_earliest_time() {
        let (mut agenda, start) = (Agenda::default(), Instant::now());
        let at = |ms| start + Duration::from_millis(ms);
        let spot = |name: &str, node: usize| -> Spot { (name.into(), node) };
        assert!(agenda.add(spot("a", 0), at(30)));
        assert!(!agenda.add(spot("a", 1), at(40)));
        assert!(!agenda.add(spot("a", 0), at(50)), "later than known");
        assert!(agenda.add(spot("a", 1), at(10)), "earlier than known");
        assert_eq!(agenda.next(), Some(at(10)));
        assert_eq!(agenda.due(at(9)), []);
        assert_eq!(agenda.due(at(30)), [spot("a", 1), spot("a", 0)]);
        assert_eq!((agenda.next(), agenda.due(at(99)), agenda.times.len()), (None, vec![], 0));
    }
}

//! Who of an acting pair decides a write and is read first. Pure.
//!
//! A master that lacks records never decides, or answers first, while its partner is up and lacks none. Of two that lack
//! some, the lead stays with who has been up for longer, then with who began to lack some later: it took the writes
//! until then, and a repair of one record must not give the lead to a master that lacks a thousand.

use std::cmp::Ordering;

use hust_wire::health::State;

/// A place in the acting pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seat {
    /// Master 1.
    One,
    /// Master 2.
    Two,
}

impl Seat {
    /// The other place.
    pub fn other(self) -> Seat {
        match self {
            Seat::One => Seat::Two,
            Seat::Two => Seat::One,
        }
    }

    /// What stands in this place.
    pub fn of<T>(self, pair: &[T; 2]) -> &T {
        let [one, two] = pair;
        match self {
            Seat::One => one,
            Seat::Two => two,
        }
    }
}

/// What roles are given by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct View {
    /// How the node is.
    pub state: State,
    /// Whether records are owed to it.
    pub behind: bool,
    /// When it came up, as a number that grows; the same for all that have caught up since.
    pub up_since: u64,
    /// When it fell behind, as a number that grows; the same for all of whom it is not known.
    pub behind_since: u64,
}

/// The roles of a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cast {
    /// Serialiser and first reader.
    pub first: Seat,
    /// Whether the other master may be asked.
    pub has_other: bool,
    /// Whether records are owed to the first.
    pub first_behind: bool,
    /// Whether records are owed to the other.
    pub other_behind: bool,
    /// Whether the first lacks records and there is nobody up to make up for it.
    pub alone_and_behind: bool,
}

/// The roles of a pair; `None` if nobody can be asked.
pub fn cast(pair: [View; 2]) -> Option<Cast> {
    let [one, two] = pair.map(|view| view.state == State::Up);
    let (first, has_other) = match (one, two) {
        (true, true) if pair[0].behind && !pair[1].behind => (Seat::Two, true),
        (true, true) if pair[0].behind => (longer_whole(&pair), true),
        (true, true) => (Seat::One, true),
        (true, false) => (Seat::One, false),
        (false, true) => (Seat::Two, false),
        // As last resort those that may only have restarted, one attempt each.
        (false, false) => match pair.map(|view| view.state == State::Suspect) {
            [true, both] => (Seat::One, both),
            [false, true] => (Seat::Two, false),
            [false, false] => return None,
        },
    };
    let first_behind = first.of(&pair).behind;
    let other = first.other().of(&pair);
    Some(Cast {
        first,
        has_other,
        first_behind,
        other_behind: other.behind,
        alone_and_behind: first_behind && other.state != State::Up,
    })
}

/// Of two that lack records: who took the writes last.
fn longer_whole([one, two]: &[View; 2]) -> Seat {
    match one.up_since.cmp(&two.up_since) {
        // It was away, and has not caught up.
        Ordering::Greater => Seat::Two,
        Ordering::Less => Seat::One,
        Ordering::Equal if one.behind_since < two.behind_since => Seat::Two,
        Ordering::Equal => Seat::One,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UP: View = View { state: State::Up, behind: false, up_since: 1, behind_since: 0 };
    const BEHIND: View = View { behind: true, ..UP };
    const NEWLY_BEHIND: View = View { behind_since: 1, ..BEHIND };
    const LATER: View = View { up_since: 2, ..BEHIND };
    const SUSPECT: View = View { state: State::Suspect, ..UP };
    const DOWN: View = View { state: State::Down, ..UP };

    #[test]
    fn the_table_of_roles() {
        let table = [
            ([UP, UP], Some((Seat::One, true))),
            ([BEHIND, UP], Some((Seat::Two, true))),
            ([UP, BEHIND], Some((Seat::One, true))),
            ([BEHIND, BEHIND], Some((Seat::One, true))),
            ([BEHIND, LATER], Some((Seat::One, true))),
            ([LATER, BEHIND], Some((Seat::Two, true))),
            ([BEHIND, NEWLY_BEHIND], Some((Seat::Two, true))),
            ([NEWLY_BEHIND, BEHIND], Some((Seat::One, true))),
            ([LATER, NEWLY_BEHIND], Some((Seat::Two, true))),
            ([NEWLY_BEHIND, LATER], Some((Seat::One, true))),
            ([NEWLY_BEHIND, UP], Some((Seat::Two, true))),
            ([UP, SUSPECT], Some((Seat::One, false))),
            ([UP, DOWN], Some((Seat::One, false))),
            ([BEHIND, DOWN], Some((Seat::One, false))),
            ([SUSPECT, UP], Some((Seat::Two, false))),
            ([DOWN, BEHIND], Some((Seat::Two, false))),
            ([SUSPECT, SUSPECT], Some((Seat::One, true))),
            ([SUSPECT, DOWN], Some((Seat::One, false))),
            ([DOWN, SUSPECT], Some((Seat::Two, false))),
            ([DOWN, DOWN], None),
        ];
        for (pair, expected) in table {
            let got = cast(pair);
            assert_eq!(got.map(|cast| (cast.first, cast.has_other)), expected, "{pair:?}");
        }
    }

    #[test]
    fn alone_and_behind() {
        let alone = |pair| cast(pair).unwrap().alone_and_behind;
        assert!(alone([BEHIND, DOWN]) && alone([SUSPECT, BEHIND]));
        assert!(!alone([BEHIND, BEHIND]) && !alone([BEHIND, UP]) && !alone([UP, DOWN]));
        let lost = View { behind: true, ..SUSPECT };
        assert!(alone([lost, SUSPECT]), "what was owed before a node became suspect is still owed");
    }
}

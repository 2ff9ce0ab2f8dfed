//! In which order the backends are asked for a message of a queue.

/// What is known of a backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Whether it can be asked.
    pub live: bool,
    /// Whether its last row of the queue shows messages.
    pub ready: bool,
}

/// The live backends in the order in which they are asked: those that show messages (the owner last of them, so that
/// strays go first), then the owner, then the others. Without an owner in list order.
pub fn candidates(backends: &[Seen], owner: Option<usize>) -> Vec<usize> {
    let live = || (0..).zip(backends).filter(|(_, seen)| seen.live);
    let rank = |at: usize, seen: &Seen| match (Some(at) == owner, seen.ready) {
        (false, true) => 0,
        (true, _) => 1,
        (false, false) => 2,
    };
    let mut order: Vec<(u8, usize)> = live().map(|(at, seen)| (rank(at, seen), at)).collect();
    order.sort_unstable();
    order.into_iter().map(|(_, at)| at).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strays_then_the_owner_then_the_rest() {
        // R: live and ready, -: live, x: down.
        let table: [(&str, Option<usize>, &[usize]); 12] = [
            ("", None, &[]),
            ("xx", Some(0), &[]),
            ("---", Some(0), &[0, 1, 2]),
            ("---", Some(1), &[1, 0, 2]),
            ("R--", Some(0), &[0, 1, 2]),
            ("RRR", Some(0), &[1, 2, 0]),
            ("R-R", Some(1), &[0, 2, 1]),
            ("-RR", Some(1), &[2, 1, 0]),
            ("x-R", Some(0), &[2, 1]),
            ("R-x", Some(2), &[0, 1]),
            ("-R-R", None, &[1, 3, 0, 2]),
            ("x--R", None, &[3, 1, 2]),
        ];
        for (text, owner, expected) in table {
            let backends: Vec<Seen> =
                text.chars().map(|letter| Seen { live: letter != 'x', ready: letter == 'R' }).collect();
            assert_eq!(candidates(&backends, owner), expected, "{text} {owner:?}");
        }
    }
}

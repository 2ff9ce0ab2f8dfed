//! What it means that no backend gave a message.

/// Why there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// A node has the queue, and nothing in it is ready.
    Empty,
    /// No node has the queue.
    Unknown,
    /// No node that answered has the queue, but one that did not has.
    Hidden,
    /// No node answered.
    Unreachable,
}

/// What the answers mean: some said empty, some said unknown, and a node that is down is known to have the queue.
pub fn missing(empty: bool, unknown: bool, hidden: impl FnOnce() -> bool) -> Missing {
    match (empty, unknown) {
        (true, _) => Missing::Empty,
        (false, true) if hidden() => Missing::Hidden,
        (false, true) => Missing::Unknown,
        (false, false) => Missing::Unreachable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_counts_before_a_guess() {
        let table = [
            (true, false, false, Missing::Empty),
            (true, true, true, Missing::Empty),
            (false, true, false, Missing::Unknown),
            (false, true, true, Missing::Hidden),
            (false, false, false, Missing::Unreachable),
            (false, false, true, Missing::Unreachable),
        ];
        for (empty, unknown, hidden, expected) in table {
            assert_eq!(missing(empty, unknown, || hidden), expected, "{empty} {unknown} {hidden}");
        }
    }
}

//! When the other master is asked too, and whose answer the client gets. Pure.

/// When a miss is confirmed by the other master.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fallback {
    /// While the first may lack records: it is behind, or the slot moves.
    Auto,
    /// At each miss.
    Always,
    /// Not at all.
    Never,
}

/// What a master answered to a read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadLeg {
    /// It has it.
    Hit,
    /// It does not have it, or has no such table.
    Miss,
    /// The request is wrong.
    Passed,
    /// No answer of use.
    Failed,
}

/// What follows the first answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterRead {
    /// It is the client's.
    Show,
    /// The other master is asked.
    AskOther,
}

/// Whose answer the client gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// The first reader's.
    First,
    /// The other master's.
    Other,
    /// Nobody's: 503.
    Unavailable,
}

/// What to do after the first answer. `moving`: the slot moves.
pub fn after_first_read(first: ReadLeg, fallback: Fallback, first_behind: bool, moving: bool) -> AfterRead {
    let confirm = match fallback {
        Fallback::Auto => first_behind || moving,
        Fallback::Always => true,
        Fallback::Never => false,
    };
    match first {
        ReadLeg::Hit | ReadLeg::Passed => AfterRead::Show,
        ReadLeg::Miss if !confirm => AfterRead::Show,
        ReadLeg::Miss | ReadLeg::Failed => AfterRead::AskOther,
    }
}

/// Whose answer counts when the other master was to be asked; one that could not be asked has failed.
///
/// A miss of a master that is behind says nothing unless the other one confirmed it. A hit of one that is behind says
/// nothing against a miss: it may not have heard of the deletion.
pub fn after_both_reads(
    first: ReadLeg,
    other: ReadLeg,
    fallback: Fallback,
    first_behind: bool,
    other_behind: bool,
) -> Shown {
    let doubted = |behind: bool| behind && fallback != Fallback::Never;
    match (first, other) {
        (ReadLeg::Hit | ReadLeg::Passed, _) => Shown::First,
        (ReadLeg::Miss, ReadLeg::Hit) if other_behind && first_behind => Shown::Unavailable,
        (ReadLeg::Miss, ReadLeg::Hit) if other_behind => Shown::First,
        (ReadLeg::Miss, ReadLeg::Hit) => Shown::Other,
        (ReadLeg::Miss, ReadLeg::Failed) if doubted(first_behind) => Shown::Unavailable,
        (ReadLeg::Miss, _) => Shown::First,
        (ReadLeg::Failed, ReadLeg::Failed) => Shown::Unavailable,
        (ReadLeg::Failed, ReadLeg::Miss) if doubted(other_behind) => Shown::Unavailable,
        (ReadLeg::Failed, _) => Shown::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::{Fallback::*, ReadLeg::*, *};

    #[test]
    fn who_is_asked() {
        let table = [
            // first, policy: at rest, behind, moving
            (Hit, Always, [false, false, false]),
            (Passed, Always, [false, false, false]),
            (Miss, Auto, [false, true, true]),
            (Miss, Always, [true, true, true]),
            (Miss, Never, [false, false, false]),
            (Failed, Auto, [true, true, true]),
            (Failed, Never, [true, true, true]),
        ];
        for (first, fallback, expected) in table {
            let at = [(false, false), (true, false), (false, true)];
            let got = at.map(|(behind, moving)| {
                after_first_read(first, fallback, behind, moving) == AfterRead::AskOther
            });
            assert_eq!(got, expected, "{first:?} {fallback:?}");
        }
    }

    #[test]
    fn whose_answer_counts() {
        let table = [
            // first, other, policy: neither behind, first behind, other behind
            (Miss, Hit, Auto, [Shown::Other, Shown::Other, Shown::First]),
            (Miss, Hit, Always, [Shown::Other, Shown::Other, Shown::First]),
            (Miss, Miss, Auto, [Shown::First; 3]),
            (Miss, Passed, Auto, [Shown::First; 3]),
            (Miss, Failed, Auto, [Shown::First, Shown::Unavailable, Shown::First]),
            (Miss, Failed, Always, [Shown::First, Shown::Unavailable, Shown::First]),
            (Miss, Failed, Never, [Shown::First; 3]),
            (Failed, Hit, Auto, [Shown::Other; 3]),
            (Failed, Passed, Auto, [Shown::Other; 3]),
            (Failed, Miss, Auto, [Shown::Other, Shown::Other, Shown::Unavailable]),
            (Failed, Miss, Never, [Shown::Other; 3]),
            (Failed, Failed, Auto, [Shown::Unavailable; 3]),
        ];
        for (first, other, fallback, expected) in table {
            let at = [(false, false), (true, false), (false, true)];
            let got = at.map(|(f, o)| after_both_reads(first, other, fallback, f, o));
            assert_eq!(got, expected, "{first:?} {other:?} {fallback:?}");
        }
        let got = after_both_reads(Miss, Hit, Auto, true, true);
        assert_eq!(got, Shown::Unavailable, "either lacks what the other has");
    }
}

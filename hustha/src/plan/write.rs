//! What the answers of the two masters to a write mean together. Pure; the rows of the outcome table, in its order.
//!
//! The serialiser is asked first ([`after_first`]). If the other master is asked in plain form, [`after_both`] says what
//! the client is told and what has to be made good. A replicated leg needs no table: done, or the record is owed.

/// What a master did with the plain form of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leg {
    /// Done.
    Done,
    /// A deletion of what is not there.
    Missing,
    /// Refused for a reason that the other master would give too.
    Final,
    /// Certainly not done: not sent, or refused as a whole.
    Refused,
    /// Sent, and no answer that says what was done.
    Unknown,
}

/// What a write asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Demand {
    /// It adds to what is there.
    pub relative: bool,
    /// It expects a version.
    pub conditional: bool,
}

impl Demand {
    /// Whether its result depends on what is there.
    pub fn needs_truth(self) -> bool {
        self.relative || self.conditional
    }
}

/// What a 503 says about a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// No master did it.
    None,
    /// A master may have done it, or may not.
    Unknown,
}

impl Word {
    /// As in `Outcome`.
    pub fn as_str(self) -> &'static str {
        match self {
            Word::None => "none",
            Word::Unknown => "unknown",
        }
    }
}

/// What follows the answer of the serialiser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum After {
    /// The result goes to the others.
    Replicate,
    /// The client gets the serialiser's answer.
    Pass,
    /// The other master gets the plain form.
    AskOther,
    /// The other master would be asked but cannot: it counts as refused.
    OtherMissing,
    /// 503.
    Unavailable(Word),
}

/// What both answers make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The client gets the serialiser's answer.
    PassFirst,
    /// The client gets the other master's answer.
    PassOther,
    /// The other master did it. The serialiser is sent the result (`send`), or it is owed to it at once.
    OtherDid {
        /// Whether the serialiser is fit to be sent the result.
        send: bool,
    },
    /// 503.
    Unavailable(Word),
}

/// What to do after the serialiser's answer. `other_fit`: the other master may be asked to decide this write.
pub fn after_first(leg: Leg, demand: Demand, other_fit: bool) -> After {
    match leg {
        Leg::Done => After::Replicate,
        Leg::Final => After::Pass,
        Leg::Unknown if demand.relative => After::Unavailable(Word::Unknown),
        Leg::Missing | Leg::Refused | Leg::Unknown if other_fit => After::AskOther,
        Leg::Missing | Leg::Refused | Leg::Unknown => After::OtherMissing,
    }
}

/// What follows when the serialiser could not decide and the other master was asked in plain form.
pub fn after_both(first: Leg, other: Leg, first_behind: bool, other_behind: bool) -> Verdict {
    match (first, other) {
        (Leg::Done | Leg::Final, _) => Verdict::PassFirst,
        (Leg::Missing, Leg::Done) => Verdict::OtherDid { send: true },
        (Leg::Refused | Leg::Unknown, Leg::Done) => Verdict::OtherDid { send: false },
        (_, Leg::Final) => Verdict::PassOther,
        (Leg::Missing, Leg::Missing) => Verdict::PassFirst,
        (Leg::Missing, Leg::Refused) if first_behind => Verdict::Unavailable(Word::None),
        (Leg::Missing, Leg::Unknown) if first_behind => Verdict::Unavailable(Word::Unknown),
        (Leg::Missing, Leg::Refused | Leg::Unknown) => Verdict::PassFirst,
        (Leg::Refused, Leg::Missing) if other_behind => Verdict::Unavailable(Word::None),
        (Leg::Unknown, Leg::Missing) if other_behind => Verdict::Unavailable(Word::Unknown),
        (Leg::Refused | Leg::Unknown, Leg::Missing) => Verdict::PassOther,
        (Leg::Refused, Leg::Refused) => Verdict::Unavailable(Word::None),
        (Leg::Refused | Leg::Unknown, Leg::Refused | Leg::Unknown) => Verdict::Unavailable(Word::Unknown),
    }
}

#[cfg(test)]
mod tests {
    use super::{Leg::*, *};

    const ABSOLUTE: Demand = Demand { relative: false, conditional: false };
    const RELATIVE: Demand = Demand { relative: true, conditional: false };

    #[test]
    fn after_the_serialiser() {
        for fit in [true, false] {
            let ask = if fit { After::AskOther } else { After::OtherMissing };
            let table = [
                (Done, ABSOLUTE, After::Replicate),
                (Done, RELATIVE, After::Replicate),
                (Missing, ABSOLUTE, ask),
                (Final, ABSOLUTE, After::Pass),
                (Final, RELATIVE, After::Pass),
                (Refused, ABSOLUTE, ask),
                (Refused, RELATIVE, ask),
                (Unknown, ABSOLUTE, ask),
                (Unknown, RELATIVE, After::Unavailable(Word::Unknown)),
            ];
            for (leg, demand, expected) in table {
                assert_eq!(after_first(leg, demand, fit), expected, "{leg:?} {demand:?} {fit}");
            }
        }
    }

    #[test]
    fn the_outcome_table() {
        let none = Verdict::Unavailable(Word::None);
        let unknown = Verdict::Unavailable(Word::Unknown);
        let sent = Verdict::OtherDid { send: true };
        let owed = Verdict::OtherDid { send: false };
        let (first, other) = (Verdict::PassFirst, Verdict::PassOther);
        let table = [
            // serialiser, other: neither behind, serialiser behind, other behind
            (Missing, Done, [sent, sent, sent]),
            (Missing, Missing, [first, first, first]),
            (Missing, Final, [other, other, other]),
            (Missing, Refused, [first, none, first]),
            (Missing, Unknown, [first, unknown, first]),
            (Refused, Done, [owed, owed, owed]),
            (Refused, Missing, [other, other, none]),
            (Refused, Final, [other, other, other]),
            (Refused, Refused, [none, none, none]),
            (Refused, Unknown, [unknown, unknown, unknown]),
            (Unknown, Done, [owed, owed, owed]),
            (Unknown, Missing, [other, other, unknown]),
            (Unknown, Final, [other, other, other]),
            (Unknown, Refused, [unknown, unknown, unknown]),
            (Unknown, Unknown, [unknown, unknown, unknown]),
        ];
        for (s, f, expected) in table {
            let behind = [(false, false), (true, false), (false, true)];
            let got = behind.map(|(first_behind, other_behind)| after_both(s, f, first_behind, other_behind));
            assert_eq!(got, expected, "{s:?} {f:?}");
        }
        for leg in [Done, Missing, Final, Refused, Unknown] {
            assert_eq!(after_both(Final, leg, true, true), first, "a refusal of the serialiser is final");
        }
    }
}

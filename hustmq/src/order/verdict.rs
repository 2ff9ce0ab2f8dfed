//! What the answers of all nodes to one command mean together. Pure.

/// What a backend said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// Nothing: it is down, was not reached, or takes nothing now.
    Down,
    /// It was told and gave no answer.
    Lost,
    /// Its status.
    Status(u16),
}

/// What is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// The answer of this backend.
    Answer(usize),
    /// Nobody answered, and somebody may have done it.
    Unknown,
    /// Nobody was told.
    Unreachable,
}

/// What is answered, and who keeps the old state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The answer.
    pub shown: Shown,
    /// The backends that were not told or gave no answer.
    pub skipped: Vec<usize>,
}

/// The verdict on what the backends said, in list order: a refusal counts most, then 200, then 412.
pub fn verdict(said: impl IntoIterator<Item = Said>) -> Verdict {
    let said: Vec<Said> = said.into_iter().collect();
    let first = |is: fn(Said) -> bool| said.iter().position(|said| is(*said));
    let shown = first(|said| matches!(said, Said::Status(status) if status != 200 && status != 412))
        .or_else(|| first(|said| said == Said::Status(200)))
        .or_else(|| first(|said| said == Said::Status(412)));
    let shown = match shown {
        Some(at) => Shown::Answer(at),
        None if said.contains(&Said::Lost) => Shown::Unknown,
        None => Shown::Unreachable,
    };
    let skipped = (0..).zip(&said).filter(|(_, said)| !matches!(said, Said::Status(_))).map(|(at, _)| at);
    Verdict { shown, skipped: skipped.collect() }
}

#[cfg(test)]
mod tests {
    use super::{Said::*, Shown::*, *};

    #[test]
    fn answers_lead_to_one() {
        let table: [(&[Said], Shown, &[usize]); 13] = [
            (&[], Unreachable, &[]),
            (&[Status(200)], Answer(0), &[]),
            (&[Status(412), Status(200)], Answer(1), &[]),
            (&[Status(412), Status(412)], Answer(0), &[]),
            (&[Down, Status(200), Lost], Answer(1), &[0, 2]),
            (&[Down, Status(412)], Answer(1), &[0]),
            (&[Status(200), Status(403)], Answer(1), &[]),
            (&[Status(412), Status(400), Status(403)], Answer(1), &[]),
            (&[Status(200), Status(500), Down], Answer(1), &[2]),
            (&[Down, Down], Unreachable, &[0, 1]),
            (&[Down, Lost], Unknown, &[0, 1]),
            (&[Lost], Unknown, &[0]),
            (&[Lost, Status(412)], Answer(1), &[0]),
        ];
        for (said, shown, skipped) in table {
            let skipped = skipped.to_vec();
            assert_eq!(verdict(said.iter().copied()), Verdict { shown, skipped }, "{said:?}");
        }
    }
}

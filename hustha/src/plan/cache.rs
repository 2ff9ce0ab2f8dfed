//! What the answers of the two masters to a write of the cache mean together. Pure.

use super::Seat;

/// What a master answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CacheLeg {
    /// 200.
    Done,
    /// Another status below 500.
    Refused,
    /// Anything else, or not asked.
    Failed,
}

/// What the client gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CacheVerdict {
    /// This master's answer.
    Show(Seat),
    /// This master's answer, and the other one named as failed.
    ShowFailing(Seat),
    /// 503.
    Unavailable,
}

/// What the client gets.
pub fn cache_verdict(one: CacheLeg, two: CacheLeg) -> CacheVerdict {
    use CacheLeg::{Done, Failed, Refused};
    match (one, two) {
        (Done, Done) => CacheVerdict::Show(Seat::One),
        (Done, _) => CacheVerdict::ShowFailing(Seat::One),
        (_, Done) => CacheVerdict::ShowFailing(Seat::Two),
        (Refused, _) => CacheVerdict::Show(Seat::One),
        (Failed, Refused) => CacheVerdict::Show(Seat::Two),
        (Failed, Failed) => CacheVerdict::Unavailable,
    }
}

#[cfg(test)]
mod tests {
    use super::{CacheLeg::*, *};

    #[test]
    fn the_table_of_the_cache() {
        let (show, failing) = (CacheVerdict::Show, CacheVerdict::ShowFailing);
        let table = [
            (Done, Done, show(Seat::One)),
            (Done, Refused, failing(Seat::One)),
            (Done, Failed, failing(Seat::One)),
            (Refused, Done, failing(Seat::Two)),
            (Failed, Done, failing(Seat::Two)),
            (Refused, Refused, show(Seat::One)),
            (Refused, Failed, show(Seat::One)),
            (Failed, Refused, show(Seat::Two)),
            (Failed, Failed, CacheVerdict::Unavailable),
        ];
        for (one, two, expected) in table {
            assert_eq!(cache_verdict(one, two), expected, "{one:?} {two:?}");
        }
    }
}

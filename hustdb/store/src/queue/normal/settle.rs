//! What consumers say of deliveries: ack, nack, touch.

use std::collections::BTreeSet;

use super::{
    back::Dying,
    entry::{Entry, Place},
    state::{Normal, Plan, SlotOf},
};
use crate::queue::token::Token;

/// What to do with a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is done; the message goes.
    Ack {
        /// Whether the answer waits until a loss of power does not bring the message back; else no crash of the process
        /// does.
        durable: bool,
    },
    /// It failed; the message comes back.
    Nack {
        /// Not before so many seconds.
        delay_s: u64,
    },
    /// It takes longer; the lease starts again.
    Touch,
}

/// What a verdict changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Settled {
    pub(crate) plan: Plan,
    /// Which of the tokens were current, one for each.
    pub(crate) current: Vec<bool>,
    /// Messages that the caller has to move to the dead-letter queue.
    pub(crate) dying: Vec<Dying>,
}

/// Applies a verdict to deliveries; `None` stands for a token that no node made.
pub(crate) fn settle(
    queue: &Normal,
    incarnation: u64,
    tokens: &[Option<Token>],
    verdict: Verdict,
    now_ms: u64,
) -> Settled {
    let mut settled = Settled { plan: queue.plan(), current: Vec::new(), dying: Vec::new() };
    let mut seen = BTreeSet::new();
    for token in tokens {
        let found = token.as_ref().and_then(|token| current(queue, incarnation, token));
        let done = match found {
            Some((slot, entry)) if seen.insert(slot) => settled.one(queue, (slot, entry), verdict, now_ms),
            _ => false,
        };
        settled.current.push(done);
    }
    settled
}

/// The message that a token stands for, if the token is current.
fn current<'a>(queue: &'a Normal, incarnation: u64, token: &Token) -> Option<(SlotOf, &'a Entry)> {
    let entry = queue.entry(token.slot).filter(|_| token.incarnation == incarnation)?;
    (entry.delivery == token.delivery && entry.deliveries > 0).then_some((token.slot, entry))
}

impl Settled {
    fn one(
        &mut self,
        queue: &Normal,
        (slot, entry): (SlotOf, &Entry),
        verdict: Verdict,
        now_ms: u64,
    ) -> bool {
        match (verdict, entry.place) {
            (Verdict::Ack { .. }, _) => self.plan.remove(slot, entry),
            (Verdict::Nack { delay_s: 0 }, Place::Returned { .. }) => {}
            (Verdict::Nack { delay_s }, _) => {
                let (settings, delay_ms) = (&queue.settings, delay_s.saturating_mul(1000));
                self.plan.come_back((slot, entry), settings, now_ms, delay_ms, &mut self.dying);
            }
            (Verdict::Touch, Place::InFlight { .. }) => {
                let place = Place::InFlight { since_ms: now_ms };
                self.plan.slots.push((slot, Some(Entry { place, ..*entry })));
            }
            (Verdict::Touch, _) => return false,
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queue::settings::Settings;

    const INCARNATION: u64 = 5;
    const ACK: Verdict = Verdict::Ack { durable: true };
    const FLYING: Place = Place::InFlight { since_ms: 10 };
    const BACK: Place = Place::Returned { order: 3 };
    const LATER: Place = Place::Delayed { due_ms: 900 };

    fn queue(place: Place) -> Normal {
        let mut queue = Normal::new(Settings::new(300));
        queue.counters.lane(0).push_slotted(1, 4);
        let entry = Entry { index: 1, place, delivery: 42, deliveries: 1, bytes: 4, expire_ms: 0 };
        queue.slots[0].set(0, Some(entry));
        queue
    }

    fn token(slot: SlotOf, delivery: u64, incarnation: u64) -> Option<Token> {
        Some(Token { slot, delivery, incarnation })
    }

    #[test]
    fn verdicts_by_the_place_of_the_message() {
        let now = Place::InFlight { since_ms: 500 };
        let nack = |delay_s| Verdict::Nack { delay_s };
        // Place before, verdict, whether the token counts, place after (None: gone).
        let table = [
            (FLYING, ACK, true, None),
            (BACK, ACK, true, None),
            (LATER, ACK, true, None),
            (FLYING, nack(0), true, Some(Place::Returned { order: 500 << 16 })),
            (FLYING, nack(2), true, Some(Place::Delayed { due_ms: 2500 })),
            (BACK, nack(0), true, Some(BACK)),
            (BACK, nack(1), true, Some(Place::Delayed { due_ms: 1500 })),
            (LATER, nack(0), true, Some(Place::Returned { order: 500 << 16 })),
            (FLYING, Verdict::Touch, true, Some(now)),
            (BACK, Verdict::Touch, false, Some(BACK)),
            (LATER, Verdict::Touch, false, Some(LATER)),
        ];
        for (place, verdict, counts, after) in table {
            let mut queue = queue(place);
            let settled = settle(&queue, INCARNATION, &[token((0, 0), 42, INCARNATION)], verdict, 500);
            assert_eq!(
                (&settled.current[..], &settled.dying[..]),
                (&[counts][..], &[][..]),
                "{place:?} {verdict:?}"
            );
            queue.apply(settled.plan);
            assert_eq!(queue.entry((0, 0)).map(|entry| entry.place), after, "{place:?} {verdict:?}");
            assert_eq!(queue.counters.held(), u64::from(after.is_some()));
        }
    }

    #[test]
    fn only_the_token_of_the_last_delivery_counts_and_counts_once() {
        let queue = queue(FLYING);
        let good = token((0, 0), 42, INCARNATION);
        let wrong = [
            None,
            token((0, 0), 41, INCARNATION),
            token((0, 0), 42, INCARNATION + 1),
            token((1, 0), 42, INCARNATION),
            token((0, 1), 42, INCARNATION),
            token((3, 0), 42, INCARNATION),
        ];
        for tokens in wrong {
            let settled = settle(&queue, INCARNATION, &[tokens], ACK, 500);
            assert_eq!((settled.current, settled.plan), (vec![false], queue.plan()));
        }
        let settled = settle(&queue, INCARNATION, &[wrong[1], good, good], ACK, 500);
        assert_eq!(settled.current, [false, true, false]);
        assert_eq!(settled.plan.gone, [(0, 1)]);
    }

    #[test]
    fn what_was_delayed_and_never_delivered_has_no_token() {
        let mut queue = queue(LATER);
        let entry = Entry { delivery: 0, deliveries: 0, ..*queue.entry((0, 0)).unwrap() };
        queue.slots[0].set(0, Some(entry));
        let settled = settle(&queue, INCARNATION, &[token((0, 0), 0, INCARNATION)], ACK, 500);
        assert_eq!(settled.current, [false]);
    }

    #[test]
    fn a_nack_too_many_makes_a_dead_letter() {
        let mut queue = queue(FLYING);
        queue.settings = Settings { max_deliveries: 1, dead_letter: "d".into(), ..queue.settings };
        let tokens = [token((0, 0), 42, INCARNATION)];
        let settled = settle(&queue, INCARNATION, &tokens, Verdict::Nack { delay_s: 9 }, 500);
        let dying: Vec<_> = settled.dying.iter().map(|dying| (dying.slot, dying.at_ms)).collect();
        assert_eq!((settled.current, dying), (vec![true], vec![((0, 0), 500)]));
        assert_eq!(settled.plan, queue.plan());
    }
}

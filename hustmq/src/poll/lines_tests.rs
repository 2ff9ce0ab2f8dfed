//! Lines: tables of sights, and a random run in which nobody waits for ever and nobody is woken for nothing.

use super::*;

const SIGHT_MAX: Duration = Duration::from_secs(2);

fn start(waiters: &[&'static str]) -> (Lines<&'static str>, Instant) {
    let mut lines = Lines::new(SIGHT_MAX);
    for waiter in waiters {
        let number = lines.number();
        lines.enter("q", number, *waiter);
    }
    (lines, Instant::now())
}

fn ms(start: Instant, ms: u64) -> Instant {
    start + Duration::from_millis(ms)
}

#[test]
fn n_messages_wake_the_n_oldest() {
    let (mut lines, now) = start(&["a", "b", "c"]);
    assert_eq!(lines.seen("q", 0, 0, now, now), Woken { waiters: vec![], again: None });
    assert_eq!(lines.seen("q", 0, 2, now, now).waiters, ["a", "b"]);
    assert_eq!(lines.seen("q", 1, 5, now, now).waiters, ["c"], "another node, other messages");
    assert_eq!((lines.waiting(), lines.has("q"), lines.queues().count()), (0, false, 0));
    assert_eq!(lines.seen("other", 0, 9, now, now), Woken { waiters: vec![], again: None });
}

#[test]
fn a_claimed_message_wakes_nobody_else_for_a_second() {
    let (mut lines, now) = start(&["a", "b", "c"]);
    assert_eq!(lines.seen("q", 0, 1, now, now), Woken { waiters: vec!["a"], again: Some(ms(now, 1000)) });
    let woken = lines.seen("q", 0, 1, ms(now, 500), ms(now, 501));
    assert_eq!(woken, Woken { waiters: vec![], again: Some(ms(now, 1000)) });
    assert_eq!(lines.seen("q", 0, 2, ms(now, 510), ms(now, 511)).waiters, ["b"], "one more has come");
    let before = lines.seen("q", 0, 2, ms(now, 999), ms(now, 1001));
    assert_eq!(before.waiters, [""; 0], "asked before it was over");
    assert_eq!(lines.seen("q", 0, 2, ms(now, 1000), ms(now, 1001)).waiters, ["c"]);
}

#[test]
fn a_get_that_passes_ends_a_claim() {
    let (mut lines, now) = start(&["a", "b", "c"]);
    assert_eq!(lines.seen("q", 0, 1, now, now).waiters, ["a"]);
    assert_eq!(lines.passed("q", Some(0), ms(now, 10)), [0], "it was short");
    assert_eq!(lines.passed("q", Some(0), ms(now, 10)), [0; 0]);
    let old = lines.seen("q", 0, 1, ms(now, 9), ms(now, 12));
    assert_eq!(old.waiters, [""; 0], "asked before the get passed, it may count what that took");
    assert_eq!(lines.seen("q", 0, 1, ms(now, 10), ms(now, 12)).waiters, ["b"]);
    assert_eq!(lines.passed("q", None, ms(now, 13)), [0], "a get that found nothing ends one too");
    assert_eq!(lines.seen("q", 0, 1, ms(now, 14), ms(now, 15)).waiters, ["c"]);
}

#[test]
fn a_get_ends_a_claim_on_its_own_node_first() {
    let (mut lines, now) = start(&["a", "b", "c", "d"]);
    assert_eq!(lines.seen("q", 0, 1, now, now).waiters, ["a"]);
    assert_eq!(lines.seen("q", 1, 1, now, now).waiters, ["b"]);
    assert_eq!(lines.passed("q", Some(1), ms(now, 1)), [0, 1]);
    assert_eq!(lines.seen("q", 0, 1, ms(now, 2), ms(now, 2)).waiters, [""; 0], "still claimed");
    assert_eq!(lines.seen("q", 1, 1, ms(now, 2), ms(now, 2)).waiters, ["c"]);
}

#[test]
fn who_comes_back_has_its_place() {
    let (mut lines, now) = start(&["a", "b"]);
    assert_eq!(lines.seen("q", 0, 1, now, now).waiters, ["a"]);
    lines.passed("q", None, now);
    lines.enter("q", 1, "a");
    assert_eq!(lines.seen("q", 0, 1, ms(now, 1), ms(now, 1)).waiters, ["a"]);
    assert!(lines.leave("q", 2) && !lines.leave("q", 2) && !lines.leave("q", 1));
}

#[test]
fn nothing_is_kept_of_a_line_that_is_over() {
    let (mut lines, now) = start(&["a"]);
    lines.seen("q", 0, 1, now, now);
    lines.sweep(ms(now, 2999));
    assert_eq!(lines.lines.len(), 1);
    lines.sweep(ms(now, 3001));
    assert_eq!(lines.lines.len(), 0);
    let (mut lines, _) = start(&["a", "b"]);
    assert_eq!(lines.clear(), ["a", "b"]);
    assert_eq!((lines.waiting(), lines.lines.len()), (0, 0));
}

/// One node with messages, waiters who come for theirs or do not, and a front that looks when it is told to.
#[test]
fn a_random_run_leaves_nobody_waiting_beside_a_message() {
    for seed in 1..=300_u64 {
        let mut dice = seed;
        let mut roll = |below: u64| {
            dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (dice >> 33) % below
        };
        let (mut lines, begin) = (Lines::new(SIGHT_MAX), Instant::now());
        let (mut now_ms, mut ready, mut look_at, mut coming) = (0, 0_u64, u64::MAX, Vec::new());
        for _ in 0..400 {
            now_ms += roll(30);
            let now = ms(begin, now_ms);
            match roll(4) {
                0 => {
                    ready += 1;
                    look_at = now_ms;
                }
                1 => {
                    let number = lines.number();
                    lines.enter("q", number, number);
                    look_at = now_ms;
                }
                2 if !coming.is_empty() => {
                    let at = roll(coming.len() as u64) as usize;
                    coming.swap_remove(at);
                    let got = ready > 0;
                    ready -= u64::from(got);
                    if !lines.passed("q", got.then_some(0), now).is_empty() {
                        look_at = now_ms;
                    }
                }
                3 if roll(5) == 0 => drop(coming.pop()),
                _ => {}
            }
            if look_at <= now_ms {
                let woken = lines.seen("q", 0, ready, now, now);
                assert!(woken.waiters.len() as u64 <= ready, "seed {seed}");
                assert!(woken.waiters.is_sorted(), "seed {seed}: oldest first");
                coming.extend(woken.waiters);
                look_at = woken.again.map_or(u64::MAX, |at| (at - begin).as_millis() as u64);
            }
            let may_wait = ready == 0 || lines.waiting() == 0 || look_at != u64::MAX;
            assert!(may_wait, "seed {seed} at {now_ms}: nobody will look");
        }
    }
}

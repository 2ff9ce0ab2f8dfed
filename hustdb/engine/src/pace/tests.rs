//! The ramp, and admission against it.

use super::*;
use crate::compaction::simulate::Random;

fn cfg() -> PaceConfig {
    PaceConfig { burst_bytes: 100, ..PaceConfig::default() }
}

fn calm() -> Pressure {
    Pressure { memtable_limit_bytes: 1000, log_limit_bytes: 1000, ..Pressure::default() }
}

/// Slowness: 0 = free, infinite = refused.
fn slowness(pressure: &Pressure) -> f64 {
    match Pace::decide(pressure, &cfg()) {
        Pace::Free => 0.0,
        Pace::Paced { ratio } => 1.0 / ratio,
        Pace::Refuse(_) => f64::INFINITY,
    }
}

#[test]
fn each_debt_slows_and_then_refuses_with_its_reason() {
    let cases: [(Pressure, Pressure, Pressure, &str); 5] = [
        (
            Pressure { memtable_bytes: 850, ..calm() },
            Pressure { memtable_bytes: 1050, ..calm() },
            Pressure { memtable_bytes: 1250, ..calm() },
            "memtables",
        ),
        (
            Pressure { log_unflushed_bytes: 850, ..calm() },
            Pressure { log_unflushed_bytes: 1050, ..calm() },
            Pressure { log_unflushed_bytes: 1250, ..calm() },
            "log",
        ),
        (
            Pressure { frozen: 2, ..calm() },
            Pressure { frozen: 4, ..calm() },
            Pressure { frozen: 6, ..calm() },
            "frozen",
        ),
        (
            Pressure { l0_files_max: 8, ..calm() },
            Pressure { l0_files_max: 16, ..calm() },
            Pressure { l0_files_max: 24, ..calm() },
            "level 0",
        ),
        (
            Pressure { compaction_debt_bytes: 1 << 30, ..calm() },
            Pressure { compaction_debt_bytes: 9 << 29, ..calm() },
            Pressure { compaction_debt_bytes: 8 << 30, ..calm() },
            "debt",
        ),
    ];
    for (soft, middle, hard, word) in cases {
        assert_eq!(Pace::decide(&soft, &cfg()), Pace::Free, "{word}");
        // Half way between 64 and 1/16 lies 2.
        assert!((slowness(&middle) - 0.5).abs() < 1e-6, "{word}: {middle:?}");
        match Pace::decide(&hard, &cfg()) {
            Pace::Refuse(reason) => assert!(reason.contains(word), "{reason}"),
            pace => panic!("{word}: {pace:?}"),
        }
    }
}

#[test]
fn more_debt_is_never_faster_and_the_ramp_has_no_steps() {
    let mut random = Random::new(5);
    for _ in 0..20_000 {
        let base = Pressure {
            memtable_bytes: random.below(1400),
            frozen: random.below(8) as usize,
            l0_files_max: random.below(30) as usize,
            compaction_debt_bytes: random.below(9 << 30),
            log_unflushed_bytes: random.below(1400),
            ..calm()
        };
        let mut more = base;
        match random.below(5) {
            0 => more.memtable_bytes += random.below(100),
            1 => more.frozen += 1,
            2 => more.l0_files_max += 1,
            3 => more.compaction_debt_bytes += random.below(1 << 30),
            _ => more.log_unflushed_bytes += random.below(100),
        }
        assert!(slowness(&more) >= slowness(&base), "{base:?} {more:?}");
    }
    let ramp: Vec<f64> = (0..40_000)
        .map(|i| slowness(&Pressure { memtable_bytes: 85_001 + i, memtable_limit_bytes: 100_000, ..calm() }))
        .collect();
    assert!(ramp[..39_999].windows(2).all(|two| two[1] / two[0] < 1.001 && two[0] > 0.0));
    assert!(ramp[39_998].is_finite() && ramp[39_999].is_infinite());
    assert!((ramp[0] - 1.0 / 64.0).abs() < 1e-3);
}

#[test]
fn admission_follows_progress() {
    let mut admission = Admission::new(cfg(), 1000);
    assert_eq!(admission.limit(1500), u64::MAX);
    admission.set(Pace::Paced { ratio: 0.5 }, true);
    assert_eq!(admission.limit(2000), 1500, "what was there when pacing began is through");
    admission.progress(100);
    assert_eq!(admission.limit(2000), 1550);
    admission.progress(1);
    assert_eq!(admission.limit(2000), 1550, "halves add up");
    admission.progress(1);
    assert_eq!(admission.limit(2000), 1551);
    admission.progress(1_000_000);
    assert_eq!(admission.limit(2000), 2000);
    assert_eq!(admission.limit(5000), 2100, "a lull leaves one burst");
    // Refused: what is in the log trickles through.
    admission.set(Pace::Refuse("full"), true);
    admission.progress(160);
    assert_eq!(admission.limit(5000), 2110);
    // No work left: nothing to wait for.
    admission.set(Pace::Refuse("full"), false);
    assert_eq!(admission.limit(5000), u64::MAX);
    admission.set(Pace::Paced { ratio: 1.0 }, true);
    assert_eq!(admission.limit(6000), 5000);
    admission.set(Pace::Free, true);
    assert_eq!(admission.limit(6000), u64::MAX);
}

#[test]
fn admission_counts_bytes_across_segments() {
    let start = |segment: u64| segment << 32;
    let mut admission = Admission::new(cfg(), start(1) + 900);
    admission.set(Pace::Paced { ratio: 1.0 }, true);
    admission.rolled(start(1) + 1000, start(2));
    admission.rolled(start(2) + 50, start(3));
    let end = start(3) + 500;
    admission.progress(60);
    assert_eq!(admission.limit(end), start(1) + 960);
    admission.progress(40);
    assert_eq!(admission.limit(end), start(2), "the end of one is the beginning of the next");
    admission.progress(70);
    assert_eq!(admission.limit(end), start(3) + 20);
    admission.progress(480);
    assert_eq!(admission.limit(end), end);
    // A roll that admission had passed already, and one while it is free.
    admission.rolled(end, start(4));
    admission.progress(10);
    assert_eq!(admission.limit(start(4) + 30), start(4) + 10);
    admission.set(Pace::Free, true);
    admission.rolled(start(4) + 30, start(5));
    assert_eq!(admission.limit(start(5) + 7), u64::MAX);
    admission.set(Pace::Paced { ratio: 1.0 }, true);
    admission.progress(5);
    assert_eq!(admission.limit(start(5) + 20), start(5) + 12);
}

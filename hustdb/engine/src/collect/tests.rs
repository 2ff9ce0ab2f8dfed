//! Given segments, expected decision.

use super::*;

const CFG: CollectConfig = CollectConfig { live_share_min: 0.5, space_amp_busy: 1.8, space_amp_idle: 1.15 };

/// A sealed and flushed hot segment of 100 bytes.
fn segment(id: u32, live_bytes: u64) -> SegmentUse {
    SegmentUse { id, kind: SegmentKind::Hot, size_bytes: 100, live_bytes, sealed: true, flushed: true }
}

fn decision(forget: &[u32], collect: Option<u32>) -> Decision {
    Decision { forget: forget.to_vec(), collect }
}

#[test]
fn empty_segments_are_forgotten_once_sealed_and_flushed() {
    let open = SegmentUse { sealed: false, ..segment(4, 0) };
    let unflushed = SegmentUse { flushed: false, ..segment(3, 0) };
    for idle in [false, true] {
        assert_eq!(pick(&[], &CFG, idle), decision(&[], None));
        assert_eq!(
            pick(&[segment(2, 0), segment(1, 0), unflushed, open], &CFG, idle),
            decision(&[1, 2], None)
        );
    }
}

#[test]
fn the_emptiest_goes_first_when_the_cap_is_passed() {
    // 220 dead to 180 live: over either cap.
    let over = [segment(1, 60), segment(2, 30), segment(3, 30), segment(4, 60)];
    assert!((space_amp(&over) - (1.0 + 220.0 / 180.0)).abs() < 1e-9);
    assert_eq!(pick(&over, &CFG, false).collect, Some(2));
    let mut cold = over;
    cold[2].kind = SegmentKind::Cold;
    assert_eq!(pick(&cold, &CFG, false).collect, Some(3));
    // 1.6: for the idle only.
    let middling = [segment(1, 60), segment(2, 65)];
    assert_eq!(pick(&middling, &CFG, false).collect, None);
    assert_eq!(pick(&middling, &CFG, true).collect, Some(1));
}

#[test]
fn an_idle_engine_takes_back_what_is_cheap_and_leaves_what_is_dear() {
    let mut segments = vec![segment(1, 45)];
    segments.extend((2..40).map(|id| segment(id, 100)));
    assert!(space_amp(&segments) < 1.15);
    assert_eq!(pick(&segments, &CFG, true).collect, Some(1));
    assert_eq!(pick(&segments, &CFG, false).collect, None);
    let full = [segment(1, 91), segment(2, 95)];
    let strict = CollectConfig { space_amp_idle: 1.0, ..CFG };
    assert_eq!(pick(&full, &strict, true).collect, None);
}

#[test]
fn dead_bytes_out_of_reach_do_not_drive_collection() {
    let mut segments = vec![segment(1, 80)];
    segments.extend((2..9).map(|id| SegmentUse { flushed: false, ..segment(id, 1) }));
    segments.push(SegmentUse { sealed: false, ..segment(9, 0) });
    assert_eq!(pick(&segments, &CFG, false), decision(&[], None));
}

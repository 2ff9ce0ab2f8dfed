//! Given levels, expected plan.

use super::*;
use crate::Key;

const CFG: LevelConfig = LevelConfig {
    l0_trigger: 4,
    base_bytes: 100,
    fanout: 10,
    max_levels: 4,
    table_bytes: 20,
    age_share_min: 0.5,
    age_wait_ms: 1000,
};

fn key(word: u64) -> Key {
    Key([word, 0, 0])
}

/// A file of 10 rows over `min..=max`.
fn file(id: u64, min: u64, max: u64, size_bytes: u64) -> FileInfo {
    FileInfo {
        id,
        size_bytes,
        rows: 10,
        tombstones: 0,
        min: key(min),
        max: key(max),
        droppable_rows: 0,
        droppable_from_ms: u64::MAX,
    }
}

fn aging(file: FileInfo, droppable_rows: u64, droppable_from_ms: u64) -> FileInfo {
    FileInfo { droppable_rows, droppable_from_ms, ..file }
}

fn levels<const N: usize>(levels: [Vec<FileInfo>; N]) -> Vec<Level> {
    levels.into_iter().map(|files| Level { files }).collect()
}

fn l0(count: u64) -> Vec<FileInfo> {
    (0..count).rev().map(|i| file(i + 1, 10 + i, 50 + i, 10)).collect()
}

fn pick_idle(levels: &[Level], now_ms: u64) -> Option<Plan> {
    pick(levels, &[].into(), now_ms, &CFG)
}

fn plan(level_in: usize, inputs: &[u64], level_out: usize, overlapped: &[u64], reason: Reason) -> Plan {
    Plan {
        level_in,
        inputs: inputs.to_vec(),
        level_out,
        overlapped: overlapped.to_vec(),
        bottom: true,
        reason,
        trivial_move: false,
    }
}

#[test]
fn nothing_is_due_in_small_levels() {
    assert_eq!(pick_idle(&[], 0), None);
    assert_eq!(pick_idle(&levels([l0(3)]), 0), None);
    assert_eq!(pick_idle(&levels([l0(3), vec![file(9, 0, 99, 100)], vec![]]), 0), None);
    // The last level may hold whatever comes.
    assert_eq!(pick_idle(&levels([vec![], vec![], vec![], vec![file(9, 0, 99, 1 << 40)]]), 0), None);
}

#[test]
fn level_zero_goes_down_whole_with_all_it_covers() {
    assert_eq!(pick_idle(&levels([l0(4)]), 0), Some(plan(0, &[4, 3, 2, 1], 1, &[], Reason::LevelZero)));
    let l1 = vec![file(20, 0, 9, 10), file(21, 10, 20, 10), file(22, 53, 80, 10), file(23, 81, 90, 10)];
    let expected = plan(0, &[4, 3, 2, 1], 1, &[21, 22], Reason::LevelZero);
    assert_eq!(pick_idle(&levels([l0(4), l1.clone()]), 0), Some(expected.clone()));
    // Not the bottom for the outputs' range, 10..=80.
    let below = levels([l0(4), l1.clone(), vec![file(30, 70, 75, 10)]]);
    assert_eq!(pick_idle(&below, 0), Some(Plan { bottom: false, ..expected.clone() }));
    let beside = levels([l0(4), l1, vec![file(30, 81, 95, 10)]]);
    assert_eq!(pick_idle(&beside, 0), Some(expected));
}

#[test]
fn busy_files_are_left_alone() {
    let l1 = vec![file(21, 10, 20, 80), file(22, 60, 80, 80)];
    let both = levels([l0(4), l1.clone()]);
    // One of level 0 is busy: only level 1 is left, but not while level 0 waits for it.
    assert_eq!(pick(&both, &[2].into(), 0, &CFG).map(|p| p.level_in), Some(1));
    assert_eq!(pick(&both, &[2, 22].into(), 0, &CFG), None);
    let crowded = levels([l0(8), l1]);
    assert_eq!(pick(&crowded, &[21].into(), 0, &CFG), None);
    let deep = levels([vec![], vec![file(21, 10, 20, 300)], vec![file(31, 15, 40, 10)]]);
    assert_eq!(pick(&deep, &[31].into(), 0, &CFG), None);
}

#[test]
fn a_full_level_gives_the_file_that_drags_least() {
    let l1 = vec![file(5, 0, 9, 60), file(6, 10, 19, 60), file(7, 20, 29, 60)];
    let l2 = vec![file(8, 0, 4, 50), file(9, 5, 12, 50), file(10, 25, 26, 40)];
    let expected = Plan { bottom: true, ..plan(1, &[7], 2, &[10], Reason::Size) };
    assert_eq!(pick_idle(&levels([vec![], l1.clone(), l2.clone()]), 0), Some(expected));
    // The next best where that one is busy.
    let next = pick(&levels([vec![], l1.clone(), l2]), &[10].into(), 0, &CFG);
    assert_eq!(next, Some(plan(1, &[6], 2, &[9], Reason::Size)));
    // Nothing in the way: the oldest file moves as it is.
    let moved = Plan { trivial_move: true, ..plan(1, &[5], 2, &[], Reason::Size) };
    assert_eq!(pick_idle(&levels([vec![], l1, vec![]]), 0), Some(moved));
}

#[test]
fn the_most_urgent_goes_first() {
    let big = levels([l0(5), vec![file(20, 0, 99, 130)]]);
    assert_eq!(pick_idle(&big, 0).map(|p| p.reason), Some(Reason::Size));
    let crowded = levels([l0(6), vec![file(20, 0, 99, 130)]]);
    assert_eq!(pick_idle(&crowded, 0).map(|p| p.reason), Some(Reason::LevelZero));
    let overdue = levels([l0(6), vec![], vec![aging(file(20, 0, 99, 130), 1, 0)]]);
    assert_eq!(pick_idle(&overdue, 1300).map(|p| p.reason), Some(Reason::LevelZero));
    assert_eq!(pick_idle(&overdue, 1500).map(|p| p.reason), Some(Reason::Age));
}

#[test]
fn rows_that_may_go_are_rewritten_where_it_drops_them() {
    let due = aging(file(20, 0, 9, 10), 5, 700);
    let bottom = levels([vec![], vec![], vec![due.clone()], vec![file(30, 10, 20, 10)]]);
    assert_eq!(pick_idle(&bottom, 699), None);
    assert_eq!(pick_idle(&bottom, 700), Some(plan(2, &[20], 2, &[], Reason::Age)));
    let above = levels([vec![], vec![], vec![due.clone()], vec![file(30, 9, 20, 10)]]);
    assert_eq!(pick_idle(&above, 700), Some(plan(2, &[20], 3, &[30], Reason::Age)));
    // Two levels down lies something older: one level down, and not yet at the bottom.
    let high = levels([vec![], vec![due], vec![], vec![file(30, 9, 20, 10)]]);
    let expected = Plan { bottom: false, trivial_move: true, ..plan(1, &[20], 2, &[], Reason::Age) };
    assert_eq!(pick_idle(&high, 700), Some(expected));
    // Few rows wait for the cap.
    let few = levels([vec![], vec![aging(file(20, 0, 9, 10), 1, 700)]]);
    assert_eq!(pick_idle(&few, 1699), None);
    assert_eq!(pick_idle(&few, 1700), Some(plan(1, &[20], 1, &[], Reason::Age)));
    let newest = levels([vec![file(3, 0, 5, 1), aging(file(2, 0, 5, 1), 9, 1)]]);
    assert_eq!(pick_idle(&newest, 1), Some(plan(0, &[3, 2], 1, &[], Reason::Age)));
}

#[test]
fn level_zero_moves_only_whole_tables_side_by_side() {
    let apart = |size| levels([(0..4).map(|i| file(i + 1, i * 10, i * 10 + 9, size)).collect()]);
    assert_eq!(pick_idle(&apart(10), 0).map(|p| p.trivial_move), Some(true));
    assert_eq!(pick_idle(&apart(9), 0).map(|p| p.trivial_move), Some(false));
    assert_eq!(pick_idle(&levels([l0(4)]), 0).map(|p| p.trivial_move), Some(false));
}
